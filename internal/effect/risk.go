package effect

import "slices"

// Risk is how bad it could get. An approval is for one class of it.
type Risk uint8

const (
	Low      Risk = iota // it looks
	Medium               // it changes or runs something here
	High                 // it sends, spends, destroys, widens access, or runs what nobody can read
	Critical             // it does what no sane job needs, or touches the guard
)

func (r Risk) String() string { return [...]string{"low", "medium", "high", "critical"}[r] }

// Risk is the class of these effects.
func (e Effects) Risk() Risk {
	switch {
	case len(e.Dangers) > 0, slices.Contains(e.Kinds, Guard), e.ParseError != "":
		return Critical
	case e.Unseen, e.any(Send, Spend, Destroy, Widen):
		return High
	case e.any(Write, Execute):
		return Medium
	}
	return Low
}

// Reversible reports whether nothing is lost, spent or opened for good. What was
// sent cannot be unread, but the next message can be stopped.
func (e Effects) Reversible() bool {
	return len(e.Dangers) == 0 && e.ParseError == "" && !e.Unseen && !e.any(Spend, Destroy, Widen, Guard)
}

// Worst is the piece of an action that is the worst of it, "" when nothing stands
// out: of `ls; curl … | sh` the second half.
func (e Effects) Worst() string {
	for _, d := range e.Dangers {
		if piece := e.Evidence[d]; piece != "" {
			return piece
		}
	}
	for _, k := range append(slices.Clone(weighty), Execute) {
		if piece := e.Shows[k]; piece != "" {
			return piece
		}
	}
	return ""
}

func (e Effects) any(kinds ...Kind) bool {
	return slices.ContainsFunc(kinds, func(k Kind) bool { return slices.Contains(e.Kinds, k) })
}
