package guard

import (
	"context"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/policy"
)

// unlined is why a call does not run of whose traces nothing could be remembered.
const unlined = "where the content of the agent's files comes from cannot be kept, so nothing is written"

// leave remembers of what it is made what a call writes that may run, now or once a
// person allows it. What cannot be remembered is denied.
func (g *Guard) leave(ctx context.Context, a Action, e effect.Effects, d Decision) Decision {
	if g.Lineage == nil || d.Verdict > policy.Ask {
		return d
	}
	call := lineage.Call{Tool: a.Tool, Args: a.Args, Workspace: a.Workspace, Effects: e}
	left := call.Leaves()
	if len(left) == 0 {
		return d
	}
	if err := g.Lineage.Keep(ctx, left, g.Lineage.Of(call, a.Talk.Untrusted())); err != nil {
		g.note(err)
		return Decision{Verdict: policy.Deny, Unkept: true, Why: unlined, Risk: d.Risk, Origins: d.Origins, what: d.what}
	}
	return d
}
