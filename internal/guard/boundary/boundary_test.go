package boundary

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

// TestMain lets this program be the other end of an attempt, as seawall is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "attempt" {
		if err := RunAttempts(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestDoubt(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	held := Attempt{Aim: Keys, What: "read k", Answer: "permission denied"}
	crossed := Attempt{Aim: Stop, What: "kill process 1", Crossed: true, Answer: "done"}
	one := func(r Result) []Result { return []Result{{Agent: Agent{User: "claw"}, Attempts: []Attempt{held}}, r} }
	for _, test := range []struct {
		name   string
		report *Report
		says   string
	}{
		{"never", nil, "Nobody has tried yet"},
		{"no agent", &Report{Time: now}, "Nobody has tried yet"},
		{"held", &Report{Time: now.Add(-47 * time.Hour), Results: one(Result{Attempts: []Attempt{held}})}, ""},
		{"too old", &Report{Time: now.Add(-49 * time.Hour), Results: one(Result{Attempts: []Attempt{held}})}, "was last tried at"},
		{"the clock was set back", &Report{Time: now.Add(2 * time.Hour), Results: one(Result{Attempts: []Attempt{held}})}, "was last tried at"},
		{"one of two crossed", &Report{Time: now, Results: one(Result{Agent: Agent{User: "root"}, Attempts: []Attempt{held, crossed}})},
			"As the agent's user root it was possible to stop Seawall: kill process 1 (done)"},
		{"one of two untried", &Report{Time: now, Results: one(Result{Untried: "that takes root"})}, "that takes root"},
	} {
		why, fix := test.report.Doubt(now)
		if test.says == "" && why != "" || !strings.Contains(why, test.says) || (why == "") != (fix == "") {
			t.Errorf("%s: %q, %q", test.name, why, fix)
		}
	}
}

// TestOwnSeawallIsCrossed: whoever owns the state gets in by every file, and is
// told so. An attempt that succeeds leaves all as it was.
func TestOwnSeawallIsCrossed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{state.Keys, state.Policy} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	target := Target{State: dir, Owner: os.Getuid(), PIDs: []int{os.Getppid()}, Program: filepath.Join(dir, state.Policy)}
	crossed := map[string]bool{}
	for _, a := range target.filesAndProcesses(t.Context()) {
		crossed[a.What] = a.Crossed
	}
	for _, what := range []string{"list " + dir, "read " + filepath.Join(dir, state.Keys), "write " + filepath.Join(dir, state.Policy), "put a file into " + dir, "replace a file in " + dir} {
		if !crossed[what] {
			t.Errorf("%q was not seen to succeed: %v", what, crossed)
		}
	}
	entries, _ := os.ReadDir(dir)
	if content, _ := os.ReadFile(target.Program); len(entries) != 2 || string(content) != "content" {
		t.Errorf("the attempts left %v, %q", entries, content)
	}
}

func TestAgents(t *testing.T) {
	agents, untried := Agents([]openclaw.Install{
		{PackageDir: "/usr/lib/node_modules/openclaw"}, // never set up
		{StateDir: "/a", ConfigPath: "/a/openclaw.json", Process: &host.Process{UID: 7007, GID: 7008, Groups: []uint32{7009}}},
		{StateDir: "/b", ConfigPath: "/b/openclaw.json", Owner: "root"},
		{StateDir: "/c", ConfigPath: "/c/openclaw.json", Owner: "nobody-of-that-name"},
		{StateDir: "/d", ConfigPath: "/d/openclaw.json", Container: "claw"},
	})
	if len(agents) != 2 || agents[0].UID != 7007 || !slices.Equal(agents[0].Groups, []uint32{7009}) || agents[0].Config != "/a/openclaw.json" ||
		agents[1].User != "root" || agents[1].UID != 0 || agents[1].Config != "/b/openclaw.json" {
		t.Errorf("the agents are %+v", agents)
	}
	if len(untried) != 2 || !strings.Contains(untried[0].Untried, "nobody-of-that-name") || !strings.Contains(untried[1].Untried, "container claw") {
		t.Errorf("untried are %+v", untried)
	}
}
