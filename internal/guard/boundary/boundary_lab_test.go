//go:build lab

package boundary

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

// TestTry has real processes try to reach a state directory of root's: a
// stranger gets nothing, root gets all.
func TestTry(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.Write(state.Keys, []byte(`{"a":"b"}`)); err != nil {
		t.Fatal(err)
	}
	doors := exec.Command("sleep", "300")
	if err := doors.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = doors.Process.Kill(); _ = doors.Wait() }()
	target := Target{State: dir.String(), PIDs: []int{doors.Process.Pid}, Program: "/bin/true"}
	try := func(p host.Process) Result {
		r, err := Try(t.Context(), dir, target, []openclaw.Install{{StateDir: "/x", ConfigPath: "/x/openclaw.json", Process: &p}})
		if err != nil || len(r.Results) != 1 || r.Results[0].Untried != "" {
			t.Fatalf("%+v, %v", r, err)
		}
		return r.Results[0]
	}
	stranger := try(host.Process{UID: 64321, GID: 64321})
	if crossed := stranger.Crossed(); len(crossed) > 0 || len(stranger.Attempts) < 15 {
		t.Errorf("of %d attempts of a stranger succeeded %+v", len(stranger.Attempts), crossed)
	}
	for _, a := range stranger.Attempts {
		t.Log(a.Aim, "|", a.What, "|", a.Answer)
	}
	kept, err := Load(dir)
	if err != nil || kept == nil {
		t.Fatalf("%v, %v", kept, err)
	}
	if why, _ := kept.Doubt(time.Now()); why != "" {
		t.Error(why)
	}
	says := func(r Result, part string) bool {
		for _, a := range r.Crossed() {
			if strings.Contains(a.What, part) {
				return true
			}
		}
		return false
	}
	root := try(host.Process{})
	for _, part := range []string{"read " + dir.Path(state.Keys), "kill process", "trace process", "become root", "put a file"} {
		if !says(root, part) {
			t.Errorf("root was not seen to %s", part)
		}
	}
	if kept, _ := Load(dir); kept.String()[:10] != "not proven" {
		t.Error(kept)
	}
	if err := doors.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("an attempt ended the doors: %v", err)
	}
}
