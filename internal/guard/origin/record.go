package origin

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/lazyregexp"
	"github.com/openseawall/seawall/internal/openclaw"
)

// record is one thing that a tool told of, as a list of fields: an appointment, a
// contact, a file. A field's text is never looked into: in a mail's body, a
// file's content or a page anybody writes what he likes.
type record struct {
	fields []field
	top    bool // it is none within another
	of     int  // the result it stands in, by its index
	sole   bool // the only one in it
}

type field struct {
	key    string // folded; of a list, of each of its elements
	value  string
	number bool
}

// result is what a call brought.
type result struct {
	Part
	texts []string // see plain
}

// plain are the texts that it is made of, read when they are first asked for.
func (r *result) plain() []string {
	if r.texts == nil {
		r.texts = openclaw.Texts(r.Text)
	}
	return r.texts
}

// Bounds on what is read of one result.
const (
	maxStructured = 256 << 10 // bytes
	maxYAML       = 64 << 10  // which takes thirty times as long to read
	maxGathered   = 512 << 10 // bytes, of the latest results together
	maxRecords    = 512
	maxFields     = 64
	maxDepth      = 12
)

// structured reads the records out of a result that is one document of JSON or
// YAML, whole, as programs write it.
func structured(text string) []record {
	text = strings.TrimSpace(text)
	if len(text) == 0 || len(text) > maxStructured {
		return nil
	}
	var root any
	if text[0] == '{' || text[0] == '[' {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if d.Decode(&root) != nil || d.More() {
			// What Python prints is YAML, too.
			if root = nil; len(text) > maxYAML || text[0] == '{' || yaml.Unmarshal([]byte(text), &root) != nil {
				return nil
			}
		}
	} else {
		if len(text) > maxYAML || !looksYAML.MatchString(text) || yaml.Unmarshal([]byte(text), &root) != nil {
			return nil
		}
	}
	var all []record
	collect(root, &all, 0)
	return all
}

// looksYAML finds texts that begin like a YAML document of fields.
var looksYAML = lazyregexp.New(`^- [^\n]{1,80}\n|^(?:- )?["']?[\w .@-]{1,80}["']?:(?:[ \n]|$)`)

// collect adds the records of a value: each object with a field of its own.
func collect(v any, all *[]record, depth int) {
	if depth > maxDepth || len(*all) >= maxRecords {
		return
	}
	switch v := v.(type) {
	case []any:
		var names record // a bare list
		for _, e := range v {
			if s, ok := e.(string); ok {
				names.take("name", s, 0)
			}
			collect(e, all, depth+1)
		}
		if names.top = depth == 0; len(names.fields) > 0 && depth == 0 {
			*all = append(*all, names)
		}
	case map[string]any:
		var r record
		for _, key := range slices.Sorted(maps.Keys(v)) {
			e := v[key]
			r.take(fold(strings.Trim(key, "_ ")), e, 0)
		}
		if r.top = depth <= 1; len(r.fields) > 0 {
			*all = append(*all, r)
		}
		for _, e := range v {
			if nested(e) {
				collect(e, all, depth+1)
			}
		}
	}
}

// nested reports whether a value holds objects, which are records of their own.
func nested(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return true
	case []any:
		for _, e := range v {
			if _, ok := e.(map[string]any); ok {
				return true
			}
		}
	}
	return false
}

// take adds a value, or each element of a list, or each key of an object whose
// values say something about it: {"bob@…": "rw"}.
func (r *record) take(key string, v any, depth int) {
	if len(r.fields) >= maxFields {
		return
	}
	switch v := v.(type) {
	case string:
		r.fields = append(r.fields, field{key: key, value: v})
	case json.Number:
		r.fields = append(r.fields, field{key: key, value: v.String(), number: true})
	case int:
		r.fields = append(r.fields, field{key: key, value: strconv.Itoa(v), number: true})
	case float64:
		r.fields = append(r.fields, field{key: key, value: strconv.FormatFloat(v, 'f', -1, 64), number: true})
	case []any:
		for _, e := range v {
			if depth == 0 {
				r.take(key, e, 1)
			}
		}
	case map[string]any:
		for k, e := range v {
			if _, plain := e.(string); plain && depth == 0 && strings.Contains(k, "@") {
				r.take(key, k, 1)
			}
		}
	}
}

// titles are the fields by which people name a record.
var titles = set(`title name filename file_name subject label summary headline full_name fullname display_name displayname username topic heading payee counterparty creditor service
	titel betreff dateiname bezeichnung`)

// bodies are the fields in which anybody writes what he likes.
var bodies = set(`body content text description message comment comments note notes html snippet preview excerpt details review reviews bio about
	inhalt beschreibung nachricht kommentar`)

// has reports whether a value is one of the record's own, and no running text.
func (r *record) has(value string) bool {
	for _, f := range r.fields {
		if f.value == value && !bodies[f.key] {
			return true
		}
	}
	return false
}

// writes reports whether a text of the record speaks of a value.
func (r *record) writes(value string) bool {
	for _, f := range r.fields {
		if f.value != value && strings.Contains(fold(f.value), fold(value)) {
			return true
		}
	}
	return false
}

// mayPoint reports whether results of a class are records of the operator's own
// tools. What a page says is all its writer's, and so is what a command prints.
//
// A catalogue points where nothing goes out or is spent: what is put into a cart.
func (j *judgement) mayPoint(p Part) bool {
	listed := p.Class == effect.FromWeb && !slices.ContainsFunc(j.Kinds, func(k effect.Kind) bool { return k != effect.Write })
	if p.Class == effect.FromCommands || p.Label == Person {
		return false
	}
	return listed && !strings.Contains(p.Args, "://") || p.Class != effect.FromWeb && p.Label != Label(effect.FromWeb)
}

// records are those of all results, the last result first.
func (j *judgement) records() []record {
	if j.gathered {
		return j.known
	}
	j.gathered = true
	left := maxGathered
	for i := len(j.results) - 1; i >= 0; i-- {
		p := j.results[i].Part
		if !j.mayPoint(p) {
			continue
		}
		if left -= len(p.Text); left < 0 {
			break // nothing older points to anything
		}
		list := j.cache.records(p)
		tops := 0
		for _, r := range list {
			if r.top {
				tops++
			}
		}
		for _, r := range list {
			r.of, r.sole = i, r.top && tops == 1
			j.known = append(j.known, r)
		}
	}
	return j.known
}

// pointed are the records that the operator's words name: by a title that stands
// whole in them, or as the only one that a search found whose words are his. Where
// titles of different records stand in the same words, the longest counts. acts, if
// any, must be asked for in the same piece of his message.
func (j *judgement) pointed(acts act) []hit {
	if hits, ok := j.hits[acts]; ok {
		return hits
	}
	var all []hit
	longest := map[place]int{}
	for _, r := range j.records() {
		for _, f := range r.fields {
			switch {
			case titles[f.key]:
				all = append(all, j.titled(r, f.value, acts)...)
			case f.names():
				for _, h := range j.titled(r, f.value, acts) {
					h.words = 1 // a title of more words counts before it
					all = append(all, h)
				}
			}
		}
		if r.sole {
			if at, ok := j.searched(j.results[r.of].Part, acts); ok {
				all = append(all, hit{r, at, 0})
			}
		}
	}
	for _, h := range all {
		longest[h.at] = max(longest[h.at], h.words)
	}
	every := slices.Clone(all)
	all = slices.DeleteFunc(all, func(h hit) bool {
		return h.words > 0 && h.words < longest[h.at] && !slices.ContainsFunc(every, func(o hit) bool { return j.swallows(o, h) })
	})
	if j.hits == nil {
		j.hits = map[act][]hit{}
	}
	j.hits[acts] = all
	return all
}

// names reports whether a field that is no title may tell which record is meant: the
// customer of an order.
func (f field) names() bool {
	return !f.number && !bodies[f.key] && !senders[f.key] && len(f.value) <= 80 && len(pieces(f.value)) > 1 && !dates.MatchString(f.value)
}

// swallows reports whether a title holds another, with words that join names in a
// sentence ("Contract 2027 from nora"): whoever writes titles could put them around
// that of somebody else.
func (j *judgement) swallows(long, short hit) bool {
	if long.at.message != short.at.message || long.words <= short.words || short.words == 0 {
		return false
	}
	m := j.request.messages[long.at.message]
	begin, end := long.at.word, m.after(long.at.word, long.words)
	from, to := short.at.word, m.after(short.at.word, short.words)
	if from < begin || to > end {
		return false
	}
	for i := begin; i < end; i++ {
		if w := m.words[i].low; (i < from || i >= to) && (between[w] || toward[w] || away[w] || inside[w]) {
			return true
		}
	}
	return false
}

// after is the word after so many plain words.
func (m *message) after(word, plain int) int {
	for plain > 0 && word < len(m.words) {
		plain -= len(pieces(m.words[word].low))
		word++
	}
	return word
}

// hit is a record that the operator's words name, where, and by how many words of
// its title.
type hit struct {
	record
	at    place
	words int
}

// place is a word of a message.
type place struct{ message, word int }

func (j *judgement) titled(r record, title string, acts act) (hits []hit) {
	for i, m := range j.request.messages {
		words, at := m.title(title)
		for _, w := range at {
			if acts == 0 || j.asksAt(m, w) {
				hits = append(hits, hit{r, place{i, w}, words})
			}
		}
	}
	return hits
}

// title returns where a record's title stands in the message, and how many words
// it has.
func (m *message) title(t string) (words int, at []int) {
	t = strings.TrimSpace(t)
	for _, answer := range []string{"Re:", "RE:", "Fwd:", "FW:", "Fw:", "AW:", "WG:"} {
		t = strings.TrimSpace(strings.TrimPrefix(t, answer))
	}
	if len(t) > 200 {
		return 0, nil
	}
	ps := pieces(t)
	if n := len(ps); n > 1 && extensions[ps[n-1]] && len(m.stands(t)) == 0 {
		ps = ps[:n-1]
	}
	switch {
	case len(ps) == 0:
		return 0, nil
	case len(ps) == 1 && (!specific(ps[0]) || !m.emphasised(t)):
		return 0, nil
	}
	return len(ps), m.phrase(ps)
}

// emphasised reports whether a single word stands in the message as a name: as it
// is written, and capital, in quotes or with something in it that words have not.
func (m *message) emphasised(t string) bool {
	for _, at := range m.stands(t) {
		before := ""
		if at > 0 {
			before = m.text[at-1 : at]
		}
		if strings.ContainsAny(before, "'\"“`#") || strings.ContainsAny(t, "._-@0123456789") || proper(t) && at > 0 {
			return true
		}
	}
	return false
}

var extensions = set(`txt md doc docx odt pdf xls xlsx csv ppt pptx json yaml yml html jpg png zip`)

// clauseAt is the piece of a message that a word stands in.
func (m *message) clauseAt(i int) clause {
	for _, c := range m.clauses {
		if i >= c.begin && i < c.end {
			return c
		}
	}
	return clause{}
}

// searched returns where the operator says what a read looked for, if it was his:
// all of it stands in his words.
func (j *judgement) searched(p Part, acts act) (at place, ok bool) {
	for _, v := range stringsOf(p.Args) {
		if dates.MatchString(v) {
			continue
		}
		said, found := j.speaks(v, acts)
		if !found {
			return at, false
		}
		at, ok = said, true
	}
	return at, ok
}

// speaks returns where words stand in what the operator asks now, one after the
// other.
func (j *judgement) speaks(v string, acts act) (place, bool) {
	ps := pieces(v)
	if len(ps) == 0 || len(ps) == 1 && !specific(ps[0]) {
		return place{}, false
	}
	for i, m := range j.request.messages {
		for _, w := range m.phrase(ps) {
			if acts == 0 || j.asksAt(m, w) {
				return place{i, w}, true
			}
		}
	}
	return place{}, false
}

// stringsOf are all texts and numbers in a call's arguments; nil if they cannot be
// read.
func stringsOf(args string) []string {
	if strings.TrimSpace(args) == "" {
		return []string{}
	}
	var v any
	d := json.NewDecoder(strings.NewReader(args))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	list := []string{}
	var walk func(any, int)
	walk = func(v any, depth int) {
		switch v := v.(type) {
		case string:
			if v != "" {
				list = append(list, v)
			}
		case json.Number:
			list = append(list, v.String())
		case []any:
			for _, e := range v {
				if depth < maxDepth {
					walk(e, depth+1)
				}
			}
		case map[string]any:
			for _, e := range v {
				if depth < maxDepth {
					walk(e, depth+1)
				}
			}
		}
	}
	walk(v, 0)
	return list
}

// picked reports whether an object is one that the operator's words select out of
// the records: by name, and no other has this name; or as the most of something.
func (j *judgement) picked(value string) bool {
	acts := j.Call.acts() & (removes | pays) // what is changed or sent may be named anywhere
	fits := func(r *record) bool { return r.numbered(value) || r.named(value) }
	return j.agree(j.pointed(acts), fits) || acts == 0 && j.handed(fits) || j.most(value)
}

// handed reports whether a record fits whose title stands in the text that the
// operator hands over to.
func (j *judgement) handed(fits func(*record) bool) bool {
	if !j.delegated() {
		return false
	}
	for _, r := range j.records() {
		for _, f := range r.fields {
			if titles[f.key] && fits(&r) && len(pieces(f.value)) > 1 && j.handedOver(f.value) {
				return true
			}
		}
	}
	return false
}

// agree reports whether there is a record that fits, and all that are named by the
// same words do: a name that two things have names neither.
func (j *judgement) agree(hits []hit, fits func(*record) bool) bool {
	for _, h := range hits {
		if !fits(&h.record) {
			continue
		}
		doubt := slices.ContainsFunc(hits, func(o hit) bool { return (o.at == h.at || j.swallows(h, o)) && !fits(&o.record) })
		if !doubt {
			return true
		}
	}
	return false
}

// ids are the fields that tell one record from another.
var ids = set(`id uid uuid key number no nr ref reference handle slug event_id file_id email_id message_id path iban`)

// id is what tells the record from others, or "".
func (r *record) id() string {
	for _, f := range r.fields {
		if isID(f.key) {
			return f.value
		}
	}
	return ""
}

// numbered reports whether a value tells the record, or what it belongs to, from
// others.
func (r *record) numbered(value string) bool {
	return slices.ContainsFunc(r.fields, func(f field) bool { return f.value == value && isID(f.key) })
}

func isID(key string) bool {
	return ids[key] || strings.HasSuffix(key, "_id") || strings.HasSuffix(key, "id") && len(key) < 12
}

// counts reports whether a number stands in a field of the record.
func (r *record) counts(value string) bool {
	want, ok := amount(value)
	return ok && slices.ContainsFunc(r.fields, func(f field) bool {
		got, ok := amount(f.value)
		return ok && got == want && !bodies[f.key]
	})
}

// billed reports whether the operator asks to pay a bill, and it is the only record
// of a file that he named. A mail is no bill: anybody writes one.
func (j *judgement) billed(fits func(*record) bool) bool {
	if j.Call.acts()&pays == 0 || j.slot().given > 0 {
		return false
	}
	for _, m := range j.request.messages {
		for _, c := range m.clauses {
			if c.acts&pays != 0 && m.any(c, bills) {
				return j.agree(slices.DeleteFunc(slices.Clone(j.pointed(0)), func(h hit) bool {
					return !h.sole || j.results[h.of].Marked || j.results[h.of].Label != Label(effect.FromFiles)
				}), fits)
			}
		}
	}
	return false
}

var bills = set(`bill invoice rechnung mahnung`)

func (r *record) named(value string) bool {
	for _, f := range r.fields {
		if titles[f.key] && f.value == value {
			return true
		}
	}
	return false
}

// person reports whether a recipient is one whom the operator left to his
// records: somebody in a record that he names, or the one person of a name.
func (j *judgement) person(value string) bool {
	if len(value) < 3 {
		return false
	}
	s := j.slot()
	for _, r := range j.records() {
		if strings.ContainsAny(value, "@0123456789") && r.writes(value) && !r.has(value) {
			return false // a text asks for it
		}
	}
	if s.people && j.agree(j.pointed(0), func(r *record) bool { return r.has(value) }) {
		return true
	}
	for _, n := range s.names {
		if j.only(n, value) {
			return true
		}
	}
	return j.delegator(value)
}

// only reports whether a value is the one address of a name in all records, and
// that of somebody whom the operator knows: in his contacts, appointments and files,
// or somebody to whom he wrote himself. Who only writes to him may take any name.
func (j *judgement) only(n name, value string) bool {
	found, knows := false, false
	for _, r := range j.records() {
		titled := false
		for _, f := range r.fields {
			titled = titled || titles[f.key] && covers(pieces(f.value), n)
		}
		for _, f := range r.fields {
			if bodies[f.key] || !strings.Contains(f.value, "@") {
				continue
			}
			local, _, _ := strings.Cut(f.value, "@")
			if titled || covers(pieces(local), n) {
				if f.value != value {
					return false // two of that name
				}
				found = true
				switch j.results[r.of].Class {
				case effect.FromMail, effect.FromChat:
				default:
					knows = true
				}
			}
		}
	}
	return found && (knows || j.wroteTo(value))
}

// wroteTo reports whether somebody to whom an address wrote has written to it.
func (j *judgement) wroteTo(address string) bool {
	for _, r := range j.records() {
		if !r.sentBy(address) {
			continue
		}
		for _, back := range j.records() {
			for _, f := range back.fields {
				if senders[f.key] && f.value != address && r.has(f.value) && back.has(address) {
					return true
				}
			}
		}
	}
	return false
}

func (r *record) sentBy(address string) bool {
	return slices.ContainsFunc(r.fields, func(f field) bool { return senders[f.key] && f.value == address })
}

func covers(words []string, n name) bool {
	for _, want := range n {
		ok := false
		for _, w := range words {
			ok = ok || w == want
		}
		if !ok {
			return false
		}
	}
	return len(n) > 0
}

// senders are the fields that say who wrote a record.
var senders = set(`sender from author absender von`)

// delegator reports whether the operator has handed over to a text, and it is who
// wrote it.
func (j *judgement) delegator(value string) bool {
	handed := false
	for _, m := range j.request.messages {
		handed = handed || m.delegates() && len(m.stands(value)) > 0
	}
	if !handed {
		return false
	}
	return slices.ContainsFunc(j.pointed(0), func(h hit) bool { return h.sentBy(value) })
}
