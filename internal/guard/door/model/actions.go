package model

import (
	"strings"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/openclaw"
)

// toolset is what OpenClaw would find a tool's name in. Another agent takes it
// literally.
func toolset(q *wire.Request, literal bool) *openclaw.Toolset {
	if literal {
		return openclaw.Literal()
	}
	names := make([]string, 0, len(q.Tools))
	for _, tool := range q.Tools {
		names = append(names, tool.Name)
	}
	set := openclaw.NewToolset(names...)
	// xAI's models write arguments with HTML entities, which OpenClaw decodes.
	set.Entities = strings.Contains(strings.ToLower(q.Model), "grok")
	return set
}

// action names what a call would really do: the tool behind tool_call, under
// the name that OpenClaw resolves. strict is the one reading of arguments that
// are no strict JSON: what is handed on must be what was judged.
func (t *turn) action(c wire.Call) (a guard.Action, strict string) {
	calls, ambiguous := t.tools.Unwrap(c.Name, c.ID, []byte(c.Args))
	inner := calls[len(calls)-1]
	a = guard.Action{Turn: t.here(), ID: c.ID, Tool: inner.Tool, Args: inner.Args, Ambiguous: ambiguous || c.Unclear != ""}
	if inner.Args == nil {
		a.Args = []byte(c.Args)
	}
	a.Schema = t.past.schemas[inner.Tool]
	if calls[0].Lenient && !ambiguous {
		strict = string(calls[0].Args)
	}
	return a, strict
}
