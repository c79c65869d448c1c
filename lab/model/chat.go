package model

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// chat is OpenAI chat completions.
// https://platform.openai.com/docs/api-reference/chat
type chat struct{}

// toolName is what both OpenAI formats accept as the name of a function.
var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

type chatMessage struct {
	Role      string          `json:"role"`
	Name      string          `json:"name"`
	Content   json.RawMessage `json:"content"`
	Refusal   *string         `json:"refusal"`
	ToolCalls *[]chatCall     `json:"tool_calls"`
	Function  *chatFunction   `json:"function_call"`

	ToolCallID string `json:"tool_call_id"`
}

type chatCall struct {
	ID       string        `json:"id"`
	Type     string        `json:"type"`
	Function *chatFunction `json:"function"`
	Custom   *struct{ Name, Input string }
}

type chatFunction struct{ Name, Arguments string }

// said is the name of a call and what it is called with.
func (c chatCall) said() (name, args string) {
	switch {
	case c.Function != nil:
		return c.Function.Name, c.Function.Arguments
	case c.Custom != nil:
		return c.Custom.Name, c.Custom.Input
	}
	return "", ""
}

func (m chatMessage) calls() []chatCall {
	if m.ToolCalls == nil {
		return nil
	}
	return *m.ToolCalls
}

func (chat) read(r *Request, _ *given) string {
	var body struct {
		Model    string
		Stream   bool
		Messages []chatMessage
		Tools    []struct{ Function struct{ Name string } }
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return "We could not parse the JSON body of your request: " + err.Error()
	}
	r.Model, r.Stream = body.Model, body.Stream
	for _, t := range body.Tools {
		r.Tools = append(r.Tools, t.Function.Name)
	}
	for _, m := range body.Messages {
		if m.Role == "tool" {
			r.Turns = append(r.Turns, Turn{Role: "tool", Text: text(m.Content), Result: m.ToolCallID})
			continue
		}
		if t := text(m.Content); t != "" {
			r.Turns = append(r.Turns, Turn{Role: m.Role, Text: t})
		}
		for _, c := range m.calls() {
			name, args := c.said()
			r.Turns = append(r.Turns, Turn{Role: m.Role, Call: c.ID, Name: name, Text: args})
		}
	}
	if body.Model == "" {
		return "you must provide a model parameter"
	}
	for _, name := range r.Tools {
		if !toolName.MatchString(name) {
			return fmt.Sprintf("Invalid 'tools[0].function.name': %q does not match the pattern '^[a-zA-Z0-9_-]+$'.", name)
		}
	}
	return refuseChat(body.Messages)
}

// refuseChat says what the service would not take in a conversation, or "".
func refuseChat(messages []chatMessage) string {
	if len(messages) == 0 {
		return "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
	}
	open, legacy := map[string]bool{}, ""
	for i, m := range messages {
		at := fmt.Sprintf("messages[%d]", i)
		switch m.Role {
		case "tool":
			if !open[m.ToolCallID] {
				return "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
			}
			delete(open, m.ToolCallID)
		case "function":
			if m.Name == "" || m.Name != legacy {
				return "Invalid parameter: messages with role 'function' must be a response to a preceeding message with 'function_call'."
			}
		case "system", "developer", "user", "assistant":
			if s := unanswered(open); s != "" {
				return s
			}
		default:
			return fmt.Sprintf("Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'. (%s.role)", m.Role, at)
		}
		if legacy = ""; m.Function != nil {
			legacy = m.Function.Name
		}
		if s := refuseContent(m, at); s != "" {
			return s
		}
		if s := refuseCalls(m, at, open); s != "" {
			return s
		}
	}
	return unanswered(open)
}

// refuseContent: only an assistant that calls or refuses may say nothing.
func refuseContent(m chatMessage, at string) string {
	silent := m.Role == "assistant" && (m.ToolCalls != nil || m.Function != nil || m.Refusal != nil)
	switch content := strings.TrimSpace(string(m.Content)); {
	case (content == "" || content == "null") && !silent:
		return fmt.Sprintf("Invalid value for 'content': expected a string, got null. (%s)", at)
	case content == "[]":
		return fmt.Sprintf("Invalid '%s.content': empty array. Expected an array with minimum length 1, but got an empty array instead.", at)
	}
	return ""
}

// refuseCalls adds the calls of a message to those without a result.
func refuseCalls(m chatMessage, at string, open map[string]bool) string {
	switch {
	case m.ToolCalls != nil && len(*m.ToolCalls) == 0:
		return fmt.Sprintf("Invalid '%s.tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.", at)
	case m.Role != "assistant" && m.ToolCalls != nil:
		return fmt.Sprintf("Unrecognized request argument supplied: '%s.tool_calls' of a message with role '%s'.", at, m.Role)
	case m.Function != nil && !toolName.MatchString(m.Function.Name):
		return fmt.Sprintf("Invalid '%s.function_call.name': %q does not match the pattern '^[a-zA-Z0-9_-]+$'.", at, m.Function.Name)
	}
	for j, c := range m.calls() {
		call := fmt.Sprintf("%s.tool_calls[%d]", at, j)
		name, args := c.said()
		switch {
		case c.Type != "function" && c.Type != "custom" || (c.Type == "function") != (c.Function != nil):
			return fmt.Sprintf("Invalid value: '%s'. Supported values are: 'function' and 'custom'. (%s.type)", c.Type, call)
		case !toolName.MatchString(name):
			return fmt.Sprintf("Invalid '%s.function.name': %q does not match the pattern '^[a-zA-Z0-9_-]+$'.", call, name)
		case c.Function != nil && !isObject(args):
			// Not OpenAI's own, but that of every server which hands the
			// arguments to the template of a model: vLLM, llama.cpp, Mistral.
			return fmt.Sprintf("Invalid '%s.function.arguments': expected the JSON of an object.", call)
		case c.ID == "" || len(c.ID) > 40:
			return fmt.Sprintf("Invalid '%s.id': expected a string with length between 1 and 40.", call)
		case open[c.ID]:
			return fmt.Sprintf("Duplicate value for 'tool_call_id' of %q in %s.", c.ID, at)
		}
		open[c.ID] = true
	}
	return ""
}

func unanswered(open map[string]bool) string {
	if len(open) == 0 {
		return ""
	}
	ids := make([]string, 0, len(open))
	for id := range open {
		ids = append(ids, id)
	}
	return "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: " + strings.Join(ids, ", ")
}

func (chat) stream(r *Request, a Answer, ids *given) []event {
	var opts struct {
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	_ = json.Unmarshal(r.Body, &opts)

	id, created := ids.id("chatcmpl-", 29), now()
	chunk := func(choices json.RawMessage, usage any) event {
		m := []any{"id", id, "object", "chat.completion.chunk", "created", created, "model", r.Model,
			"service_tier", "default", "system_fingerprint", "fp_50cad350e4", "choices", choices}
		if opts.StreamOptions.IncludeUsage {
			m = append(m, "usage", usage)
		}
		return event{data: obj(m...)}
	}
	delta := func(d json.RawMessage, finish any) event {
		return chunk(list(obj("index", 0, "delta", d, "logprobs", nil, "finish_reason", finish)), nil)
	}

	out := []event{delta(obj("role", "assistant", "content", "", "refusal", nil), nil)}
	index := a.FirstIndex
	for _, b := range a.Blocks {
		switch {
		case b.Call != nil:
			head := obj("index", index, "id", ids.callID(b.Call, "call_", 24), "type", "function",
				"function", obj("name", b.Call.Name, "arguments", ""))
			out = append(out, delta(obj("tool_calls", list(head)), nil))
			for _, p := range pieces(b.Call.Args, b.Pieces) {
				part := obj("index", index, "function", obj("arguments", p))
				out = append(out, delta(obj("tool_calls", list(part)), nil))
			}
			index++
		case b.Thinking != "":
			for _, p := range pieces(b.Thinking, b.Pieces) {
				out = append(out, delta(obj("reasoning_content", p), nil))
			}
		default:
			for _, p := range pieces(b.Text, b.Pieces) {
				out = append(out, delta(obj("content", p), nil))
			}
		}
	}
	out = append(out, delta(obj(), finish(a, "stop", "tool_calls")))
	if opts.StreamOptions.IncludeUsage {
		out = append(out, chunk(list(), chatUsage(a)))
	}
	return append(out, event{data: json.RawMessage("[DONE]")})
}

func (chat) whole(r *Request, a Answer, ids *given) json.RawMessage {
	var said, thought string
	var calls []json.RawMessage
	for _, b := range a.Blocks {
		if b.Call != nil {
			calls = append(calls, obj("id", ids.callID(b.Call, "call_", 24), "type", "function",
				"function", obj("name", b.Call.Name, "arguments", b.Call.Args)))
		}
		said += b.Text
		thought += b.Thinking
	}
	var content any = said
	if said == "" && calls != nil {
		content = nil
	}
	m := []any{"role", "assistant", "content", content}
	if thought != "" {
		m = append(m, "reasoning_content", thought)
	}
	if calls != nil {
		m = append(m, "tool_calls", list(calls...))
	}
	m = append(m, "refusal", nil, "annotations", list())
	choice := obj("index", 0, "message", obj(m...), "logprobs", nil, "finish_reason", finish(a, "stop", "tool_calls"))
	return obj("id", ids.id("chatcmpl-", 29), "object", "chat.completion", "created", now(), "model", r.Model,
		"choices", list(choice), "usage", chatUsage(a), "service_tier", "default", "system_fingerprint", "fp_50cad350e4")
}

func chatUsage(a Answer) json.RawMessage {
	u := a.usage()
	return obj("prompt_tokens", u.Input, "completion_tokens", u.Output, "total_tokens", u.Input+u.Output,
		"prompt_tokens_details", obj("cached_tokens", 0, "audio_tokens", 0),
		"completion_tokens_details", obj("reasoning_tokens", 0, "audio_tokens", 0,
			"accepted_prediction_tokens", 0, "rejected_prediction_tokens", 0))
}

func (chat) fail(status int, message string) json.RawMessage { return openAIError(status, message) }

// openAIError is the error body of both OpenAI formats.
func openAIError(status int, message string) json.RawMessage {
	kind := "invalid_request_error"
	var code any
	switch {
	case status == 401:
		code = "invalid_api_key"
	case status == 429:
		kind, code = "requests", "rate_limit_exceeded"
	case status >= 500:
		kind = "server_error"
	}
	return obj("error", obj("message", message, "type", kind, "param", nil, "code", code))
}
