//go:build lab

package wall

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/openclaw"
	"github.com/openseawall/seawall/lab/seawall"
)

// TestFreeze is what an operator does who wants a real OpenClaw to stop.
func TestFreeze(t *testing.T) {
	w := build(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, *wall)
	}{
		{"a running program ends with its turn", programEnds},
		{"a program in the background is named", backgroundIsNamed},
		{"an answer that streams is cut", answerIsCut},
		{"a call that was released does not run", releasedDoesNotRun},
		{"a new turn is answered by the door", frozenTurn},
		{"a restart keeps it", restartKeepsIt},
		{"a thaw ends it", thawEndsIt},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, w) })
	}
}

// frozen is what `seawall freeze --json` says.
type frozen struct {
	Row     int64
	Problem string
	Open    bool
	Agents  []struct {
		Sessions []string
		Problem  string
		Running  []struct {
			PID     int
			Command string
		}
	}
	Damage struct {
		Ran, Written []struct {
			What    string
			Rows    []int64
			Unknown int
		}
	}
}

func (w *wall) freeze(t *testing.T) (f frozen) {
	t.Helper()
	out, code := w.run("freeze", "--json")
	if err := json.Unmarshal([]byte(out), &f); err != nil || code > 1 || !f.Open || f.Row == 0 || f.Problem != "" || len(f.Agents) != 1 || f.Agents[0].Problem != "" {
		t.Fatalf("seawall freeze: exit %d, %v: %s", code, err, out)
	}
	if still := len(f.Agents[0].Running) > 0; still != (code == 1) {
		t.Errorf("seawall freeze: exit %d: %s", code, out)
	}
	return f
}

func (w *wall) thaw(t *testing.T) {
	t.Helper()
	if out, code := w.run("thaw", "--yes"); code != 0 || !strings.Contains(out, "Thawed (#") {
		t.Fatalf("seawall thaw: exit %d: %s", code, out)
	}
}

// turn begins a turn and returns where its end will be told; one without an end
// has no state.
func turn(t *testing.T, s *openclaw.Session, words string) <-chan openclaw.Reply {
	end := make(chan openclaw.Reply, 1)
	go func() {
		reply, err := s.Turn(t.Context(), words)
		if err != nil {
			reply.Raw = []byte(err.Error())
		}
		end <- reply
	}()
	return end
}

// runs finds a running command by its arguments.
func runs(args ...string) bool {
	want := []byte(strings.Join(args, "\x00") + "\x00")
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	return slices.ContainsFunc(lines, func(path string) bool {
		line, err := os.ReadFile(path)
		return err == nil && bytes.Equal(line, want)
	})
}

// patience is for what has to come, on a busy machine.
const patience = 4 * time.Minute

// until waits for what has to come.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// during waits for what a turn has to do before it ends.
func (w *wall) during(t *testing.T, end <-chan openclaw.Reply, what string, so func() bool) {
	t.Helper()
	until(t, what, func() bool {
		select {
		case reply := <-end:
			if so() {
				t.Fatalf("%s, but the turn ended as %s: %s", what, reply.State, reply.Raw)
			}
			t.Fatalf("not so: %s; the turn ended as %s: %s%s", what, reply.State, reply.Raw, w.asked())
		default:
		}
		return so()
	})
}

// asked is what the model was asked since the script began, for a failure.
func (w *wall) asked() string {
	var b strings.Builder
	for i, r := range w.model.Requests() {
		fmt.Fprintf(&b, "\nrequest %d over %s:", i, r.API)
		for _, turn := range r.Turns[max(0, len(r.Turns)-4):] {
			fmt.Fprintf(&b, "\n  %s: %.500s", turn.Role, turn.Name+" "+turn.Text)
		}
	}
	return b.String()
}

func programEnds(t *testing.T, w *wall) {
	w.model.Play(model.Steps(model.Reply(model.Use("exec", `{"command":"sleep 611"}`)), model.Reply(model.Say("never"))))
	end := turn(t, w.session(t, model.Chat), "sleep")
	w.during(t, end, "the program runs", func() bool { return runs("sleep", "611") })
	// One that OpenClaw is just starting when it is told to end the turn may run
	// on; freeze names it then, as the one below.
	time.Sleep(3 * time.Second)
	f := w.freeze(t)
	if len(f.Agents[0].Sessions) != 1 || runs("sleep", "611") != (len(f.Agents[0].Running) > 0) {
		t.Errorf("the program runs: %v: %+v", runs("sleep", "611"), f)
	}
	for _, p := range f.Agents[0].Running {
		t.Logf("it was just being started: %s", p.Command)
		_ = w.net.Run(exec.Command("kill", "-9", fmt.Sprint(p.PID)))
	}
	if reply := <-end; reply.State != "aborted" || strings.Contains(reply.Text, "never") {
		t.Errorf("the turn ended as %s: %s", reply.State, reply.Raw)
	}
	// Of one that runs on OpenClaw may have told that it is still running.
	if n := len(f.Damage.Ran); n == 0 || f.Damage.Ran[n-1].What != "sleep 611" || f.Damage.Ran[n-1].Unknown != 1 && len(f.Agents[0].Running) == 0 {
		t.Errorf("the damage is %+v", f.Damage)
	}
	w.thaw(t)
}

func backgroundIsNamed(t *testing.T, w *wall) {
	w.model.Play(model.Steps(model.Reply(model.Use("exec", `{"command":"sleep 612","background":true}`)), model.Reply(model.Say("It sleeps."))))
	if reply := say(t, w.session(t, model.Chat), "sleep in the background"); reply.Text != "It sleeps." {
		t.Fatalf("the turn ended as %s: %s%s", reply.State, reply.Raw, w.asked())
	}
	until(t, "the program runs", func() bool { return runs("sleep", "612") })
	out, code := w.run("freeze")
	t.Log(out)
	_, line, named := strings.Cut(out, "Still runs, started by the agent: sleep 612 (to end it: ")
	if !runs("sleep", "612") || !named || code != 1 {
		t.Fatalf("exit %d, it runs: %v; it says:\n%s", code, runs("sleep", "612"), out)
	}
	if command, _, _ := strings.Cut(line, ")"); !strings.HasPrefix(command, "kill ") {
		t.Errorf("to end it one would run %q", command)
	}
	if out, code := w.run("freeze", "--yes"); code != 0 || runs("sleep", "612") || !strings.Contains(out, "Ended, started by the agent: sleep 612 (process ") {
		t.Errorf("exit %d, it runs: %v; it says:\n%s", code, runs("sleep", "612"), out)
	}
	w.thaw(t)
}

func answerIsCut(t *testing.T, w *wall) {
	for _, api := range model.APIs {
		w.model.Play(model.Steps(model.Answer{Blocks: []model.Block{model.Say(strings.Repeat("one two three. ", 50)).In(40)}, CutAfter: 20, Hang: true}))
		end := turn(t, w.session(t, api), "talk")
		w.during(t, end, "the model is asked", func() bool { return len(w.model.Requests()) > 0 })
		w.freeze(t)
		reply := <-end
		// OpenClaw leaves the door when it is told to end the turn, or the door has
		// cut the answer by then: its own tests show what becomes of each.
		t.Logf("%s: the turn ended as %s: %s", api, reply.State, reply.Text)
		if strings.Count(reply.Text, "three") >= 50 {
			t.Errorf("%s: the answer went on to its end", api)
		}
		w.thaw(t)
	}
}

// releasedDoesNotRun lets a call through and freezes before OpenClaw runs it: it
// waits for the end of the answer.
func releasedDoesNotRun(t *testing.T, w *wall) {
	marker, last := w.file("released"), w.lastRow()
	later := `{"command":"echo ` + strings.Repeat("later", 100) + `"}`
	w.model.Play(model.Steps(model.Answer{CutAfter: 20, Hang: true, Blocks: []model.Block{
		model.Use("exec", fmt.Sprintf(`{"command":"echo yes > %s"}`, marker)).In(2), model.Use("exec", later).In(100),
	}}))
	end := turn(t, w.session(t, model.Anthropic), "touch it")
	w.during(t, end, "the call is let through", func() bool {
		return slices.ContainsFunc(w.rows(last), func(r ledger.Row) bool { return r.Act == "call" && r.Decision == "allow" })
	})
	w.freeze(t)
	reply := <-end
	t.Logf("the turn ended as %s: %s", reply.State, reply.Text)
	if exists(marker) {
		t.Error("the call ran")
	}
	w.thaw(t)
}

// refused is the reply to a turn that begins while the agent is frozen. The first
// may be ended without one, as those that ran before.
func (w *wall) refused(t *testing.T, api model.API) openclaw.Reply {
	t.Helper()
	var reply openclaw.Reply
	until(t, "a turn is answered", func() bool {
		reply = <-turn(t, w.session(t, api), "hello")
		return reply.State != "aborted" && reply.Text != ""
	})
	return reply
}

func frozenTurn(t *testing.T, w *wall) {
	w.freeze(t)
	w.model.Play(model.Steps(model.Reply(model.Say("never"))))
	for _, api := range model.APIs {
		reply := w.refused(t, api)
		if want := "Stopped: nothing was passed on to the model. Because: the agent is frozen. You can: run seawall thaw. (#"; !strings.HasPrefix(reply.Text, want) {
			t.Errorf("%s: OpenClaw shows %q", api, reply.Text)
		}
	}
	if n := len(w.model.Requests()); n > 0 {
		t.Errorf("the model was asked %d times", n)
	}
}

func restartKeepsIt(t *testing.T, w *wall) {
	_ = w.up.Cmd.Process.Kill()
	w.up.Stop()
	w.up = seawall.Start(w.t, w.net, seawall.Command(w.t, "up", "--yes", "--openclaw", w.home.Config, "--state", w.state), "Frozen.")
	if out, code := w.run("status"); code != 1 || !strings.HasPrefix(out, "Frozen.\nFrozen since ") {
		t.Errorf("seawall status: exit %d: %s", code, out)
	}
	if reply := w.refused(t, model.Chat); !strings.Contains(reply.Text, "the agent is frozen") {
		t.Errorf("OpenClaw shows %q", reply.Text)
	}
}

func thawEndsIt(t *testing.T, w *wall) {
	w.thaw(t)
	w.model.Play(model.Steps(model.Reply(model.Say("Back."))))
	if reply := say(t, w.session(t, model.Chat), "hello"); reply.Text != "Back." {
		t.Errorf("OpenClaw shows %q", reply.Text)
	}
	if out, code := w.run("log", "--damage", "--all"); code != 0 || !strings.Contains(out, "sleep 611") {
		t.Errorf("seawall log --damage: exit %d: %s", code, out)
	} else {
		t.Log(out)
	}
	if out, code := w.run("log", "verify"); code != 0 {
		t.Errorf("seawall log verify: exit %d: %s", code, out)
	}
}
