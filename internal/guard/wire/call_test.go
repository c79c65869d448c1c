package wire

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
)

// heard notes what an answer calls and says.
type heard struct {
	calls []string
	text  strings.Builder
}

func (h *heard) Call(_ context.Context, c Call) Verdict {
	h.calls = append(h.calls, c.Name+" "+c.Args)
	return Verdict{Allow: true}
}

func (h *heard) Text(_ int, s string, _ bool) string { h.text.WriteString(s); return s }

// TestAnswersThatCall: what the door calls or says by itself is read, in every
// format, as it was meant; and a text that may be a call is one.
func TestAnswersThatCall(t *testing.T) {
	for api, body := range map[API]string{
		Chat:      `{"model":"m","stream":%v,"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"agents_list"}}]}`,
		Responses: `{"model":"m","stream":%v,"input":"hi","tools":[{"type":"function","name":"agents_list"}]}`,
		Anthropic: `{"model":"m","stream":%v,"max_tokens":9,"messages":[{"role":"user","content":"hi"}],"tools":[{"name":"agents_list","input_schema":{}}]}`,
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprint(api, stream), func(t *testing.T) {
				q, err := ParseRequest(api, fmt.Appendf(nil, body, stream))
				if err != nil {
					t.Fatal(err)
				}
				hear := func(kind string, answer []byte) *heard {
					h := new(heard)
					if err := q.Rewrite(t.Context(), io.Discard, strings.NewReader(string(answer)), kind, h); err != nil {
						t.Fatalf("%v: %s", err, answer)
					}
					return h
				}
				if h := hear(q.Call("call_1", "agents_list", `{"a":1}`)); len(h.calls) != 1 || h.calls[0] != `agents_list {"a":1}` || h.text.String() != "" {
					t.Errorf("a call is read as %q, text %q", h.calls, h.text.String())
				}
				if h := hear(q.Say("[tool:agents_list]\n{}")); len(h.calls) != 1 || h.calls[0] != "agents_list {}" {
					t.Errorf("a call in text is read as %q, text %q", h.calls, h.text.String())
				}
				if h := hear(q.Say("proven")); len(h.calls) != 0 || h.text.String() != "proven" {
					t.Errorf("words are read as %q, %q", h.calls, h.text.String())
				}
			})
		}
	}
}
