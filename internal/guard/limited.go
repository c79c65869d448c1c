package guard

import (
	"cmp"
	"context"
	"slices"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/limit"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Halting is what a row is about that tells of a turn for which no model was asked,
// because of a limit.
const Halting = "turn"

// counted is what counts a turn's conversation for itself.
func (g *Guard) counted(t Turn) limit.Conversation {
	name := cmp.Or(t.Session, t.Conversation)
	return limit.Conversation{
		Key:  digest(t.Config + "\x00" + t.Agent + "\x00" + cmp.Or(t.Conversation, t.Session))[:16],
		Name: shorten(plain(g.clean(name)), 80),
	}
}

// message reports whether a call sends something to somebody: no page is fetched by
// it, and no program run, unless that names whom.
func message(e effect.Effects) bool {
	return len(e.To) > 0 || slices.Contains(e.Kinds, effect.Send) && len(e.URLs) == 0 && len(e.Commands) == 0
}

// over returns the limit that stands against a call, or nil.
func (g *Guard) over(a Action, e effect.Effects) *limit.Reached {
	return g.Limits.Call(g.counted(a.Turn), message(e))
}

// tally counts a call that was let through.
func (g *Guard) tally(a Action, e effect.Effects) {
	g.Limits.Called(g.counted(a.Turn), message(e))
}

// Answered counts what an answer of a model used.
func (g *Guard) Answered(t Turn, u limit.Use) {
	g.Limits.Answered(g.counted(t), u)
}

// above is a decision that says by how much which limit is reached, where that is a
// reason of it.
func (d Decision) above(r *limit.Reached) Decision {
	i := slices.Index(d.Policy, policy.OverLimit)
	if r == nil || i < 0 {
		return d
	}
	l := languages[operator.German]
	switch {
	case i > 0:
		d.Why += "; " + r.String()
		if d.german != "" && r.German() != "" {
			d.german += ", und " + r.German()
		}
	case r.German() == "":
		d.Why, d.german = needsApproval+": "+r.String(), ""
	default:
		d.Why, d.german = needsApproval+": "+r.String(), l.translated(needsApproval)+": "+r.German()
	}
	return d
}

// OverTurn returns what the door says to a turn for which no tokens or no money are
// left. begun tells that the model has already worked on it.
func (g *Guard) OverTurn(ctx context.Context, t Turn, begun bool) (said string, ok bool) {
	r := g.Limits.Turn(g.counted(t), begun)
	if r == nil {
		return "", false
	}
	d := Decision{Verdict: policy.Deny, Policy: []string{policy.OverLimit}, Why: r.String(), german: r.German(), back: "seawall limits"}
	return g.Halted(t, g.keep(ctx, t, d, ledger.Row{Act: Halting, Detail: "a turn"})), true
}
