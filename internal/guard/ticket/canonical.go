package ticket

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/openclaw"
)

// Of returns the ticket of a call. args is a JSON object, as it stands in the
// answer or as a hook is shown it; it is an error when they have no certain
// reading, and then there can be no ticket.
func Of(agent, trace, tool string, args []byte) (Ticket, error) {
	t := Ticket{Agent: agent, Trace: trace, Tool: openclaw.PolicyName(tool)}
	form, err := canonical(t.Tool, args)
	if err != nil {
		return Ticket{}, fmt.Errorf("reading the arguments of %s: %w", t.Tool, err)
	}
	t.Args = sha256.Sum256(form)
	return t, nil
}

// canonical is one form (RFC 8785) for all that OpenClaw makes of the arguments
// of a call between the wire and its hooks. It moves arguments to where the
// tool reads them (prepareArguments, prepareBeforeToolCallParams), takes what
// single tools take ([openclaw.ToolParam]), then turns
// values into the type that the tool's schema names (coerceWithJsonSchema in
// packages/llm-core/src/validation.ts). The schemas are not all on the wire,
// so values that could become one another are one: 5 and "5"; true, "true" and
// 1; false, "false", 0, null, "" and nothing; a list or object and its text.
// docs/hook.md has the whole rule.
func canonical(tool string, args []byte) ([]byte, error) {
	var fields map[string]any
	if err := json.Unmarshal(args, &fields); err != nil {
		return nil, err
	}
	for name, value := range fields {
		if text, ok := value.(string); ok {
			fields[name] = openclaw.ToolParam(tool, name, text)
		}
	}
	if move := moves[tool]; move != nil {
		fields = move(fields)
	}
	text, err := json.Marshal(settled(fields), json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	form := jsontext.Value(text)
	return form, form.Canonicalize()
}

// moves are what single tools do to the names in their arguments.
var moves = map[string]func(map[string]any) map[string]any{
	"tool_call":     moveCall,
	"edit":          moveEdits,
	"exec":          moveCode,
	"sessions_send": moveMessage,
}

// moveCall takes a call that stands whole in args or input out of it
// (prepareToolSearchDispatcherArguments, src/agents/tool-search-request.ts).
func moveCall(fields map[string]any) map[string]any {
	selectors := []string{"id", "toolId", "name"}
	for _, s := range selectors {
		if _, ok := fields[s]; ok {
			return fields
		}
	}
	inner := fields["args"]
	if inner == nil {
		inner = fields["input"]
	}
	nested, _ := inner.(map[string]any)
	for _, name := range selectors {
		if nested[name] == nil {
			continue
		}
		selector, ok := nested[name].(string)
		if !ok || strings.TrimSpace(selector) == "" {
			return fields
		}
		moved := maps.Clone(fields)
		delete(moved, "args")
		delete(moved, "input")
		maps.Copy(moved, nested)
		moved["id"] = selector
		return moved
	}
	return fields
}

// moveEdits puts a lone replacement into the list of them, and leaves out what
// the tool does not read (prepareEditArguments, src/agents/sessions/tools/edit.ts).
func moveEdits(fields map[string]any) map[string]any {
	edits := fields["edits"]
	if text, ok := edits.(string); ok {
		edits = parsed(text)
	}
	list, isList := edits.([]any)
	var moved []any
	for _, e := range list {
		if edit, ok := e.(map[string]any); ok {
			e = map[string]any{"oldText": edit["oldText"], "newText": edit["newText"]}
		}
		moved = append(moved, e)
	}
	before, ok1 := fields["oldText"].(string)
	after, ok2 := fields["newText"].(string)
	switch {
	case ok1 && ok2 && !holds(moved, before, after):
		moved = append(moved, map[string]any{"oldText": before, "newText": after})
	case !isList && !(ok1 && ok2):
		return map[string]any{"path": fields["path"], "edits": edits}
	}
	return map[string]any{"path": fields["path"], "edits": moved}
}

func holds(edits []any, before, after string) bool {
	for _, e := range edits {
		if edit, ok := e.(map[string]any); ok && edit["oldText"] == before && edit["newText"] == after {
			return true
		}
	}
	return false
}

// moveCode fills in the other of command and code, as code mode does for hooks
// (normalizeCodeModeExecParams, src/agents/code-mode-control-tools.ts).
// Scheduled runs pin a command to its host and take away what it asks of
// OpenClaw's own approvals (pinExecToolArgs, src/agents/exec-tool-target-pinning.ts).
func moveCode(fields map[string]any) map[string]any {
	moved := maps.Clone(fields)
	delete(moved, "security")
	delete(moved, "ask")
	if host := moved["host"]; host == "gateway" || host == "auto" {
		delete(moved, "host")
	}
	code, _ := moved["code"].(string)
	command, _ := moved["command"].(string)
	switch blank := ""; {
	case strings.TrimSpace(code) != blank && strings.TrimSpace(command) == blank:
		moved["command"] = code
	case strings.TrimSpace(code) == blank && strings.TrimSpace(command) != blank:
		moved["code"] = command
	}
	return moved
}

// moveMessage reads the other names of a message
// (normalizeSessionsSendArguments, src/agents/tools/sessions-send-tool.ts).
func moveMessage(fields map[string]any) map[string]any {
	moved := maps.Clone(fields)
	for _, name := range []string{"SendMessage", "content", "text"} {
		said, _ := moved["message"].(string)
		if other, ok := moved[name].(string); ok && strings.TrimSpace(said) == "" && strings.TrimSpace(other) != "" {
			moved["message"] = other
		}
		delete(moved, name)
	}
	return moved
}

// settled is one value for all that a schema could turn into one another.
// Nothing at all is nil, and left out of objects.
func settled(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, x := range v {
			if x := settled(x); x != nil {
				out[name] = x
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = settled(x)
		}
		return out
	case bool:
		if v {
			return 1.0
		}
		return nil
	case float64:
		if v == 0 {
			return nil
		}
		return v
	case string:
		return settledText(v)
	}
	return nil
}

// number is what OpenClaw takes for one in a text.
var number = regexp.MustCompile(`^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$`)

func settledText(s string) any {
	switch s {
	case "", "false":
		return nil
	case "true":
		return 1.0
	}
	short := strings.TrimFunc(s, unicode.IsSpace)
	if len(short) <= 64 && number.MatchString(short) {
		if f, err := strconv.ParseFloat(short, 64); err == nil && !math.IsInf(f, 0) {
			return settled(f)
		}
	}
	if v := parsed(s); v != nil {
		return settled(v)
	}
	return s
}

// maxParsed bounds a text that is read as a list or an object, in bytes.
// OpenClaw reads those of 65,536 UTF-16 units.
const maxParsed = 3 * 65536

// parsed is the list or object that a text is the JSON of, or nil.
func parsed(s string) any {
	short := strings.TrimLeftFunc(s, unicode.IsSpace)
	if len(s) > maxParsed || short == "" || short[0] != '[' && short[0] != '{' {
		return nil
	}
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return nil
	}
	return v
}
