package guard

import (
	"context"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Frozen stands in place of a policy's name in the row of what was stopped
// because the operator has frozen the agent. No policy lifts it.
const Frozen = "frozen"

const frozen = "the agent is frozen"

// halt is the decision about everything while the agent is frozen; ok is false
// when it is not.
func (g *Guard) halt() (d Decision, ok bool) {
	if g.Operator.Frozen() == nil {
		return Decision{}, false
	}
	return Decision{Verdict: policy.Deny, Policy: []string{Frozen}, Why: frozen}, true
}

func (d Decision) frozen() bool { return d.Why == frozen }

// HaltTurn returns what the door says to a new turn while the agent is frozen.
func (g *Guard) HaltTurn(ctx context.Context, t Turn) (said string, ok bool) {
	d, ok := g.halt()
	if !ok {
		return "", false
	}
	return g.Halted(t, g.keep(ctx, t, d, ledger.Row{Act: string(policy.Read), Detail: "a turn"})), true
}

// HaltAnswer returns what ends an answer that streams when the agent is frozen.
func (g *Guard) HaltAnswer(ctx context.Context, t Turn) (said string) {
	d := Decision{Verdict: policy.Deny, Policy: []string{Frozen}, Why: frozen}
	d = g.keep(ctx, t, d, ledger.Row{Act: string(policy.Reply), Detail: "the rest of an answer"})
	return g.say(t, func(l language) notice { return notice{what: l.rest, why: d.in(l), can: l.look(d), id: d.ID} })
}

// HaltCall stops a call while the agent is frozen, also one that was let through
// before.
func (g *Guard) HaltCall(ctx context.Context, a Action) (said string, ok bool) {
	d, ok := g.halt()
	if !ok {
		return "", false
	}
	effects := effect.Of(a.Tool, a.Args)
	d.what = summary(a.Tool, effects)
	d = g.keep(ctx, a.Turn, d, ledger.Row{
		Act: string(policy.Call), Tool: a.Tool, Action: exactly(a), Detail: g.clean(unescaped(a.Args)),
		Effects: g.effects(effects),
	})
	return g.Stopped(a, d), true
}
