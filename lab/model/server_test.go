package model

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

const testKey = "sk-lab-000"

func serve(t *testing.T, script Script) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(l, testKey, script)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// path is where a format's requests go, from its base URL.
var path = map[API]string{Chat: "/chat/completions", Responses: "/responses", Anthropic: "/v1/messages"}

// ask is the smallest request of a format.
func ask(api API, stream bool, conversation string) string {
	member := map[API]string{Chat: "messages", Responses: "input", Anthropic: "messages"}[api]
	return fmt.Sprintf(`{"model":"lab-1","stream":%t,"max_tokens":9,"stream_options":{"include_usage":true},%q:%s}`, stream, member, conversation)
}

const hello = `[{"role":"user","content":"hello"}]`

func post(t *testing.T, s *Server, api API, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.BaseURL(api)+path[api], strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if api == Anthropic {
		req.Header.Set("X-Api-Key", testKey)
		req.Header.Set("Anthropic-Version", "2023-06-01")
	} else {
		req.Header.Set("Authorization", "Bearer "+testKey)
	}
	return http.DefaultClient.Do(req)
}

// said is what a client understood of an answer.
type said struct {
	Text, Thinking string
	Calls          []Call
	Finish         string
}

// TestAnswer has each format say text, reasoning and two calls, streaming and
// not, and puts together what a client would.
func TestAnswer(t *testing.T) {
	answer := Reply(Think("hm, né"), Say("Grüße <b> & ok"), UseID("c1", "exec", `{"command":"ls -l"}`).In(20), UseID("c2", "read", `{}`), Say("."))
	for _, api := range APIs {
		for _, stream := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/stream=%t", api, stream), func(t *testing.T) {
				s := serve(t, Always(answer))
				resp, err := post(t, s, api, ask(api, stream, hello))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Fatalf("%s, %v: %s", resp.Status, err, body)
				}
				var got said
				if stream {
					got = understand(t, api, body)
				} else {
					got = understandWhole(t, api, body)
				}
				want := said{Text: "Grüße <b> & ok.", Thinking: "hm, né",
					Calls:  []Call{{"c1", "exec", `{"command":"ls -l"}`}, {"c2", "read", `{}`}},
					Finish: map[API]string{Chat: "tool_calls", Responses: "completed", Anthropic: "tool_use"}[api]}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
			})
		}
	}
}

// wireMessage is a message of either OpenAI chat kind.
type wireMessage struct {
	Content   string
	Reasoning string `json:"reasoning_content"`
	ToolCalls []struct {
		Index    int
		ID       string
		Function struct{ Name, Arguments string }
	} `json:"tool_calls"`
}

// wireEvent is any event of the three formats, as far as a client needs it.
type wireEvent struct {
	Type    string
	Choices []struct {
		Delta   wireMessage
		Message wireMessage
		Finish  string `json:"finish_reason"`
	}
	Seq          *int `json:"sequence_number"`
	OutputIndex  int  `json:"output_index"`
	Item         wireItem
	Response     struct{ Status string }
	Status       string
	Output       []wireItem
	Index        int
	ContentBlock wireBlock `json:"content_block"`
	Content      []wireBlock
	StopReason   string          `json:"stop_reason"`
	Delta        json.RawMessage `json:"delta"`
}

type wireItem struct {
	Type, Name, Arguments string
	ID                    string `json:"call_id"`
	Content, Summary      []struct{ Text string }
}

type wireBlock struct {
	Type, Text, Thinking, ID, Name string
	Input                          json.RawMessage
}

func (s *said) item(it wireItem) {
	switch it.Type {
	case "function_call":
		s.Calls = append(s.Calls, Call{it.ID, it.Name, it.Arguments})
	case "message":
		s.Text += it.Content[0].Text
	case "reasoning":
		s.Thinking += it.Summary[0].Text
	}
}

// understand reads a stream.
func understand(t *testing.T, api API, stream []byte) (got said) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(string(stream)))
	done, seq := false, 0
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			done = true
			continue
		}
		var e wireEvent
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		if e.Seq != nil && *e.Seq != seq {
			t.Errorf("sequence number %d, want %d", *e.Seq, seq)
		}
		seq++
		for _, c := range e.Choices {
			got.Text += c.Delta.Content
			got.Thinking += c.Delta.Reasoning
			for _, tc := range c.Delta.ToolCalls {
				if tc.Index == len(got.Calls) {
					got.Calls = append(got.Calls, Call{ID: tc.ID, Name: tc.Function.Name})
				}
				got.Calls[tc.Index].Args += tc.Function.Arguments
			}
			got.Finish += c.Finish
		}
		switch e.Type {
		case "response.output_item.done":
			got.item(e.Item)
		case "response.completed":
			got.Finish, done = e.Response.Status, true
		case "content_block_start":
			if b := e.ContentBlock; b.Type == "tool_use" {
				got.Calls = append(got.Calls, Call{ID: b.ID, Name: b.Name})
			}
		case "content_block_delta", "message_delta":
			var d struct {
				Text, Thinking string
				Partial        string `json:"partial_json"`
				Stop           string `json:"stop_reason"`
			}
			if err := json.Unmarshal(e.Delta, &d); err != nil {
				t.Fatal(err)
			}
			got.Text += d.Text
			got.Thinking += d.Thinking
			got.Finish += d.Stop
			if d.Partial != "" {
				got.Calls[len(got.Calls)-1].Args += d.Partial
			}
		case "message_stop":
			done = true
		}
	}
	if !done {
		t.Error("the stream has no end")
	}
	return got
}

// understandWhole reads an answer without streaming.
func understandWhole(t *testing.T, api API, body []byte) (got said) {
	t.Helper()
	var e wireEvent
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	for _, c := range e.Choices {
		got.Text, got.Thinking, got.Finish = c.Message.Content, c.Message.Reasoning, c.Finish
		for _, tc := range c.Message.ToolCalls {
			got.Calls = append(got.Calls, Call{tc.ID, tc.Function.Name, tc.Function.Arguments})
		}
	}
	for _, it := range e.Output {
		got.item(it)
		got.Finish = e.Status
	}
	for _, b := range e.Content {
		got.Text += b.Text
		got.Thinking += b.Thinking
		got.Finish = e.StopReason
		if b.Type == "tool_use" {
			got.Calls = append(got.Calls, Call{b.ID, b.Name, string(b.Input)})
		}
	}
	return got
}

// TestRefuses has requests that the real services answer with an error.
func TestRefuses(t *testing.T) {
	tests := []struct {
		name         string
		api          API
		conversation string
		refusal      string // part of it; "" when the request is right
	}{
		{"right", Chat, `[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"ls","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"x"}]`, ""},
		{"nothing", Chat, `[]`, "empty array"},
		{"call without result", Chat, `[{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"ls","arguments":"{}"}}]},{"role":"user","content":"a"}]`, "did not have response messages: c1"},
		{"call without result at the end", Chat, `[{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"ls","arguments":"{}"}}]}]`, "did not have response messages: c1"},
		{"result without call", Chat, `[{"role":"tool","tool_call_id":"c9","content":"x"}]`, "must be a response"},
		{"no name", Chat, `[{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"x"}]`, "function.name"},
		{"assistant says nothing", Chat, `[{"role":"assistant","content":null}]`, "got null"},

		{"unknown role", Chat, `[{"role":"robot","content":"a"}]`, "Invalid value: 'robot'"},
		{"arguments are no JSON", Chat, `[{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"ls","arguments":"{"}}]},{"role":"tool","tool_call_id":"c1","content":"x"}]`, "expected the JSON"},
		{"same id twice", Chat, `[{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"ls","arguments":"{}"}},{"id":"c1","type":"function","function":{"name":"ls","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"x"}]`, "Duplicate value"},
		{"no calls", Chat, `[{"role":"assistant","content":"a","tool_calls":[]}]`, "empty array"},
		{"no type", Chat, `[{"role":"assistant","tool_calls":[{"id":"c1","function":{"name":"ls","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"x"}]`, "'function' and 'custom'"},
		{"right, custom and legacy", Chat, `[{"role":"assistant","tool_calls":[{"id":"c1","type":"custom","custom":{"name":"ls","input":"x"}}]},{"role":"tool","tool_call_id":"c1","content":"x"},{"role":"assistant","function_call":{"name":"ls","arguments":"{}"}},{"role":"function","name":"ls","content":"x"}]`, ""},
		{"legacy result of nothing", Chat, `[{"role":"user","content":"a"},{"role":"function","name":"ls","content":"x"}]`, "must be a response"},
		{"right", Responses, `[{"role":"user","content":"a"},{"type":"function_call","call_id":"c1","name":"ls","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"x"}]`, ""},
		{"call without output", Responses, `[{"type":"function_call","call_id":"c1","name":"ls","arguments":"{}"}]`, "No tool output found for function call c1"},
		{"output without call", Responses, `[{"type":"function_call_output","call_id":"c9","output":"x"}]`, "No tool call found"},
		{"reasoning without item", Responses, `[{"type":"reasoning","id":"rs_1","summary":[]},{"role":"user","content":"a"}]`, "without its required following item"},
		{"reasoning of somebody else", Responses, `[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"zz"},{"role":"assistant","content":"a"}]`, "could not be verified"},
		{"right, custom", Responses, `[{"type":"custom_tool_call","call_id":"c1","name":"ls","input":"x"},{"type":"custom_tool_call_output","call_id":"c1","output":"x"}]`, ""},
		{"output of another kind", Responses, `[{"type":"custom_tool_call","call_id":"c1","name":"ls","input":"x"},{"type":"function_call_output","call_id":"c1","output":"x"}]`, "No tool call found"},
		{"same call twice", Responses, `[{"type":"function_call","call_id":"c1","name":"ls","arguments":"{}"},{"type":"function_call","call_id":"c1","name":"ls","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"x"}]`, "Duplicate function call"},
		{"arguments are no JSON", Responses, `[{"type":"function_call","call_id":"c1","name":"ls","arguments":"x"},{"type":"function_call_output","call_id":"c1","output":"x"}]`, "expected the JSON"},
		{"id of another kind", Responses, `[{"type":"function_call","id":"msg_1","call_id":"c1","name":"ls","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"x"}]`, "begins with 'fc'"},
		{"unknown item", Responses, `[{"type":"thought"}]`, "Invalid value: 'thought'"},
		{"unknown role", Responses, `[{"role":"tool","content":"a"}]`, "Invalid value: 'tool'"},
		{"same item twice", Responses, `[{"type":"message","id":"msg_1","role":"assistant","content":"a"},{"type":"message","id":"msg_1","role":"assistant","content":"a"}]`, "Duplicate item"},

		{"right", Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"ls","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"x"},{"type":"text","text":"b"}]}]`, ""},
		{"use without result", Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"ls","input":{}}]},{"role":"user","content":"b"}]`, "without `tool_result` blocks immediately after: c1"},
		{"use without result at the end", Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"ls","input":{}}]}]`, "without `tool_result` blocks immediately after: c1"},
		{"text before the result", Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"ls","input":{}}]},{"role":"user","content":[{"type":"text","text":"b"},{"type":"tool_result","tool_use_id":"c1","content":"x"}]}]`, "immediately after"},
		{"result without use", Anthropic, `[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c9","content":"x"}]}]`, "unexpected `tool_use_id`"},
		{"empty text", Anthropic, `[{"role":"user","content":""}]`, "non-empty"},
		{"input is no object", Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"ls","input":"x"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1"}]}]`, "valid dictionary"},
		{"assistant first", Anthropic, `[{"role":"assistant","content":"a"}]`, "first message must use"},
		{"two in a row", Anthropic, `[{"role":"user","content":"a"},{"role":"user","content":"b"}]`, ""},
		{"unknown role", Anthropic, `[{"role":"system","content":"a"}]`, "should be 'user' or 'assistant'"},
		{"nothing but space", Anthropic, `[{"role":"user","content":" "}]`, "non-whitespace"},
		{"use of the user", Anthropic, `[{"role":"user","content":[{"type":"tool_use","id":"c1","name":"ls","input":{}}]}]`, "can not be in `user` messages"},
		{"unknown block", Anthropic, `[{"role":"user","content":[{"type":"thought"}]}]`, "can not be in"},
		{"form of the id", Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"c 1","name":"ls","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c 1","content":"x"}]}]`, "should match pattern"},
		{"search without result", Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}]},{"role":"user","content":"b"}]`, "without a corresponding tool result"},
		{"redacted thinking", Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"redacted_thinking","data":"zz"},{"type":"text","text":"c"}]}]`, "Invalid `data`"},
		{"signature", Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"b"},{"type":"text","text":"c"}]}]`, "Invalid `signature`"},
	}
	for _, tt := range tests {
		t.Run(string(tt.api)+"/"+tt.name, func(t *testing.T) {
			s := serve(t, Always(Reply(Say("ok"))))
			resp, err := post(t, s, tt.api, ask(tt.api, false, tt.conversation))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			want := http.StatusOK
			if tt.refusal != "" {
				want = http.StatusBadRequest
			}
			if resp.StatusCode != want || !strings.Contains(string(body), tt.refusal) {
				t.Errorf("%s: %s", resp.Status, body)
			}
			if got := s.Requests()[0].Refused; (got == "") != (tt.refusal == "") {
				t.Errorf("the request is kept as refused %q", got)
			}
		})
	}
}

// TestSignature takes its own reasoning back, and no other.
func TestSignature(t *testing.T) {
	s := serve(t, Always(Reply(Think("why"), Say("ok"))))
	signature := s.ids.sign("why")
	for thinking, want := range map[string]int{"why": 200, "changed": 400} {
		resp, err := post(t, s, Anthropic, ask(Anthropic, true, fmt.Sprintf(`[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":%q,"signature":%q},{"type":"text","text":"c"}]}]`, thinking, signature)))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s", thinking, resp.Status)
		}
	}
}

// TestLearns takes back what an answer in the script's own bytes gave out.
func TestLearns(t *testing.T) {
	raws := map[API]string{
		Responses: `data: {"type":"response.output_item.done","item":{"type":"reasoning","id":"rs_1","encrypted_content":"zz"}}

data: {"type":"response.output_item.done","item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"ls","arguments":"{}"}}

`,
		Anthropic: `data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"why"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}

`,
	}
	const rest = `{"type":"function_call","id":"fc_1","call_id":"c1","name":"ls","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"x"}]`
	for _, tt := range []struct {
		api          API
		conversation string
		want         int
	}{
		{Responses, `[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"zz"},` + rest, 200},
		{Responses, `[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"zy"},` + rest, 400},
		{Responses, `[` + rest, 400},
		{Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"why","signature":"sig"},{"type":"text","text":"c"}]}]`, 200},
		{Anthropic, `[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"why not","signature":"sig"},{"type":"text","text":"c"}]}]`, 400},
	} {
		s := serve(t, Always(Answer{Raw: []byte(raws[tt.api])}))
		for i, conversation := range []string{hello, tt.conversation} {
			resp, err := post(t, s, tt.api, ask(tt.api, true, conversation))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if i == 1 && resp.StatusCode != tt.want {
				t.Errorf("%s: %s %s", conversation, resp.Status, body)
			}
		}
	}
}

// TestMisbehaves has the model fail in the ways a provider does.
func TestMisbehaves(t *testing.T) {
	say := Reply(Say("one two three").In(3))
	cut, hang, raw, limit, fine := say, say, say, Fail(429, "slow down"), say
	cut.CutAfter, hang.CutAfter, hang.Hang = 2, 2, true
	raw.Raw = []byte("data: not json\n\n")
	limit.Header = map[string]string{"Retry-After": "7"}
	fine.Grain = 1

	get := func(t *testing.T, a Answer, stream bool) (*http.Response, string, error) {
		resp, err := post(t, serve(t, Always(a)), Chat, ask(Chat, stream, hello))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		body, err := io.ReadAll(resp.Body)
		return resp, string(body), err
	}
	t.Run("cut", func(t *testing.T) {
		if _, body, err := get(t, cut, true); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(body, "one") || strings.Contains(body, "three") {
			t.Errorf("%v: %s", err, body)
		}
	})
	t.Run("cut without stream", func(t *testing.T) {
		if _, body, err := get(t, cut, false); err == nil || strings.HasSuffix(body, "}") {
			t.Errorf("%v: %s", err, body)
		}
	})
	t.Run("raw", func(t *testing.T) {
		if _, body, err := get(t, raw, true); err != nil || body != string(raw.Raw) {
			t.Errorf("%v: %s", err, body)
		}
	})
	t.Run("limit", func(t *testing.T) {
		if resp, body, _ := get(t, limit, true); resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "7" || !strings.Contains(body, "slow down") {
			t.Errorf("%s: %s", resp.Status, body)
		}
	})
	t.Run("bytes one by one", func(t *testing.T) {
		if _, body, err := get(t, fine, true); err != nil || !strings.HasSuffix(body, "data: [DONE]\n\n") {
			t.Errorf("%v: %s", err, body)
		}
	})
	t.Run("hang", func(t *testing.T) {
		resp, err := post(t, serve(t, Always(hang)), Chat, ask(Chat, true, hello))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 1)
		if _, err := io.ReadFull(resp.Body, got); err != nil {
			t.Error(err)
		}
		_ = resp.Body.Close() // the client leaves; the server's Close must not wait
	})
}

func TestKey(t *testing.T) {
	s := serve(t, Always(Reply(Say("ok"))))
	s.key = "another"
	for _, api := range APIs {
		resp, err := post(t, s, api, ask(api, false, hello))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s", api, resp.Status)
		}
	}
	for _, r := range s.Requests() {
		if r.Refused == "" {
			t.Errorf("%s is not kept as refused", r.Path)
		}
	}
}

func TestSteps(t *testing.T) {
	s := serve(t, Steps(Reply(Say("first"))))
	for _, want := range []string{"first", "no further step"} {
		resp, err := post(t, s, Chat, ask(Chat, false, hello))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !strings.Contains(string(body), want) {
			t.Errorf("%s, want %q", body, want)
		}
	}
}

func TestEcho(t *testing.T) {
	tests := []struct{ conversation, want string }{
		{`[{"role":"user","content":"[Tue 2026-11-24 05:56 UTC] hello\n\nRuntime: agent=main | x"}]`, "You said: hello"},
		{`[{"role":"user","content":"TOOL:exec:{\"command\":\"id\"}"},{"role":"user","content":"Runtime: agent=main"}]`, `"arguments":"{\"command\":\"id\"}"`},
		{`[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"ls","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"x.txt"}]`, "The tool answered: x.txt"},
	}
	s := serve(t, Echo())
	for _, tt := range tests {
		resp, err := post(t, s, Chat, ask(Chat, false, tt.conversation))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !strings.Contains(string(body), tt.want) {
			t.Errorf("%s, want %q", body, tt.want)
		}
	}
}
