package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// endless repeats an event for ever.
type endless struct {
	head, event string
	off         int
}

func (r *endless) Read(p []byte) (int, error) {
	if r.head != "" {
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	n := copy(p, r.event[r.off:])
	r.off = (r.off + n) % len(r.event)
	return n, nil
}

const (
	chatArgs = `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}]}}]}` + "\n\n"
	chatNew  = `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"name":"read","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}` + "\n\n"
	anthArgs = `data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}` + "\n\n"
	respText = `data: {"type":"response.output_text.delta","output_index":0,"delta":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}` + "\n\n"
)

func TestRewriteBounds(t *testing.T) {
	for _, c := range []struct {
		name        string
		api         API
		head, event string
	}{
		{"a call without end", Chat, "", chatArgs},
		{"calls without end", Chat, "", chatNew},
		{"an event without end", Chat, "data: ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{"lines without end", Chat, "", "data: 1\n"},
		{"a block without end", Anthropic, `data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"read","input":{}}}` + "\n\n", anthArgs},
		{"a response without end", Responses, "", respText},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := &Request{API: c.api, Stream: true, choices: 1}
			var out tail
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := q.Rewrite(context.Background(), &out, &endless{head: c.head, event: c.event}, "text/event-stream", allowAll{})
			runtime.ReadMemStats(&after)
			var ended *Ended
			if !errors.As(err, &ended) || ended.Failure != TooLarge {
				t.Fatalf("error %v, want one that it is too large", err)
			}
			if !strings.Contains(string(out), "larger than can be checked") {
				t.Errorf("it ends in %q", out)
			}
			if grown := int(after.HeapSys) - int(before.HeapSys); grown > 200<<20 {
				t.Errorf("took %d MiB", grown>>20)
			}
		})
	}
}

// tail keeps the end of what is written.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if n := len(*t); n > 64<<10 {
		*t = append(tail(nil), (*t)[n-8<<10:]...)
	}
	return len(p), nil
}

// line is a destination that hands on each flush.
type line struct {
	bytes.Buffer
	out chan string
}

func (l *line) Flush() {
	l.out <- l.String()
	l.Reset()
}

// Text is out while a call after it is not complete, and the call when it is.
func TestRewriteAtOnce(t *testing.T) {
	q := &Request{API: Chat, Stream: true, choices: 1}
	src, feed := io.Pipe()
	l := &line{out: make(chan string, 9)}
	done := make(chan error, 1)
	go func() {
		done <- q.Rewrite(context.Background(), l, src, "text/event-stream", allowAll{})
		close(l.out)
	}()
	hello := `data: {"choices":[{"index":0,"delta":{"content":"hello"}}]}` + "\n\n"
	piece := `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"read","arguments":"{}"}}]}}]}` + "\n\n"
	end := `data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}` + "\n\n"
	for _, s := range []string{hello, piece} {
		if _, err := io.WriteString(feed, s); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-l.out; got != hello {
		t.Fatalf("first went out %q", got)
	}
	if _, err := io.WriteString(feed, end); err != nil {
		t.Fatal(err)
	}
	if got := <-l.out; got != piece+end {
		t.Fatalf("then went out %q", got)
	}
	feed.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// While long arguments are held, something goes out that OpenClaw counts.
func TestRewritePulse(t *testing.T) {
	defer func(d time.Duration) { quiet = d }(quiet)
	quiet = -1
	for api, want := range map[API]string{Chat: `"delta":{}`, Anthropic: "event: ping", Responses: "event: response.in_progress"} {
		for _, c := range captures(t) {
			if c.api != api || strings.Count(c.name, "-") != 1 || !strings.HasSuffix(c.name, "-call") {
				continue
			}
			out, asked, failure := c.run(t, strings.NewReader(c.answer))
			if n := strings.Count(out, want) - strings.Count(c.answer, want); n < 2 {
				t.Errorf("%s: %d times %s went out:\n%s", api, n, want, out)
			}
			if asked != c.asked || failure != "" {
				t.Errorf("%s: asked %q, ended %q", api, asked, failure)
			}
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestRewriteErrors(t *testing.T) {
	q := &Request{API: Chat, Stream: true, choices: 1}
	hello := `data: {"choices":[{"index":0,"delta":{"content":"hello"}}]}` + "\n\n"
	err := q.Rewrite(context.Background(), broken{}, strings.NewReader(hello), "text/event-stream", allowAll{})
	if err == nil || errors.As(err, new(*Ended)) {
		t.Errorf("the agent is gone: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := q.Rewrite(ctx, io.Discard, strings.NewReader(hello), "text/event-stream", allowAll{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	var out bytes.Buffer
	err = q.Rewrite(context.Background(), &out, io.MultiReader(strings.NewReader(hello), failing{}), "text/event-stream", allowAll{})
	if err == nil || errors.As(err, new(*Ended)) || out.String() != hello {
		t.Errorf("the provider is gone in text: %v, %q", err, out.String())
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("reset by peer") }
