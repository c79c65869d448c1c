package guard

import (
	"context"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// NoTicket stands in place of a policy's name in the row of a call that was about
// to run without ever having been judged.
const NoTicket = "no-ticket"

// Unjudged stops a call that was about to run without ever having been judged,
// records it, and returns the sentence for the chat. why goes on after
// "Because:".
func (g *Guard) Unjudged(ctx context.Context, a Action, why string) string {
	effects := effect.Of(a.Tool, a.Args)
	d := Decision{Verdict: policy.Deny, Policy: []string{NoTicket}, Why: why, what: summary(a.Tool, effects)}
	d = g.keep(ctx, a.Turn, d, ledger.Row{
		Act: "call", Tool: a.Tool, Action: exactly(a), Detail: g.clean(unescaped(a.Args)),
		Effects: g.effects(effects),
	})
	return g.Stopped(a, d)
}

// Passed records that a model was called past the door.
func (g *Guard) Passed(ctx context.Context, t Turn, why string) error {
	_, err := g.record.Append(ctx, ledger.Row{
		Kind: "event", Why: g.clean(why), Version: g.policy.Version(),
		Door: t.Door, Route: g.clean(t.Route), Agent: g.clean(t.Agent), Session: g.clean(t.Session), Trace: g.clean(t.Trace),
	})
	return err
}

// Unseen records that a turn goes on from what only the provider knows
// (previous_response_id, a conversation, an item reference): where the values
// of its calls come from is unknown.
func (g *Guard) Unseen(ctx context.Context, t Turn) Decision {
	const why = "the agent goes on from a conversation that only the provider holds: the origin of what is in it is unknown"
	if g.Passed(ctx, t, why) != nil {
		return Decision{Verdict: policy.Deny, Unkept: true, Why: unkept}
	}
	return Decision{Verdict: policy.Allow}
}
