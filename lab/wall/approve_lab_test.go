//go:build lab

package wall

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/lab/model"
)

// marker is a harmless program that the policy of these tests wants to be asked
// about.
const marker = `@name("marker")
@decision("ask")
@reason("the lab wants to be asked")
forbid (principal, action == Action::"call", resource)
when { context.commands.contains("mkfifo") }
unless { context.approved };
`

// TestApproval is a person who answers what a real OpenClaw wants to do.
func TestApproval(t *testing.T) {
	t.Parallel()
	w := build(t)
	dir, err := state.Existing(w.state)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.Write(policy.LocalFile, []byte(marker)); err != nil {
		t.Fatal(err)
	}
	until(t, "the policy was not taken over", func() bool { return strings.Contains(w.mustRun(t, "log"), "the policy was changed") })
	t.Run("it waits, and runs when it is allowed", func(t *testing.T) { waitsAndRuns(t, w) })
	t.Run("it does not run when it is denied", func(t *testing.T) { waitsAndIsDenied(t, w) })
	t.Run("what was allowed too late runs at the next try", func(t *testing.T) { runsAtTheNextTry(t, w) })
	t.Run("while it is observed what would ask runs", func(t *testing.T) { runsObserved(t, w) })
	t.Run("above a limit it asks", func(t *testing.T) { asksAboveALimit(t, w) })
}

// question is the one that waits.
func (w *wall) question(t *testing.T) (q approval.Question) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the model was asked:%s\nthe record has\n%s", w.asked(), w.mustRun(t, "log"))
		}
	}()
	until(t, "nothing was asked", func() bool {
		var all []struct {
			approval.Question
			Standing approval.Standing
		}
		out := w.mustRun(t, "approve", "--json")
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, a := range all {
			if a.Standing == approval.Waiting {
				q = a.Question
				return true
			}
		}
		return false
	})
	return q
}

func (w *wall) pipe(t *testing.T, name string) (path string) {
	t.Helper()
	path = w.file(name)
	w.model.Play(model.Steps(
		model.Reply(model.Say("One moment."), model.Use("exec", fmt.Sprintf(`{"command":"mkfifo %s"}`, path)), model.Use("exec", fmt.Sprintf(`{"command":"touch %s-beside"}`, path))),
		model.Reply(model.Say("Done.")),
	))
	return path
}

func waitsAndRuns(t *testing.T, w *wall) {
	path, last := w.pipe(t, "allowed"), w.lastRow()
	end := turn(t, w.session(t, model.Chat), "make it")
	q := w.question(t)
	if shown := w.mustRun(t, "approve", fmt.Sprint(q.N), "--json"); !strings.Contains(shown, "mkfifo "+path) {
		t.Errorf("it is shown as %s", shown)
	}
	if exists(path) {
		t.Fatal("it ran before it was allowed")
	}
	w.mustRun(t, "approve", fmt.Sprint(q.N), "--yes")
	if reply := <-end; !strings.HasSuffix(reply.Text, "Done.") || !exists(path) || !exists(path+"-beside") {
		t.Errorf("the agent answered %s: %q", reply.Raw, w.results())
	}
	w.done(t, last, "exec")
	until(t, "the record does not have the question, the answer and the call", func() bool { // the answer within a second
		var asked, answered, allowed bool
		for _, r := range w.rows(last) {
			asked = asked || r.ID == q.Row.ID && r.Door == "model" && r.Decision == "ask"
			answered = answered || r.Kind == ledger.Event && r.Approval != nil && r.Approval.Question == q.Row.ID && r.Approval.Answer == "allow"
			allowed = allowed || r.Door == "hook" && r.Decision == "allow" && r.Approval != nil && r.Approval.Question == q.Row.ID
		}
		return asked && answered && allowed
	})
	if out, code := w.run("approve", fmt.Sprint(q.N), "--yes"); code == 0 || !strings.Contains(out, "asks again") {
		t.Errorf("allowing it again: exit %d: %s", code, out)
	}
}

func waitsAndIsDenied(t *testing.T, w *wall) {
	path := w.pipe(t, "denied")
	end := turn(t, w.session(t, model.Responses), "make it")
	w.mustRun(t, "approve", fmt.Sprint(w.question(t).N), "--deny")
	<-end
	if results := strings.Join(w.results(), "\n"); exists(path) || !exists(path+"-beside") || !strings.Contains(results, "you said no to it") {
		t.Errorf("it ran, or nothing was said: %q", results)
	}
}

func runsAtTheNextTry(t *testing.T, w *wall) {
	path := w.pipe(t, "late")
	s := w.session(t, model.Anthropic)
	end := turn(t, s, "make it")
	q := w.question(t)
	w.freeze(t) // ends the turn that waits
	<-end
	w.thaw(t)
	if exists(path) {
		t.Fatal("it ran")
	}
	w.mustRun(t, "approve", fmt.Sprint(q.N), "--yes")
	w.model.Play(model.Steps(
		model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"mkfifo %s"}`, path))),
		model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"mkfifo %s"}`, path))),
		model.Reply(model.Say("Done.")),
	))
	end = turn(t, s, "try again")
	again := w.question(t)
	if !exists(path) || again.N == q.N {
		t.Errorf("what was allowed did not run, or its second run does not ask: %+v", again)
	}
	w.mustRun(t, "approve", "--deny", "all")
	<-end
}
