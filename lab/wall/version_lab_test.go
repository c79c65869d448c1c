//go:build lab

package wall

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/openclaw"
)

// TestAnotherVersion is an OpenClaw that calls itself one that nobody has tested:
// it is tried, and what it may do depends on what comes of that.
func TestAnotherVersion(t *testing.T) {
	program := openclaw.Copy(t)
	named := func(file, old, with string) {
		t.Helper()
		if err := program.Edit(file, fmt.Sprintf(`"version": %q`, old), fmt.Sprintf(`"version": %q`, with)); err != nil {
			t.Fatal(err)
		}
	}
	const other = "2026.99.1"
	named("package.json", openclaw.Version, other)
	named("dist/build-info.json", openclaw.Version, other)
	w := buildOn(t, program, "Status page, opens once")
	t.Run("it asks", func(t *testing.T) {
		w.within(t, "it is proven", func(s standing, code int) bool {
			return code == 0 && s.Good && len(s.Watched) == 1 && s.Watched[0].Version == other && s.Watched[0].Passed == other
		})
		out, _ := w.run("status")
		if !strings.Contains(out, other+", which Seawall was not tested with") || !strings.Contains(out, "were tried here") {
			t.Errorf("seawall status:\n%s", out)
		}
		if said := w.sends(t); !strings.Contains(said, "It is sent.") {
			t.Errorf("the agent answered %q", said)
		}
		w.keepsNothing(t)
	})
	if err := w.agent.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := program.Edit("dist/hooks-*.mjs", `return runModifyingHook("before_tool_call",`, `return undefined; return runModifyingHook("before_tool_call",`); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.agent, err = w.home.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("it no longer asks", func(t *testing.T) {
		w.noticed(t, "OpenClaw "+other+" is not proven: it runs calls without asking Seawall")
		last := w.lastRow()
		said := w.sends(t)
		t.Log(said)
		if !strings.Contains(said, other+" is not proven, "+openclaw.Pinned+" was") || !strings.Contains(said, "openclaw update --tag "+openclaw.Pinned) || len([]rune(said)) > 200 {
			t.Errorf("the agent answered %q", said)
		}
		w.denied(t, last, "exec", "unproven-openclaw")
		if out, _ := w.run("log"); !strings.Contains(out, "is not proven") {
			t.Errorf("the record does not tell of it:\n%s", out)
		}
		w.reads(t)
	})
	t.Run("half updated", func(t *testing.T) {
		named("package.json", other, openclaw.Version)
		w.noticed(t, "This OpenClaw is not whole: its package.json says "+openclaw.Version+" and its program is "+other)
		last := w.lastRow()
		if said := w.sends(t); !strings.Contains(said, "this OpenClaw is not whole") || !strings.Contains(said, "npm i -g openclaw@") {
			t.Errorf("the agent answered %q", said)
		}
		w.denied(t, last, "exec", "unproven-openclaw")
		w.reads(t)
	})
}

// sends has the agent send something to somebody else's server.
func (w *wall) sends(t *testing.T) string {
	t.Helper()
	w.model.Play(model.Steps(
		model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"curl -s -d hello %s/inbox"}`, w.target.URL()))),
		model.Reply(model.Say("It is sent.")),
	))
	before := len(w.target.Requests())
	// He says himself where to, so that nobody has to be asked.
	said := say(t, w.session(t, model.Chat), "send hello to "+w.target.URL()+"/inbox").Text
	if sent := len(w.target.Requests()) > before; sent != strings.Contains(said, "It is sent.") {
		t.Errorf("sent: %v, and the agent says %q", sent, said)
	}
	return said
}

// reads has it read a file.
func (w *wall) reads(t *testing.T) {
	t.Helper()
	path := w.file("notes")
	w.put(t, path, "the harbour opens at nine")
	w.model.Play(model.Steps(model.Reply(model.Use("read", fmt.Sprintf(`{"path":%q}`, path))), model.Reply(model.Say("At nine."))))
	if said := say(t, w.session(t, model.Chat), "when does it open?").Text; said != "At nine." {
		t.Errorf("the agent answered %q", said)
	}
	if got := w.results(); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "the harbour opens at nine") }) {
		t.Errorf("it read %q", got)
	}
}

// keepsNothing wants OpenClaw to have kept nothing of what it was tried with, and
// the record neither.
func (w *wall) keepsNothing(t *testing.T) {
	t.Helper()
	raw, err := w.agent.Call(t.Context(), "sessions.list", map[string]any{})
	var sessions struct{ Sessions []struct{ Key string } }
	if err != nil || json.Unmarshal(raw, &sessions) != nil || strings.Contains(string(raw), "seawall") {
		t.Errorf("OpenClaw keeps sessions: %s, %v", raw, err)
	}
	if out, _ := w.run("log"); strings.Contains(out, "drill") || strings.Contains(out, "agents_list") {
		t.Errorf("the record tells of drills:\n%s", out)
	}
	err = filepath.WalkDir(w.home.State, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(path, ".jsonl") {
			return err
		}
		if text, _ := os.ReadFile(path); strings.Contains(string(text), "seawall-drill-") {
			t.Errorf("%s tells of a drill", path)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
