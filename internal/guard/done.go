package guard

import (
	"context"
	"strings"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// rememberCalls is how many calls may be out whose results have not come.
const rememberCalls = 8192

// callKey names a call by what its result comes back under.
type callKey struct{ agent, id string }

// keyOf leaves of an ID what OpenClaw sends back: for chat completions and
// Anthropic messages it strips what is no letter or digit.
func keyOf(agent, id string) callKey {
	return callKey{agent, strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, id)}
}

// write puts a decision into the record and returns the ID of its row. That of
// a call stands behind a row that says what was asked, and both are on the disk
// before this returns, as is what stops a text; that a text was passed on is
// written behind.
func (g *Guard) write(ctx context.Context, v policy.Verdict, row ledger.Row) (int64, error) {
	switch {
	case row.Act == string(policy.Call):
		asked := row
		asked.Kind, asked.Decision, asked.Policy, asked.Why, asked.Version = ledger.Asked, "", nil, "", ""
		asked.Effects, asked.Seen, asked.Origins, asked.Approval = nil, nil, nil, nil
		return g.record.Append(ctx, asked, row)
	case v < policy.Ask:
		return 0, g.record.Behind(row)
	}
	return g.record.Append(ctx, row)
}

// await remembers a call that was let through, by the row of its decision,
// until its result comes.
func (g *Guard) await(a Action, decided int64) {
	key := keyOf(a.Agent, a.ID)
	if key.id == "" {
		return
	}
	g.out.Add(key, ledger.Row{
		Kind: ledger.Done, Asked: decided - 1, Act: string(policy.Call), Tool: g.clean(a.Tool), Action: exactly(a),
		Door: a.Door, Route: a.Route, Agent: g.clean(a.Agent), Session: g.clean(a.Session), Trace: g.clean(a.Trace),
	})
}

// Done records that the result of a call came back, and its SHA-256: once,
// whoever tells of it first. id is that of the call, as the model or OpenClaw
// wrote it. A call that is not known was not let through since the start.
func (g *Guard) Done(agent, id, result string) {
	key := keyOf(agent, id)
	row, ok := g.out.Peek(key)
	if !ok || !g.out.Remove(key) {
		return
	}
	row.Result = digest(result)
	if err := g.record.Behind(row); err != nil {
		g.note(err)
	}
}

// exactly is the hash of the action as it was judged.
func exactly(a Action) string { return digest(a.Tool + "\x00" + string(a.Args)) }
