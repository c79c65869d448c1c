package guard

import (
	"crypto/sha256"
	"slices"

	"github.com/openseawall/seawall/internal/detect"
)

// seamWidth is how much of the texts on each side of a border is read across
// it, in bytes: an order or a secret that was cut in two does not need more.
const seamWidth = 512

// Join looks for what is cut over the borders of the texts of one request, which
// follow on each other: blocks of a message, or results of the calls of one turn.
// The model reads them as one. What is found counts for each text that has a
// piece of it.
func (r *Reader) Join(texts []Text) {
	for begin := 0; begin < len(texts); {
		end := begin + 1
		for end < len(texts) && texts[end].Follows && texts[end].Source == texts[begin].Source {
			end++
		}
		for border := begin + 1; border < end; border++ {
			r.join(texts[begin:end], border-begin)
		}
		begin = end
	}
}

// join reads across the border before texts[at].
func (r *Reader) join(texts []Text, at int) {
	before, after := &texts[at-1], &texts[at]
	key := r.key(after)
	if len(before.Text) >= seamWidth && len(after.Text) >= seamWidth {
		key.before = before.sum()
	} else {
		// Neighbours of theirs are within reach as well.
		s, n := window(texts, at)
		key.sum, key.before = sha256.Sum256([]byte(s)), seamOf(n)
	}
	f := r.lookUp(key, func() findings {
		s, n := window(texts, at)
		return r.across(s, n, after.Source)
	})
	if len(f.all) == 0 {
		return
	}
	s, n := window(texts, at)
	for i, end := at-1, n; i >= 0 && end > 0; i-- {
		begin := end - len(texts[i].Text)
		texts[i].across = append(texts[i].across, f.within(begin, end)...)
		end = begin
	}
	for i, begin := at, n; i < len(texts) && begin < len(s); i++ {
		end := begin + len(texts[i].Text)
		texts[i].across = append(texts[i].across, f.within(begin, end)...)
		begin = end
	}
}

// seamOf marks the key of a window by where the border stands in it, which no
// text's sum is.
func seamOf(n int) (mark [sha256.Size]byte) {
	mark[0], mark[1], mark[2] = 1, byte(n), byte(n>>8)
	return mark
}

// window is the text on both sides of the border before texts[at], which stands
// at n of it.
func window(texts []Text, at int) (s string, n int) {
	for i := at - 1; i >= 0 && len(s) < seamWidth; i-- {
		s = tail(texts[i].Text, seamWidth-len(s)) + s
	}
	n = len(s)
	for i := at; i < len(texts) && len(s)-n < seamWidth; i++ {
		s += head(texts[i].Text, seamWidth-(len(s)-n))
	}
	return s, n
}

func head(s string, n int) string { return s[:min(len(s), n)] }

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// across finds what is in a window only because both sides of its border are.
func (g *Guard) across(s string, n int, from Source) findings {
	var kept findings
	var sides []detect.Finding // what either side holds alone
	for i, x := range g.detect(s, from).all {
		if i == 0 {
			sides = g.detect(s[:n], from).all
			for _, y := range g.detect(s[n:], from).all {
				y.Start, y.End = y.Start+n, y.End+n
				sides = append(sides, y)
			}
		}
		alone := func(y detect.Finding) bool {
			return y.Kind == x.Kind && y.Verdict >= x.Verdict && y.Start < x.End && x.Start < y.End
		}
		if x.Start < n && n < x.End || !slices.ContainsFunc(sides, alone) {
			kept.all = append(kept.all, x)
		}
	}
	return kept
}

// within gives the pieces of findings that stand in a text, from where it begins.
func (f findings) within(begin, end int) []detect.Finding {
	var pieces []detect.Finding
	for _, x := range f.all {
		x.Start, x.End = max(x.Start, begin)-begin, min(x.End, end)-begin
		if x.Start < x.End {
			pieces = append(pieces, x)
		}
	}
	return pieces
}

// and adds what was found across the borders of a text.
func (f findings) and(across []detect.Finding) findings {
	if len(across) == 0 {
		return f
	}
	var injections, secrets []detect.Finding
	for _, x := range slices.Concat(across, f.all) {
		if x.Kind == detect.Secret {
			secrets = append(secrets, x)
			continue
		}
		injections = append(injections, x)
		f.injection = max(f.injection, x.Verdict)
	}
	f.secrets = merge(nil, secrets)
	f.all = append(injections, f.secrets...)
	return f
}
