package model

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// anthropic is Anthropic messages.
// https://docs.anthropic.com/en/api/messages
type anthropic struct{}

type anthropicMessage struct {
	Role    string
	Content json.RawMessage
}

type anthropicBlock struct {
	Type      string
	Text      string
	Thinking  string
	Signature string
	ID        string
	Name      string
	Input     json.RawMessage
	ToolUseID string `json:"tool_use_id"`
	Content   json.RawMessage
}

// blocks is a message's content, a string being one block of text.
func (m anthropicMessage) blocks() ([]anthropicBlock, error) {
	var s string
	if json.Unmarshal(m.Content, &s) == nil {
		return []anthropicBlock{{Type: "text", Text: s}}, nil
	}
	var b []anthropicBlock
	err := json.Unmarshal(m.Content, &b)
	return b, err
}

var toolUseID = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

func (anthropic) read(r *Request, ids *given) string {
	var body struct {
		Model     string
		Stream    bool
		MaxTokens int `json:"max_tokens"`
		System    json.RawMessage
		Messages  []anthropicMessage
		Tools     []struct{ Name string }
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return "The request body is not valid JSON: " + err.Error()
	}
	r.Model, r.Stream = body.Model, body.Stream
	for _, t := range body.Tools {
		r.Tools = append(r.Tools, t.Name)
	}
	if s := text(body.System); s != "" {
		r.Turns = append(r.Turns, Turn{Role: "system", Text: s})
	}
	refusal := ""
	open := map[string]bool{} // calls of the message before
	used := map[string]bool{}
	refuse := func(f string, args ...any) {
		if refusal == "" {
			refusal = fmt.Sprintf(f, args...)
		}
	}
	for i, m := range body.Messages {
		blocks, err := m.blocks()
		if err != nil {
			refuse("messages.%d.content: Input should be a valid list", i)
		}
		if len(blocks) == 0 {
			refuse("messages.%d: all messages must have non-empty content except for the optional final assistant message", i)
		}
		calls := map[string]bool{}
		for j, b := range blocks {
			switch b.Type {
			case "text":
				if b.Text == "" {
					refuse("messages: text content blocks must be non-empty")
				}
				if len(open) > 0 && m.Role == "user" {
					refuse("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i-1, names(open))
				}
				r.Turns = append(r.Turns, Turn{Role: m.Role, Text: b.Text})
			case "tool_use":
				if !toolUseID.MatchString(b.ID) {
					refuse("messages.%d.content.%d.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", i, j)
				}
				if b.Name == "" {
					refuse("messages.%d.content.%d.tool_use.name: String should have at least 1 character", i, j)
				}
				if !strings.HasPrefix(strings.TrimSpace(string(b.Input)), "{") {
					refuse("messages.%d.content.%d.tool_use.input: Input should be a valid dictionary", i, j)
				}
				if used[b.ID] {
					refuse("messages.%d.content.%d: `tool_use` ids must be unique", i, j)
				}
				calls[b.ID], used[b.ID] = true, true
				r.Turns = append(r.Turns, Turn{Role: m.Role, Call: b.ID, Name: b.Name, Text: string(b.Input)})
			case "tool_result":
				if !open[b.ToolUseID] {
					refuse("messages.%d.content.%d: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", i, j, b.ToolUseID)
				}
				delete(open, b.ToolUseID)
				r.Turns = append(r.Turns, Turn{Role: "tool", Result: b.ToolUseID, Text: text(b.Content)})
			case "thinking":
				if !ids.signed(b.Thinking, b.Signature) {
					refuse("messages.%d.content.%d: Invalid `signature` in `thinking` block", i, j)
				}
			}
		}
		if len(open) > 0 {
			refuse("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i-1, names(open))
		}
		open = calls
	}
	switch {
	case len(body.Messages) == 0:
		refuse("messages: at least one message is required")
	case len(open) > 0:
		refuse("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", len(body.Messages)-1, names(open))
	case body.Model == "":
		refuse("model: Field required")
	case body.MaxTokens < 1 && !strings.HasSuffix(r.Path, "/count_tokens"):
		refuse("max_tokens: Field required")
	case r.Header.Get("Anthropic-Version") == "":
		refuse("anthropic-version: header is required")
	}
	return refusal
}

func names(set map[string]bool) string {
	var s []string
	for n := range set {
		s = append(s, n)
	}
	return strings.Join(s, ", ")
}

func (anthropic) stream(r *Request, a Answer, ids *given) []event {
	var out []event
	emit := func(kind string, members ...any) {
		out = append(out, event{kind, obj(append([]any{"type", kind}, members...)...)})
	}
	u := a.usage()
	emit("message_start", "message", obj("model", r.Model, "id", ids.id("msg_01", 22), "type", "message",
		"role", "assistant", "content", list(), "stop_reason", nil, "stop_sequence", nil, "usage", anthropicUsage(u.Input, 1)))
	for i, b := range a.Blocks {
		delta := func(kind, member, value string) {
			emit("content_block_delta", "index", i, "delta", obj("type", kind, member, value))
		}
		switch {
		case b.Call != nil:
			emit("content_block_start", "index", i, "content_block", obj("type", "tool_use",
				"id", ids.callID(b.Call, "toolu_01", 22), "name", b.Call.Name, "input", obj()))
			delta("input_json_delta", "partial_json", "")
			for _, p := range pieces(b.Call.Args, b.Pieces) {
				delta("input_json_delta", "partial_json", p)
			}
		case b.Thinking != "":
			emit("content_block_start", "index", i, "content_block", obj("type", "thinking", "thinking", "", "signature", ""))
			for _, p := range pieces(b.Thinking, b.Pieces) {
				delta("thinking_delta", "thinking", p)
			}
			delta("signature_delta", "signature", ids.sign(b.Thinking))
		default:
			emit("content_block_start", "index", i, "content_block", obj("type", "text", "text", ""))
			for _, p := range pieces(b.Text, b.Pieces) {
				delta("text_delta", "text", p)
			}
		}
		emit("content_block_stop", "index", i)
		if i == 0 {
			emit("ping")
		}
	}
	emit("message_delta", "delta", obj("stop_reason", finish(a, "end_turn", "tool_use"), "stop_sequence", nil),
		"usage", anthropicUsage(u.Input, u.Output))
	emit("message_stop")
	return out
}

func (anthropic) whole(r *Request, a Answer, ids *given) json.RawMessage {
	var content []json.RawMessage
	for _, b := range a.Blocks {
		switch {
		case b.Call != nil:
			input := json.RawMessage(b.Call.Args)
			if !json.Valid(input) {
				input = obj()
			}
			content = append(content, obj("type", "tool_use", "id", ids.callID(b.Call, "toolu_01", 22), "name", b.Call.Name, "input", input))
		case b.Thinking != "":
			content = append(content, obj("type", "thinking", "thinking", b.Thinking, "signature", ids.sign(b.Thinking)))
		default:
			content = append(content, obj("type", "text", "text", b.Text))
		}
	}
	u := a.usage()
	return obj("model", r.Model, "id", ids.id("msg_01", 22), "type", "message", "role", "assistant", "content", list(content...),
		"stop_reason", finish(a, "end_turn", "tool_use"), "stop_sequence", nil, "usage", anthropicUsage(u.Input, u.Output))
}

func anthropicUsage(in, out int) json.RawMessage {
	return obj("input_tokens", in, "cache_creation_input_tokens", 0, "cache_read_input_tokens", 0,
		"cache_creation", obj("ephemeral_5m_input_tokens", 0, "ephemeral_1h_input_tokens", 0),
		"output_tokens", out, "service_tier", "standard")
}

func (anthropic) fail(status int, message string) json.RawMessage {
	kind := map[int]string{401: "authentication_error", 403: "permission_error", 404: "not_found_error",
		413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error"}[status]
	switch {
	case kind != "":
	case status >= 500:
		kind = "api_error"
	default:
		kind = "invalid_request_error"
	}
	return obj("type", "error", "error", obj("type", kind, "message", message), "request_id", nil)
}
