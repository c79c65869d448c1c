package proof

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/state"
)

// TestWhatTheAgentStartedIsFound by the mark that OpenClaw leaves in its
// environment, whoever its parent is by now.
func TestWhatTheAgentStartedIsFound(t *testing.T) {
	proc := t.TempDir()
	add := func(pid, parent int, env, command string) {
		dir := filepath.Join(proc, fmt.Sprint(pid))
		stat := fmt.Sprintf("%d (x) S %d %s", pid, parent, strings.Repeat("7 ", 20))
		for name, content := range map[string]string{"stat": stat, "environ": env, "cmdline": command} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	const mark = "A=1\x00OPENCLAW_SHELL=exec\x00"
	add(10, 1, mark, "openclaw-gateway\x00")
	add(11, 10, "A=1\x00", "node\x00worker.js\x00")
	add(12, 10, mark, "sleep\x00600\x00")
	add(13, 1, mark, "sh\x00-c\x00evil\x1b[2J\x00")
	add(14, 1, mark, "") // it has ended
	got := fmt.Sprint(programs(proc, &gateway{process: process{pid: 10}}))
	if got != "[{12 sleep 600 7 true} {13 sh -c evil [2J 7 false}]" {
		t.Error(got)
	}
}

// TestProgramsAreEnded: those that heed a signal and those that do not; never
// another process that has the number of one.
func TestProgramsAreEnded(t *testing.T) {
	start := func(mark, script string) (*exec.Cmd, Program) {
		cmd := exec.Command("sh", "-c", script)
		cmd.Env = []string{mark}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		all, err := processes("/proc", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return cmd, Program{PID: cmd.Process.Pid, start: all[cmd.Process.Pid].start, child: true}
	}
	_, polite := start("OPENCLAW_SHELL=exec", "echo; exec sleep 600")
	_, stubborn := start("OPENCLAW_SHELL=exec", "trap '' TERM; echo; while :; do sleep 1; done")
	_, away := start("OPENCLAW_SHELL=exec", "echo; exec sleep 600")
	away.child = false
	other, reused := start("OTHER=1", "echo; exec sleep 600")
	earlier := polite
	earlier.start--
	left, ended := endAll(t.Context(), "/proc", []Program{polite, stubborn, away, reused, earlier})
	if len(left) != 1 || left[0] != away {
		t.Errorf("there still runs %+v", left)
	}
	if len(ended) != 4 {
		t.Errorf("ended: %+v", ended)
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("another's program was ended: %v", err)
	}
}

// TestAFreezeIsTakenUpOnce by the watch, also with no agent to tell.
func TestAFreezeIsTakenUpOnce(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	var told bytes.Buffer
	w := New(dir, nil, &told)
	w.endFrozen(t.Context())
	if w.frozen != "" {
		t.Error("without a freeze there is one")
	}
	if _, _, err := operator.Freeze(dir, "anna", time.Now()); err != nil {
		t.Fatal(err)
	}
	w.endFrozen(t.Context())
	if w.frozen == "" || told.Len() > 0 {
		t.Errorf("%q %s", w.frozen, &told)
	}
	if _, err := operator.Thaw(dir); err != nil {
		t.Fatal(err)
	}
	w.endFrozen(t.Context())
	if w.frozen != "" {
		t.Error("after the thaw it is still frozen")
	}
}

func TestWithoutAgentsNobodyIsTold(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if all, err := Abort(t.Context(), dir); err != nil || len(all) != 0 || all == nil {
		t.Errorf("%v %v", all, err)
	}
}
