//go:build lab

package wire

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
)

// relay passes requests on to a model and rewrites its answers, nothing else.
type relay struct {
	t    *testing.T
	base string
	seen []*Request
}

func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	api := Chat
	switch {
	case strings.HasSuffix(req.URL.Path, "/responses"):
		api = Responses
	case strings.HasSuffix(req.URL.Path, "/messages"):
		api = Anthropic
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
		return
	}
	q, err := ParseRequest(api, body)
	if err != nil {
		r.t.Error(err)
		return
	}
	r.seen = append(r.seen, q)
	if string(q.Replace(nil)) != string(body) {
		r.t.Error("a request that nobody changed is not the same")
	}
	up, err := http.NewRequestWithContext(req.Context(), req.Method, r.base+req.URL.Path, strings.NewReader(string(body)))
	if err != nil {
		r.t.Error(err)
		return
	}
	up.Header = req.Header.Clone()
	up.Header.Set("Accept-Encoding", "identity")
	answer, err := http.DefaultTransport.RoundTrip(up)
	if err != nil {
		r.t.Error(err)
		return
	}
	defer answer.Body.Close()
	w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
	w.WriteHeader(answer.StatusCode)
	if answer.StatusCode >= 400 {
		_, _ = io.Copy(w, answer.Body)
		return
	}
	if err := q.Rewrite(req.Context(), w, answer.Body, answer.Header.Get("Content-Type"), noForbidden{}); err != nil {
		r.t.Error(err)
	}
}

// noForbidden denies calls that speak of the forbidden.
type noForbidden struct{}

func (noForbidden) Call(_ context.Context, c Call) Verdict {
	if strings.Contains(c.Args, "forbidden") {
		return Verdict{Notice: "Stopped: the command. Because: it is forbidden. (#7)"}
	}
	return Verdict{Allow: true}
}

func (noForbidden) Text(_ int, s string, _ bool) string { return s }

// TestOpenClaw has a real OpenClaw run the calls that are allowed, and not the
// ones beside them that are not; its next turn is one that the service takes.
func TestOpenClaw(t *testing.T) {
	const key = "sk-lab-0123456789"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := model.Serve(l, key, nil)
	t.Cleanup(func() { _ = m.Close() })
	space := netns.New(t)
	door, err := space.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, base: m.Origin()}
	server := &http.Server{Handler: r}
	go func() { _ = server.Serve(door) }()
	t.Cleanup(func() { _ = server.Close() })
	var providers []openclaw.Provider
	for _, api := range model.APIs {
		base := strings.Replace(m.BaseURL(api), m.Origin(), "http://"+door.Addr().String(), 1)
		providers = append(providers, openclaw.Provider{ID: string(api), API: api, BaseURL: base, Key: key})
	}
	oc := openclaw.Start(t, openclaw.Options{NetNS: space, Providers: providers})
	for _, p := range providers {
		t.Run(p.ID, func(t *testing.T) {
			good, bad := filepath.Join(oc.Workspace, p.ID+"-good"), filepath.Join(oc.Workspace, p.ID+"-forbidden")
			m.Play(model.Steps(
				model.Reply(model.Think("Two files, then."), model.Say("I will write them."),
					model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, bad)).In(9),
					model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, good)).In(9)),
				model.Reply(model.Think("Again."), model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, bad))),
				model.Reply(model.Say("You are welcome.")),
			))
			s, err := oc.Session(t.Context(), p.Ref())
			if err != nil {
				t.Fatal(err)
			}
			reply, err := s.Turn(t.Context(), "write the files")
			if err != nil || reply.State != "final" || !strings.Contains(reply.Text, "Stopped: the command. Because: it is forbidden.") {
				t.Fatalf("the agent answered %s, %v", reply.Raw, err)
			}
			if _, err := os.Stat(good); err != nil {
				t.Errorf("the allowed call did not run: %v", err)
			}
			if _, err := os.Stat(bad); err == nil {
				t.Error("the denied call ran")
			}
			if reply, err := s.Turn(t.Context(), "thank you"); err != nil || reply.Text != "You are welcome." {
				t.Errorf("then the agent answered %s, %v", reply.Raw, err)
			}
			for i, req := range m.Requests() {
				if req.Refused != "" {
					t.Errorf("request %d was refused: %s", i, req.Refused)
				}
			}
		})
	}
	for _, q := range r.seen {
		t.Logf("%s: %d bytes, %d parts, %d tools", q.API, len(q.body), len(q.Parts), len(q.Tools))
		if len(q.Parts) < 2 || len(q.Tools) == 0 || q.Parts[0].Role != System {
			t.Errorf("%s: %d parts, %d tools", q.API, len(q.Parts), len(q.Tools))
		}
	}
}
