package model

import (
	"cmp"
	"net/http"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/openclaw"
)

// Drill has OpenClaw make calls that do nothing, so as to see whether it asks
// before each. It is safe for concurrent use.
type Drill interface {
	// Next tells whether a request of an agent's run belongs to a drill, and what
	// the door says to it. vouched tells that the plugin has said whose words began
	// the run.
	Next(agent, trace string, vouched bool, q *wire.Request) (step Step, is bool)
}

// Step is what the door says within a drill: a call, a text of which OpenClaw
// may make one, or words.
type Step struct {
	ID, Tool, Args string // of a call; no Tool is none
	Text           string
	Ticket         bool // the call may run
}

// drill answers a request that belongs to a drill: nothing is forwarded, and
// nothing of it has to be judged.
func (d *Door) drill(w http.ResponseWriter, r *http.Request, x *exchange) bool {
	if d.Drill == nil || x.counted {
		return false
	}
	trace, _ := traceparent(r.Header.Get("Traceparent"))
	by, _ := d.Witness.Speaker(x.route.Agent, trace)
	step, is := d.Drill.Next(x.route.Agent, trace, by.Who != guard.Unvouched && by.Who != "", x.request)
	if !is {
		return false
	}
	call := wire.Call{ID: step.ID, Name: step.Tool, Args: step.Args}
	contentType, body := x.request.Say(step.Text)
	if step.Tool != "" {
		contentType, body = x.request.Call(step.ID, step.Tool, step.Args)
	} else if calls := openclaw.TextCalls(step.Text, nil); len(calls) == 1 {
		call.Name, call.Args = calls[0].Name, string(calls[0].Args)
	}
	if step.Ticket {
		t := &turn{tools: toolset(x.request, x.route.Literal), witness: d.Witness, config: x.route.Agent}
		t.Trace = trace
		t.release(call, cmp.Or(call.Args, "{}"), 0)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(body)
	return true
}
