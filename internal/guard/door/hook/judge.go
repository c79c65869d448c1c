package hook

import (
	"bytes"
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/ticket"
	"github.com/openseawall/seawall/internal/openclaw"
)

// A call without a ticket was in no answer that passed the model door, or stands
// there otherwise than OpenClaw reads it: another provider's, one of
// /tools/invoke, of a slash command, of a program in code mode. It is judged by
// the same policy, with the arguments that OpenClaw is about to run it with.
// Nobody saw how they came about, so where they come from is unknown: what it
// sends, spends, destroys or opens asks.

// tools are all that OpenClaw has: nobody tells here which of them were offered.
var tools = openclaw.NewToolset("tool_call")

// judge decides about a call as the model door would have, of a call behind
// tool_call about the one that acts. OpenClaw asks about that one again, so once
// it may run, it has a ticket.
func (d *Door) judge(ctx context.Context, a guard.Action, q question) answer {
	calls, ambiguous := tools.Unwrap(q.Tool, "", written(q))
	acts := calls[len(calls)-1]
	a.Tool, a.Ambiguous = openclaw.PolicyName(acts.Tool), ambiguous
	if acts.Args != nil {
		a.Args = acts.Args
	}
	begins := func(said answer) answer {
		said.Scan = said.Allow && d.past(a)
		if said.Allow {
			d.installs(a)
		}
		for _, call := range calls[1:] {
			if t, err := ticket.Of(a.Config, a.Trace, call.Tool, call.Args); said.Allow && err == nil {
				d.tickets.Issue(t)
			}
		}
		return said
	}
	decision := d.guard.Judge(ctx, a)
	switch {
	case decision.Question != 0:
		return answer{wait: func(ctx context.Context) answer { return begins(d.await(ctx, a, q, decision.Question)) }}
	case decision.Verdict != policy.Allow:
		return answer{Block: true, Reason: d.guard.Stopped(a, decision)}
	}
	return begins(answer{Allow: true})
}

// past reports whether the results of a run go to a model that is not behind the
// door.
func (d *Door) past(a guard.Action) bool { return !d.through.Contains(a.Config + "\x00" + a.Trace) }

// written are the arguments of a call without what OpenClaw adds for hooks: a
// program of code mode stands in command as well, which is then no shell's.
func written(q question) jsontext.Value {
	var fields map[string]jsontext.Value
	if q.Kind != "code_mode_exec" || json.Unmarshal(q.Params, &fields) != nil || !bytes.Equal(fields["code"], fields["command"]) {
		return q.Params
	}
	delete(fields, "command")
	args, err := json.Marshal(fields, json.Deterministic(true))
	if err != nil {
		return q.Params
	}
	return args
}
