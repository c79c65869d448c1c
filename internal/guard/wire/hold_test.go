package wire

import (
	"context"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// person is a judge of whom each call has to wait.
type person struct {
	verdict Verdict
	asked   chan struct{} // closed when the first waits
	answer  chan struct{} // closed when it has its answer
	once    sync.Once
}

func (p *person) Call(context.Context, Call) Verdict {
	return Verdict{Notice: "asked", Wait: func(ctx context.Context) Verdict {
		p.once.Do(func() { close(p.asked) })
		select {
		case <-p.answer:
			return p.verdict
		case <-ctx.Done():
			return Verdict{Notice: "nobody"}
		}
	}}
}

func (p *person) Text(_ int, s string, _ bool) string { return s }

// alive counts the events that keep a stream alive, and notes what goes out.
type alive struct {
	mu    sync.Mutex
	out   strings.Builder
	sign  string
	signs chan struct{}
}

func (a *alive) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.out.Write(b)
	for range strings.Count(string(b), a.sign) {
		select {
		case a.signs <- struct{}{}:
		default:
		}
	}
	return len(b), nil
}

func (a *alive) Flush() {}

func (a *alive) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.out.String()
}

// TestAPersonIsWaitedFor in each format: what precedes the call is out, the stream
// is kept alive, the provider is read on, and then the verdict counts.
func TestAPersonIsWaitedFor(t *testing.T) {
	defer func(d time.Duration) { quiet = d }(quiet)
	quiet = time.Millisecond
	for api, sign := range map[API]string{Chat: `"delta":{}`, Anthropic: "event: ping", Responses: "event: response.in_progress"} {
		for _, c := range captures(t) {
			if c.api != api || strings.Count(c.name, "-") != 1 || !strings.HasSuffix(c.name, "-call") {
				continue
			}
			for name, v := range map[string]Verdict{"allowed": {Allow: true}, "refused": {Notice: "you said no"}} {
				t.Run(string(api)+" "+name, func(t *testing.T) { waitedFor(t, c, sign, v) })
			}
		}
	}
}

func waitedFor(t *testing.T, c capture, sign string, v Verdict) {
	q, err := ParseRequest(c.api, []byte(c.request))
	if err != nil {
		t.Fatal(err)
	}
	j := &person{verdict: v, asked: make(chan struct{}), answer: make(chan struct{})}
	out := &alive{sign: sign, signs: make(chan struct{}, 64)}
	from, feed := io.Pipe()
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		_, _ = io.WriteString(feed, c.answer)
		feed.Close()
	}()
	done := make(chan error, 1)
	go func() { done <- q.Rewrite(t.Context(), out, from, "text/event-stream", j) }()
	<-j.asked
	for range 12 { // more than there could be without the wait
		<-out.signs
	}
	<-fed // the provider could say all it had
	held := out.text()
	close(j.answer)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	whole := out.text()
	if !strings.HasPrefix(whole, held) || len(whole) == len(held) {
		t.Error("nothing waited")
	}
	if strings.Contains(held, "arguments\":\"{") || strings.Contains(held, "partial_json\":\"{") {
		t.Errorf("the call was out before its verdict:\n%s", held)
	}
	if got := strings.Contains(whole, "you said no"); got == v.Allow {
		t.Errorf("said %v:\n%s", got, whole)
	}
	// Without the signs it is what it would have been at once.
	var at strings.Builder
	if err := q.Rewrite(t.Context(), &at, strings.NewReader(c.answer), "text/event-stream", sure{v}); err != nil {
		t.Fatal(err)
	}
	if got, want := silent(whole, sign), silent(at.String(), sign); got != want {
		t.Errorf("held it is\n%s\nat once\n%s", got, want)
	}
}

// counted is how Responses numbers its events.
var counted = regexp.MustCompile(`"sequence_number":\d+,`)

// silent is a stream without the events that keep it alive.
func silent(stream, sign string) string {
	var kept []string
	for event := range strings.SplitSeq(stream, "\n\n") {
		if !strings.Contains(event, sign) {
			kept = append(kept, counted.ReplaceAllString(event, ""))
		}
	}
	return strings.Join(kept, "\n\n")
}

// sure says the same of each call, at once.
type sure struct{ v Verdict }

func (s sure) Call(context.Context, Call) Verdict     { return s.v }
func (s sure) Text(_ int, text string, _ bool) string { return text }
