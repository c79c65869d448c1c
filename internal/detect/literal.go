package detect

import "strings"

// literals finds where one of many fixed strings begins in a text.
//
// It looks at every second pair of bytes only, as Wu and Manber do ("A fast
// algorithm for multi-pattern searching", 1994) with blocks of two: a string
// of three bytes or more shows one of its first two pairs there. Text that
// holds none of the strings passes at well over a gigabyte a second.
type literals struct {
	pairs [1 << 10]uint64 // a bit for each pair of bytes that begins a string or is its second pair
	three [1 << 10]uint64 // a bit for each hash of three bytes that begin a string
	heads [256][]literal  // by first byte, longest first
}

// literal is one string and what it stands for.
type literal struct {
	text string
	of   int
}

// leastLiteral is the shortest string that literals can look for, in bytes.
const leastLiteral = 3

// add makes text one of the strings that are looked for.
func (l *literals) add(text string, of int) {
	if len(text) < leastLiteral {
		panic("detect: " + text + " is too short to be looked for")
	}
	l.mark(text[0], text[1])
	l.mark(text[1], text[2])
	h := hash3(text[0], text[1], text[2])
	l.three[h>>6] |= 1 << (h & 63)
	head := l.heads[text[0]]
	at := len(head)
	for at > 0 && len(head[at-1].text) < len(text) {
		at--
	}
	head = append(head, literal{})
	copy(head[at+1:], head[at:])
	head[at] = literal{text, of}
	l.heads[text[0]] = head
}

func (l *literals) mark(a, b byte) {
	pair := uint(a)<<8 | uint(b)
	l.pairs[pair>>6] |= 1 << (pair & 63)
}

// hash3 is a hash of 16 bits.
func hash3(a, b, c byte) uint {
	return uint((uint32(a)|uint32(b)<<8|uint32(c)<<16)*0x9E3779B1) >> 16
}

// next returns the first place at or after from where a string may begin, or
// len(text). It says may: the caller compares.
func (l *literals) next(text string, from int) int {
	for i := from; i+2 < len(text); i += 2 {
		pair := uint(text[i+1])<<8 | uint(text[i+2])
		if l.pairs[pair>>6]&(1<<(pair&63)) == 0 {
			continue
		}
		if l.maybe(text, i) && l.begins(text, i) {
			return i
		}
		if (i+3 == len(text) || l.maybe(text, i+1)) && l.begins(text, i+1) {
			return i + 1
		}
	}
	// The pairs above skip nothing but what begins in the last two bytes.
	for i := max(from, len(text)-2); i < len(text); i++ {
		if l.begins(text, i) {
			return i
		}
	}
	return len(text)
}

// maybe compares the hash of three bytes.
func (l *literals) maybe(text string, i int) bool {
	h := hash3(text[i], text[i+1], text[i+2])
	return l.three[h>>6]&(1<<(h&63)) != 0
}

// begins reports whether one of the strings, or as much of it as the text has
// room for, stands at i.
func (l *literals) begins(text string, i int) bool {
	rest := text[i:]
	for _, lit := range l.heads[text[i]] {
		if strings.HasPrefix(rest, lit.text) || strings.HasPrefix(lit.text, rest) {
			return true
		}
	}
	return false
}
