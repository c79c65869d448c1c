//go:build lab

package survey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
	"github.com/openseawall/seawall/lab/seawall"
)

func TestMain(m *testing.M) {
	code := m.Run()
	seawall.Clean()
	os.Exit(code)
}

// nobody is an account of nobody's, in no group.
const nobody = 54321

// place is a network of its own without Docker.
func place(t *testing.T) *netns.Namespace {
	t.Helper()
	n := netns.New(t)
	if err := n.Empty("/run"); err != nil {
		t.Fatal(err)
	}
	return n
}

// audit runs the command as a person whose OpenClaw this is, and returns its
// output. Only an audit that could not run fails the test.
func audit(t *testing.T, n *netns.Namespace, h *openclaw.Home, args ...string) []byte {
	t.Helper()
	cmd := seawall.Command(t, append([]string{"audit", "--state", t.TempDir()}, args...)...)
	cmd.Env = append(os.Environ(), "OPENCLAW_STATE_DIR="+h.State)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := n.Run(cmd)
	if code := cmd.ProcessState.ExitCode(); code > 1 || said.Len() > 0 {
		t.Fatalf("seawall audit %v: exit %d (%v): %s", args, code, err, said.Bytes())
	}
	return out.Bytes()
}

func decode(t *testing.T, b []byte) *posture.Audit {
	t.Helper()
	a, err := posture.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// speak checks that controls have findings and others have none.
func speak(t *testing.T, a *posture.Audit, yes, no []string) {
	t.Helper()
	outcome := map[string]posture.Outcome{}
	for _, r := range a.Results {
		outcome[r.ID] = r.Outcome
	}
	for _, id := range yes {
		if outcome[id] != posture.Failed {
			t.Errorf("%s: %q, expected to speak", id, outcome[id])
		}
	}
	for _, id := range no {
		if outcome[id] != posture.Passed {
			t.Errorf("%s: %q, expected to pass", id, outcome[id])
		}
	}
}

// defaults are the weaknesses of OpenClaw as it comes.
var defaults = []string{
	"gateway-exec-unasked", "gateway-files-anywhere", "gateway-sandbox-off", "gateway-terminal", "gateway-control-plane-tools",
	"gateway-no-tool-profile", "gateway-auto-pairing", "skills-self-written", "skills-no-install-policy", "secrets-provider-key", "secrets-process-env", "state-bare",
}

// secret is planted in many places, each with an end of its own.
const secret = "Zq81kf7LmPlanted"

// TestGateways audits real gateways: root's own, and one of an account that is
// nobody else's. A recording of the machine is judged alike and has no secret
// in it.
func TestGateways(t *testing.T) {
	for _, c := range []struct {
		name     string
		uid      uint32
		boundary string
		yes, no  []string
	}{
		{"root", 0, posture.BoundaryNone, []string{"state-boundary"}, []string{"gateway-no-auth", "gateway-bind-public", "secrets-config-mode", "state-dir-mode"}},
		{"an account of its own", nobody, posture.BoundaryUser, []string{"state-privileges"}, []string{"state-boundary", "gateway-weak-token"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := place(t)
			oc := openclaw.Start(t, openclaw.Options{
				NetNS: n, UID: c.uid, GID: c.uid, Env: []string{"SOME_API_TOKEN=" + secret + "Env"},
				Providers: []openclaw.Provider{{ID: "lab", API: "openai-completions", BaseURL: "http://127.0.0.1:9/v1", Key: "sk-lab-" + secret + "Provider"}},
			})
			plant(t, oc.Home)
			recording := filepath.Join(t.TempDir(), "machine.txtar")
			live := decode(t, audit(t, n, oc.Home, "--json", "--record", recording))
			if live.Boundary != c.boundary {
				t.Errorf("the boundary is %s, not %s", live.Boundary, c.boundary)
			}
			speak(t, live, slices.Concat(defaults, c.yes, []string{"secrets-in-memory"}), c.no)
			if words := len(strings.Fields(live.Verdict)); words > 60 || !strings.Contains(live.Verdict, "nobody is asked") {
				t.Errorf("the verdict: %s", live.Verdict)
			}
			text := audit(t, n, oc.Home)
			if rows := bytes.Count(text, []byte("\n")); rows > 40 {
				t.Errorf("the report has %d rows", rows)
			}
			again := decode(t, audit(t, n, oc.Home, "--json", "--from", recording))
			if a, b := judged(live), judged(again); !slices.Equal(a, b) {
				t.Errorf("the machine and its recording are judged differently:\n%s", difference(a, b))
			}
			quiet(t, recording, oc.Token, secret)
		})
	}
}

// plant puts secrets where an agent keeps things.
func plant(t *testing.T, h *openclaw.Home) {
	t.Helper()
	for name, text := range map[string]string{
		filepath.Join(h.State, ".env"):                            "DB_PASSWORD=" + secret + "Dotenv\nPLAIN=" + secret + "Plain\n",
		filepath.Join(h.State, "credentials", "telegram.json"):    `{"words": "` + secret + `Credential"}`,
		filepath.Join(h.State, "openclaw.json.bak"):               `{gateway: {auth: {token: "` + secret + `Backup"}}}`,
		filepath.Join(h.Workspace, "MEMORY.md"):                   "the door opens to " + secret + "Memory\n\nand ghp_" + strings.Repeat("aZ3k9Qw7Lm2X", 3) + "\n",
		filepath.Join(h.Workspace, "memory", "2026-11-24.md"):     "the safe opens to " + secret + "Day\n",
		filepath.Join(h.State, "agents/main/sessions/some.jsonl"): `{"text": "` + secret + `Session"}`,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// quiet checks that a recording holds none of the secrets, nor a password's hash.
func quiet(t *testing.T, recording string, secrets ...string) {
	t.Helper()
	text, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(secrets, "$y$", "$6$") {
		if at := bytes.Index(text, []byte(s)); at >= 0 {
			t.Errorf("the recording has a secret in it, in the line %q", line(text, at))
		}
	}
}

func line(text []byte, at int) []byte {
	from := bytes.LastIndexByte(text[:at], '\n') + 1
	return text[from : from+min(160, len(text)-from)]
}

// judged is all that was found.
func judged(a *posture.Audit) []string {
	var out []string
	for _, r := range a.Results {
		out = append(out, fmt.Sprint(r.ID, " ", r.Outcome, " ", r.Reasons))
		for _, f := range r.Findings {
			out = append(out, fmt.Sprint(r.ID, " ", f.Severity, " ", f.Object, ": ", f.Detail))
		}
	}
	for _, l := range a.Blast {
		out = append(out, fmt.Sprintf("%+v", l))
	}
	return append(out, a.Verdict, a.Boundary)
}

func difference(a, b []string) string {
	var out strings.Builder
	for _, s := range a {
		if !slices.Contains(b, s) {
			fmt.Fprintln(&out, "machine:  ", s)
		}
	}
	for _, s := range b {
		if !slices.Contains(a, s) {
			fmt.Fprintln(&out, "recording:", s)
		}
	}
	return out.String()
}

// careless is a config in which nearly everything is wrong.
var careless = map[string]any{
	"gateway": map[string]any{
		"bind": "lan", "trustedProxies": []string{"0.0.0.0/0"}, "auth": map[string]any{"token": "undefined"},
		"controlUi": map[string]any{"allowedOrigins": []string{"*"}, "dangerouslyAllowHostHeaderOriginFallback": true},
	},
	"channels": map[string]any{"telegram": map[string]any{"enabled": true, "dmPolicy": "open", "allowFrom": []string{"*"}, "groupPolicy": "open"}},
	"tools": map[string]any{
		"exec":     map[string]any{"security": "full", "ask": "off"},
		"elevated": map[string]any{"enabled": true, "allowFrom": map[string]any{"telegram": []string{"*"}}},
	},
	"hooks": map[string]any{"enabled": true, "token": "short"},
}

// TestDeep has OpenClaw's own audit look at a careless config: Seawall found all
// of it before, and says none of it twice.
func TestDeep(t *testing.T) {
	n := place(t)
	h := openclaw.New(t, openclaw.Options{NetNS: n, Config: careless})
	const installed = "/opt/openclaw/node_modules"
	if err := errors.Join(n.Empty("/opt"), n.Do(func() error { return os.MkdirAll(installed, 0o755) }), n.Bind(filepath.Join(h.Installed.Dir, "node_modules"), installed)); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{h.State: 0o777, h.Config: 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	own, err := h.SecurityAudit(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Findings []struct{ CheckID string } }
	if err := json.Unmarshal(own, &said); err != nil || len(said.Findings) < 15 {
		t.Fatalf("OpenClaw's own audit says little: %s", own)
	}
	a := decode(t, audit(t, n, h, "--json", "--deep"))
	times := map[string]int{}
	for _, r := range a.Results {
		if r.Deep && r.ID != "summary.attack_surface" && r.ID != "gateway.probe_failed" {
			t.Errorf("only OpenClaw found %s: %+v", r.ID, r.Findings)
		}
		for _, f := range r.Findings {
			for _, id := range f.CheckIDs {
				times[id]++
			}
		}
	}
	for _, f := range said.Findings {
		if times[f.CheckID] != 1 {
			t.Errorf("%s is said %d times", f.CheckID, times[f.CheckID])
		}
	}
}
