package origin

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/lazyregexp"
)

// judgement looks for the values of one call.
type judgement struct {
	*Conversation
	Call
	request request

	fetched  bool // an address is a link, as it stands in what was read
	hits     map[act][]hit
	slots    *slots
	known    []record
	gathered bool
}

// value says where a decisive value comes from.
func (j *judgement) value(a effect.Argument) verdict {
	if strings.TrimSpace(a.Value) == "" {
		return verdict{}
	}
	if len(j.untrusted) == 0 && !j.stoodBefore(a) {
		return own(Operator)
	}
	if why := j.against(a); why != "" {
		return verdict{j.whence(a.Value), why}
	}
	return own(Operator)
}

// stoodBefore reports whether an address stands in what was there before and has no
// known writer. That a word does says nothing.
func (j *judgement) stoodBefore(a effect.Argument) bool {
	switch a.Kind {
	case effect.Recipient, effect.URL, effect.Host:
	default:
		return false
	}
	if !specific(a.Value) {
		return false
	}
	forms := writings(a.Value)
	return slices.ContainsFunc(j.before, func(p Part) bool { return holds(p.Text, forms) })
}

// against is what speaks against a value being the operator's, or "".
func (j *judgement) against(a effect.Argument) string {
	switch a.Kind {
	case effect.Recipient:
		if j.Call.acts() == removes {
			return j.object(a) // who is removed
		}
		return j.recipient(a.Value)
	case effect.URL:
		return j.url(a.Value)
	case effect.Host:
		return j.said1(a.Value, "host", (*message).namesHost)
	case effect.Path:
		return j.path(a.Value)
	case effect.Amount:
		if a.Value == "1" && j.Call.acts()&pays == 0 {
			return "" // one of it
		}
		if j.billed(func(r *record) bool { return r.counts(a.Value) }) {
			return ""
		}
		return j.said1(a.Value, "amount", (*message).namesAmount)
	case effect.Measure:
		return j.said1(a.Value, "number", j.namesNumber)
	case effect.Object:
		return j.object(a)
	case effect.Access:
		if least[strings.ToLower(a.Value)] {
			return ""
		}
		return j.said1(a.Value, "right", (*message).namesWord)
	case effect.Package:
		return j.said1(a.Value, "package", (*message).namesWord)
	}
	return j.said1(a.Value, string(a.Kind), (*message).namesWord)
}

// said1 looks for a value in all that the operator said.
func (j *judgement) said1(value, what string, names func(*message, string) bool) string {
	for _, m := range j.said {
		if names(m, value) {
			return ""
		}
	}
	return "the " + what + " " + shown(value) + " is not in your words"
}

func shown(value string) string {
	if r := []rune(value); len(r) > 80 {
		value = string(r[:79]) + "…"
	}
	return strconv.Quote(value)
}

// least are the rights with which one can only look.
var least = set(`r read reader viewer view readonly read-only read_only lesen`)

// namesWord reports whether a value stands whole in a message, and is specific.
func (m *message) namesWord(value string) bool {
	return specific(value) && len(m.stands(value)) > 0
}

// specific reports whether a value says what is meant by itself. A bare small
// number, a date, a common word, "." or "/" does not.
func specific(value string) bool {
	if dates.MatchString(value) {
		return false
	}
	letters, digits := 0, 0
	for _, r := range value {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case isWord(r):
			letters++
		}
	}
	switch {
	case letters == 0:
		return digits >= 6
	case letters+digits < 3:
		return false
	}
	return !common[strings.ToLower(value)]
}

// common are words that stand in many messages and name nothing.
var common = set(`the and for with you your this that from all any one two new old file files folder mail email message messages user users name
	list item items data document page link site home work test main master true false yes none null today tomorrow now inbox everyone me
	send read delete create update open get add und die der das alle datei ordner nachricht heute morgen channel group event events calendar
	account money payment password code key report notes note task tasks project default public private admin owner text title time date`)

var dates = lazyregexp.New(`(?i)^\d{1,4}[-./]\d{1,2}([-./]\d{1,4})?([T ]\d{1,2}:\d\d(:\d\d)?)?$|^\d{1,2}:\d\d(:\d\d)?( ?[ap]m)?$|` +
	`^(\d{1,2}(st|nd|rd|th|\.)? ?)?(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz?|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?( ?\d{1,2}(st|nd|rd|th)?)?(,? ?\d{4})?$`)

// ---- addresses -----------------------------------------------------------------

// url judges an address that is fetched, and so told.
func (j *judgement) url(value string) string {
	for _, m := range j.said {
		if m.namesURL(value) {
			return ""
		}
	}
	if j.linked(value) {
		j.fetched = true
		return ""
	}
	return "the address " + shown(value) + " is not in your words"
}

// namesURL takes an address with or without its scheme.
func (m *message) namesURL(value string) bool {
	bare := strings.TrimPrefix(strings.TrimPrefix(value, "https://"), "http://")
	for _, v := range []string{value, bare} {
		for _, v := range []string{v, strings.TrimSuffix(v, "/")} {
			if strings.Contains(v, ".") && len(m.stands(v)) > 0 {
				return true
			}
		}
	}
	return false
}

// namesHost takes a host by itself or out of an address.
func (m *message) namesHost(value string) bool {
	if strings.Contains(value, ".") && len(m.stands(value)) > 0 {
		return true
	}
	for _, w := range m.words {
		if u, err := url.Parse(w.text); err == nil && u.Host != "" && strings.EqualFold(u.Hostname(), value) {
			return true
		}
	}
	return false
}

// ---- paths ---------------------------------------------------------------------

func (j *judgement) path(value string) string {
	clean := strings.TrimPrefix(path.Clean(value), "./")
	if clean == "." || clean == "/" || clean == "~" || clean == ".." {
		return "the path " + shown(value) + " says nothing by itself"
	}
	forms := []string{value, clean}
	if j.workspace != "" {
		if in, ok := strings.CutPrefix(clean, strings.TrimSuffix(j.workspace, "/")+"/"); ok {
			forms = append(forms, in, "./"+in)
		}
	}
	for _, m := range j.said {
		for _, f := range forms {
			if m.namesWord(f) {
				return ""
			}
		}
	}
	return "the path " + shown(value) + " is not in your words"
}

// ---- amounts -------------------------------------------------------------------

var (
	currency = set(`$ € £ ¥ usd eur gbp chf dollar dollars euro euros pound pounds bucks franken`)
	number   = lazyregexp.New(`^\d{1,3}(?:,\d{3})+(?:\.\d+)?$|^\d{1,3}(?:\.\d{3})+,\d+$|^\d+(?:[.,]\d+)?$`)
)

// amount reads a number as people write it.
func amount(s string) (float64, bool) {
	if !number.MatchString(s) {
		return 0, false
	}
	point, comma := strings.LastIndexByte(s, '.'), strings.LastIndexByte(s, ',')
	switch {
	case comma > point && (point >= 0 || len(s)-comma != 4):
		s = strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), ",", ".")
	default:
		s = strings.ReplaceAll(s, ",", "")
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// namesAmount takes a number that is meant as one of money, or is written as no
// date, time or count is.
func (m *message) namesAmount(value string) bool {
	want, ok := amount(value)
	if !ok {
		return m.namesWord(value)
	}
	for i, w := range m.words {
		text := strings.TrimRight(w.text, ".,")
		got, ok := amount(text)
		if !ok || got != want {
			continue
		}
		before := m.text[max(0, w.begin-4):w.begin]
		sign := strings.ContainsAny(before, "$€£¥") || strings.ContainsAny(w.after[:min(4, len(w.after))], "$€£¥")
		next, last := "", ""
		if i+1 < len(m.words) {
			next = m.words[i+1].low
		}
		if i > 0 {
			last = m.words[i-1].low
		}
		cents := strings.ContainsAny(text, ".,")
		if sign || currency[next] || currency[last] || cents {
			return true
		}
	}
	return false
}

// namesNumber takes a number that stands where such a call is asked for.
func (j *judgement) namesNumber(m *message, value string) bool {
	want, ok := amount(value)
	if !ok {
		return false
	}
	for i, w := range m.words {
		if got, ok := amount(strings.TrimRight(w.text, ".,%°")); ok && got == want && j.asksAt(m, i) {
			return true
		}
	}
	return false
}

// ---- objects -------------------------------------------------------------------

// object judges what is deleted, changed, booked or shared.
func (j *judgement) object(a effect.Argument) string {
	value := a.Value
	for _, m := range j.said {
		if j.namesObject(m, value) || j.joined(m, value) {
			return ""
		}
	}
	if j.picked(value) || j.meant(value) || j.everything(value) {
		return ""
	}
	return shown(value) + " is not what you named"
}

// meant reports whether an object is the only thing that the operator names at all,
// and he asks for such a call with "it" in its place.
func (j *judgement) meant(value string) bool {
	for _, m := range j.request.messages {
		if names := m.inQuotes(); len(names) != 1 || names[0] != value {
			continue
		}
		for i, c := range m.clauses {
			for k := max(0, i-2); k <= i && j.asks(m, c); k++ {
				if m.any(m.clauses[k], pronouns) {
					return true
				}
			}
		}
	}
	return false
}

// everything reports whether the operator wants it done to everything, and the object
// is one of what a tool listed.
func (j *judgement) everything(value string) bool {
	if slices.ContainsFunc(j.Kinds, func(k effect.Kind) bool { return k != effect.Write }) {
		return false
	}
	for _, m := range j.request.messages {
		for _, c := range m.clauses {
			if j.asks(m, c) && m.any(c, wholly) {
				return slices.ContainsFunc(j.records(), func(r record) bool { return r.numbered(value) })
			}
		}
	}
	return false
}

var wholly = set(`everything alles`)

var pronouns = set(`it it's one there them him her es dies dieses dort ihn ihm`)

// possessive are words by which something of what was named is meant.
var possessive = set(`its his their ihr ihre ihren seine seinen`)

// inQuotes are the different names that stand in quotes in the message.
func (m *message) inQuotes() (names []string) {
	for _, q := range quotes.FindAllStringSubmatch(m.text, 32) {
		for _, n := range q[1:] {
			if n != "" && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}

var quotes = lazyregexp.New(`(?:^|[\s(])(?:'([^'\n]{2,100})'|"([^"\n]{2,100})"|“([^”\n]{2,100})”|„([^“”\n]{2,100})[“”]|«([^»\n]{2,100})»)`)

// namesObject reports whether the operator names an object in a piece of his
// message that asks for such a call, or that is taken up by one.
func (j *judgement) namesObject(m *message, value string) bool {
	for _, at := range m.stands(value) {
		i := m.wordAt(at)
		if i > 0 && j.Call.acts() == removes && j.deciding() == 1 && parts[m.words[i-1].low] {
			continue // something of it is to go
		}
		if (specific(value) || i > 0 && numbered(m.words[i-1], m.words, i, j.Call) || at > 0 && m.text[at-1] == '#') && j.asksAt(m, i) {
			return true
		}
	}
	return false
}

// deciding is how many values decide the call.
func (j *judgement) deciding() (n int) {
	for _, a := range j.Arguments {
		if a.Kind.Decides() {
			n++
		}
	}
	return n
}

// parts are words before what something is a part of.
var parts = set(`of in from im aus von vom`)

// joined reports whether the operator names an object together with another value of
// the call: a name in a zone, a file in a repository.
func (j *judgement) joined(m *message, value string) bool {
	for _, a := range j.Arguments {
		for _, whole := range []string{value + "." + a.Value, a.Value + "/" + value, value + "@" + a.Value} {
			for _, at := range m.stands(whole) {
				if len(a.Value) > 2 && j.asksAt(m, m.wordAt(at)) {
					return true
				}
			}
		}
	}
	return false
}

// numbered reports whether a number is named together with what it numbers:
// "file 13", "event #24", "id 7".
func numbered(before word, ws []word, i int, call Call) bool {
	w := strings.TrimSuffix(before.low, ":")
	if months[w] {
		return false
	}
	if w == "id" || w == "no" || w == "nr" || w == "number" || w == "nummer" || w == "#" {
		return true
	}
	for _, n := range nameWords(call.Tool) {
		if (requests[n] == 0 || nounsToo[n]) && (n == w || n+"s" == w || n == w+"s") {
			return true
		}
	}
	return false
}

var months = set(`january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
	januar februar märz mai juni juli oktober dezember monday tuesday wednesday thursday friday saturday sunday`)

// nameWords are the words of a tool's name.
func nameWords(name string) []string {
	return pieces(humps.ReplaceAllString(strings.ReplaceAll(name, "_", " "), "${1} ${2}"))
}

var humps = lazyregexp.New(`([a-z0-9])([A-Z])`)
