package detect

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// marks are fixed strings, in folded text, with their own meaning.
var marks = []struct {
	text  string
	what  what
	score float64
	line  bool // counts only at the beginning of a line
}{
	{"<|im_start|>", speaking, 7, false}, {"<|im_end|>", speaking, 5, false}, {"<|system|>", speaking, 7, false},
	{"<|user|>", speaking, 5, false}, {"<|assistant|>", speaking, 5, false}, {"<|endoftext|>", speaking, 4, false},
	{"<|start_header_id|>", speaking, 6, false}, {"<|eot_id|>", speaking, 5, false}, {"<|start|>", speaking, 4, false},
	{"[inst]", speaking, 4, false}, {"[/inst]", speaking, 4, false}, {"<<sys>>", speaking, 5, false},
	{"</system>", speaking, 4, false}, {"</system_prompt>", speaking, 4, false}, {"</tool_result>", speaking, 5, false},
	{"</function_results>", speaking, 5, false}, {"</untrusted", speaking, 5, false}, {"</end_of_document>", speaking, 5, false},
	{"[system note", lining, 4, false}, {"[system]", lining, 4, true}, {"### instruction", lining, 3, true}, {"### system", lining, 3, true},
	{"system:", lining, 3, true}, {"system alert:", lining, 4, true}, {"assistant:", lining, 2.5, true}, {"human:", lining, 2, true}, {"user:", lining, 2, true},
	{"do anything now", anything, 6, false}, {"openai", naming, 1.5, false}, {"in character", characters, 2, false}, {"break character", characters, 2, false},
	{"as an ai language model", unrefusing, 2, false}, {"must comply", unrefusing, 2, false}, {"always comply", unrefusing, 2.5, false},
	{"reprogramming", renewing, 3, false}, {"safe mode off", switching, 4, false}, {"stop everything", takingOver, 4, false},
	{"secret agenda", posing, 3, false},
	{"<!--", hiding, 0, false}, {"display:none", hiding, 0, false}, {"display: none", hiding, 0, false}, {"visibility:hidden", hiding, 0, false},
	{"font-size:0", hiding, 0, false}, {"font-size: 0", hiding, 0, false}, {"](http", carrying, 0, false},
	{"end_external_untrusted_content", leaving, 0, false}, {"openclaw_internal_context", leaving, 0, false},
	{"repeat after me", onlying, 2, false}, {"important!!", shouting, 2.5, false}, {"alert !", shouting, 1.5, false}, {"alert!", shouting, 1.5, false},
}

var markSet = func() *literals {
	var l literals
	for i, m := range marks {
		l.add(m.text, i)
	}
	return &l
}()

// marked looks for the fixed strings.
func (r *reader) marked() {
	text := r.text
	for at := markSet.next(text, 0); at < len(text); at = markSet.next(text, at+1) {
		for _, lit := range markSet.heads[text[at]] {
			if !strings.HasPrefix(text[at:], lit.text) {
				continue
			}
			m := marks[lit.of]
			if m.line && at > 0 && text[at-1] != '\n' && !(at > 1 && text[at-2] == '\\' && text[at-1] == 'n') {
				continue
			}
			score := m.score
			if m.text == "in character" && at+len(m.text) < len(text) && inWord[text[at+len(m.text)]] {
				continue
			}
			switch m.what {
			case hiding:
				r.hidden(at, m.text)
				continue
			case carrying:
				score = r.carries(at)
			case leaving:
				score = r.leaves(at)
			case lining:
				if r.dir == FromPerson && m.score < 3 {
					score = 1
				}
				if line, _, _ := strings.Cut(text[at:], "\n"); strings.HasSuffix(m.text, ":") && len(line) < len(m.text)+12 {
					score = 1
				}
			}
			if m.what == speaking {
				if r.turns++; r.turns > 1 {
					score += 3.5
				}
			}
			if score > 0 {
				r.signals = append(r.signals, signal{what: m.what, score: score, start: at, end: at + len(m.text)})
			}
			break
		}
	}
}

// hidden notes a stretch that a browser does not show.
func (r *reader) hidden(at int, mark string) {
	end := min(len(r.text), at+600)
	if mark == "<!--" {
		end = min(len(r.text), at+4000)
		if n := strings.Index(r.text[at:end], "-->"); n >= 0 {
			end = at + n
		}
	}
	if n := len(r.unshown); n > 0 && at < r.unshown[n-1].end {
		return
	}
	r.unshown = append(r.unshown, signal{what: hiding, score: 3, start: at, end: end})
}

// conceals counts such a stretch where another signal stands in it.
func (r *reader) conceals() {
	if len(r.unshown) == 0 {
		return
	}
	sortSignals(r.signals)
	i := 0
	for _, span := range r.unshown {
		for i < len(r.signals) && (r.signals[i].start < span.start || r.signals[i].score < 3) {
			i++
		}
		if i < len(r.signals) && r.signals[i].start < span.end {
			r.signals = append(r.signals, span)
		}
	}
}

// carries judges a Markdown image whose address has room for data: a
// placeholder in the query.
func (r *reader) carries(at int) float64 {
	open := strings.LastIndex(r.text[max(0, at-80):at], "![")
	if open < 0 {
		return 0
	}
	url := r.text[at+2 : min(len(r.text), at+400)]
	if n := strings.IndexAny(url, ") \n"); n >= 0 {
		url = url[:n]
	}
	_, query, ok := strings.Cut(url, "?")
	if !ok {
		return 0
	}
	_, v, _ := strings.Cut(query, "=")
	if strings.ContainsAny(v, "{<[$") {
		return 7
	}
	for _, w := range []string{"conversation", "chat_", "history", "secret", "password", "your_"} {
		if strings.Contains(v, w) {
			return 10
		}
	}
	for _, w := range []string{"_data", "output", "context", "token"} {
		if strings.Contains(v, w) {
			return 10
		}
	}
	return 0
}

// leaves judges OpenClaw's own markers around what is not trusted. It writes
// them itself, so one pair around everything is in order; text after the end is
// not, nor its internal context in a result.
func (r *reader) leaves(at int) float64 {
	if strings.HasPrefix(r.text[at:], "openclaw_internal") {
		if r.dir == FromTool {
			return 8
		}
		return 0
	}
	if r.bounds == nil {
		r.bounds = &[2]int{strings.Index(r.text, "<<<external_untrusted_content"), strings.LastIndex(r.text, "end_external_untrusted_content")}
	}
	if first, last := r.bounds[0], r.bounds[1]; first < 0 || first > at || at < last {
		return 8
	}
	return 0
}

// mostDecoded bounds what is decoded of one text, in bytes.
const mostDecoded = 64 << 10

// pieces gives the decoded text of each stretch that is text in disguise.
func pieces(text string, each func(plain string, start, end int)) {
	left := mostDecoded
	for i := 0; i < len(text) && left > 0; {
		start, end := longRun(text, i)
		if start == end {
			return
		}
		i = end
		run := text[start:end]
		for _, d := range []func(string) (string, bool){fromBase64, fromHex, fromPercent} {
			if p, ok := d(run); ok && len(p) >= 12 && readable(p) {
				left -= len(p)
				each(p, start, end)
				break
			}
		}
	}
}

// longRun is the next stretch without blanks of at least 24 bytes and at most
// 16 KiB.
func longRun(text string, i int) (int, int) {
	for i < len(text) {
		for i < len(text) && !encodedText[text[i]] {
			i++
		}
		start := i
		for i < len(text) && encodedText[text[i]] && i-start < 16<<10 {
			i++
		}
		if i-start >= 24 {
			return start, i
		}
	}
	return i, i
}

var encodedText = letters("a-zA-Z0-9+/=_%-")

func fromBase64(s string) (string, bool) {
	s = strings.TrimRight(s, "=")
	if strings.IndexByte(s, '%') >= 0 {
		return "", false
	}
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	b, err := enc.DecodeString(s)
	return string(b), err == nil
}

func fromHex(s string) (string, bool) {
	if len(s)%2 != 0 {
		return "", false
	}
	b := make([]byte, len(s)/2)
	for i := range b {
		hi, lo := unhex(s[2*i]), unhex(s[2*i+1])
		if hi|lo > 15 {
			return "", false
		}
		b[i] = hi<<4 | lo
	}
	return string(b), true
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10
	}
	return 0xff
}

func fromPercent(s string) (string, bool) {
	if strings.Count(s, "%") < 3 {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi|lo <= 15 {
				b.WriteByte(hi<<4 | lo)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

// readable reports whether decoded bytes are text: valid, printable, with
// blanks between words.
func readable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	blanks := 0
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' && s[i] != '\n' && s[i] != '\t' && s[i] != '\r' || s[i] == 0x7f {
			return false
		}
		if s[i] == ' ' {
			blanks++
		}
	}
	return blanks*20 >= len(s)
}
