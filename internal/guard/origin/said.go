package origin

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// message is what the operator said in one message.
type message struct {
	text    string   // his own words
	quoted  []string // what he pasted or forwarded
	words   []word
	clauses []clause
	plain   []plainWord
}

// word is a word of a message: letters and digits, with what may stand within an
// address, a path or a number.
type word struct {
	text       string // as written
	low        string // folded
	begin, end int    // in the message
	after      string // what stands between it and the next word
}

// within are the characters that join a word where more of it follows.
const within = "@.-_+/:%~&=?#'’,\\"

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// split cuts a text into words, at most most of them.
func split(text string, most int) []word {
	var ws []word
	for i := 0; i < len(text) && len(ws) < most; {
		r, n := utf8.DecodeRuneInString(text[i:])
		if !isWord(r) {
			i += n
			continue
		}
		begin, end := i, i+n
		for end < len(text) {
			r, n := utf8.DecodeRuneInString(text[end:])
			if !isWord(r) {
				next, _ := utf8.DecodeRuneInString(text[end+n:])
				joins := strings.ContainsRune(within, r) && isWord(next)
				if joins && r == ',' { // only in numbers
					before := text[end-1]
					joins = before >= '0' && before <= '9' && unicode.IsDigit(next)
				}
				if joins && strings.HasPrefix(text[end:], "://") {
					joins = true
				}
				if !joins && !strings.HasPrefix(text[end:], "://") {
					break
				}
				if strings.HasPrefix(text[end:], "://") {
					n = 3
				}
			}
			end += n
		}
		if k := len(ws); k > 0 {
			ws[k-1].after = text[ws[k-1].end:begin]
		}
		ws = append(ws, word{text: text[begin:end], low: fold(text[begin:end]), begin: begin, end: end})
		i = end
	}
	if k := len(ws); k > 0 {
		ws[k-1].after = text[ws[k-1].end:]
	}
	return ws
}

// fold writes a text as a reader sees it, whatever its case.
func fold(s string) string { return strings.ToLower(s) }

// maxWords bounds what is read of one message.
const maxWords = 4000

func newMessage(text string) *message {
	own, quoted := unquoted(text)
	m := &message{text: own, quoted: quoted, words: split(own, maxWords)}
	m.clauses, m.plain = clauses(m.words), plain(m.words)
	return m
}

// stands returns where a value stands in the message as a whole token sequence:
// nothing that could belong to it goes on at either end.
func (m *message) stands(value string) (at []int) {
	if value == "" {
		return nil
	}
	for from := 0; ; {
		i := strings.Index(m.text[from:], value)
		if i < 0 {
			return at
		}
		i += from
		if whole(m.text, i, i+len(value)) {
			at = append(at, i)
		}
		from = i + 1
		if len(at) >= 64 {
			return at
		}
	}
}

// whole reports whether text[begin:end] is bounded on both sides.
func whole(text string, begin, end int) bool {
	if r, n := utf8.DecodeLastRuneInString(text[:begin]); n > 0 {
		if isWord(r) || r == '_' || r == '\\' {
			return false
		}
		if strings.ContainsRune("@.-+/%~&=?$", r) {
			if q, _ := utf8.DecodeLastRuneInString(text[:begin-n]); isWord(q) || q == '/' || r == '/' || r == '~' {
				return false
			}
		}
	}
	if r, n := utf8.DecodeRuneInString(text[end:]); n > 0 {
		if isWord(r) || r == '_' || r == '\\' {
			return false
		}
		if strings.ContainsRune("@.-+/%~&=?#:*", r) {
			if q, _ := utf8.DecodeRuneInString(text[end+n:]); isWord(q) || q == '/' || r == '/' || r == '*' {
				return false
			}
		}
	}
	return true
}

// wordAt is the index of the word that begins at or after an offset.
func (m *message) wordAt(offset int) int {
	for i, w := range m.words {
		if w.end > offset {
			return i
		}
	}
	return len(m.words)
}

// phrase returns where words stand one after the other in the message, whatever
// their case, as indexes of the first.
func (m *message) phrase(words []string) (at []int) {
	if len(words) == 0 {
		return nil
	}
	low := m.plain
	for i := 0; i+len(words) <= len(low); i++ {
		same := true
		for k, w := range words {
			if low[i+k].text != w {
				same = false
				break
			}
		}
		if same {
			at = append(at, low[i].word)
		}
	}
	return at
}

// plainWord is a piece of a word without joints: "team-meeting.docx" is three.
type plainWord struct {
	text string
	word int // the message's word that it is of
}

func plain(ws []word) (list []plainWord) {
	for i, w := range ws {
		for _, p := range pieces(w.low) {
			list = append(list, plainWord{p, i})
		}
	}
	return list
}

// pieces are the words of a name, folded: a file's extension and signs do not
// count.
func pieces(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !isWord(r) })
}
