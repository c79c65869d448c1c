package detect

import (
	"slices"
	"strings"
	"sync"
)

// What is read at once of a long text, and how much of it again in the next
// window, in bytes.
const (
	window  = 256 << 10
	overlap = 4 << 10
)

// mostText is how much of a text is read, in bytes: of a longer one the
// beginning and the end.
const mostText = 10 << 20

// A score at or above these is Suspicious, and Malicious.
const (
	suspicious = 5.0
	malicious  = 10.0
)

// together is how far apart signals may stand and still add up, in bytes.
const together = 2500

// Injections finds text that tries to command the model against whoever runs
// it. A person's message, a tool's result and the model's answer are read
// alike, but for what is an ordinary sentence in one of them. Findings come in
// order and do not overlap. A text that only speaks of such orders, and quotes
// them, is Suspicious at most. It takes time in proportion to the text, of which it
// reads 10 MB.
func Injections(text string, d Direction) []Finding {
	if len(text) > mostText {
		tail := len(text) - mostText/2
		all := Injections(text[:mostText/2], d)
		for _, f := range Injections(text[tail:], d) {
			f.Start, f.End = f.Start+tail, f.End+tail
			all = append(all, f)
		}
		return all
	}
	var all []Finding
	for at := 0; ; at += window - overlap {
		end := min(len(text), at+window)
		for _, f := range injected(text[at:end], d) {
			f.Start, f.End = f.Start+at, f.End+at
			if n := len(all); n > 0 && f.Start < all[n-1].End {
				if f.Verdict > all[n-1].Verdict {
					all[n-1].Verdict, all[n-1].Rule, all[n-1].Title = f.Verdict, f.Rule, f.Title
				}
				all[n-1].End = max(all[n-1].End, f.End)
				continue
			}
			all = append(all, f)
		}
		if end == len(text) {
			return all
		}
	}
}

var tokenPool = sync.Pool{New: func() any { return new([]token) }}

// injected reads one window.
func injected(text string, d Direction) []Finding {
	f := fold(text)
	signals, r := signalsIn(text, f, d)
	defer r.free()
	signals = append(signals, f.invisible(d)...)
	pieces(text, func(plain string, start, end int) {
		inner, ir := signalsIn(plain, fold(plain), d)
		defer ir.free()
		if sum := total(inner); sum >= suspicious {
			signals = append(signals, signal{what: encoding, score: sum + 2, start: f.folded(start), end: f.folded(end)})
		}
	})
	if len(signals) == 0 {
		return nil
	}
	return r.verdicts(f, signals)
}

// signalsIn reads a folded text.
func signalsIn(source string, f *folded, d Direction) ([]signal, *reader) {
	buf := tokenPool.Get().(*[]token)
	r := &reader{warns: -600, text: f.text, source: source, folded: f, dir: d, buf: buf}
	r.tokens = tokens(f.text, (*buf)[:0])
	r.read()
	r.marked()
	r.spaced()
	r.conceals()
	return r.signals, r
}

func (r *reader) free() {
	*r.buf = r.tokens[:0]
	tokenPool.Put(r.buf)
}

// invisible judges what fold found between the letters.
func (f *folded) invisible(d Direction) []signal {
	var all []signal
	if len(f.tags) > 8 {
		score := 6.0
		inner, r := signalsIn(f.tags, fold(f.tags), d)
		score += total(inner)
		r.free()
		all = append(all, signal{what: hiding, score: score, start: f.folded(f.tagsAt), end: f.folded(f.tagsAt)})
	}
	if f.unseen > 12 && f.unseen*200 > len(f.text) {
		all = append(all, signal{what: hiding, score: 3, start: 0, end: 0})
	}
	if f.bidi > 3 {
		all = append(all, signal{what: hiding, score: 2, start: 0, end: 0})
	}
	return all
}

// A signal that is only spoken about keeps a part of its score, and all of
// them together no more than mostSaid: a text full of quoted attacks is
// Suspicious.
const (
	saidPart = 0.45
	mostSaid = 6.0
)

// total is what signals add up to, each kind once.
func total(signals []signal) float64 {
	var given, said [kinds]float64
	for _, s := range signals {
		if s.mentioned {
			said[s.what] = max(said[s.what], s.score)
		} else {
			given[s.what] = max(given[s.what], s.score)
		}
	}
	return sum(&given) + min(saidPart*sum(&said), mostSaid)
}

// sum adds the scores of all kinds. Playing a part is what half of all prompts
// ask for; it tells something only beside words that lift the rules.
func sum(best *[kinds]float64) float64 {
	all, lifts, weak := 0.0, 0.0, 0.0
	for k, b := range best {
		switch what(k) {
		case posing, naming, characters, lawless:
			weak += b
		case turning, freeing, unlimiting, unbinding, unrefusing, switching, anything:
			lifts += b
			all += b
		default:
			all += b
		}
	}
	if lifts >= 3 && lifts+best[lawless] >= 5 {
		all += weak
	}
	return all
}

// verdicts adds up the signals that stand together and makes findings of those
// that are enough.
func (r *reader) verdicts(f *folded, signals []signal) []Finding {
	for i := range signals {
		signals[i].mentioned = r.mentions(signals[i])
	}
	signals = thin(signals)
	var all []Finding
	for len(signals) > 0 {
		n := 1
		for n < len(signals) && signals[n].start-signals[0].start < together {
			n++
		}
		verdict, enough := Malicious, malicious
		if total(signals[:n]) < malicious {
			verdict, enough = Suspicious, suspicious
		}
		if total(signals[:n]) < enough {
			signals = signals[1:]
			continue
		}
		// Begin where it takes no more than this to be as sure.
		group := signals[:n]
		for len(group) > 1 && total(group[1:]) >= enough {
			group = group[1:]
		}
		top, end := group[0], 0
		for _, s := range group {
			if s.score > top.score {
				top = s
			}
			end = max(end, s.end)
		}
		rule := rules[top.what]
		all = append(all, Finding{Kind: Injection, Rule: rule.rule, Title: rule.title, Start: f.at(group[0].start), End: f.at(end), Verdict: verdict})
		for len(signals) > 0 && (n > 0 || signals[0].start < end) {
			signals = signals[1:]
			n--
		}
	}
	return all
}

func sortSignals(all []signal) {
	slices.SortStableFunc(all, func(a, b signal) int { return a.start - b.start })
}

// thin sorts signals and drops those that add nothing to one of their kind just
// before them, so that a text full of them takes no longer.
func thin(all []signal) []signal {
	sortSignals(all)
	var last [kinds][2]*signal
	kept := all[:0]
	for _, s := range all {
		said := 0
		if s.mentioned {
			said = 1
		}
		if l := last[s.what][said]; l != nil && s.start-l.start < 200 && s.score <= l.score {
			continue
		}
		kept = append(kept, s)
		last[s.what][said] = &kept[len(kept)-1]
	}
	return kept
}

// mentions reports whether a signal is spoken about rather than given: it
// stands in quotation marks, code or a table, and words about attacks or
// examples are near; or there are many of those.
func (r *reader) mentions(s signal) bool {
	lo, hi := r.tokenAt(s.start), r.tokenAt(s.end)
	about, likely := 0, 0
	for i := min(lo, len(r.tokens)) - 1; i >= 0 && i >= lo-70; i-- {
		c := r.tokens[i].class
		if c&meta != 0 {
			about++
		}
		if c&example != 0 && i > lo-14 {
			likely++
		}
		if r.tokens[i].end-r.tokens[i].start > 20 && strings.HasSuffix(r.word(i), "external_untrusted_content") {
			break // what OpenClaw says before it is about all results
		}
	}
	for i := hi; i < len(r.tokens) && i < hi+50; i++ {
		if r.tokens[i].class&meta != 0 {
			about++
		}
	}
	if about >= 3 || s.start >= r.warns && s.start < r.warns+600 && r.item(s.start) {
		return true
	}
	quoted, listed := r.quoted(s)
	if s.what == speaking || s.what == leaving {
		return quoted // a mark in code or a table is shown
	}
	return quoted && (listed || about > 0 || likely > 0)
}

// tokenAt is the first token that begins at or after a place.
func (r *reader) tokenAt(at int) int {
	n, _ := slices.BinarySearchFunc(r.tokens, at, func(t token, at int) int { return int(t.start) - at })
	return n
}

// line is what stands before a place in its line, or in its line of a text that
// JSON holds; 400 bytes at most.
func (r *reader) line(at int) string {
	line := r.text[max(0, at-400):at]
	line = line[strings.LastIndexByte(line, '\n')+1:]
	if n := strings.LastIndex(line, `\n`); n >= 0 {
		line = line[n+2:]
	}
	return strings.TrimLeft(line, " ")
}

// item reports whether the line of a place is an item of a list.
func (r *reader) item(at int) bool {
	line := r.line(at)
	return strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "* ")
}

// opens reports whether the last quotation mark of a line opens something: what
// stands before it, a backslash aside, is no end of a word.
func opens(line string, mark byte) bool {
	n := strings.LastIndexByte(line, mark)
	if n < 0 {
		return false
	}
	before := strings.TrimRight(line[:n], `\`)
	return before == "" || strings.IndexByte(" ([{:,=>*_\t", before[len(before)-1]) >= 0
}

// quoted reports whether a signal stands in quotation marks, in code, or in a
// table, and whether it is an item of a list of such.
func (r *reader) quoted(s signal) (quoted, listed bool) {
	line := r.line(s.start)
	if strings.HasPrefix(line, "|") {
		return true, false
	}
	if strings.Count(line, "`")%2 == 1 {
		return true, strings.HasPrefix(line, "- `") || strings.HasPrefix(line, "* `")
	}
	if opens(line, '"') {
		item := strings.Replace(line, `\"`, `"`, 1)
		return true, strings.HasPrefix(item, `- "`) || strings.HasPrefix(item, `* "`)
	}
	if opens(line, '\'') {
		return true, false
	}
	if r.fences == nil {
		r.fences = []int{-1}
		for at := 0; ; at += 3 {
			n := strings.Index(r.text[at:], "```")
			if n < 0 {
				break
			}
			at += n
			r.fences = append(r.fences, at)
		}
	}
	before, _ := slices.BinarySearch(r.fences, s.start)
	return before%2 == 0, false
}

// spaced reads letters that stand apart: i g n o r e.
func (r *reader) spaced() {
	var b []byte
	start := 0
	for i := 0; i <= len(r.tokens); i++ {
		if i < len(r.tokens) && r.tokens[i].end-r.tokens[i].start == 1 {
			if len(b) == 0 {
				start = i
			}
			b = append(b, r.text[r.tokens[i].start])
			continue
		}
		if len(b) >= 12 {
			joined := string(b)
			found := 0
			for _, w := range []string{"ignore", "disregard", "forget", "previous", "instruction", "prompt", "reveal", "password", "system", "apikey"} {
				if strings.Contains(joined, w) {
					found++
				}
			}
			if found > 0 {
				r.add(encoding, float64(4+3*found), start, i-1)
			}
		}
		b = b[:0]
	}
}
