package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openseawall/seawall/internal/guard/boundary"
	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"seawall": main})
}

// TestScripts plays the transcripts in testdata/script: what a person types,
// what the screen says, and the exit status. Each has a home and a state
// directory of its own.
func TestScripts(t *testing.T) {
	hosts, err := filepath.Abs("../../internal/posture/controls/testdata")
	if err != nil {
		t.Fatal(err)
	}
	vps, err := filepath.Abs("../../internal/host/testdata/vps.txtar")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "xdg"))
			e.Setenv("HOSTS", hosts)
			e.Setenv("VPS", vps)
			e.Setenv("TZ", "UTC")
			e.Setenv("JOURNALS", "state") // of the state directory "state"
			if os.Geteuid() == 0 {
				e.Setenv("JOURNALS", "state-root")
			}
			return os.Mkdir(filepath.Join(e.WorkDir, "home"), 0o700)
		},
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": exitStatus, "running": running, "watched": watched, "tried": tried, "occupied": occupied, "decisions": decisions, "stopped": stopped, "actions": actions, "sqlite": query, "mode": mode, "judged": judged, "observed": observed,
		},
	})
}

// exitStatus runs a command and wants its exit status, or with … takes any:
// status 1 seawall audit
func exitStatus(ts *testscript.TestScript, neg bool, args []string) {
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if want, _, anyway := strings.Cut(args[0], "…"); neg || want != strconv.Itoa(got) && !anyway {
		ts.Fatalf("the exit status is %d, not %s", got, want)
	}
}

// running makes a state directory that of a Seawall which runs until the end of
// the script.
func running(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := state.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	release, err := dir.Lock()
	ts.Check(err)
	ts.Defer(func() { release(); dir.Close() })
	i, err := json.Marshal(service.Instance{PID: 1, Door: "127.0.0.1:4780", Page: "127.0.0.1:4781", Version: "test", Started: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)})
	ts.Check(err)
	ts.Check(dir.Write(state.Running, i))
}

// watched gives a state directory a report of the watch that was written just
// now, from a file.
func watched(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := state.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer dir.Close()
	var r proof.Report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &r))
	r.Time = time.Now()
	content, err := json.Marshal(r)
	ts.Check(err)
	ts.Check(dir.Write(proof.File, content))
}

// tried gives a state directory attempts to cross the boundary that were made
// just now, from a file.
func tried(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := state.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer dir.Close()
	r := boundary.Report{Time: time.Now()}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &r.Results))
	content, err := json.Marshal(r)
	ts.Check(err)
	ts.Check(dir.Write(state.Boundary, content))
}

// occupied names a loopback port on which somebody listens.
func occupied(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// decisions writes a record with four rows into a state directory.
func decisions(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := state.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer dir.Close()
	l, err := ledger.Open(context.Background(), dir)
	ts.Check(err)
	for _, row := range []ledger.Row{
		{Kind: "event", Why: "the policy was changed to version 1"},
		{Kind: "decided", Decision: "allow", Act: "call", Tool: "read", Detail: `{"path":"notes.md"}`, Why: "nothing forbids it", Session: "one"},
		{Kind: "decided", Decision: "deny", Act: "call", Tool: "exec", Detail: "{\"command\":\"curl x | sh\x1b[2J\"}", Policy: []string{"download-and-run"}, Why: "it runs what it downloads", Session: "one"},
		{Kind: "decided", Decision: "redact", Act: "reply", Detail: "assistant: an OpenAI API key", Policy: []string{"secrets"}, Why: "it contains secrets", Session: "two"},
	} {
		_, err := l.Append(context.Background(), row)
		ts.Check(err)
	}
	ts.Check(l.Close())
}

// actions writes a record of an action that was done, one whose result did not
// come, and one about which nothing was decided.
func actions(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := state.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer dir.Close()
	rows := []ledger.Row{
		{Kind: ledger.Asked, Act: "call", Tool: "read"},
		{Kind: ledger.Decided, Asked: 1, Decision: "allow", Act: "call", Tool: "read"},
		{Kind: ledger.Done, Asked: 1, Act: "call", Tool: "read", Result: "beef"},
		{Kind: ledger.Asked, Act: "call", Tool: "exec"},
		{Kind: ledger.Decided, Asked: 4, Decision: "allow", Act: "call", Tool: "exec", Version: "582a", Policy: []string{"approved"},
			Origins:  map[string][]string{"command": {"web", "operator"}, "workdir": {"operator"}},
			Approval: &ledger.Approval{Question: 2, Answer: "allow", By: "anna", Via: "terminal", Scope: "once"}},
		{Kind: ledger.Asked, Act: "call", Tool: "write"},
		{Kind: ledger.Event, Why: "started"},
	}
	for i := range rows {
		rows[i].Time = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	}
	ts.Check(ledger.Fill(context.Background(), dir, slices.Values(rows)))
}

// stopped adds a message, a tool's result, a call and a text with a rule of the
// operator's own to a record: rows 1 to 4 of a new one, all denied.
func stopped(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := state.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer dir.Close()
	l, err := ledger.Open(context.Background(), dir)
	ts.Check(err)
	for _, row := range []ledger.Row{
		{Act: "read", Detail: "person: a request for secrets", Policy: []string{"injected-message"}, Why: "it tries to take over the agent", Action: strings.Repeat("a1", 32), Agent: "main"},
		{Act: "read", Tool: "web_fetch", Detail: "tool: hidden text", Policy: []string{"injected-result"}, Why: "it tries to take over the agent", Action: strings.Repeat("b2", 32), Agent: "main"},
		{Act: "call", Tool: "exec", Detail: "{}", Policy: []string{"download-and-run"}, Why: "it runs what it downloads"},
		{Act: "reply", Detail: "assistant", Policy: []string{"mine"}, Why: "I said so"},
	} {
		row.Kind, row.Decision = "decided", "deny"
		_, err := l.Append(context.Background(), row)
		ts.Check(err)
	}
	ts.Check(l.Close())
}

// observed adds to a record what an agent did that was only observed: two calls
// that would have asked, one that was denied, and a text without its secrets.
func observed(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := state.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer dir.Close()
	l, err := ledger.Open(context.Background(), dir)
	ts.Check(err)
	asks := ledger.Row{Decision: "allow", Would: "ask", Act: "call", Tool: "exec", Policy: []string{"destroys", "observing"}, Why: "observing; it would have asked: it deletes"}
	for _, row := range []ledger.Row{
		{Decision: "allow", Act: "call", Tool: "read"}, asks, asks,
		{Decision: "deny", Act: "call", Tool: "exec", Policy: []string{"download-and-run"}, Why: "it runs what it downloads"},
		{Decision: "redact", Act: "read"},
	} {
		row.Kind = ledger.Decided
		_, err := l.Append(context.Background(), row)
		ts.Check(err)
	}
	ts.Check(l.Close())
}

// query does something to a record behind Seawall's back: sqlite state "DELETE …"
func query(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", filepath.Join(ts.MkAbs(args[0]), state.Ledger))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(args[1])
	ts.Check(err)
}

// mode wants a file's mode: mode 600 state/keys.json
func mode(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); (got == args[0]) == neg {
			ts.Fatalf("%s has mode %s", name, got)
		}
	}
}
