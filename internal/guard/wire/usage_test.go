package wire

import (
	"context"
	"io"
	"strings"
	"testing"
)

// metered is a judge that allows all, and is told what was used.
type metered struct {
	used Usage
	told int
}

func (m *metered) Call(context.Context, Call) Verdict  { return Verdict{Allow: true} }
func (m *metered) Text(_ int, s string, _ bool) string { return s }
func (m *metered) Used(u Usage)                        { m.used, m.told = u, m.told+1 }

func stream(all ...string) string {
	return "data: " + strings.Join(all, "\n\ndata: ") + "\n\n"
}

func TestUsage(t *testing.T) {
	for name, c := range map[string]struct {
		api    API
		answer string
		want   Usage
	}{
		"chat": {Chat, `{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":60}}}`,
			Usage{Input: 40, Output: 20, CacheRead: 60, Known: true}},
		"chat, streamed": {Chat, stream(`{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}`, `{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":null}}`, `[DONE]`),
			Usage{Input: 9, Output: 3, Known: true}},
		"chat, streamed without": {Chat, stream(`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}`, `[DONE]`), Usage{}},
		"chat, not a number":     {Chat, `{"choices":[],"usage":{"prompt_tokens":"many"}}`, Usage{}},
		"chat, impossible":       {Chat, `{"choices":[],"usage":{"prompt_tokens":-5,"completion_tokens":1e300}}`, Usage{Output: mostTokens, Known: true}},
		"responses": {Responses, `{"object":"response","output":[],"usage":{"input_tokens":50,"output_tokens":8,"input_tokens_details":{"cached_tokens":10}}}`,
			Usage{Input: 40, Output: 8, CacheRead: 10, Known: true}},
		"responses, streamed": {Responses, stream(`{"type":"response.created","response":{"id":"r","usage":null,"output":[]}}`, `{"type":"response.completed","response":{"id":"r","output":[],"usage":{"input_tokens":5,"output_tokens":2}}}`),
			Usage{Input: 5, Output: 2, Known: true}},
		"anthropic": {Anthropic, `{"type":"message","role":"assistant","content":[],"usage":{"input_tokens":3,"output_tokens":4,"cache_creation_input_tokens":5,"cache_read_input_tokens":6}}`,
			Usage{3, 4, 6, 5, true}},
		"anthropic, streamed": {Anthropic, stream(`{"type":"message_start","message":{"id":"m","role":"assistant","content":[],"usage":{"input_tokens":30,"output_tokens":1,"cache_read_input_tokens":7}}}`, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":25}}`, `{"type":"message_stop"}`),
			Usage{Input: 30, Output: 25, CacheRead: 7, Known: true}},
	} {
		t.Run(name, func(t *testing.T) {
			kind := "application/json"
			if strings.HasPrefix(c.answer, "data:") {
				kind = "text/event-stream"
			}
			m := &metered{}
			q := &Request{API: c.api, Stream: kind != "application/json", choices: 1}
			_ = q.Rewrite(t.Context(), io.Discard, strings.NewReader(c.answer), kind, m)
			if m.used != c.want || m.told != 1 {
				t.Errorf("used %+v, told %d times; want %+v", m.used, m.told, c.want)
			}
		})
	}
}
