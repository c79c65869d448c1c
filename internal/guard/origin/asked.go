package origin

import (
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/effect"
)

// act is what one may be asked to do to the world, as far as it matters who
// asked.
type act uint8

const (
	tells    act = 1 << iota // a message goes out
	invites                  // somebody is let in on something: an appointment, a file, a group
	removes                  // something is gone
	pays                     // money goes
	changes                  // something is made or altered
	runs                     // a program runs
	goes                     // an address is visited
	anything = act(1<<7 - 1)
)

// requests are the verbs by which people ask. Those behind a colon are nouns as
// often, and are verbs only where one begins to ask.
var requests = map[string]act{}
var nounsToo = map[string]bool{}

func init() {
	for a, list := range map[act]string{
		tells: `send forward reply respond answer tell notify inform write remind post publish announce submit let wish: ask message: email: mail: e-mail: text: dm: call: ping: tweet: contact: broadcast: report: message:
			sende schick schicke schreib schreibe antworte leite sag sage informiere benachrichtige erinnere frage poste veröffentliche melde teile maile senden schicken schreiben antworten weiterleiten informieren benachrichtigen`,
		invites: `invite share grant include add put schedule book: set give create open unlock organize organise arrange plan:
			lade teile gib öffne entsperre einladen freigeben füge hinzufügen erstelle plane vereinbare trage lege`,
		removes: `delete remove cancel terminate clear erase trash drop purge wipe uninstall unsubscribe discard kick revoke archive: empty: clean: rm
			lösche entferne storniere leere kündige beende löschen entfernen stornieren kündigen abbestellen`,
		pays: `pay buy purchase transfer send refund reserve wire donate reimburse repay subscribe renew settle order: book: charge: tip:
			bezahle zahle kaufe überweise reserviere buche bestelle erstatte zahlen bezahlen kaufen überweisen reservieren buchen bestellen`,
		changes: `create add make update change adjust edit append insert save rename move reschedule schedule modify set replace increase decrease postpone put register enable disable assign upload push commit merge write draft: note: mark: plan: copy: file: point: scale turn switch assign rotate block follow
			richte stelle stell schalte schalt erstelle ändere aktualisiere verschiebe speichere ergänze füge lege trage setze schreibe benenne erhöhe ändern aktualisieren verschieben speichern erstellen`,
		runs: `run execute install deploy start restart build: compile: test: launch
			starte installiere führe starten installieren ausführen`,
		goes: `open visit browse fetch download go check read look summarize summarise get load
			öffne besuche lade rufe lies hole schau`,
	} {
		for w := range strings.FieldsSeq(list) {
			w, noun := strings.CutSuffix(w, ":")
			requests[w] |= a
			if noun {
				nounsToo[w] = true
			}
		}
	}
}

// making are verbs that mean what is made: "make a reservation".
var making = set(`make do place put give take mache gib richte stelle`)

// made are the things that such a verb makes, by what that amounts to.
var made = map[string]act{}

func init() {
	for a, list := range map[act]string{
		pays:    `reservation booking order payment transfer purchase donation refund money geld dauerauftrag reservierung buchung bestellung zahlung überweisung`,
		tells:   `call answer reply announcement post notice anruf antwort`,
		removes: `deletion cancellation`,
		invites: `appointment meeting invitation access permission termin einladung zugriff`,
	} {
		for w := range strings.FieldsSeq(list) {
			made[w] |= a
		}
	}
}

// light is what a verb amounts to by what it makes, within a few words; what it
// is by itself if that says nothing.
func light(ws []word, i, end int) act {
	a := requests[ws[i].low]
	if !making[ws[i].low] {
		return a
	}
	for k := i + 1; k < min(i+9, end); k++ {
		if m := made[ws[k].low]; m != 0 {
			return m
		}
	}
	return a
}

// openers are the words that may stand before a verb by which one asks.
var openers = set(`please can could would will you then also and i we want need like to let's lets us kindly now next first second third finally
	so but or just go ahead help me try not forget sure make remember if yes no ok okay should must have bitte kannst könntest du und dann
	auch jetzt noch nicht vergiss zu must sollst ja ich möchte will dass hey hi hello dear moreover additionally further afterwards after that`)

// asking begin a question to which the answer is words.
var asking = set(`who what when where how which why did does is are was were has had wer was wann wo wie welche welcher welches warum hat hast ist sind war waren`)

// denials turn a request around, unless they are about forgetting.
var denials = set(`not don't dont never no without nicht nie kein keine keinen ohne avoid unless n't cannot can't won't mustn't shouldn't`)

// forgetting makes of a denial a request: do not forget to.
var forgetting = set(`forget hesitate vergiss vergessen`)

func set(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// clause is a piece of a message that asks for one thing.
type clause struct {
	begin, end int // words
	acts       act
	verbs      []int // where they stand
}

// clauses cuts words into pieces that ask for one thing each.
func clauses(ws []word) (all []clause) {
	begin := 0
	flush := func(end int) {
		if end > begin {
			all = append(all, newClause(ws, begin, end))
		}
		begin = end
	}
	for i, w := range ws {
		if i+1 == len(ws) {
			break
		}
		next := ws[i+1].low
		switch {
		case strings.ContainsAny(w.after, "!?;\n") || strings.HasPrefix(w.after, ".") || strings.Contains(w.after, ". ") || strings.HasSuffix(w.low, "."):
			flush(i + 1)
		case next == "then" || next == "dann" || next == "afterwards" || next == "danach":
			flush(i + 1)
		case (w.low == "and" || w.low == "und" || strings.Contains(w.after, ",")) && requests[next] != 0 && !nounsToo[next]:
			flush(i + 1)
		}
	}
	flush(len(ws))
	return all
}

// newClause reads what a clause asks for.
func newClause(ws []word, begin, end int) clause {
	c := clause{begin: begin, end: end}
	question := asking[ws[begin].low]
	opening := true // only openers stand before
	for i := begin; i < end; i++ {
		w := ws[i].low
		a := light(ws, i, end)
		verb := a != 0 && (opening || !question && !nounsToo[w] && !named(ws, begin, i))
		switch {
		case verb && !denied(ws, begin, i):
			c.acts |= a
			c.verbs = append(c.verbs, i)
			opening = false
		case opening && !openers[w] && !numbering(w) || question:
			opening = false
		}
	}
	if c.acts&tells != 0 && ws[end-1].low == "ab" {
		c.acts = removes // sag den Termin ab
	}
	return c
}

// named reports whether a verb is not what is asked for but says something about
// somebody: "the file that Bob did send".
func named(ws []word, begin, i int) bool {
	for k := i - 1; k >= max(begin, i-3); k-- {
		switch w := ws[k].low; {
		case w == "to" && k > begin && (asking[ws[k-1].low] || ws[k-1].low == "link" || ws[k-1].low == "asked" || ws[k-1].low == "asks" || ws[k-1].low == "wants" || ws[k-1].low == "wanted"):
			return true
		case w == "did" || w == "does" || w == "that" || w == "which" || w == "who" || w == "they" || w == "he" || w == "she" || w == "it":
			return true
		}
	}
	return false
}

// denied reports whether a verb is not to be done.
func denied(ws []word, begin, i int) bool {
	for k := i - 1; k >= max(begin, i-4); k-- {
		if forgetting[ws[k].low] {
			return false
		}
		if denials[ws[k].low] || strings.HasSuffix(ws[k].low, "n't") || strings.HasSuffix(ws[k].low, "n’t") {
			return true
		}
	}
	for k := i + 1; k < min(i+5, len(ws)) && !strings.ContainsAny(ws[k-1].after, ".,;!?\n"); k++ {
		if notAfter[ws[k].low] && (k+1 == len(ws) || ws[k+1].low != "only" && ws[k+1].low != "nur") {
			return true // schick es nicht an …
		}
	}
	return false
}

// notAfter are denials that follow a verb.
var notAfter = set(`not nicht nie niemals kein keine keinen niemandem nobody`)

func numbering(w string) bool { return len(w) <= 3 && strings.Trim(w, "0123456789.)") == "" }

// request is what the operator asks for now.
type request struct {
	acts     act
	messages []*message // that which asks, and those it goes on from: the last one first
}

// goingOn is how many words a message has that only says "yes, do it".
const goingOn = 6

// request is the operator's last message, and those before it that it only
// confirms.
func (c *Conversation) request() request {
	var r request
	for i := len(c.said) - 1; i >= 0 && len(r.messages) < 4; i-- {
		m := c.said[i]
		r.messages = append(r.messages, m)
		for _, cl := range m.clauses {
			r.acts |= cl.acts
		}
		if m.delegates() {
			r.acts |= anything
		}
		if len(m.words) > goingOn || r.acts != 0 {
			break
		}
	}
	return r
}

// acts are what a call amounts to.
func (call Call) acts() act {
	verb := act(0)
	for _, w := range call.words() {
		verb |= requests[w]
	}
	has := func(k effect.Kind) bool { return slices.Contains(call.Kinds, k) }
	var a act
	switch {
	case has(effect.Spend), verb&pays != 0 && has(effect.Send) && verb&(tells|invites) == 0,
		has(effect.Send) && slices.ContainsFunc(call.Arguments, func(a effect.Argument) bool { return a.Kind == effect.Amount }):
		a = pays
	case has(effect.Destroy):
		a = removes
	case call.Command != "" && verb != 0:
		a = verb // git push: he said push
	case has(effect.Widen):
		a = invites | verb&changes
	case has(effect.Send) && verb&(invites|changes) != 0 && verb&tells == 0:
		a = invites | changes // who is named in it is told
	case has(effect.Send) && verb&tells == 0 && verb&goes != 0:
		a = anything // an address that is his is visited
	case has(effect.Send) && has(effect.Write) && verb == 0:
		a = tells | changes | invites
	case has(effect.Send):
		a = tells
	case has(effect.Write):
		a = changes | invites | verb&tells
	default:
		a = anything
	}
	return a
}

// words are those of a tool's name, and of what a shell runs.
func (call Call) words() []string {
	ws := nameWords(call.Tool)
	if call.Command != "" {
		const enough = 300 // bytes of a command, to see what it is about
		ws = pieces(call.Command[:min(len(call.Command), enough)])
		ws = slices.DeleteFunc(ws, func(w string) bool { return common[w] && requests[w] == 0 })
	}
	return ws
}

// asked reports whether the operator asked for a call of this kind. One that names
// nothing that it is done to has to be asked for by what its tool is about, and if
// it removes, in words for all there is.
func (j *judgement) asked() bool {
	if j.opensNamed() {
		return true
	}
	if !slices.ContainsFunc(j.request.messages, func(m *message) bool {
		return slices.ContainsFunc(m.clauses, func(c clause) bool { return j.asks(m, c) })
	}) && !j.delegated() {
		return false
	}
	if slices.ContainsFunc(j.Arguments, func(a effect.Argument) bool { return a.Kind.Decides() && a.Kind != effect.Act }) {
		return true
	}
	for _, m := range j.request.messages {
		for _, c := range m.clauses {
			about := m.speaksOfTool(c, j.subject(), j.Command != "") || m.any(c, spoken[j.Class])
			if j.asks(m, c) && (about || j.allOwn()) && (!slices.Contains(j.Kinds, effect.Destroy) || m.any(c, all)) {
				return true
			}
		}
	}
	return j.delegated()
}

// opensNamed reports whether all that the call does is to open addresses that the
// message names: whoever writes one down wants to know what is there.
func (j *judgement) opensNamed() bool {
	urls := 0
	for _, a := range j.Arguments {
		switch {
		case a.Kind == effect.URL:
			if !slices.ContainsFunc(j.request.messages, func(m *message) bool { return m.namesURL(a.Value) }) {
				return false
			}
			urls++
		case a.Kind.Decides() && a.Kind != effect.Act, a.Kind == effect.Content:
			return false
		}
	}
	return urls > 0 && !slices.ContainsFunc(j.Kinds, func(k effect.Kind) bool { return k != effect.Read && k != effect.Send })
}

// asks reports whether a piece of the message asks for the call: by a verb that
// amounts to the same, by the tool's own verb, or by a verb of its kind with its noun
// ("publish release 2" for releases.create).
func (j *judgement) asks(m *message, c clause) bool {
	words := j.subject()
	if acts := j.Call.acts(); c.acts&acts != 0 || j.says(m, c) {
		// To change something is to open it only where that is named.
		return !slices.Contains(j.Kinds, effect.Widen) || c.acts&acts&^changes != 0 && !j.opensToAll(m) || j.says(m, c) || m.speaksOfTool(c, words, false)
	}
	own := act(0)
	for _, w := range j.Call.words() {
		own |= requests[w] &^ goes
	}
	if own&invites != 0 && own&changes != 0 { // what brings something new
		own |= tells
	}
	return own&removes == 0 && j.Command == "" && (c.acts&own != 0 || own&(invites|changes) != 0 && m.any(c, needing)) && m.speaksOfTool(c, words, false)
}

// allOwn reports whether all that a call carries is made of the operator's words.
func (j *judgement) allOwn() bool {
	carries := false
	for _, a := range j.Arguments {
		if a.Kind == effect.Content {
			if carries = true; !j.quotes(a.Value) {
				return false
			}
		}
	}
	return carries
}

// needing ask for something without saying what to do.
var needing = set(`need want like brauche möchte`)

// opensToAll reports whether the call shows something to everybody, and the message
// says nothing of it.
func (j *judgement) opensToAll(m *message) bool {
	return slices.ContainsFunc(j.Call.words(), func(w string) bool { return toAll[w] }) &&
		!slices.ContainsFunc(m.plain, func(w plainWord) bool { return toAll[w.text] })
}

var toAll = set(`public publicly anyone everyone everybody world öffentlich`)

// subject are the words that say what the call is about: those of its tool's name and
// of its arguments' names.
func (j *judgement) subject() []string {
	words := slices.Clone(j.Call.words())
	for _, a := range j.Arguments {
		if j.Command == "" && a.Kind == effect.Content {
			words = append(words, nameWords(a.Path)...)
		}
	}
	return words
}

// says reports whether a piece of the message has the verb of the tool's name, where
// one asks: "unlock the door".
func (j *judgement) says(m *message, c clause) bool {
	if j.Command != "" || asking[m.words[c.begin].low] {
		return false
	}
	words := j.Call.words()
	for i := c.begin; i < c.end; i++ {
		w := m.words[i].low
		if !effect.IsVerb(w) || !slices.Contains(words, w) || denied(m.words, c.begin, i) {
			continue
		}
		if before := i - 1; before >= c.begin && !openers[m.words[before].low] && m.words[before].low != "und" && !strings.Contains(m.words[before].after, ",") {
			continue
		}
		for one, other := range switches {
			if slices.Contains(words, one) && m.any(c, set(other)) && !m.any(c, set(one)) {
				return false
			}
		}
		return true
	}
	return false
}

// switches are words that turn a verb around: turn on, turn off.
var switches = map[string]string{"on": "off", "off": "on", "up": "down", "down": "up"}

// asksAt reports whether the call is asked for of what stands at a word: in its piece
// of the message, or in one soon after that takes it up ("delete it", "close the
// ticket").
func (j *judgement) asksAt(m *message, i int) bool {
	k := slices.IndexFunc(m.clauses, func(c clause) bool { return i >= c.begin && i < c.end })
	if k < 0 {
		return false
	}
	if j.asks(m, m.clauses[k]) {
		return true
	}
	if c := m.clauses[k]; m.any(c, denials) && !inability[m.words[c.begin].low] {
		return false
	}
	for _, c := range m.clauses[k+1 : min(k+3, len(m.clauses))] {
		if m.any(c, possessive) && !m.speaksOfTool(c, j.Call.words(), false) {
			continue // its branch is to go, not it
		}
		if !m.any(c, pronouns) && !m.any(c, possessive) && !(m.speaksOfTool(c, j.Call.words(), false) && m.namesNothing(c)) {
			continue
		}
		grave := j.Call.acts()&(removes|pays) != 0 || slices.Contains(j.Kinds, effect.Widen)
		if j.asks(m, c) && (!grave || m.namesNothing(c)) {
			return true
		}
	}
	return false
}

// inability is who cannot do something himself, which forbids nothing.
var inability = set(`i we ich wir`)

// namesNothing reports whether a piece of the message has neither a name in quotes
// nor a number or address.
func (m *message) namesNothing(c clause) bool {
	for i := c.begin; i < c.end; i++ {
		if strings.ContainsAny(m.words[i].text, "0123456789@/_.-") || strings.ContainsAny(m.words[i].after, "'\"“„`#") {
			return false
		}
	}
	return true
}

var all = set(`all every everything whole entire complete completely alle alles ganze ganzen sämtliche`)

// any reports whether one of some words stands in a piece of the message.
func (m *message) any(c clause, words map[string]bool) bool {
	for i := c.begin; i < c.end; i++ {
		if words[m.words[i].low] {
			return true
		}
	}
	return false
}

// speaksOfTool reports whether a piece of the message has a noun of a tool's name,
// or a word of a command.
func (m *message) speaksOfTool(c clause, words []string, command bool) bool {
	for _, n := range words {
		if requests[n] != 0 && !nounsToo[n] && !thingsToo[n] && !command || len(n) < 3 || vague[n] {
			continue
		}
		for i := c.begin; i < c.end; i++ {
			if w := m.words[i].low; w == n || w == n+"s" || w+"s" == n {
				return true
			}
		}
	}
	return false
}

// thingsToo are verbs that are named like what they make.
var thingsToo = set(`post comment reply answer invite`)

// vague are words of tools' names that say nothing of what they are about.
var vague = set(`title description text content body message subject comment user users information info details data list all item items name current new value status`)

// delegated reports whether the operator hands over to what stands elsewhere.
func (j *judgement) delegated() bool {
	return slices.ContainsFunc(j.request.messages, (*message).delegates)
}

// delegates reports whether the message hands over to what stands elsewhere: "do
// what the mail says".
func (m *message) delegates() bool {
	for _, c := range m.clauses {
		for i := c.begin; i < c.end; i++ {
			if !doing[m.words[i].low] || denied(m.words, c.begin, i) {
				continue
			}
			task := false
			for k := i + 1; k < min(i+12, c.end); k++ {
				w := m.words[k].low
				task = task || tasks[w] && k < i+6
				if task && texts[w] {
					return true
				}
			}
		}
	}
	return false
}

var (
	doing = set(`do perform follow execute complete carry handle finish process erledige befolge mache führe`)
	texts = set(`email e-mail mail message file document note notes ticket letter page list issue inbox datei nachricht dokument notiz liste brief`)
	tasks = set(`actions action tasks task instructions instruction todos todo steps requests asks says aufgaben anweisungen schritte anleitung`)
)
