package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// responses is OpenAI responses.
// https://platform.openai.com/docs/api-reference/responses
type responses struct{}

type responsesItem struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Input     string          `json:"input"`
	Output    json.RawMessage `json:"output"`
	Encrypted *string         `json:"encrypted_content"`
}

func (responses) read(r *Request, ids *given) string {
	var body struct {
		Model        string
		Stream       bool
		Instructions string
		Input        json.RawMessage
		Tools        []struct{ Name string }
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return "We could not parse the JSON body of your request: " + err.Error()
	}
	r.Model, r.Stream = body.Model, body.Stream
	for _, t := range body.Tools {
		r.Tools = append(r.Tools, t.Name)
	}
	if body.Instructions != "" {
		r.Turns = append(r.Turns, Turn{Role: "system", Text: body.Instructions})
	}
	var items []responsesItem
	var said string
	if json.Unmarshal(body.Input, &said) == nil {
		r.Turns = append(r.Turns, Turn{Role: "user", Text: said})
	} else if err := json.Unmarshal(body.Input, &items); err != nil {
		return "Invalid type for 'input': expected one of an array of input items or a string."
	}
	for _, it := range items {
		switch it.Type {
		case "function_call", "custom_tool_call":
			r.Turns = append(r.Turns, Turn{Role: "assistant", Call: it.CallID, Name: it.Name, Text: it.Arguments + it.Input})
		case "function_call_output", "custom_tool_call_output":
			r.Turns = append(r.Turns, Turn{Role: "tool", Result: it.CallID, Text: text(it.Output)})
		case "message", "":
			r.Turns = append(r.Turns, Turn{Role: it.Role, Text: text(it.Content)})
		}
	}
	if body.Model == "" {
		return "Missing required parameter: 'model'."
	}
	return refuseResponses(items, ids)
}

// itemPrefixes are what the ids of items begin with.
var itemPrefixes = map[string]string{"message": "msg", "function_call": "fc", "custom_tool_call": "ctc", "reasoning": "rs"}

// itemTypes are those that an input may hold besides.
var itemTypes = []string{"", "function_call_output", "custom_tool_call_output", "item_reference", "local_shell_call", "local_shell_call_output",
	"shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output", "computer_call", "computer_call_output",
	"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call", "mcp_list_tools",
	"mcp_approval_request", "mcp_approval_response", "compaction"}

// refuseResponses says what the service would not take in an input, or "":
// it pairs calls with outputs, and reasoning with what came of it.
func refuseResponses(items []responsesItem, ids *given) string {
	called, answered, seen := map[string]string{}, map[string]bool{}, map[string]bool{}
	for i, it := range items {
		if s := refuseItem(it, fmt.Sprintf("input[%d]", i)); s != "" {
			return s
		}
		if it.ID != "" && seen[it.ID] {
			return fmt.Sprintf("Duplicate item found with id %s. Remove duplicate items from your input and try again.", it.ID)
		}
		if rs := ids.reasoningOf(it.ID); rs != "" && !seen[rs] {
			return fmt.Sprintf("Item '%s' of type '%s' was provided without its required 'reasoning' item: '%s'.", it.ID, it.Type, rs)
		}
		seen[it.ID] = true
		if kind, ok := strings.CutSuffix(it.Type, "_output"); ok {
			switch {
			case called[it.CallID] != kind:
				return fmt.Sprintf("No tool call found for %s call output with call_id %s.", strings.TrimSuffix(kind, "_call"), it.CallID)
			case answered[it.CallID]:
				return fmt.Sprintf("Duplicate output found for call_id %s.", it.CallID)
			}
			answered[it.CallID] = true
			continue
		}
		if it.CallID != "" {
			if called[it.CallID] != "" {
				return fmt.Sprintf("Duplicate function call found with call_id %s.", it.CallID)
			}
			called[it.CallID] = it.Type
		}
		if it.Type == "reasoning" {
			if i+1 == len(items) || !follows(items[i+1]) {
				return fmt.Sprintf("Item '%s' of type 'reasoning' was provided without its required following item.", it.ID)
			}
			// The summary is for people; what the service checks is sealed.
			if it.Encrypted != nil && !ids.issued(*it.Encrypted) {
				return fmt.Sprintf("The encrypted content for item %s could not be verified.", it.ID)
			}
		}
	}
	for _, it := range items {
		if it.CallID != "" && !answered[it.CallID] {
			return fmt.Sprintf("No tool output found for %s %s.", strings.ReplaceAll(it.Type, "_", " "), it.CallID)
		}
	}
	return ""
}

// refuseItem looks at one item alone.
func refuseItem(it responsesItem, at string) string {
	prefix, known := itemPrefixes[it.Type]
	switch {
	case !known && !slices.Contains(itemTypes, it.Type):
		return fmt.Sprintf("Invalid value: '%s'. (%s.type)", it.Type, at)
	case it.ID != "" && !strings.HasPrefix(it.ID, prefix):
		return fmt.Sprintf("Invalid '%s.id': '%s'. Expected an ID that begins with '%s'.", at, it.ID, prefix)
	}
	switch it.Type {
	case "message", "":
		switch it.Role {
		case "system", "developer", "user", "assistant":
		default:
			return fmt.Sprintf("Invalid value: '%s'. Supported values are: 'assistant', 'system', 'developer', and 'user'. (%s.role)", it.Role, at)
		}
		if content := strings.TrimSpace(string(it.Content)); content == "" || content == "null" {
			return fmt.Sprintf("Missing required parameter: '%s.content'.", at)
		}
	case "function_call", "custom_tool_call":
		switch {
		case !toolName.MatchString(it.Name):
			return fmt.Sprintf("Invalid '%s.name': %q does not match the pattern '^[a-zA-Z0-9_-]+$'.", at, it.Name)
		case it.CallID == "" || len(it.CallID) > 64:
			return fmt.Sprintf("Invalid '%s.call_id': expected a string with length between 1 and 64.", at)
		case it.Type == "function_call" && !isObject(it.Arguments):
			return fmt.Sprintf("Invalid '%s.arguments': expected the JSON of an object.", at)
		}
	}
	return ""
}

// follows says whether an item may stand behind its reasoning.
func follows(it responsesItem) bool {
	if it.Type == "message" || it.Type == "" {
		return it.Role == "assistant"
	}
	return it.Type == "reasoning" || strings.HasSuffix(it.Type, "_call")
}

// output is one finished item of an answer, and the events that lead to it.
type output struct {
	id   string
	item func(done bool) json.RawMessage
	body func(emit func(kind string, members ...any))
}

func (responses) outputs(a Answer, ids *given) []output {
	var out []output
	for _, b := range a.Blocks {
		var o output
		switch {
		case b.Call != nil:
			o = callOutput(b, ids)
		case b.Thinking != "":
			o = reasoningOutput(b, ids)
		default:
			o = messageOutput(b, ids)
		}
		if n := len(out); n > 0 && strings.HasPrefix(out[n-1].id, "rs_") {
			ids.follow(o.id, out[n-1].id)
		}
		out = append(out, o)
	}
	return out
}

func status(done bool) string {
	if done {
		return "completed"
	}
	return "in_progress"
}

func callOutput(b Block, ids *given) output {
	id, callID := ids.id("fc_", 48), ids.callID(b.Call, "call_", 24)
	return output{
		id: id,
		item: func(done bool) json.RawMessage {
			args := ""
			if done {
				args = b.Call.Args
			}
			return obj("id", id, "type", "function_call", "status", status(done),
				"arguments", args, "call_id", callID, "name", b.Call.Name)
		},
		body: func(emit func(string, ...any)) {
			for _, p := range pieces(b.Call.Args, b.Pieces) {
				emit("response.function_call_arguments.delta", "delta", p, "obfuscation", "k3Jq")
			}
			emit("response.function_call_arguments.done", "arguments", b.Call.Args)
		},
	}
}

func messageOutput(b Block, ids *given) output {
	id := ids.id("msg_", 48)
	part := func(s string) json.RawMessage {
		return obj("type", "output_text", "annotations", list(), "logprobs", list(), "text", s)
	}
	return output{
		id: id,
		item: func(done bool) json.RawMessage {
			content := list()
			if done {
				content = list(part(b.Text))
			}
			return obj("id", id, "type", "message", "status", status(done), "content", content, "role", "assistant")
		},
		body: func(emit func(string, ...any)) {
			emit("response.content_part.added", "content_index", 0, "part", part(""))
			for _, p := range pieces(b.Text, b.Pieces) {
				emit("response.output_text.delta", "content_index", 0, "delta", p, "logprobs", list(), "obfuscation", "p0Xw")
			}
			emit("response.output_text.done", "content_index", 0, "text", b.Text, "logprobs", list())
			emit("response.content_part.done", "content_index", 0, "part", part(b.Text))
		},
	}
}

func reasoningOutput(b Block, ids *given) output {
	id := ids.id("rs_", 48)
	part := func(s string) json.RawMessage { return obj("type", "summary_text", "text", s) }
	return output{
		id: id,
		item: func(done bool) json.RawMessage {
			summary := list()
			if done {
				summary = list(part(b.Thinking))
			}
			return obj("id", id, "type", "reasoning", "summary", summary, "encrypted_content", ids.sign(b.Thinking))
		},
		body: func(emit func(string, ...any)) {
			emit("response.reasoning_summary_part.added", "summary_index", 0, "part", part(""))
			for _, p := range pieces(b.Thinking, b.Pieces) {
				emit("response.reasoning_summary_text.delta", "summary_index", 0, "delta", p)
			}
			emit("response.reasoning_summary_text.done", "summary_index", 0, "text", b.Thinking)
			emit("response.reasoning_summary_part.done", "summary_index", 0, "part", part(b.Thinking))
		},
	}
}

func (f responses) stream(r *Request, a Answer, ids *given) []event {
	var out []event
	emit := func(kind string, members ...any) {
		out = append(out, event{kind, obj(append([]any{"type", kind, "sequence_number", len(out)}, members...)...)})
	}
	id, created := ids.id("resp_", 48), now()
	begun := f.response(r, a, id, created, nil, false)
	emit("response.created", "response", begun)
	emit("response.in_progress", "response", begun)
	var items []json.RawMessage
	for i, o := range f.outputs(a, ids) {
		emit("response.output_item.added", "output_index", i, "item", o.item(false))
		o.body(func(kind string, members ...any) {
			emit(kind, append([]any{"item_id", o.id, "output_index", i}, members...)...)
		})
		emit("response.output_item.done", "output_index", i, "item", o.item(true))
		items = append(items, o.item(true))
	}
	end := f.response(r, a, id, created, items, true)
	if a.Finish != "" && a.Finish != "completed" {
		emit("response."+a.Finish, "response", end) // incomplete, failed
	} else {
		emit("response.completed", "response", end)
	}
	return out
}

func (f responses) whole(r *Request, a Answer, ids *given) json.RawMessage {
	var items []json.RawMessage
	for _, o := range f.outputs(a, ids) {
		items = append(items, o.item(true))
	}
	return f.response(r, a, ids.id("resp_", 48), now(), items, true)
}

// response is the object that wraps all output.
func (responses) response(r *Request, a Answer, id string, created int64, items []json.RawMessage, done bool) json.RawMessage {
	var body struct {
		Tools json.RawMessage `json:"tools"`
	}
	_ = json.Unmarshal(r.Body, &body)
	if body.Tools == nil {
		body.Tools = list()
	}
	state, usage, why := status(done), any(nil), any(nil)
	if done {
		if a.Finish != "" {
			state = a.Finish
		}
		if state == "incomplete" {
			why = obj("reason", "max_output_tokens")
		}
		u := a.usage()
		usage = obj("input_tokens", u.Input, "input_tokens_details", obj("cached_tokens", 0),
			"output_tokens", u.Output, "output_tokens_details", obj("reasoning_tokens", 0), "total_tokens", u.Input+u.Output)
	}
	return obj("id", id, "object", "response", "created_at", created, "status", state, "background", false,
		"error", nil, "incomplete_details", why, "instructions", nil, "max_output_tokens", nil, "max_tool_calls", nil,
		"model", r.Model, "output", list(items...), "parallel_tool_calls", true, "previous_response_id", nil,
		"prompt_cache_key", nil, "reasoning", obj("effort", nil, "summary", nil), "safety_identifier", nil,
		"service_tier", "default", "store", false, "temperature", 1.0, "text", obj("format", obj("type", "text"), "verbosity", "medium"),
		"tool_choice", "auto", "tools", body.Tools, "top_logprobs", 0, "top_p", 1.0, "truncation", "disabled",
		"usage", usage, "user", nil, "metadata", obj())
}

func (responses) fail(status int, message string) json.RawMessage {
	return openAIError(status, message)
}
