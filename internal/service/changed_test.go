package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/keep"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/state"
)

const tables = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"

// TestStampOf changes one thing after another.
func TestStampOf(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	proc, home := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	table := func(name, line string) func() {
		return func() { write(filepath.Join(proc, "net", name), tables+line) }
	}
	config := filepath.Join(home, "openclaw.json")
	write(config, "{}")
	write(dir.Path(state.Routes), `[{"id":"r","agent":"`+config+`","provider":"p","api":"openai-completions","upstream":"http://127.0.0.1:1"}]`)
	last := stampOf(dir, proc)
	for _, c := range []struct {
		name    string
		do      func()
		changes bool
	}{
		{"nothing", func() {}, false},
		{"a port is opened", table("tcp", "   0: 00000000:0BB8 00000000:0000 0A 0 0 0\n"), true},
		{"a connection is made", table("tcp", "   0: 00000000:0BB8 00000000:0000 0A 0 0 0\n   1: 0100007F:0BB8 0100007F:9C40 01 0 0 0\n"), false},
		{"a resolver's port for a moment", table("udp", "   0: 00000000:9C40 00000000:0000 07 0 0 0\n"), false},
		{"a service on UDP", table("udp", "   0: 00000000:CA6C 00000000:0000 07 0 0 0\n   0: 00000000:1F90 00000000:0000 07 0 0 0\n"), true},
		{"a setting", func() { write(config, `{"a": 1}`) }, true},
		{"a skill", func() { write(filepath.Join(home, "workspace", "skills", "weather", "SKILL.md"), "x") }, true},
		{"a skill's text", func() { write(filepath.Join(home, "workspace", "skills", "weather", "SKILL.md"), "xy") }, true},
		{"what the agent writes elsewhere", func() { write(filepath.Join(home, "workspace", "notes.md"), "x") }, false},
	} {
		c.do()
		now := stampOf(dir, proc)
		if (now != last) != c.changes {
			t.Errorf("%s: changed is %v", c.name, now != last)
		}
		last = now
	}
}

// TestConditions looks at one OpenClaw over time.
func TestConditions(t *testing.T) {
	s := &telling{Service: &Service{}, gateways: map[string]int{}, starts: map[string][]time.Time{}}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := func(minute, gateway int) string {
		w := Watched{Report: &proof.Report{Agents: []proof.Agent{{Config: "/c", Gateway: gateway}}}}
		var keys []string
		for _, c := range s.agents(w, now.Add(time.Duration(minute)*time.Minute)) {
			keys = append(keys, c.Key)
		}
		return strings.Join(keys, " ")
	}
	for _, c := range []struct {
		minute, gateway int
		want            string
	}{
		{0, 0, ""}, // it never ran here
		{1, 100, ""},
		{2, 0, "away:/c"},
		{3, 101, ""}, {4, 102, ""}, {5, 103, ""},
		{6, 104, "loop:/c"},
		{7, 0, "loop:/c"},
		{8, 104, "loop:/c"}, // as before: no start
		{40, 104, ""},
	} {
		if got := at(c.minute, c.gateway); got != c.want {
			t.Errorf("minute %d, process %d: %q, expected %q", c.minute, c.gateway, got, c.want)
		}
	}
}

func TestNewCriticals(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	s := &telling{Service: &Service{dir: dir}}
	a := &posture.Audit{Results: []posture.Result{{ID: "x", Title: "A port is open", Advice: "close it", Findings: []posture.Item{
		{Object: "0.0.0.0:1", Severity: posture.Critical},
		{Object: "0.0.0.0:2", Severity: posture.Critical, Accepted: &posture.Acceptance{}},
		{Object: "0.0.0.0:3", Severity: posture.High},
	}}}}
	var criticals []keep.Condition
	for _, c := range s.conditions(a, Watched{}, Standing{}, time.Now()) {
		if strings.HasPrefix(c.Key, "critical:") {
			criticals = append(criticals, c)
		}
	}
	if len(criticals) != 1 || criticals[0].What != "Critical: A port is open (0.0.0.0:1)." || !criticals[0].Old || criticals[0].Do != "close it" {
		t.Errorf("%+v", criticals)
	}
	for _, c := range []struct {
		label string
		told  bool
	}{{"watching, not protecting", false}, {protected, false}, {"watching, not protecting", true}} {
		told := false
		for _, k := range s.conditions(nil, Watched{}, Standing{Label: c.label}, time.Now()) {
			told = told || k.Key == "unprotected"
		}
		if told != c.told {
			t.Errorf("%s: told is %v", c.label, told)
		}
	}
}
