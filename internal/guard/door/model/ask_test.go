package model

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/state"
	lab "github.com/openseawall/seawall/lab/model"
)

// marker asks about one harmless program.
const marker = `@name("marker") @decision("ask") @reason("the test wants to be asked")
forbid (principal, action == Action::"call", resource)
when { context.commands.contains("mkfifo") } unless { context.approved };
@name("rest")
permit (principal, action, resource);`

// questions gives a stage somebody to ask.
func (s *stage) questions() *state.Dir {
	s.t.Helper()
	dir, err := state.Open(filepath.Join(s.t.TempDir(), "questions"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { dir.Close() })
	s.door.guard.Approvals = approval.Open(dir, time.Now)
	return dir
}

// waiting waits for a question, and returns it.
func waiting(t *testing.T, dir *state.Dir) approval.Question {
	t.Helper()
	for {
		all, err := approval.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range all {
			if q.Stand(time.Now()) == approval.Waiting {
				return q
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func reply(t *testing.T, dir *state.Dir, q approval.Question, allow bool) {
	t.Helper()
	if _, err := approval.Reply(dir, q, approval.Answer{Allow: allow, Scope: approval.Once, By: "anna", Via: "terminal", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

// TestAnAnswerIsHeldForAPerson: one that streams waits; one that does not ends
// with the number, and what is allowed then runs at the next try.
func TestAnAnswerIsHeldForAPerson(t *testing.T) {
	inEach(t, func(t *testing.T, api wire.API, stream bool) {
		for _, allow := range []bool{true, false} {
			wants := lab.Reply(lab.Say("One moment."), lab.Use("exec", `{"command":"mkfifo a"}`))
			s, _ := behind(t, options{policy: marker}, wants, wants)
			dir := s.questions()
			got := make(chan answered, 1)
			go func() { got <- s.ask(api, stream, user("make it")) }()
			reply(t, dir, waiting(t, dir), allow)
			a := <-got
			if !stream {
				if h := hear(a.body); len(h.calls) > 0 || !strings.Contains(h.text, "run seawall approve 1 on the machine") {
					t.Errorf("answered %+v", h)
				}
				a = s.ask(api, stream, user("make it"))
			}
			h := hear(a.body)
			if allow && (len(h.calls) != 1 || h.calls[0] != `exec {"command":"mkfifo a"}`) || !allow && (len(h.calls) > 0 || !strings.Contains(h.text, "you said no to it")) {
				t.Errorf("allowed %v, it is answered %+v", allow, h)
			}
		}
	})
}

// TestACallWaitsWithTheWitness: where it can, the answer is not held, and the call
// is handed on with the number of its question.
func TestACallWaitsWithTheWitness(t *testing.T) {
	inEach(t, func(t *testing.T, api wire.API, stream bool) {
		s, _ := behind(t, options{policy: marker}, lab.Reply(
			lab.Use("exec", `{"command":"ls"}`), lab.Use("exec", `{"command":"mkfifo a"}`),
			lab.Use("tool_call", `{"id":"exec","args":{"command":"mkfifo b"}}`)))
		s.questions()
		n := &notes{waits: true, speaker: map[string]guard.Speaker{}}
		s.door.Witness = n
		r := s.request(http.MethodPost, paths[api], conversation(api, stream, user("make it")))
		if h := hear(s.do(r).body); len(h.calls) != 3 || h.text != "" {
			t.Errorf("answered %+v", h)
		}
		if len(n.out) != 4 || !slices.Equal(n.asked, []int64{1, 2}) {
			t.Errorf("it was told of %q, and of the questions %v", n.out, n.asked)
		}
	})
}
