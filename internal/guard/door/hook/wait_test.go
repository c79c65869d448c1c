package hook

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/guard/policy"
)

const marker = `@name("marker") @decision("ask") @reason("the test wants to be asked")
forbid (principal, action == Action::"call", resource)
when { context.commands.contains("mkfifo") } unless { context.approved };
@name("rest")
permit (principal, action, resource);`

const mkfifo = `{"command":"mkfifo a"}`

// asking is a stage on which a call waits: what the model door has asked.
func asking(t *testing.T) (*stage, approval.Question) {
	t.Helper()
	s := open(t)
	rules, err := policy.Load([]byte(marker))
	if err != nil {
		t.Fatal(err)
	}
	s.door.guard = guard.New(rules, s.record, nil, []byte("marks"))
	s.door.guard.Approvals = approval.Open(s.dir, time.Now)
	s.vouch(0, run, true)
	by, _ := s.door.Speaker(mine, run)
	d := s.door.guard.Judge(t.Context(), guard.Action{
		Turn: guard.Turn{Door: "model", Config: mine, Agent: "main", Session: "agent:main:main", Conversation: "s", Trace: run, Speaker: by},
		Tool: "exec", Args: []byte(mkfifo),
	})
	s.door.Released(mine, run, "exec", []byte(mkfifo), d.Question)
	all, err := approval.List(s.dir)
	if err != nil || len(all) != 1 || d.Question != all[0].N {
		t.Fatalf("%+v %+v %v", d, all, err)
	}
	return s, all[0]
}

func TestACallWaitsForAnAnswer(t *testing.T) {
	for _, allow := range []bool{true, false} {
		s, q := asking(t)
		got := make(chan answer, 1)
		go func() { got <- s.call(0, run, "exec", mkfifo) }()
		select {
		case a := <-got:
			t.Fatalf("it did not wait: %+v", a)
		case <-time.After(50 * time.Millisecond): // what is wrong shows at once
		}
		if _, err := approval.Reply(s.dir, q, approval.Answer{Allow: allow, Scope: approval.Once, By: "anna", Via: "terminal", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		a := <-got
		if a.Allow != allow || !allow && !strings.Contains(a.Reason, "you said no to it") {
			t.Errorf("allowed %v, it is answered %+v", allow, a)
		}
		last := s.record.rows[len(s.record.rows)-1]
		if last.Door != "hook" || last.Approval == nil || last.Approval.Question != q.Row.ID || last.Approval.By != "anna" {
			t.Errorf("the row is %+v", last)
		}
		// The ticket is used, whatever was said: once more is another question, and
		// after a no nobody is asked again.
		s.door.guard.Approvals = nil
		if a := s.call(0, run, "exec", mkfifo); !a.Block {
			t.Errorf("the same again is answered %+v", a)
		}
	}
}

// TestACallerThatLeaves: the call is over, the question is not.
func TestACallerThatLeaves(t *testing.T) {
	s, q := asking(t)
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+Path+"/v1/tool-call", strings.NewReader(fmt.Sprintf(`{"trace":%q,"tool":"exec","params":%s,"sessionKey":"agent:main:main","agentId":"main"}`, run, mkfifo)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.agents[0].Token)
	res, err := http.DefaultClient.Do(r) // the head is there while it waits
	if err != nil {
		t.Fatal(err)
	}
	leave()
	res.Body.Close()
	for {
		s.record.mu.Lock()
		last := s.record.rows[len(s.record.rows)-1]
		s.record.mu.Unlock()
		if last.Door == "hook" {
			if last.Decision != "ask" {
				t.Errorf("the row is %+v", last)
			}
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if all, err := approval.List(s.dir); err != nil || len(all) != 1 || all[0].N != q.N || all[0].Stand(time.Now()) != approval.Waiting {
		t.Errorf("%+v %v", all, err)
	}
}

// TestWhereACallCanWait: only where the plugin is seen to ask.
func TestWhereACallCanWait(t *testing.T) {
	loaded := func(string) bool { return true }
	for name, c := range map[string]struct {
		change func(s *stage)
		want   bool
	}{
		"vouched for, and loaded":  {func(s *stage) { s.vouch(0, run, true); s.door.Loaded = loaded }, true},
		"a visitor's run":          {func(s *stage) { s.vouch(0, run, false); s.door.Loaded = loaded }, true},
		"a run nobody vouched for": {func(s *stage) { s.door.Loaded = loaded }, false},
		"another run":              {func(s *stage) { s.vouch(0, strings.Repeat("1", 32), true); s.door.Loaded = loaded }, false},
		"another OpenClaw's run":   {func(s *stage) { s.vouch(1, run, true); s.door.Loaded = loaded }, false},
		"nobody watches":           {func(s *stage) { s.vouch(0, run, true) }, false},
		"not loaded":               {func(s *stage) { s.vouch(0, run, true); s.door.Loaded = func(string) bool { return false } }, false},
		"silent": {func(s *stage) {
			s.vouch(0, run, true)
			s.door.Loaded = loaded
			s.at = s.at.Add(grace + time.Second)
			s.door.Saw(mine, run, span)
			s.at = s.at.Add(silence)
		}, false},
	} {
		s := open(t)
		c.change(s)
		if got := s.door.Waits(mine, run); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAJobIsKnownByItsInstructions(t *testing.T) {
	const prompt = "[cron:4f1e nightly] back up\nCurrent time: Tuesday, 03:00\nReference UTC: x"
	a := jobOf("agent:main:cron:4f1e-22:run:9", prompt)
	if a.ID != "4f1e-22" || len(a.Instructions) != 64 {
		t.Fatalf("%+v", a)
	}
	if b := jobOf("agent:main:cron:4f1e-22:run:10", strings.Replace(prompt, "Tuesday", "Wednesday", 1)); b != a {
		t.Error("the next run is another job")
	}
	if b := jobOf("agent:main:cron:4f1e-22:run:10", strings.Replace(prompt, "back up", "delete", 1)); b == a || b.ID != a.ID {
		t.Error("other instructions are the same job")
	}
	for _, session := range []string{"agent:main:main", "agent:main:telegram:cron:1", "", "agent:main:cron:../x"} {
		if j := jobOf(session, prompt); j != (guard.Job{}) {
			t.Errorf("%q is %+v", session, j)
		}
	}
}
