package origin

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/lazyregexp"
)

// maxSearched is how much of the latest texts is searched for a value, in bytes.
// What stands in none of them may come from everywhere.
const maxSearched = 4 << 20

// whence says where a value that is not the operator's can come from: where it
// stands, in any writing or in pieces; nowhere found, from all that is untrusted.
func (j *judgement) whence(value string) []Label {
	forms := writings(value)
	var labels []Label
	left := maxSearched
	for i := len(j.parts) - 1; i >= 0 && left > 0; i-- {
		p := j.parts[i]
		if p.Model || p.Label == System || slices.Contains(labels, p.Label) {
			continue
		}
		left -= len(p.Text)
		if p.Label == Operator {
			if p := j.cache.message(p); len(p.quoted) > 0 && holds(strings.Join(p.quoted, "\n"), forms) {
				labels = append(labels, Quoted)
			}
			continue
		}
		if holds(p.Text, forms) && !j.answers(p) {
			labels = append(labels, p.Label)
		}
	}
	labels = slices.DeleteFunc(labels, Label.trusted)
	if len(labels) == 0 {
		return slices.Clone(j.untrusted)
	}
	slices.SortFunc(labels, byTrust)
	return slices.Compact(labels)
}

// answers reports whether a part came back for this very call, made before: its
// values stood in the call first, and come again in a refusal or an error.
func (j *judgement) answers(p Part) bool {
	return p.Tool == j.Tool && p.Tool != "" && slices.Equal(effect.Decisive(p.Tool, []byte(p.Args), p.Schema), j.Arguments)
}

// writings are the forms in which a text may hold a value, folded; and the pieces
// of which it may be put together.
func writings(value string) []string {
	v := squeeze(value)
	forms := []string{v, strings.ToLower(url.QueryEscape(value)), hex.EncodeToString([]byte(value)), hex.EncodeToString([]byte(v))}
	both := []string{value, v}
	for _, s := range slices.Compact(both) {
		// Within a longer text, base64 begins at any of three places.
		for skip := range 3 {
			if len(s) > skip+8 {
				encoded := base64.RawStdEncoding.EncodeToString([]byte(s[skip:]))
				forms = append(forms, strings.ToLower(encoded[:len(encoded)-2]))
			}
		}
	}
	for _, p := range parted.Split(v, -1) {
		if len(p) >= 5 {
			forms = append(forms, p)
		}
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

var parted = lazyregexp.New(`[@/?&=#\s,:;]+`)

// squeeze writes a text without case, marks, width and what is not seen.
func squeeze(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		ascii = ascii && s[i] < 0x80
	}
	if ascii {
		return strings.ToLower(s)
	}
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(s)))
}

func holds(text string, forms []string) bool {
	text = squeeze(text)
	for _, f := range forms {
		if f != "" && strings.Contains(text, f) {
			return true
		}
	}
	return false
}

// ---- what goes along --------------------------------------------------------------

// actionable is what makes a reader of a message do something: an address, an
// account, a number to call.
var actionable = lazyregexp.New(`(?i)\bhttps?://[^\s"'<>]+|\bwww\.[^\s"'<>]+|\b[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.(?:com|net|org|io|info|biz|ru|cn|xyz|top|site|online|app|dev|me|co|link|click|shop|club|de|uk|eu|ly|gg|to)\b(?:/[^\s"'<>]*)?` +
	`|[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}|\b[A-Z]{2}\d{2}[ ]?(?:[A-Z0-9]{4}[ ]?){2,7}[A-Z0-9]{1,4}\b|\b[A-Z]{2}\d{10,30}\b|\+?\d[\d ()/-]{8,}\d`)

// carried says where a text comes from that goes along. The model may choose its
// words. An address in them that is not the operator's is what a reader would
// follow; and a text that stands word for word in what somebody wrote was chosen by
// him, unless the operator named that.
func (j *judgement) carried(a effect.Argument) verdict {
	if len(j.untrusted) == 0 || !slices.ContainsFunc(j.Kinds, outward) {
		return verdict{}
	}
	for _, v := range actionable.FindAllString(a.Value, 16) {
		v = strings.TrimRight(v, ".,;:!?)")
		if !dates.MatchString(v) && !j.mine(v) {
			return verdict{j.whence(v), "the message carries " + shown(v) + ", which is not in your words"}
		}
	}
	if l, found := j.copied(a.Value); found {
		return verdict{[]Label{l}, shown(a.Value) + " is not in your words"}
	}
	return verdict{}
}

func outward(k effect.Kind) bool {
	return k != effect.Read && k != effect.Execute
}

// leastCopied is how many words a text has that two people do not write by chance.
const leastCopied = 3

// copied reports whether a text stands whole in the running text of something
// untrusted that the operator did not name, and whose.
func (j *judgement) copied(v string) (Label, bool) {
	ps := pieces(v)
	short := len(ps) < leastCopied
	if short && (len(ps) < 2 || !strings.ContainsAny(v, "0123456789") || !slices.Contains(j.Kinds, effect.Write)) || slices.ContainsFunc(j.said, func(m *message) bool { return len(m.phrase(ps)) > 0 }) {
		return "", false
	}
	want := strings.Join(ps, " ")
	for i, r := range j.results {
		named := !short && !r.Marked && r.Class != effect.FromWeb && slices.ContainsFunc(j.pointed(0), func(h hit) bool { return h.of == i })
		if named || !strings.Contains(squeeze(r.Text), ps[0]) {
			continue
		}
		if strings.Contains(strings.Join(pieces(r.Text), " "), want) && !j.structural(i, v) {
			return r.Label, true
		}
	}
	return "", false
}

// structural reports whether a value is one of a result's own fields.
func (j *judgement) structural(of int, v string) bool {
	return slices.ContainsFunc(j.records(), func(r record) bool { return r.of == of && r.has(v) })
}

// mine reports whether a value stands whole in the operator's words, or in a field
// of a record that they name.
func (j *judgement) mine(v string) bool {
	for _, m := range j.said {
		if len(m.stands(v)) > 0 || m.namesURL(v) {
			return true
		}
	}
	return j.ofPointed(v)
}

// linked reports whether an address stands whole, as a link and not as an order,
// in a result that the operator asked for.
func (j *judgement) linked(value string) bool {
	for i := range j.results {
		if r := &j.results[i]; mayLink(r.Part) && follows(r.plain(), value) {
			return true
		}
	}
	return false
}

// follows reports whether an address is a link in one of the texts of a result, and
// none of them tells to go there.
func follows(texts []string, value string) bool {
	found := false
	for _, text := range texts {
		link, ordered := isLink(text, value)
		if ordered {
			return false
		}
		found = found || link
	}
	return found
}

// mayLink reports whether links of a result may be followed: pages and searches.
func mayLink(p Part) bool { return p.Class == effect.FromWeb && !p.Marked }

// orders are the words by which a text sends a reader somewhere.
var orders = lazyregexp.New(`(?i)\b(visit|open|go to|click|navigate|fetch|browse|load|curl|wget|call|request|send|post|access|follow|besuche|öffne|rufe|klicke|gehe)\b`)

// isLink reports whether an address stands in a text whole, and whether something
// near it tells to go there.
func isLink(text, value string) (link, ordered bool) {
	for from := 0; ; {
		i := strings.Index(text[from:], value)
		if i < 0 {
			return link, false
		}
		i += from
		from = i + 1
		rest := text[i+len(value):]
		if sentence := strings.TrimLeft(rest, ".!?"); len(rest)-len(sentence) == 1 {
			rest = sentence // what ends a sentence is none of an address
		}
		if rest != "" && !strings.ContainsRune(" \t\n\r\"'<>)]},;", rune(rest[0])) {
			continue
		}
		if orders.MatchString(text[max(0, i-80):i]) || orders.MatchString(text[min(len(text), i+len(value)):min(len(text), i+len(value)+60)]) {
			return link, true
		}
		link = true
	}
}

// ---- what is private -----------------------------------------------------------------

// private are the private sources of what the call carries to others, and named
// tells that the operator named all that was read there. A hijacked model can write
// a secret in any form, so not the content tells but what it has read.
func (j *judgement) private() (from []effect.Class, named bool) {
	named = true
	if !j.toOthers() || !j.sends() {
		return nil, true
	}
	for _, r := range j.results {
		if !r.Private {
			continue
		}
		if !slices.Contains(from, r.Class) {
			from = append(from, r.Class)
		}
		named = named && j.named(r.Part)
	}
	slices.Sort(from)
	return from, named
}

// toOthers reports whether somebody else will see what the call sends: whom it
// names, or whoever reads where it is posted.
func (j *judgement) toOthers() bool {
	for _, a := range j.Arguments {
		switch a.Kind {
		case effect.Recipient, effect.URL, effect.Host, effect.Access:
			return true
		}
	}
	return j.Call.acts()&tells != 0
}

// sends reports whether the call carries words that are not the operator's.
func (j *judgement) sends() bool {
	if !slices.Contains(j.Kinds, effect.Send) && !slices.Contains(j.Kinds, effect.Widen) {
		return false
	}
	for _, a := range j.Arguments {
		if a.Kind == effect.Content && !j.quotes(a.Value) {
			return true
		}
	}
	return false
}

// quotes reports whether a content is the operator's own words.
func (j *judgement) quotes(v string) bool {
	for _, m := range j.said {
		if len(m.stands(strings.TrimSpace(v))) > 0 {
			return true
		}
	}
	return j.ownWords(v)
}

// ownWords reports whether a text is made of words that the operator said: it can
// tell nobody anything else.
func (j *judgement) ownWords(v string) bool {
	ps := pieces(v)
	for _, p := range ps {
		if len(p) < 3 && strings.Trim(p, "0123456789") != "" || filling[p] {
			continue
		}
		if !slices.ContainsFunc(j.request.messages, func(m *message) bool {
			return slices.ContainsFunc(m.plain, func(w plainWord) bool { return w.text == p || w.text == p+"s" || w.text+"s" == p })
		}) {
			return false
		}
	}
	return len(ps) > 1
}

// filling are words that say nothing by themselves.
var filling = set(`the and for you your this that with has have are was will hello dear hallo liebe lieber der die das und den dem ist für mit`)

// named reports whether the operator named what a read brought: all by which it
// was selected stands in his words, or in the text that he handed over to, or is
// of a record that he named; or it brought all of a kind that he speaks of.
func (j *judgement) named(p Part) bool {
	selected := false
	for _, a := range effect.Decisive(p.Tool, []byte(p.Args), p.Schema) {
		switch a.Kind {
		case effect.Content, effect.Access, effect.Act:
			continue
		case effect.Other:
			selected = selected || len(pieces(a.Value)) > 1 && j.speaksLoosely(a.Value)
			continue
		case effect.Time:
			if selected = selected || j.date(a.Value); selected {
				continue
			}
		}
		if selected = true; !j.speaksLoosely(a.Value) && !j.ofPointed(a.Value) {
			return false
		}
	}
	return selected || j.speaksOf(p)
}

// ofPointed reports whether a value is one of a record that the operator named.
func (j *judgement) ofPointed(v string) bool {
	for _, r := range j.pointed(0) {
		if r.has(v) {
			return true
		}
	}
	return false
}

// speaksLoosely is speaks for what is looked for: words in any order, dates in any
// form.
func (j *judgement) speaksLoosely(v string) bool {
	for _, m := range j.request.messages {
		if m.about(v) || m.delegates() && j.handedOver(v) {
			return true
		}
	}
	return false
}

// about reports whether all words of a search stand in the message.
func (m *message) about(v string) bool {
	have := map[string]bool{}
	for _, w := range m.plain {
		have[w.text] = true
	}
	for _, p := range pieces(v) {
		if !have[p] && !have[strings.TrimSuffix(p, "s")] && !have[p+"s"] && !(len(p) < 3 || dates.MatchString(v)) {
			return false
		}
	}
	return true
}

// handedOver reports whether a value stands in the text that the operator handed
// over to.
func (j *judgement) handedOver(v string) bool {
	for _, r := range j.pointed(0) {
		for _, f := range r.fields {
			if bodies[f.key] && !j.results[r.of].Marked && strings.Contains(f.value, v) {
				return true
			}
		}
	}
	return false
}

// date reports whether the operator speaks of a day, however he writes it.
func (j *judgement) date(v string) bool {
	var y, month, day int
	if n, _ := fmt.Sscanf(v, "%d-%d-%d", &y, &month, &day); n != 3 || month < 1 || month > 12 {
		return false
	}
	for _, m := range j.request.messages {
		if strings.Contains(m.text, v[:min(len(v), 10)]) {
			return true
		}
		for i, w := range m.words {
			if !strings.HasPrefix(w.low, monthNames[month-1][0]) && !strings.HasPrefix(w.low, monthNames[month-1][1]) {
				continue
			}
			for k := max(0, i-2); k < min(len(m.words), i+3); k++ {
				if d, err := strconv.Atoi(strings.TrimRight(m.words[k].low, "stndrh.")); err == nil && d == day {
					return true
				}
			}
		}
	}
	return false
}

// monthNames begin the names of the months, English and German.
var monthNames = [12][2]string{{"jan", "jän"}, {"feb", "feb"}, {"mar", "mär"}, {"apr", "apr"}, {"may", "mai"}, {"jun", "jun"},
	{"jul", "jul"}, {"aug", "aug"}, {"sep", "sep"}, {"oct", "okt"}, {"nov", "nov"}, {"dec", "dez"}}

// kinds of things, as people speak of what a class of tools holds.
var spoken = map[effect.Class]map[string]bool{
	effect.FromMail:     set(`mail mails email emails inbox message messages letter newsletter nachricht nachrichten postfach`),
	effect.FromCalendar: set(`calendar appointment appointments event events meeting meetings schedule agenda termin termine kalender`),
	effect.FromFiles:    set(`file files document documents drive folder folders spreadsheet notes datei dateien dokument dokumente ordner`),
	effect.FromContacts: set(`contact contacts address addresses phone kontakt kontakte adresse adressbuch`),
	effect.FromChat:     set(`message messages channel channels chat chats thread conversation nachrichten kanal chat`),
	effect.FromMemory:   set(`remember memory notes erinnere gedächtnis`),
}

// many are the words by which people speak of all that a class of tools holds.
var many = map[effect.Class]map[string]bool{
	effect.FromMail:     set(`mails emails e-mails inbox messages newsletters nachrichten postfach unread`),
	effect.FromCalendar: set(`calendar appointments events meetings schedule agenda termine kalender`),
	effect.FromFiles:    set(`files documents drive folder folders notes dateien dokumente ordner`),
	effect.FromContacts: set(`contacts addresses kontakte adressen adressbuch`),
	effect.FromChat:     set(`messages channels channel chats chat conversation nachrichten kanal`),
	effect.FromMemory:   set(`memory notes gedächtnis`),
}

// speaksOf reports whether the operator speaks of all that a tool lists.
func (j *judgement) speaksOf(p Part) bool {
	for _, m := range j.request.messages {
		for _, c := range m.clauses {
			if m.any(c, many[p.Class]) || p.Class == effect.FromOther && m.speaksOfTool(c, nameWords(p.Tool), false) {
				return true
			}
		}
	}
	return false
}
