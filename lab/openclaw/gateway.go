package openclaw

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience for a real OpenClaw on a small, busy machine.
const (
	startTimeout = 6 * time.Minute
	turnTimeout  = 4 * time.Minute
	queueTimeout = 30 * time.Second
	stopTimeout  = 30 * time.Second
)

// Gateway is a running OpenClaw.
type Gateway struct {
	*Home
	cmd    *exec.Cmd
	exited chan struct{}
	client *client
}

// Start installs OpenClaw where needed, and runs a gateway for a test until it
// ends. What the gateway printed is shown when the test fails.
func Start(t testing.TB, o Options) *Gateway {
	t.Helper()
	h := New(t, o)
	g, err := h.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Stop(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// New is a home for a test, without a gateway.
func New(t testing.TB, o Options) *Home {
	t.Helper()
	i, err := o.Installed, error(nil)
	if i == nil {
		i, err = Install(t.Context(), os.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "swlab-openclaw-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h, err := NewHome(i, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(h.Log); err == nil && t.Failed() {
			t.Logf("the gateway printed:\n%s", tail(log, 8000))
		}
	})
	return h
}

// tail is the end of a log.
func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// slowed is what a gateway says that gave up by itself and comes up at the next
// start: it gives its own threads five seconds, which a busy machine may take, and
// it compares what it has just written with what it read before.
var slowed = []string{"state lease heartbeat did not become ready", "refusing to write the migration checkpoint"}

// Start runs the gateway and returns when it is ready for turns.
func (h *Home) Start(ctx context.Context) (g *Gateway, err error) {
	for range 5 {
		g, err = h.start(ctx)
		if err == nil || !slices.ContainsFunc(slowed, func(said string) bool { return strings.Contains(err.Error(), said) }) {
			break
		}
	}
	return g, err
}

func (h *Home) start(ctx context.Context) (*Gateway, error) {
	log, err := os.OpenFile(h.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := h.command(context.Background(), "gateway", "run")
	cmd.Stdout, cmd.Stderr = log, log
	if err := h.options.NetNS.Start(cmd); err != nil {
		return nil, fmt.Errorf("starting the gateway: %w", err)
	}
	g := &Gateway{Home: h, cmd: cmd, exited: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(g.exited) }()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := g.ready(ctx); err != nil {
		printed, _ := os.ReadFile(h.Log)
		return nil, errors.Join(fmt.Errorf("the gateway is not ready: %w; it printed:\n%s", err, tail(printed, 4000)), g.Stop())
	}
	return g, nil
}

// ready waits for /readyz, then connects.
func (g *Gateway) ready(ctx context.Context) error {
	web := http.DefaultClient
	if g.options.NetNS != nil {
		web = g.options.NetNS.Client()
	}
	defer web.CloseIdleConnections()
	for {
		if req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.address()+"/readyz", nil); err == nil {
			if resp, err := web.Do(req); err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					g.client, err = dial(ctx, g.Home, "ws://"+g.address())
					return err
				}
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-g.exited:
			return fmt.Errorf("it exited: %s", g.cmd.ProcessState)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Pid is the gateway's process.
func (g *Gateway) Pid() int { return g.cmd.Process.Pid }

// Stop ends the gateway: politely first, then not.
func (g *Gateway) Stop() error {
	if g.client != nil {
		g.client.close()
	}
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.exited:
		return nil
	case <-time.After(stopTimeout):
		_ = g.cmd.Process.Kill()
		<-g.exited
		return fmt.Errorf("the gateway did not end within %s of SIGTERM and was killed", stopTimeout)
	}
}

// Call asks the gateway for any of its methods.
func (g *Gateway) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	return g.client.call(ctx, method, params)
}

// Session is a conversation of its own with the agent "main".
type Session struct {
	Key     string
	gateway *Gateway
}

// Session begins a conversation with a model ("chat/lab-1", see
// [Provider.Ref]); "" is the default one.
func (g *Gateway) Session(ctx context.Context, model string) (*Session, error) {
	params := map[string]any{"agentId": "main", "label": "lab " + rand.Text()[:8]}
	if model != "" {
		params["model"] = model
	}
	raw, err := g.Call(ctx, "sessions.create", params)
	if err != nil {
		return nil, err
	}
	var made struct{ Key string }
	if err := json.Unmarshal(raw, &made); err != nil || made.Key == "" {
		return nil, fmt.Errorf("sessions.create answered without a key: %s", raw)
	}
	return &Session{Key: made.Key, gateway: g}, nil
}

// Reply is how a turn ended.
type Reply struct {
	Text  string // what the agent said last
	State string // final, error, aborted
	Error string // why, when the state is error
	RunID string
	Raw   json.RawMessage

	// queued tells that OpenClaw still had the turn before to tidy up: it ends this run
	// at once, without a word, and begins another with the same message.
	queued bool
}

// Turn says something and waits for the end of the agent's turn. An error means
// that there was no end; a turn that OpenClaw itself ended with an error is a
// Reply that says so.
func (s *Session) Turn(ctx context.Context, message string) (Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	events, stop := s.gateway.client.listen()
	defer stop()
	raw, err := s.gateway.Call(ctx, "chat.send", map[string]any{
		"sessionKey": s.Key, "message": message, "idempotencyKey": rand.Text(), "deliver": false,
	})
	if err != nil {
		return Reply{}, err
	}
	var sent struct{ RunID string }
	if err := json.Unmarshal(raw, &sent); err != nil {
		return Reply{}, fmt.Errorf("chat.send answered %s: %w", raw, err)
	}
	run := sent.RunID
	var empty Reply
	var left <-chan time.Time
	for {
		select {
		case f := <-events:
			r, ended := reply(f, run, s.Key)
			if ended && !r.queued {
				return r, nil
			}
			if ended {
				run, empty, left = "", r, time.After(queueTimeout)
			}
		case <-left:
			return empty, nil
		case <-s.gateway.client.done:
			return Reply{}, errors.New("the gateway hung up during a turn")
		case <-ctx.Done():
			return Reply{}, fmt.Errorf("the turn did not end: %w", ctx.Err())
		}
	}
}

// reply reads the event that ends a run, or with run "" any run of a session.
func reply(f frame, run, session string) (Reply, bool) {
	if f.Event != "chat" {
		return Reply{}, false
	}
	var chat struct {
		RunID        string
		SessionKey   string
		Seq          int
		State        string
		ErrorMessage string
		Message      struct {
			Content []struct{ Text string }
		}
	}
	if json.Unmarshal(f.Payload, &chat) != nil || chat.RunID != run && (run != "" || chat.SessionKey != session) {
		return Reply{}, false
	}
	switch chat.State {
	case "final", "error", "aborted":
	default: // status, delta
		return Reply{}, false
	}
	var said strings.Builder
	for _, c := range chat.Message.Content {
		said.WriteString(c.Text)
	}
	return Reply{Text: said.String(), State: chat.State, Error: chat.ErrorMessage, RunID: chat.RunID, Raw: f.Payload,
		queued: chat.State == "final" && chat.Seq == 1 && chat.Message.Content == nil}, true
}
