package hook

import (
	"context"
	"regexp"
	"strings"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
)

// In code mode the model writes a program, and the program calls the tools: no
// answer holds those calls, so the model door cannot release them. They are
// judged here, by the same policy, and only when the program itself was let
// through in the same run. OpenClaw names the program in the id of each call
// (src/agents/tool-search.ts):
//
//	tool_search_code:<id of the program's call>:<tool>:<number>
const nestedPrefix = "tool_search_code:"

// program reports whether a call is such a program.
func (q question) program() bool { return q.Kind == "code_mode_exec" || q.Tool == "tool_search_code" }

// nested reports whether a call comes out of a program that was let through.
func (d *Door) nested(config string, q question) bool {
	rest, ok := strings.CutPrefix(q.ID, nestedPrefix)
	if !ok {
		return false
	}
	for range 2 {
		i := strings.LastIndexByte(rest, ':')
		if i <= 0 {
			return false
		}
		rest = rest[:i]
	}
	return d.code.Contains(programKey(config, q.Trace, rest))
}

// outside are the characters of an id that OpenClaw replaces where it stands
// within another (sanitizeToolCallIdPart).
var outside = regexp.MustCompile(`[^A-Za-z0-9_.:-]+`)

func programKey(config, trace, id string) string {
	id = outside.ReplaceAllString(strings.TrimSpace(id), "_")
	return config + "\x00" + trace + "\x00" + id[:min(len(id), 120)]
}

// judge decides about a call here, as the model door would have.
func (d *Door) judge(ctx context.Context, a guard.Action, q question) answer {
	decision := d.guard.Judge(ctx, a)
	switch {
	case decision.Question != 0:
		return answer{wait: func(ctx context.Context) answer { return d.await(ctx, a, q, decision.Question) }}
	case decision.Verdict != policy.Allow:
		return answer{Block: true, Reason: d.guard.Stopped(a, decision)}
	}
	return answer{Allow: true}
}
