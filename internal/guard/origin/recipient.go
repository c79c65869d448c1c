package origin

import (
	"slices"
	"strings"
	"unicode"
)

// role is what an address is in the operator's words.
type role uint8

const (
	mentioned role = iota // nothing says
	receives              // "to bob@…", "invite Bob"
	source                // "from bob@…", "the one that Bob posted"
)

// slots are who the operator wants something to go to.
type slots struct {
	given  int    // how many he gives himself
	people bool   // "the client", "each person", "the same participants", "them"
	names  []name // people by their names, who are to be found in his records
}

// name is one person's name, as words, folded.
type name []string

var (
	toward = set(`to with invite invites add lege füge include notify tell email e-mail mail message cc bcc contact remind wish give grant gib assign ping inform ask pay refund reimburse via
		an mit zu lade informiere benachrichtige erinnere frage für attendees participants recipient recipients guests invitees teilnehmer teilnehmern empfänger`)
	away = set(`from by of about than against like except but excluding unlike außer statt ohne von über gegen wie laut vom`)
	// inside say where a message is posted; what is read there stands in a piece of
	// the message that asks for reading.
	inside = set(`in im into ins`)
	// between are words that may stand between a role and its address.
	between = set(`the my our your his her their a an user users friend friends colleague colleagues mr mrs ms dr channel email e-mail mail address
		addresses account iban number also again both and or und oder auch dem der den die das meinem meiner meinen ein eine einen benutzer nutzer gruppe freund kollegen kollegin konto adresse
		him myself following these those all people person persons team at us`)
	// whose end in the address that somebody has: "her email address is …".
	whose   = set(`is lautet ist`)
	holders = set(`address email e-mail mail iban account number adresse konto kontonummer nummer handle username`)
	// folk are words for people whose names the operator leaves to his records.
	folk = set(`client clients customer customers person persons people participant participants attendee attendees everyone everybody all sender
		senders author authors owner owners him her them manager boss guest guests member members contact contacts colleague colleagues invitee invitees
		organizer organiser host team group recipients each kunde kunden kundin person personen teilnehmer teilnehmern alle allen absender autor besitzer ihm
		ihr ihnen chef gäste gästen mitglieder kollegen jeden jedem jede`)
)

// roleAt says what the words at [i, …) are in their message.
func (m *message) roleAt(i int) role {
	listed := false // the address is one of several
	for k := i - 1; k >= 0; k-- {
		w := m.words[k]
		if strings.ContainsAny(w.after, ".!?;\n") && !strings.Contains(w.after, ":") && strings.TrimSpace(strings.Trim(w.after, "'\"“”`() \n")) != "" && !listed {
			if strings.ContainsAny(w.after, "!?;") || strings.Contains(w.after, ". ") || strings.Contains(w.after, ".\n") {
				return mentioned
			}
		}
		switch {
		case whose[w.low] && k > 0 && holders[m.words[k-1].low]:
			return receives
		case toward[w.low], requests[w.low]&tells != 0 && i == k+1:
			if k > 0 && participle(m.words[k-1].low) {
				return source
			}
			return receives
		case away[w.low]:
			return source
		case inside[w.low]:
			return receives
		case between[w.low]:
		case strings.ContainsAny(w.text, "@") || proper(w.text):
			// one of a list before it, or a title
			if !strings.Contains(w.after, ",") && !nextJoins(m.words, k) && strings.TrimSpace(w.after) != "" {
				return mentioned
			}
			listed = true
		default:
			return mentioned
		}
		if i-k > 24 {
			return mentioned
		}
	}
	return mentioned
}

func nextJoins(ws []word, k int) bool {
	if k+1 >= len(ws) {
		return false
	}
	switch ws[k+1].low {
	case "and", "und", "or", "oder", "also", "auch":
		return true
	}
	return false
}

// participle reports whether a word says what was done, not what is to do:
// "shared with".
func participle(w string) bool {
	return len(w) > 4 && strings.HasSuffix(w, "ed") || w == "sent" || w == "written" || w == "given" || w == "geteilt" || w == "geschickt"
}

func proper(s string) bool {
	for _, r := range s {
		return unicode.IsUpper(r)
	}
	return false
}

// recipient judges whom something goes to.
func (j *judgement) recipient(value string) string {
	bare := strings.TrimLeft(value, "#@")
	address := strings.ContainsAny(value, "@") || specificAccount(value)
	if roles := j.rolesOf(value, bare); roles.receives {
		return ""
	} else if roles.mentioned && address && !roles.source && j.alone(value) {
		return "" // the one address that he names, whatever stands before it
	}
	if j.person(value) || !address && strings.ContainsAny(value, "0123456789") && j.picked(value) ||
		j.billed(func(r *record) bool { return r.has(value) }) {
		return ""
	}
	return "the recipient " + shown(value) + " is not in your words as one"
}

// specificAccount reports whether a value is an account, a phone number or
// another address that no sentence holds by chance.
func specificAccount(value string) bool {
	digits := 0
	for _, r := range value {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits >= 6 && specific(value)
}

// answering are verbs by which he who wrote is written to.
var answering = set(`reply answer respond antworte antworten beantworte`)

type roles struct{ receives, source, mentioned bool }

// rolesOf collects what a recipient is in the messages that ask now. Those before
// them count where these name nobody but "him" or "them".
func (j *judgement) rolesOf(values ...string) (r roles) {
	said := j.request.messages
	if s := j.slot(); s.given == 0 && s.people {
		said = j.said
	}
	for _, m := range said {
		for _, value := range values {
			if !specific(value) {
				continue
			}
			for _, at := range m.stands(value) {
				i := m.wordAt(at)
				c := m.clauseAt(i)
				switch is := m.roleAt(i); {
				case is == receives, is == source && j.Call.acts()&tells != 0 && m.any(c, answering):
					if c.acts == 0 && !m.any(c, denials) || j.asksAt(m, i) {
						r.receives = true
					}
				case is == source:
					r.source = true
				default:
					r.mentioned = true
				}
			}
		}
	}
	return r
}

// alone reports whether the operator names no other address in what he asks now.
func (j *judgement) alone(value string) bool {
	for _, m := range j.request.messages {
		for _, w := range m.words {
			if (strings.Contains(w.text, "@") || specificAccount(w.text)) && w.text != strings.TrimLeft(value, "+#@") {
				return false
			}
		}
	}
	return true
}

// slot reads for whom the operator leaves room in what he asks now.
func (j *judgement) slot() *slots {
	if j.slots != nil {
		return j.slots
	}
	s := &slots{}
	j.slots = s
	for _, m := range j.request.messages {
		for _, c := range m.clauses {
			if asking[m.words[c.begin].low] {
				continue
			}
			s.read(m, c)
		}
	}
	return s
}

// read takes the recipients of one clause: what follows a word that says to whom,
// and "the same participants".
func (s *slots) read(m *message, c clause) {
	for i := c.begin; i < c.end; i++ {
		w := m.words[i].low
		switch {
		case same[w] && i+1 < c.end && folk[m.words[i+1].low]:
			s.people = true
		case toward[w] && (i == 0 || !participle(m.words[i-1].low)), slices.Contains(c.verbs, i):
			s.list(m.words[i+1 : min(i+12, c.end)])
		}
	}
}

var same = set(`same selben gleichen`)

// list takes recipients that follow on each other, until another word ends them.
func (s *slots) list(ws []word) {
	for i := 0; i < len(ws); i++ {
		w := ws[i]
		switch {
		case strings.Contains(w.text, "@") || specificAccount(w.text):
			s.given++
		case folk[w.low]:
			s.people = true
		case between[w.low] || same[w.low]:
			continue
		case isName(w):
			n := name{w.low}
			for ; i+1 < len(ws) && isName(ws[i+1]) && strings.TrimSpace(ws[i].after) == ""; i++ {
				n = append(n, ws[i+1].low)
			}
			s.names = append(s.names, n)
		default:
			return
		}
		if !strings.Contains(ws[i].after, ",") && !nextJoins(ws, i) && !folk[ws[i].low] {
			return
		}
	}
}

// isName reports whether a word stands like a name.
func isName(w word) bool {
	return proper(w.text) && (requests[w.low] == 0 || nounsToo[w.low]) && !months[w.low]
}
