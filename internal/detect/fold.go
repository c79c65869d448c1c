package detect

import (
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folded is a text as a reader takes it, not as it is written: lower case,
// compatibility forms, accents, lookalikes and invisible signs undone (NFKC and
// the confusables of UTS 39 that matter here). It keeps the way back.
type folded struct {
	text   string
	steps  []step // where the distance to the original changes
	unseen int    // invisible signs that were left out between letters
	bidi   int    // signs that turn the direction of writing
	tags   string // text written in invisible tag characters (U+E0000)
	tagsAt int
}

// step says that from folded offset on, the original is at was.
type step struct{ on, was int }

// at is the offset in the original of an offset in the folded text.
func (f *folded) at(i int) int {
	n := sort.Search(len(f.steps), func(n int) bool { return f.steps[n].on > i })
	if n == 0 {
		return i
	}
	s := f.steps[n-1]
	return s.was + i - s.on
}

// folded is the offset in the folded text of one in the original, at or before
// it.
func (f *folded) folded(i int) int {
	n := sort.Search(len(f.steps), func(n int) bool { return f.steps[n].was > i })
	if n == 0 {
		return min(i, len(f.text))
	}
	s := f.steps[n-1]
	return min(s.on+i-s.was, len(f.text))
}

func fold(text string) *folded {
	f := &folded{}
	var b strings.Builder
	b.Grow(len(text))
	var tags strings.Builder
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			b.WriteByte(c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r >= 0xE0000 && r <= 0xE007F:
			if tags.Len() == 0 {
				f.tagsAt = i
			}
			if r > 0xE001F && r < 0xE007F {
				tags.WriteByte(byte(r - 0xE0000))
			}
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			f.bidi++
		case unseen(r):
			f.unseen++
		default:
			b.WriteString(plain(r))
		}
		i += size
		if b.Len() != i {
			f.steps = append(f.steps, step{b.Len(), i})
		} else if len(f.steps) > 0 {
			f.steps = append(f.steps, step{i, i})
		}
	}
	f.text, f.tags = b.String(), tags.String()
	return f
}

// unseen are signs that nobody sees.
func unseen(r rune) bool {
	switch r {
	case 0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF:
		return true
	}
	return r >= 0x200B && r <= 0x200F || r >= 0x2060 && r <= 0x2064 || r >= 0xFE00 && r <= 0xFE0F
}

// lookalikes are letters of other scripts that are drawn as Latin ones. They are
// told apart only in words: see latin.
var lookalikes = func() map[rune]byte {
	m := map[rune]byte{}
	from := []rune("аеорсухіјѕԁһӏքոսցԛԝѵьгαοριντυνκωε")
	for i, c := range "aeopcyxijsdhlpnugqwvbraopivtuvkwe" {
		m[from[i]] = byte(c)
	}
	return m
}()

var plainCache sync.Map

// plain is a rune as it is read.
func plain(r rune) string {
	if r >= 0x3040 && r <= 0x9FFF || r >= 0xAC00 && r <= 0xD7A3 {
		return string(r)
	}
	if s, ok := plainCache.Load(r); ok {
		return s.(string)
	}
	s := plainly(r)
	if r < 0x3000 || r >= 0xFF00 && r < 0xFFF0 || r >= 0x1D400 && r < 0x1D800 {
		plainCache.Store(r, s)
	}
	return s
}

func plainly(r rune) string {
	switch r {
	case '‘', '’', 'ʼ':
		return "'"
	case '“', '”', '„', '«', '»':
		return `"`
	case 'ß':
		return "ss"
	case 'ı':
		return "i"
	case 'ł', 'Ł':
		return "l"
	}
	var b strings.Builder
	for _, d := range norm.NFKD.String(string(r)) {
		if !unicode.Is(unicode.Mn, d) {
			b.WriteRune(unicode.ToLower(d))
		}
	}
	return b.String()
}

// latin undoes lookalikes in a word that mixes scripts.
func latin(w string) string {
	ascii := false
	for i := 0; i < len(w); i++ {
		if w[i] >= 'a' && w[i] <= 'z' {
			ascii = true
			break
		}
	}
	if !ascii {
		return w
	}
	return strings.Map(func(r rune) rune {
		if c, ok := lookalikes[r]; ok {
			return rune(c)
		}
		return r
	}, w)
}
