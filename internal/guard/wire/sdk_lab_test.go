//go:build lab

package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/sdk"
)

// asked is a question that an SDK asks, and what it is answered.
type asked struct {
	name    string
	api     API
	request map[string]any
	answer  string // of the provider
	own     string // or of the door itself
	judge   string
	failure string
	loose   bool // how it ends is not known
}

// conformance are all outputs: those of testdata, of small models, each notice that ends an
// answer, and the answers of the door itself.
func conformance(t *testing.T) []asked {
	var all []asked
	for _, c := range captures(t) {
		all = append(all, asked{name: c.name, api: c.api, request: question(t, c.api, c.request), answer: c.answer, judge: c.judge, failure: c.failure})
	}
	for _, s := range Smalls(t) {
		all = append(all, asked{name: s.Name, api: s.API, request: question(t, s.API, `{"model":"m","stream":true}`), answer: string(s.Answer), loose: true})
	}
	for _, api := range apis {
		for _, stream := range []bool{true, false} {
			body := fmt.Sprintf(`{"model":"m","stream":%v}`, stream)
			all = append(all, asked{name: fmt.Sprintf("own %s, stream %v", api, stream), api: api, request: question(t, api, body),
				own: "Stopped: this message. Because: it gives orders. You can: write it again. (#1)"})
		}
		all = append(all, asked{name: fmt.Sprintf("malformed whole %s", api), api: api, request: question(t, api, `{"model":"m"}`),
			answer: `{"id":"a","id":"b"}`, failure: string(Malformed)})
		for f, answer := range endings[api] {
			all = append(all, asked{name: fmt.Sprintf("%s %s", f, api), api: api, request: question(t, api, `{"model":"m","stream":true}`), answer: answer, failure: string(f)})
		}
	}
	return all
}

// endings are streams that are ended with a notice.
var endings = map[API]map[Failure]string{
	Chat: {
		CutOff:    chatStart + chatCall(0),
		Malformed: chatStart + chatCall(0) + "data: {\"id\":\"c\",\"id\":\"d\"}\n\n",
		TooLarge:  chatStart + many(chatCall),
	},
	Responses: {
		CutOff:    responsesStart + responsesCall(0),
		Malformed: responsesStart + responsesCall(0) + "data: {\"type\":\"x\",\"type\":\"y\"}\n\n",
		TooLarge:  responsesStart + many(responsesCall),
	},
	Anthropic: {
		CutOff:    anthropicStart + anthropicCall(0),
		Malformed: anthropicStart + anthropicCall(0) + "data: {\"type\":\"x\",\"type\":\"y\"}\n\n",
		TooLarge: anthropicStart + many(func(i int) string {
			return anthropicCall(i) + fmt.Sprintf("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":%d}\n\n", i)
		}),
	},
}

const (
	chatStart      = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Well."},"finish_reason":null}]}` + "\n\n"
	responsesStart = `data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}}` + "\n\n"
	anthropicStart = "event: message_start\n" + `data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}` + "\n\n"
)

func chatCall(i int) string {
	return fmt.Sprintf(`data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":%d,"id":"c%d","type":"function","function":{"name":"exec","arguments":"{}"}}]},"finish_reason":null}]}`+"\n\n", i, i)
}

func responsesCall(i int) string {
	return fmt.Sprintf(`data: {"type":"response.output_item.added","sequence_number":%d,"output_index":%d,"item":{"id":"fc_%d","type":"function_call","status":"in_progress","arguments":"","call_id":"c%d","name":"exec"}}`+"\n\n", i+1, i, i, i)
}

func anthropicCall(i int) string {
	return fmt.Sprintf("event: content_block_start\n"+`data: {"type":"content_block_start","index":%d,"content_block":{"type":"tool_use","id":"t%d","name":"exec","input":{}}}`+"\n\n", i, i)
}

func many(call func(int) string) string {
	var b strings.Builder
	for i := range maxCalls + 1 {
		b.WriteString(call(i))
	}
	return b.String()
}

// question is a request as an SDK is given it: that of a capture, with what
// captures leave out.
func question(t *testing.T, api API, body string) map[string]any {
	t.Helper()
	var q map[string]any
	if err := json.Unmarshal([]byte(body), &q); err != nil {
		t.Fatal(err)
	}
	ask := []any{map[string]any{"role": "user", "content": "go on"}}
	field := "messages"
	if api == Responses {
		field = "input"
	}
	if list, ok := q[field].([]any); q[field] == nil || ok && len(list) == 0 {
		q[field] = ask
	}
	if api == Anthropic && q["max_tokens"] == nil {
		q["max_tokens"] = 99
	}
	return q
}

// between serves one question: what the provider says, rewritten or, when
// plain, as it is. The provider is the scripted model, which takes the next
// turn as the real services would.
func (a asked) between(t *testing.T, plain bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := model.Serve(l, "", model.Func(func(r *model.Request) model.Answer {
		if r.LastUser() == "thank you" {
			return model.Reply(model.Say("You are welcome."))
		}
		return model.Answer{Raw: []byte(a.answer)}
	}))
	t.Cleanup(func() { _ = m.Close() })
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		q, err := ParseRequest(a.api, body)
		if err != nil {
			t.Errorf("%s: %v", a.name, err)
			return
		}
		first := !strings.Contains(string(body), "thank you")
		if first && a.own != "" {
			kind, answer := q.Answer(a.own)
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(answer)
			return
		}
		up, err := http.NewRequestWithContext(req.Context(), req.Method, m.Origin()+req.URL.Path, strings.NewReader(string(body)))
		if err != nil {
			t.Error(err)
			return
		}
		up.Header = req.Header.Clone()
		up.Header.Set("Accept-Encoding", "identity")
		answer, err := http.DefaultTransport.RoundTrip(up)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		w.WriteHeader(answer.StatusCode)
		if plain || answer.StatusCode >= 400 || !first {
			_, _ = io.Copy(w, answer.Body)
			return
		}
		err = q.Rewrite(req.Context(), w, answer.Body, answer.Header.Get("Content-Type"), newScript(a.judge))
		var ended *Ended
		if err != nil && (!errors.As(err, &ended) || !a.loose && string(ended.Failure) != a.failure) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", a.name, err)
		}
	}))
	t.Cleanup(door.Close)
	return door.URL
}

// taken is what a way of reading made of an answer, and of the next turn.
type taken struct {
	read
	Next string `json:"next"`
}

// TestConformance feeds every output to the official SDK of its format, and
// sends the next turn that is built of what the SDK returned: the provider
// takes it wherever it would have taken that of the answer as it came.
func TestConformance(t *testing.T) {
	all := conformance(t)
	var cases []map[string]any
	for _, a := range all {
		for _, plain := range []bool{false, true} {
			cases = append(cases, map[string]any{"api": a.api, "url": a.between(t, plain), "request": a.request, "stream": a.request["stream"] == true})
		}
	}
	var results []map[string]taken
	sdk.Run(t, "testdata/sdk.mjs", cases, &results)
	readings, turns := 0, 0
	for i, a := range all {
		t.Run(a.name, func(t *testing.T) {
			for way, out := range results[2*i] {
				was := results[2*i+1][way]
				if !a.loose {
					readings++
				}
				t.Logf("%s: %q calls %v stop %q error %q next %q (before: %q calls %v stop %q error %q next %q)", way, out.Text, out.calls(), out.Stop, out.Error, out.Next, was.Text, was.calls(), was.Stop, was.Error, was.Next)
				ours := a.failure != "" || a.own != ""
				switch {
				case out.Error != "" && (ours || was.Error == ""):
					t.Errorf("%s: the SDK does not read it: %s", way, out.Error)
				case out.Next != "" && (ours || was.Error == "" && was.Next == ""):
					t.Errorf("%s: the provider refuses the next turn: %s", way, out.Next)
				case out.Error == "" && out.Next == "" && !a.loose:
					turns++
				}
				if a.own != "" && way != "stream" && out.Text != a.own {
					t.Errorf("%s: the door's own answer is read as %q", way, out.Text)
				}
			}
		})
	}
	t.Logf("%d outputs; without those of small models they are read %d times, %d times with a next turn that is taken; the rest the SDK or the provider does not take without Seawall either", len(all), readings, turns)
	if turns < readings*8/10 {
		t.Error("too few of the outputs show anything")
	}
}

// TestConformanceCanFail breaks outputs by hand: the SDKs or the provider
// notice each.
func TestConformanceCanFail(t *testing.T) {
	breaks := []struct{ name, old, new string }{
		{"chat-calls-one-denied", `"index":0,"id":"`, `"index":1,"id":"`},
		{"chat-call", `"type":"function"`, `"type":"tool"`},
		{"responses-one-denied", `"output_index":1`, `"output_index":2`},
		{"responses-call", `"arguments":"{`, `"arguments":"`},
		{"responses-call", `"id":"rs_0"`, `"id":"rs_9"`},
		{"responses-call", `"type":"reasoning"`, `"type":"thought"`},
		{"anthropic-one-denied", `"index":1`, `"index":2`},
		{"anthropic-redact", `"thinking":"hm `, `"thinking":"ah `},
		{"anthropic-intext-emptied", "…", ""},
	}
	all := captures(t)
	var cases []map[string]any
	for _, b := range breaks {
		i := slices.IndexFunc(all, func(c capture) bool { return c.name == b.name })
		if i < 0 {
			t.Fatalf("there is no capture %s", b.name)
		}
		c := all[i]
		out, _, _ := c.run(t, strings.NewReader(c.answer))
		broken := strings.ReplaceAll(out, b.old, b.new)
		if broken == out {
			t.Fatalf("%s: has no %s to break", b.name, b.old)
		}
		a := asked{name: c.name, api: c.api, answer: c.answer, request: question(t, c.api, c.request)}
		cases = append(cases, map[string]any{"api": c.api, "url": a.instead(t, broken), "request": a.request, "stream": true})
	}
	var results []map[string]taken
	sdk.Run(t, "testdata/sdk.mjs", cases, &results)
	for i, b := range breaks {
		noticed := false
		for way, r := range results[i] {
			t.Logf("%s, %s: error %q, next %q", b.name, way, r.Error, r.Next)
			noticed = noticed || r.Error != "" || r.Next != ""
		}
		if !noticed {
			t.Errorf("%s with %s for %s: nobody notices", b.name, b.new, b.old)
		}
	}
}

// instead serves a body in the place of the provider's answer, which the
// provider believes to have given.
func (a asked) instead(t *testing.T, body string) string {
	through := a.between(t, true)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		question, _ := io.ReadAll(req.Body)
		up, err := http.NewRequestWithContext(req.Context(), req.Method, through+req.URL.Path, strings.NewReader(string(question)))
		if err != nil {
			t.Error(err)
			return
		}
		up.Header = req.Header.Clone()
		answer, err := http.DefaultTransport.RoundTrip(up)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		w.WriteHeader(answer.StatusCode)
		if strings.Contains(string(question), "thank you") {
			_, _ = io.Copy(w, answer.Body)
			return
		}
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
