package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/packaging"
)

// machine is a folder that looks like a machine on which systemd says what a
// test gives.
func machine(t *testing.T, shown string) Machine {
	t.Helper()
	root := t.TempDir()
	for _, folder := range []string{unitFolder, "/run/systemd/system", "/usr/local/bin"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return Machine{root, os.DirFS(root), func(_ context.Context, name string, args ...string) ([]byte, error) {
		if name == "systemctl" && args[0] == "show" {
			return []byte(shown), nil
		}
		return nil, nil
	}}
}

func builderOn(t *testing.T, m Machine) *builder {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return &builder{Machine: m, dir: dir, plan: &Plan{}}
}

func put(t *testing.T, m Machine, path, content string) {
	t.Helper()
	if err := os.WriteFile(m.at(path), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func steps(p *Plan) string {
	var all []string
	for _, s := range p.Steps {
		all = append(all, s.What)
	}
	return strings.Join(all, "\n")
}

func TestWithoutSystemd(t *testing.T) {
	b := builderOn(t, machine(t, ""))
	if err := os.RemoveAll(b.at("/run/systemd")); err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(t.Context(), b.Machine, b.dir, packaging.Program); !errors.Is(err, ErrNoSystemd) {
		t.Errorf("it says %v", err)
	}
}

func TestAServiceHasOneState(t *testing.T) {
	b := builderOn(t, machine(t, ""))
	if _, err := Prepare(t.Context(), b.Machine, b.dir, packaging.Program); err == nil || !strings.Contains(err.Error(), "run this without --state") {
		t.Errorf("it says %v", err)
	}
}

// TestUnits: what is missing is written, what an older Seawall wrote is written
// anew, what somebody edited stays and is named.
func TestUnits(t *testing.T) {
	units := packaging.Units("/usr/local/bin/seawall")
	b := builderOn(t, machine(t, ""))
	put(t, b.Machine, filepath.Join(unitFolder, units[0].Name), units[0].Text)
	put(t, b.Machine, filepath.Join(unitFolder, units[1].Name), "an older one's")
	put(t, b.Machine, filepath.Join(unitFolder, units[2].Name), "somebody's")
	b.journal.Files = []file{{filepath.Join(unitFolder, units[1].Name), sum([]byte("an older one's"))}, {filepath.Join(unitFolder, units[2].Name), sum([]byte("an older one's"))}}
	if err := b.units("/usr/local/bin/seawall"); err != nil {
		t.Fatal(err)
	}
	want := []string{"write " + filepath.Join(unitFolder, units[1].Name)}
	for _, u := range units[3:] {
		want = append(want, "write "+filepath.Join(unitFolder, u.Name))
	}
	if got := steps(b.plan); got != strings.Join(want, "\n") {
		t.Errorf("the plan is\n%s", got)
	}
	if notes := strings.Join(b.plan.Notes, "\n"); !strings.Contains(notes, units[2].Name+" was edited by hand and stays") {
		t.Errorf("the notes are %s", notes)
	}
	if err := b.plan.Apply(t.Context(), func(Step) {}); err != nil && os.Geteuid() == 0 {
		t.Fatal(err)
	}
	j, err := readJournal(b.dir)
	if err != nil || len(j.Files) != len(units)-1 {
		t.Errorf("the journal is %+v, %v", j, err)
	}
}

func TestAnothersProgramStays(t *testing.T) {
	b := builderOn(t, machine(t, ""))
	mine := filepath.Join(t.TempDir(), "seawall")
	if err := os.WriteFile(mine, []byte("mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, b.Machine, localProgram, "another's")
	if _, err := b.program(mine); err == nil || !strings.Contains(err.Error(), "did not put it there") {
		t.Errorf("it says %v", err)
	}
	b.journal.Files = []file{{localProgram, sum([]byte("an older one"))}} // updated by hand since
	if at, err := b.program(mine); err != nil || at != localProgram || steps(b.plan) != "write "+localProgram {
		t.Errorf("it is at %s, %v:\n%s", at, err, steps(b.plan))
	}
	if at, err := b.program("/usr/bin/seawall"); err != nil || at != "/usr/bin/seawall" {
		t.Errorf("a package's is at %s, %v", at, err)
	}
}

// TestAForgedJournal: the doors can write the journal, and root deletes what it
// names.
func TestAForgedJournal(t *testing.T) {
	b := builderOn(t, machine(t, ""))
	put(t, b.Machine, "/usr/local/bin/other", "other")
	put(t, b.Machine, filepath.Join(unitFolder, "seawall.socket"), "ours")
	for _, path := range []string{"/usr/local/bin/other", unitFolder + "/ssh.service", unitFolder + "/../../passwd", unitFolder + "/seawall.socket"} {
		b.journal.Files = append(b.journal.Files, file{path, sum([]byte("ours"))})
	}
	b.deleteFiles()
	for _, s := range b.plan.Steps {
		if strings.HasPrefix(s.What, "delete ") && s.What != "delete "+unitFolder+"/seawall.socket" {
			t.Errorf("it would %s", s.What)
		}
	}
	if len(b.plan.Notes) != 3 {
		t.Errorf("the notes are %q", b.plan.Notes)
	}
}

// TestALostJournal: units that are Seawall's by their text go all the same.
func TestALostJournal(t *testing.T) {
	b := builderOn(t, machine(t, ""))
	units := packaging.Units(localProgram)
	put(t, b.Machine, filepath.Join(unitFolder, units[0].Name), units[0].Text)
	put(t, b.Machine, filepath.Join(unitFolder, units[2].Name), "somebody's")
	b.deleteFiles()
	if got := steps(b.plan); !strings.HasPrefix(got, "delete "+filepath.Join(unitFolder, units[0].Name)+"\n") || strings.Contains(got, units[2].Name) {
		t.Errorf("the plan is\n%s", got)
	}
}

func TestStatus(t *testing.T) {
	block := func(id, file, active, said string) string {
		return "Id=" + id + "\nLoadState=loaded\nUnitFileState=" + file + "\nActiveState=" + active + "\nStatusText=" + said + "\n\n"
	}
	for _, c := range []struct {
		shown string
		want  Status
	}{
		{"Id=seawall.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n", Status{}},
		{block("seawall.socket", "enabled", "active", "") + block("seawall.service", "enabled", "active", "The doors are open."),
			Status{Installed: true, Enabled: true, Active: true, Said: "The doors are open."}},
		{block("seawall.socket", "disabled", "active", "") + block("seawall.service", "enabled", "activating", "no policy"),
			Status{Installed: true, Said: "no policy"}},
	} {
		if got := machine(t, c.shown).Status(t.Context()); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.shown, got, c.want)
		}
	}
}

// TestCheckpointsElsewhere: the service may write where root says, and nowhere
// else when root says otherwise; what somebody edited stays.
func TestCheckpointsElsewhere(t *testing.T) {
	b := builderOn(t, machine(t, "Id=seawall.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=active\n"))
	for _, c := range []struct{ path, step, text string }{
		{"/mnt/a b/c", "write " + outsideFile, "[Service]\nReadWritePaths=\"-/mnt/a b\"\n"},
		{"/mnt/100%\"/c", "write " + outsideFile, `ReadWritePaths="-/mnt/100%%\""`},
		{"", "delete " + outsideFile, ""},
		{packaging.State + "/checkpoints", "", ""},
	} {
		b.plan = &Plan{}
		if err := b.outside(c.path); err != nil {
			t.Fatal(err)
		}
		if got := steps(b.plan); c.step == "" && got != "" || !strings.Contains(got, c.step) {
			t.Errorf("%q: the plan is\n%s", c.path, got)
		}
		if err := b.plan.Apply(t.Context(), func(Step) {}); os.Geteuid() != 0 {
			continue // only root can write root's file
		} else if err != nil {
			t.Fatal(err)
		}
		if content, _ := b.read(outsideFile); c.text == "" && content != nil || !strings.Contains(string(content), c.text) {
			t.Errorf("%q: it is %q", c.path, content)
		}
	}
	for _, path := range []string{"/root/c", "/home/a/b/c", "/tmp/c", "/c", "/mnt/\n/c"} {
		if err := b.outside(path); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
	if err := os.MkdirAll(b.at(filepath.Dir(outsideFile)), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, b.Machine, outsideFile, "mine")
	if err := b.outside("/mnt/x/c"); err == nil || !strings.Contains(err.Error(), "edited by hand") {
		t.Errorf("it says %v", err)
	}
}
