package model

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/wire"
)

// versioned is what providers write behind the type of a tool they run.
var versioned = regexp.MustCompile(`(_preview)?(_\d{8}|_\d{4}_\d\d_\d\d)?$`)

// credentials of a declaration are the agent's own, for the server that the
// operator chose; they are no part of what is judged.
var credentials = []string{"authorization", "authorization_token", "headers"}

// withhold judges the tools that the provider runs by itself by their
// declarations, as calls of web_search, code_interpreter, mcp and so on: of
// those calls nobody is asked again. body is returned without the declarations
// that may not stand.
func (t *turn) withhold(ctx context.Context, body []byte) ([]byte, error) {
	denied := slices.DeleteFunc(t.request.Hosted(), func(tool wire.OfferedTool) bool {
		return t.guard.Judge(ctx, t.declared(tool)).Verdict == policy.Allow
	})
	if len(denied) == 0 {
		return body, nil
	}
	return t.request.Withhold(body, denied)
}

func (t *turn) declared(tool wire.OfferedTool) guard.Action {
	a := guard.Action{Turn: t.here(), Tool: versioned.ReplaceAllString(tool.Hosted, ""), Args: tool.Declared}
	var fields map[string]json.RawMessage
	if json.Unmarshal(tool.Declared, &fields) != nil {
		a.Ambiguous = true
		return a
	}
	for _, name := range credentials {
		delete(fields, name)
	}
	a.Args, _ = json.Marshal(fields)
	return a
}
