//go:build lab

package wall

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/lab/capture"
	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
	"github.com/openseawall/seawall/lab/seawall"
	"github.com/openseawall/seawall/lab/target"
)

const (
	realKey = "sk-lab-0123456789abcdef"
	// agentID is the account of the agent, nobody: not root's, not Seawall's.
	agentID = 65534
	agents  = "OPENAI_API_KEY=sk-lab-environment-0123456789" // in the agent's environment
)

func TestMain(m *testing.M) {
	code := m.Run()
	seawall.Clean()
	os.Exit(code)
}

// wall is everything: the model, somebody else's server, Seawall, OpenClaw.
type wall struct {
	t       *testing.T
	net     *netns.Namespace
	model   *model.Server
	target  *target.Server
	state   string
	home    *openclaw.Home
	before  []byte // openclaw.json before it was connected
	up      *seawall.Process
	agent   *openclaw.Gateway
	capture *capture.Capture
}

// build starts all of it. OpenClaw has one provider a wire format, the first of
// which is its default.
func build(t *testing.T) *wall {
	t.Helper()
	return buildOn(t, nil, "Protected.")
}

// buildOn is build with another OpenClaw than the lab's; Seawall says something
// when it has started.
func buildOn(t *testing.T, program *openclaw.Installed, says string) *wall {
	t.Helper()
	w := lay(t, program)
	up := seawall.Command(t, "up", "--yes", "--openclaw", w.home.Config, "--state", w.state)
	w.up = seawall.Start(t, w.net, up, says)
	w.awaitReload(1)
	return w
}

// lay starts all but Seawall.
func lay(t *testing.T, program *openclaw.Installed) *wall {
	t.Helper()
	w := &wall{t: t, net: netns.New(t), state: filepath.Join(reachable(t), "state")}
	err := w.net.Outward()
	if err != nil {
		t.Fatal(err)
	}
	// OpenClaw looks names up of its own accord. What is left in the capture is
	// Seawall's.
	for _, rule := range []string{"add table inet lab", "add chain inet lab out { type filter hook output priority 0; }",
		fmt.Sprintf("add rule inet lab out oifname out meta skuid %d drop", agentID)} {
		if err := w.net.Run(exec.Command("nft", rule)); err != nil {
			t.Fatalf("nft %s: %v", rule, err)
		}
	}
	if w.capture, err = capture.Start(w.net); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.nothingLeft)
	ml, err := w.net.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.model = model.Serve(ml, realKey, nil)
	t.Cleanup(func() {
		for _, r := range w.model.Refusals() {
			t.Errorf("the provider would not have taken a turn: %s", r)
		}
		_ = w.model.Close()
	})
	// Somebody else's address: what goes to loopback does not leave.
	if err := w.net.IP("addr", "add", "203.0.113.9/32", "dev", "lo"); err != nil {
		t.Fatal(err)
	}
	tl, err := w.net.Listen("203.0.113.9:0")
	if err != nil {
		t.Fatal(err)
	}
	w.target = target.Serve(tl)
	t.Cleanup(func() { _ = w.target.Close() })

	var providers []openclaw.Provider
	for _, api := range model.APIs {
		providers = append(providers, openclaw.Provider{ID: string(api), API: api, BaseURL: w.model.BaseURL(api), Key: realKey})
	}
	// Its variable makes OpenAI a provider, which OpenClaw asks for embeddings,
	// through the door.
	own := map[string]any{"models": map[string]any{"providers": map[string]any{"openai": map[string]any{"baseUrl": w.model.BaseURL(model.Responses), "models": []any{}}}}}
	w.home = openclaw.New(t, openclaw.Options{Installed: program, NetNS: w.net, Providers: providers, Config: own, Env: []string{agents}, UID: agentID, GID: agentID})
	if w.agent, err = w.home.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.before, err = os.ReadFile(w.home.Config); err != nil {
		t.Fatal(err)
	}
	return w
}

// awaitReload waits until the running gateway has taken over a changed config
// so many times.
func (w *wall) awaitReload(times int) {
	w.t.Helper()
	until(w.t, "OpenClaw takes its changed config over", func() bool {
		log, err := os.ReadFile(w.home.Log)
		return err == nil && bytes.Count(log, []byte("config hot reload applied")) >= times
	})
}

// reachable is a folder that the account of the doors can enter; t.TempDir is
// not.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "seawall-lab-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// nothingLeft fails the test when anything was sent past loopback.
func (w *wall) nothingLeft() {
	flows, err := w.capture.Stop()
	if err != nil {
		w.t.Errorf("the capture proves nothing: %v", err)
	}
	for _, flow := range capture.Outward(flows) {
		w.t.Errorf("something left the machine: %s", flow)
	}
}

// run runs seawall inside and returns what it printed and its exit code.
func (w *wall) run(args ...string) (string, int) {
	w.t.Helper()
	cmd := seawall.Command(w.t, append(args, "--state", w.state)...)
	out, code := &bytes.Buffer{}, 0
	cmd.Stdout, cmd.Stderr = out, out
	if err := w.net.Run(cmd); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			w.t.Fatal(err)
		}
		code = exit.ExitCode()
	}
	return out.String(), code
}

// rows returns the record from row id on.
func (w *wall) rows(after int64) []ledger.Row {
	w.t.Helper()
	out, code := w.run("log", "--json")
	if code != 0 {
		w.t.Fatalf("seawall log: exit %d: %s", code, out)
	}
	var rows []ledger.Row
	for line := range strings.Lines(out) {
		var r ledger.Row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.t.Fatalf("seawall log --json printed %q: %v", line, err)
		}
		if r.ID > after {
			rows = append(rows, r)
		}
	}
	return rows
}

func (w *wall) lastRow() int64 {
	rows := w.rows(0)
	if len(rows) == 0 {
		return 0
	}
	return rows[len(rows)-1].ID
}
