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
	Data      string
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

// toolUseID is what an id and a name of a call must look like.
var toolUseID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

func (anthropic) read(r *Request, ids *given) string {
	var body struct {
		Model     string
		Stream    bool
		MaxTokens int `json:"max_tokens"`
		System    json.RawMessage
		Messages  []anthropicMessage
		Tools     []struct{ Name string }
		Thinking  struct{ Type string }
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
	c := conversation{request: r, ids: ids, used: map[string]bool{}, thinks: body.Thinking.Type == "enabled"}
	messages := c.together(body.Messages)
	for i, m := range messages {
		c.message(i, m, len(messages)-1-i)
	}
	switch {
	case len(body.Messages) == 0:
		c.refuse("messages: at least one message is required")
	case body.Model == "":
		c.refuse("model: Field required")
	case body.MaxTokens < 1 && !strings.HasSuffix(r.Path, "/count_tokens"):
		c.refuse("max_tokens: Field required")
	case r.Header.Get("Anthropic-Version") == "":
		c.refuse("anthropic-version: header is required")
	}
	return c.refusal
}

// conversation reads messages in order, and keeps the first thing that the
// service would refuse.
type conversation struct {
	request *Request
	ids     *given
	thinks  bool
	refusal string
	open    map[string]bool // calls of the turn before
	used    map[string]bool // ids of calls so far
}

func (c *conversation) refuse(f string, args ...any) {
	if c.refusal == "" {
		c.refusal = fmt.Sprintf(f, args...)
	}
}

// turn is what one role says until the other does.
type turn struct {
	role   string
	blocks []anthropicBlock
}

// together makes one turn of messages of one role in a row, as the service
// does.
func (c *conversation) together(messages []anthropicMessage) (turns []turn) {
	for i, m := range messages {
		blocks, err := m.blocks()
		switch {
		case err != nil:
			c.refuse("messages.%d.content: Input should be a valid list", i)
		case len(blocks) == 0 && (i+1 < len(messages) || m.Role != "assistant"):
			c.refuse("messages.%d: all messages must have non-empty content except for the optional final assistant message", i)
		}
		if n := len(turns); n > 0 && turns[n-1].role == m.Role {
			turns[n-1].blocks = append(turns[n-1].blocks, blocks...)
		} else {
			turns = append(turns, turn{m.Role, blocks})
		}
	}
	return turns
}

// message reads message i, behind which left more stand.
func (c *conversation) message(i int, m turn, left int) {
	blocks, last := m.blocks, left == 0
	switch {
	case m.role != "user" && m.role != "assistant":
		c.refuse("messages.%d.role: Input should be 'user' or 'assistant'", i)
	case i == 0 && m.role != "user":
		c.refuse("messages: first message must use the \"user\" role")
	}
	calls, server := map[string]bool{}, map[string]bool{}
	for j, b := range blocks {
		at := fmt.Sprintf("messages.%d.content.%d", i, j)
		if mine, ok := blockRoles[b.Type]; !ok || mine != "" && mine != m.role {
			c.refuse("%s: `%s` blocks can not be in `%s` messages", at, b.Type, m.role)
		}
		switch b.Type {
		case "text":
			c.text(i, m.role, b.Text)
		case "tool_use":
			c.call(at, b)
			calls[b.ID] = true
		case "tool_result":
			if !c.open[b.ToolUseID] {
				c.refuse("%s: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", at, b.ToolUseID)
			}
			delete(c.open, b.ToolUseID)
			c.request.Turns = append(c.request.Turns, Turn{Role: "tool", Result: b.ToolUseID, Text: text(b.Content)})
		case "server_tool_use":
			server[b.ID] = true
		case "thinking":
			if !c.ids.signed(b.Thinking, b.Signature) {
				c.refuse("%s: Invalid `signature` in `thinking` block", at)
			}
		case "redacted_thinking":
			if !c.ids.issued(b.Data) {
				c.refuse("%s: Invalid `data` in `redacted_thinking` block", at)
			}
		default:
			delete(server, b.ToolUseID)
		}
	}
	if len(server) > 0 && !last {
		c.refuse("messages.%d: tool use with id %s was found without a corresponding tool result block", i, names(server))
	}
	c.unanswered(i - 1)
	if c.thinks && left == 1 && len(calls) > 0 && blocks[0].Type != "thinking" && blocks[0].Type != "redacted_thinking" {
		c.refuse("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `%s`. When `thinking` is enabled, a final `assistant` message must start with a thinking block", i, blocks[0].Type)
	}
	if c.open = calls; last {
		c.unanswered(i)
	}
}

// blockRoles are the types of blocks, and whose they must be.
var blockRoles = map[string]string{
	"text": "", "image": "user", "document": "user", "search_result": "user", "tool_result": "user", "container_upload": "user",
	"tool_use": "assistant", "thinking": "assistant", "redacted_thinking": "assistant", "server_tool_use": "assistant",
	"web_search_tool_result": "assistant", "web_fetch_tool_result": "assistant", "code_execution_tool_result": "assistant",
	"bash_code_execution_tool_result": "assistant", "mcp_tool_use": "assistant", "mcp_tool_result": "assistant",
}

func (c *conversation) text(i int, role, text string) {
	switch {
	case text == "":
		c.refuse("messages: text content blocks must be non-empty")
	case strings.TrimSpace(text) == "":
		c.refuse("messages: text content blocks must contain non-whitespace text")
	case role == "user":
		c.unanswered(i - 1)
	}
	c.request.Turns = append(c.request.Turns, Turn{Role: role, Text: text})
}

func (c *conversation) call(at string, b anthropicBlock) {
	switch {
	case !toolUseID.MatchString(b.ID):
		c.refuse("%s.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", at)
	case !toolUseID.MatchString(b.Name):
		c.refuse("%s.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", at)
	case !isObject(string(b.Input)):
		c.refuse("%s.tool_use.input: Input should be a valid dictionary", at)
	case c.used[b.ID]:
		c.refuse("%s: `tool_use` ids must be unique", at)
	}
	c.used[b.ID] = true
	c.request.Turns = append(c.request.Turns, Turn{Role: "assistant", Call: b.ID, Name: b.Name, Text: string(b.Input)})
}

// unanswered refuses calls of message i whose results do not follow at once.
func (c *conversation) unanswered(i int) {
	if len(c.open) > 0 {
		c.refuse("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i, names(c.open))
	}
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
