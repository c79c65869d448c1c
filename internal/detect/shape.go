package detect

import "strings"

// A secret is judged by its first most bytes at the latest; the ahead bytes
// after them tell whether it ends there. Together they are what a Stream holds
// back at most.
const (
	most  = 4<<10 - ahead
	ahead = 64
)

// shape is what one kind of credential looks like: it begins with one of a
// few fixed strings and goes on in an alphabet. Where it begins and ends can be
// told without knowing what comes later, which is what lets a Stream cut it out.
type shape struct {
	rule, title string
	begins      []string // at least leastLiteral bytes each
	in          *alphabet
	least       int  // fewest bytes after the beginning
	exact       bool // a beginning so short that least must be the whole of it
	alone       bool // and that no letter or digit may stand before it
	nests       bool // the beginning stands again inside
	back        int  // digits before the beginning that belong to it, at most

	// run, in place of in, goes on from i to where the secret ends, and says
	// whether that end was seen. It can go on from any place less than ahead
	// bytes before the one where it stopped.
	run func(s string, i int) (end int, closed bool)
	// judge, where set, looks closer: how many bytes of s are a secret. It
	// is given what stands before the beginning as well (back).
	judge func(s string, begin int) int
}

// extent says how far a secret goes whose beginning, of begin bytes, is text[0],
// and whether its end was seen.
func (s *shape) extent(text string, begin int) (n int, closed bool) {
	switch {
	case s.run != nil:
		return s.run(text, begin)
	case s.in == nil:
		return begin, true
	}
	return s.in.run(text, begin)
}

// is returns how many bytes of token are a secret; token is the beginning and
// all that goes on in the alphabet, or the first most bytes of that.
func (s *shape) is(token string, begin int) int {
	body := token[begin:]
	switch {
	case s.in == nil && s.run == nil:
		return len(token)
	case s.exact && len(body) != s.least, len(body) < s.least:
		return 0
	case s.judge != nil:
		return s.judge(token, begin)
	case placeholder(body), bland(body):
		return 0
	}
	return len(token)
}

// alphabet is a set of bytes.
type alphabet [256]bool

// run goes from i to the first byte that is not in the alphabet.
func (a *alphabet) run(text string, i int) (end int, closed bool) {
	for ; i < len(text); i++ {
		if !a[text[i]] {
			return i, true
		}
	}
	return i, false
}

// letters makes an alphabet of single bytes and of ranges written a-z.
func letters(spec string) *alphabet {
	var a alphabet
	for i := 0; i < len(spec); i++ {
		if i+2 < len(spec) && spec[i+1] == '-' {
			for c := int(spec[i]); c <= int(spec[i+2]); c++ {
				a[c] = true
			}
			i += 2
			continue
		}
		a[spec[i]] = true
	}
	return &a
}

var (
	alnum     = letters("a-zA-Z0-9")
	upper     = letters("A-Z0-9")
	base16    = letters("a-fA-F0-9")
	word      = letters("a-zA-Z0-9_")
	dashed    = letters("a-zA-Z0-9_-") // base64url
	dotted    = letters("a-zA-Z0-9_=.-")
	base64ish = letters("a-zA-Z0-9+/=_-")
)

// set is a group of shapes that are looked for together, from left to right.
type set struct {
	shapes []shape
	back   int // the most that a shape has
	literals
}

func newSet(shapes []shape) *set {
	s := &set{shapes: shapes}
	for i, sh := range shapes {
		s.back = max(s.back, sh.back)
		for _, b := range sh.begins {
			s.add(b, i)
		}
	}
	return s
}

// scan reads text from left to right and gives each secret to found. What
// stands before from is context that was read earlier. Unless the text ends here
// it stops where a secret begins that may still go on, and returns that place;
// open is then the shape if a secret was already given and merely goes on.
func (s *set) scan(text string, from int, ends bool, found func(*shape, int, int)) (safe int, open *shape) {
	var known runs
	for at := from; ; {
		at = s.next(text, at)
		if at >= len(text) {
			break
		}
		sh, start, end, state := s.at(text, at, from, ends, &known)
		switch state {
		case waits:
			return start, nil
		case secret:
			found(sh, start, end)
			at, from = end, end
		case goesOn:
			found(sh, start, end)
			return end, sh
		default:
			at++
		}
	}
	if !ends {
		return s.before(text, len(text), from), nil
	}
	return len(text), nil
}

// runs remembers how far the text is known to go on in an alphabet, so that one
// full of beginnings is not read again from each.
type runs struct {
	of [8]struct {
		in  *alphabet
		end int
	}
	next int
}

// extent is the shape's extent of held, which stands at at.
func (r *runs) extent(sh *shape, held string, at, begin int) (n int, closed bool) {
	if sh.in == nil {
		return sh.extent(held, begin)
	}
	known := &r.of[r.next]
	for i := range r.of {
		if r.of[i].in == sh.in {
			known = &r.of[i]
		}
	}
	if known.in != sh.in {
		r.next = (r.next + 1) % len(r.of)
	} else if known.end > at+begin {
		begin = min(known.end-at, len(held))
	}
	n, closed = sh.extent(held, begin)
	known.in, known.end = sh.in, at+n
	return n, closed
}

// state is what stands at one place of a text.
type state int

const (
	nothing state = iota
	secret
	goesOn // a secret, judged, whose end is not here yet
	waits  // what may become one
)

// at judges the place where a literal may begin.
func (s *set) at(text string, at, from int, ends bool, known *runs) (*shape, int, int, state) {
	rest := text[at:]
	for _, lit := range s.heads[text[at]] {
		sh := &s.shapes[lit.of]
		start := digitsBefore(text, at, from, sh.back)
		if sh.alone && start > 0 && alnum[text[start-1]] {
			continue
		}
		if !strings.HasPrefix(rest, lit.text) {
			if !ends && strings.HasPrefix(lit.text, rest) {
				return sh, s.before(text, at, from), at, waits
			}
			continue
		}
		held := rest[:min(len(rest), most)]
		n, closed := known.extent(sh, held, at, len(lit.text))
		if !closed && !ends && len(rest) < most+ahead {
			return sh, s.before(text, at, from), at, waits
		}
		if next := strings.Index(held[len(lit.text):n], lit.text); next >= 0 && !sh.nests {
			n, closed = len(lit.text)+next, true // one ends where another begins
		}
		size := sh.is(text[start:at+n], at-start+len(lit.text))
		switch {
		case size == 0:
			continue
		case closed || size < at-start+n:
			return sh, start, start + size, secret
		}
		n, closed = sh.extent(rest, len(lit.text))
		if closed || ends {
			return sh, start, at + n, secret
		}
		return sh, start, at + n, goesOn
	}
	return nil, 0, 0, nothing
}

// before returns where digits begin, ahead of at, that a shape with back may
// still claim.
func (s *set) before(text string, at, from int) int {
	return digitsBefore(text, at, from, s.back)
}

// digitsBefore returns where the digits begin that end at at, looking no
// further back than from and n digits.
func digitsBefore(text string, at, from, n int) int {
	i := at
	for i > from && at-i < n && text[i-1] >= '0' && text[i-1] <= '9' {
		i--
	}
	return i
}
