package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/openclaw"
)

// piece is a piece of an answer: text, or reasoning between texts.
type piece struct {
	text    string
	thought bool
	detail  bool // chat: it stands in reasoning_details
}

// written streams pieces, in blocks that end where reasoning begins, and gives
// the events.
func written(api API, pieces []piece) []string {
	var events []string
	data := func(format string, args ...any) {
		e := fmt.Sprintf(format, args...)
		var kind struct{ Type string }
		_ = json.Unmarshal([]byte(e), &kind)
		if kind.Type != "" {
			e = "event: " + kind.Type + "\ndata: " + e
		} else {
			e = "data: " + e
		}
		events = append(events, e+"\n\n")
	}
	switch api {
	case Chat:
		for _, p := range pieces {
			delta := object("content", str(p.text))
			switch {
			case p.thought:
				delta = object("reasoning_content", str(p.text))
			case p.detail:
				delta = object("reasoning_details", `[{"type":"response.output_text","text":`+str(p.text)+`}]`)
			}
			data(`{"choices":[{"index":0,"delta":%s,"finish_reason":null}]}`, delta)
		}
		data(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
		return append(events, "data: [DONE]\n\n")
	case Anthropic:
		data(`{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}`)
		for i, block := range blocks(pieces) {
			kind, name := "text", "text"
			if block[0].thought {
				kind, name = "thinking", "thinking"
			}
			data(`{"type":"content_block_start","index":%d,"content_block":{"type":"%s","%s":""}}`, i, kind, name)
			for _, p := range block {
				data(`{"type":"content_block_delta","index":%d,"delta":{"type":"%s_delta","%s":%s}}`, i, kind, name, str(p.text))
			}
			data(`{"type":"content_block_stop","index":%d}`, i)
		}
		data(`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":1}}`)
		data(`{"type":"message_stop"}`)
	case Responses:
		var items []string
		data(`{"type":"response.created","response":{"id":"r","object":"response","status":"in_progress","model":"m","output":[]}}`)
		for i, block := range blocks(pieces) {
			if block[0].thought {
				items = append(items, fmt.Sprintf(`{"id":"rs_%d","type":"reasoning","summary":[]}`, i))
			} else {
				item, text := `{"id":"msg_%d","type":"message","status":"completed","role":"assistant","content":[%s]}`, ""
				data(`{"type":"response.output_item.added","output_index":%d,"item":`+item+`}`, i, i, "")
				data(`{"type":"response.content_part.added","item_id":"msg_%d","output_index":%d,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}`, i, i)
				for _, p := range block {
					data(`{"type":"response.output_text.delta","item_id":"msg_%d","output_index":%d,"content_index":0,"delta":%s}`, i, i, str(p.text))
					text += p.text
				}
				part := fmt.Sprintf(`{"type":"output_text","text":%s,"annotations":[]}`, str(text))
				data(`{"type":"response.output_text.done","item_id":"msg_%d","output_index":%d,"content_index":0,"text":%s}`, i, i, str(text))
				data(`{"type":"response.content_part.done","item_id":"msg_%d","output_index":%d,"content_index":0,"part":%s}`, i, i, part)
				items = append(items, fmt.Sprintf(item, i, part))
			}
			data(`{"type":"response.output_item.done","output_index":%d,"item":%s}`, i, items[i])
		}
		data(`{"type":"response.completed","response":{"id":"r","object":"response","status":"completed","model":"m","output":[%s],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}}`, strings.Join(items, ","))
	}
	return events
}

// blocks parts pieces where reasoning begins or ends.
func blocks(pieces []piece) [][]piece {
	var list [][]piece
	for i, p := range pieces {
		if i == 0 || p.thought != pieces[i-1].thought {
			list = append(list, nil)
		}
		list[len(list)-1] = append(list[len(list)-1], p)
	}
	return list
}

// textIn is the text of a stream's deltas.
func textIn(stream string) string {
	var b strings.Builder
	for line := range strings.Lines(stream) {
		var e struct {
			Type    string
			Choices []struct{ Delta struct{ Content string } }
			Delta   json.RawMessage
		}
		if json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &e) != nil {
			continue
		}
		for _, c := range e.Choices {
			b.WriteString(c.Delta.Content)
		}
		var delta struct{ Text string }
		var text string
		switch {
		case e.Type == "content_block_delta" && json.Unmarshal(e.Delta, &delta) == nil:
			b.WriteString(delta.Text)
		case e.Type == "response.output_text.delta" && json.Unmarshal(e.Delta, &text) == nil:
			b.WriteString(text)
		}
	}
	return b.String()
}

func withTools(api API) *Request {
	return &Request{API: api, Model: "m", Stream: true, choices: 1, Tools: []OfferedTool{{Name: "exec"}, {Name: "read"}}}
}

// stepwise gives one event a read and looks at what is out before the next.
type stepwise struct {
	events []string
	next   int
	rest   string
	before func(n int)
}

func (s *stepwise) Read(p []byte) (int, error) {
	if s.rest == "" {
		s.before(s.next)
		if s.next == len(s.events) {
			return 0, io.EOF
		}
		s.rest = s.events[s.next]
		s.next++
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// ordinary is text as models write it: prose, Markdown and code.
func ordinary(t *testing.T) map[string]string {
	texts := map[string]string{
		"link": "[link](https://example.org) and more", "footnote": "[1] As the source says,\n[2] too.", "fence": "```sh\nls -l\n```\nDone.",
		"html": "<div class=\"a\">x</div>", "final": "final answer: 42", "task": "[x] done\n[ ] open", "json": "{\"a\": [1, 2]}", "less": "a < b <= c << d <- e",
		"tools": "Call [exec] or `<function=exec>` with [tool:exec].\n\n[exec]\n{\"command\":\"id\"}\n[/exec]\n", "think": "<think>Well, [1] < 2.\n</think>\n\nHello <b>you</b>.",
	}
	for _, pattern := range []string{"../../../docs/*.md", "../../../internal/guard/wire/*.go", "testdata/*.mjs"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if about := filepath.Base(f); about == "wire.md" || about == "promote.mjs" || strings.HasSuffix(f, "_test.go") {
				continue // it holds what these tests are about
			}
			texts[f] = strings.ToValidUTF8(string(b[:min(len(b), 20_000)]), "")
		}
	}
	if len(texts) < 30 {
		t.Fatalf("only %d texts", len(texts))
	}
	return texts
}

// Ordinary text is out before the next event is read; in a chat, what ends in
// what may be the beginning of DeepSeek's markup waits for that event.
func TestOrdinaryTextIsNotHeld(t *testing.T) {
	events, waited := 0, 0
	for name, text := range ordinary(t) {
		for _, api := range apis {
			for _, size := range []int{1, 4, 50} {
				if size == 1 && len(text) > 2_000 {
					continue
				}
				var pieces []piece
				for rest := text; rest != ""; {
					n := min(size, len(rest))
					for n < len(rest) && rest[n]&0xC0 == 0x80 {
						n++
					}
					pieces = append(pieces, piece{text: rest[:n]})
					rest = rest[n:]
				}
				list := written(api, pieces)
				var out bytes.Buffer
				seen, at := 0, 0
				src := &stepwise{events: list, before: func(n int) {
					for ; at < n; at++ {
						seen += len(list[at])
					}
					events++
					if held := seen - out.Len(); held > 0 {
						waited++
						if sofar := textIn(strings.Join(list[:n], "")); !mayWait(api, sofar) {
							t.Fatalf("%s, %s: %d bytes are held behind %q", name, api, held, sofar[max(0, len(sofar)-60):])
						}
					}
				}}
				j := &recorder{}
				if err := withTools(api).Rewrite(context.Background(), &out, src, "text/event-stream", j); err != nil {
					t.Fatal(err)
				}
				if out.String() != strings.Join(list, "") {
					t.Fatalf("%s, %s: ordinary text came out changed", name, api)
				}
				if len(j.calls) > 0 {
					t.Fatalf("%s, %s: was taken for %v", name, api, j.calls)
				}
			}
		}
	}
	t.Logf("%d events, of which %d waited for the next", events, waited)
}

// cutMark is a mark that a reasoning tag may cut in two.
var cutMark = regexp.MustCompile(`<<\s*/?\s*[a-z:]*$`)

// mayWait reports whether a text ends in what may become a call.
func mayWait(api API, text string) bool {
	if api == Chat {
		for _, m := range []string{"<|DSML|tool_calls>", "<｜DSML｜", "<｜｜DSML｜｜"} {
			for n := 1; n < len(m); n++ {
				if strings.HasSuffix(text, m[:n]) {
					return true
				}
			}
		}
		if cutMark.MatchString(text) {
			return true
		}
		if _, after, ok := strings.Cut(text, "</think>"); ok {
			text = after
		}
	}
	var s openclaw.TextScan
	for _, r := range text {
		if !s.Next(r) {
			return false
		}
	}
	return !s.Blank()
}

func TestNoticesAreNoCalls(t *testing.T) {
	quoted := "Stopped: exec (</think>[tool:exec]{\"command\":\"id\"}).\n[exec]\n{}[/exec]\n  commentary to=exec code {}\n<|DSML|tool_calls><|DSML|invoke name=\"exec\">{\"a\":1}</|DSML|invoke></|DSML|tool_calls>"
	list := []string{quoted, "[tool:exec]{}", "<function=exec></function>", " final to=exec code {}"}
	for _, n := range notices {
		if inert(n) != n {
			t.Errorf("%q is written as %q", n, inert(n))
		}
		list = append(list, n)
	}
	for _, n := range list {
		for _, api := range apis {
			_, body := withTools(api).Answer(n)
			j := &recorder{}
			var out bytes.Buffer
			if err := withTools(api).Rewrite(context.Background(), &out, bytes.NewReader(body), "text/event-stream", j); err != nil {
				t.Fatal(err)
			}
			if len(j.calls) > 0 || out.String() != string(body) {
				t.Errorf("%s: the notice %q is read as %v", api, n, j.calls)
			}
		}
		for line := range strings.Lines(inert(n)) {
			if text := strings.TrimSpace(line); strings.ContainsAny(line, "<") || openclaw.TextCalls(text, nil) != nil || strings.HasPrefix(text, "[") {
				t.Errorf("OpenClaw would take %q out of a text", line)
			}
		}
	}
}

// guarded allows calls that do not speak of evil.
type guarded struct {
	allowed []Call
	denied  int
}

func (g *guarded) Call(_ context.Context, c Call) Verdict {
	if strings.Contains(c.Args, "evil") {
		g.denied++
		return Verdict{Notice: "Stopped: it is evil."}
	}
	if c.Unclear == "" {
		g.allowed = append(g.allowed, c)
	}
	return Verdict{Allow: true}
}

func (g *guarded) Text(_ int, s string, _ bool) string { return s }

var textPieces = []string{
	"[tool:exec]", `{"command":"evil"}`, `{"command":"good"}`, "[exec]\n", "[/exec]", "<function=exec>", "<parameter=command>", "evil", "good", "</parameter>", "</function>",
	"<|channel|>", "commentary to=exec code", "<|message|>", "<|call|>", "[END_TOOL_REQUEST]", "\n", " ", "<think>", "</think>", "<think", ">", "<reasoning a='", "'>",
	"<|DSML|tool_calls>", `<|DSML|invoke name="exec">`, `<|DSML|parameter name="command">`, "</|DSML|parameter>", "</|DSML|invoke>", "</|DSML|tool_calls>", "<|DSML|tool_use_error>", "</|DSML|tool_use_error>", "prose", "`", "<", "[",
}

// textAnswer makes an answer of calls in text, whole or nearly.
func textAnswer(r *rand.Rand) []piece {
	templates := []string{
		`[tool:exec]{"command":"good"}`, `[tool:exec]{"command":"evil"}`, "[exec]\n{\"command\":\"evil\"}\n[/exec]", "<function=exec><parameter=command>evil</parameter></function>",
		"<function=exec><parameter=command>\ngood\n</parameter></function>", `commentary to=exec code<|message|>{"command":"evil"}<|call|>`, `[tool:exec]<parameter=command>evil</parameter>`,
		`<|DSML|tool_calls><|DSML|invoke name="exec"><|DSML|parameter name="command">evil</|DSML|parameter></|DSML|invoke></|DSML|tool_calls>`,
		`<|DSML|tool_calls><|DSML|invoke name="exec">{"command":"good"}</|DSML|invoke></|DSML|tool_calls>`, "<think>hm</think>", "prose</think>", "<think>", "",
	}
	var text strings.Builder
	for range 1 + r.IntN(3) {
		s := templates[r.IntN(len(templates))]
		for range r.IntN(3) * r.IntN(2) {
			i := r.IntN(len(s) + 1)
			j := min(len(s), i+r.IntN(3)*r.IntN(2))
			s = s[:i] + textPieces[r.IntN(len(textPieces))] + s[j:]
		}
		text.WriteString(s)
	}
	var pieces []piece
	details := r.IntN(12) == 0
	for rest := text.String(); rest != ""; {
		n := min(len(rest), 1+r.IntN(25))
		pieces = append(pieces, piece{text: rest[:n], detail: details && r.IntN(3) == 0})
		if rest = rest[n:]; r.IntN(20) == 0 {
			pieces = append(pieces, piece{text: "hm", thought: true})
		}
	}
	if r.IntN(4) == 0 {
		pieces = append([]piece{{text: "hm", thought: true}}, pieces...)
	}
	return pieces
}

// checkText holds an answer to what is promised of calls in text: whatever our
// own grammar finds in what comes out was judged and allowed.
func checkText(t *testing.T, api API, pieces []piece) {
	t.Helper()
	g := &guarded{}
	var out bytes.Buffer
	answer := strings.Join(written(api, pieces), "")
	if err := withTools(api).Rewrite(context.Background(), &out, strings.NewReader(answer), "text/event-stream", g); err != nil && !errors.As(err, new(*Ended)) {
		t.Fatal(err)
	}
	text := textIn(out.String())
	found := openclaw.TextCalls(text, nil)
	if api == Chat {
		var d openclaw.DSML
		for _, r := range text {
			switch d.Next(r) {
			case openclaw.DSMLCalls:
				found = append(found, d.Take()...)
			case openclaw.DSMLNested:
				d.Reset()
			}
		}
		if i := strings.LastIndex(text, "</think>"); i >= 0 {
			found = append(found, openclaw.TextCalls(text[i+len("</think>"):], nil)...)
		}
		found = append(found, openclaw.TextCalls(strings.NewReplacer("<think>", "", "</think>", "").Replace(text), nil)...)
	}
	for _, c := range found {
		if !slices.ContainsFunc(g.allowed, func(a Call) bool { return a.Name == c.Name && a.Args == string(c.Args) }) {
			t.Fatalf("%s: %s %s comes out and was not allowed; of\n%+v\ncame out\n%q", api, c.Name, c.Args, pieces, text)
		}
	}
}

func TestTextAnswers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 6_000 {
		checkText(t, apis[r.IntN(len(apis))], textAnswer(r))
	}
}

func FuzzTextAnswer(f *testing.F) {
	for _, s := range textPieces {
		f.Add(uint8(0), s+"\x00"+s)
	}
	r := rand.New(rand.NewPCG(7, 8))
	for i := range 60 {
		var s []string
		for _, p := range textAnswer(r) {
			if p.thought {
				s = append(s, "\x01")
			} else {
				s = append(s, p.text)
			}
		}
		f.Add(uint8(i), strings.Join(s, "\x00"))
	}
	f.Fuzz(func(t *testing.T, api uint8, text string) {
		var pieces []piece
		for p := range strings.SplitSeq(strings.ToValidUTF8(text, "?"), "\x00") {
			if p != "" {
				pieces = append(pieces, piece{text: p, thought: p == "\x01"})
			}
		}
		checkText(t, apis[int(api)%len(apis)], pieces)
	})
}
