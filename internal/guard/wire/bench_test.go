package wire

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
)

// turn is a chat request of about size bytes in the shape OpenClaw sends: a
// long system prompt, twelve tools, then user, call, result and answer again
// and again.
func turn(size int) []byte {
	var b bytes.Buffer
	line := "- Prefer `apply_patch` over \"write\"; read the file first.\n\tNever guess a path.\n"
	system := strings.Repeat(line, min(size*2/3, 40000)/len(line))
	fmt.Fprintf(&b, `{"model":"fake-1","messages":[{"role":"system","content":%s}`, str(system))
	var tools strings.Builder
	for i := range 12 {
		if size < 2000 && i > 0 {
			break
		}
		fmt.Fprintf(&tools, `,{"type":"function","function":{"name":"tool_%d","description":%s,"parameters":{"type":"object","required":["path"],"properties":{"path":{"type":"string","description":"where"},"lines":{"type":"array","items":{"type":"number"}},"how":{"enum":["a","b"]}}}}}`, i, str(line))
	}
	for i := 0; b.Len() < size-tools.Len(); i++ {
		fmt.Fprintf(&b, `,{"role":"user","content":%s}`, str("[Mon 2026-11-23 20:30 UTC] please look at file "+line))
		fmt.Fprintf(&b, `,{"role":"assistant","content":null,"tool_calls":[{"id":"call%d","type":"function","function":{"name":"read","arguments":"{\"path\":\"a.go\"}"}}]}`, i)
		fmt.Fprintf(&b, `,{"role":"tool","tool_call_id":"call%d","content":%s}`, i, str(strings.Repeat("func main() {\n\tprintln(\"hi\")\n}\n", 20)))
		fmt.Fprintf(&b, `,{"role":"assistant","content":"It prints hi."}`)
	}
	fmt.Fprintf(&b, `],"tools":[%s],"stream":true,"stream_options":{"include_usage":true},"tool_choice":"auto"}`, tools.String()[1:])
	return b.Bytes()
}

func BenchmarkParseRequest(b *testing.B) {
	for _, kb := range []float64{0.9, 60, 200} {
		body := turn(int(kb * 1000))
		b.Run(fmt.Sprintf("%gkB", kb), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := ParseRequest(Chat, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReplace(b *testing.B) {
	q, err := ParseRequest(Chat, turn(60000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		q.Replace(map[int]string{3: "[replaced]"})
	}
}

type allowAll struct{}

func (allowAll) Call(context.Context, Call) Verdict  { return Verdict{Allow: true} }
func (allowAll) Text(_ int, s string, _ bool) string { return s }

// BenchmarkRewrite passes on an answer of 1,000 pieces of text and one call.
func BenchmarkRewrite(b *testing.B) {
	chunk := `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"fake-1","choices":[{"index":0,"delta":{%s},"logprobs":null,"finish_reason":%s}]}` + "\n\n"
	answers := map[API]string{
		Chat: strings.Repeat(fmt.Sprintf(chunk, `"content":" hello"`, "null"), 1000) +
			fmt.Sprintf(chunk, `"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"read","arguments":"{}"}}]`, "null") +
			fmt.Sprintf(chunk, "", `"tool_calls"`) + "data: [DONE]\n\n",
		Anthropic: "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
			strings.Repeat("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" hello\"}}\n\n", 1000) +
			"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
		Responses: "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":0,\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"m\",\"content\":[]}}\n\n" +
			strings.Repeat("event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,\"delta\":\" hello\",\"logprobs\":[]}\n\n", 1000),
	}
	for api, answer := range answers {
		b.Run(string(api), func(b *testing.B) {
			q := &Request{API: api, Stream: true, choices: 1}
			b.ReportAllocs()
			b.SetBytes(int64(len(answer)))
			for b.Loop() {
				if err := q.Rewrite(context.Background(), io.Discard, strings.NewReader(answer), "text/event-stream", allowAll{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
