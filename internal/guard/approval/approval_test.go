package approval

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

// desk is one on a fresh state directory, at a time that the test moves.
func desk(t *testing.T) (*Desk, *state.Dir, *time.Time) {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	now := time.Unix(1_800_000_000, 0)
	return Open(dir, func() time.Time { return now }), dir, &now
}

// deletion is a question like an agent's.
func deletion(t *testing.T, args string) Question {
	t.Helper()
	sum, err := Sum("exec", []byte(args))
	if err != nil {
		t.Fatal(err)
	}
	row := ledger.Row{ID: 41, Tool: "exec", Policy: []string{"destroys"}, Effects: &ledger.Effects{Kinds: []string{"destroy", "execute"}}, Origins: map[string][]string{"command": {"web_fetch"}}}
	return Question{Args: args, Row: row, Action: Action{Sum: sum, Config: "/c", Agent: "main", Session: "s", Who: "owner", Risk: Risk(row)}}
}

func ask(t *testing.T, d *Desk, q Question) Question {
	t.Helper()
	n, err := d.Ask(q)
	if err != nil {
		t.Fatal(err)
	}
	all, err := d.list()
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range all {
		if is.N == n {
			return is
		}
	}
	t.Fatalf("question %d is not listed", n)
	return q
}

func answer(t *testing.T, dir *state.Dir, q Question, a Answer) {
	t.Helper()
	if _, err := Reply(dir, q, a); err != nil {
		t.Fatal(err)
	}
}

// yes and no are answers at a time.
func yes(now time.Time) Answer {
	return Answer{Allow: true, Scope: Once, By: "anna", Via: "terminal", At: now}
}
func no(now time.Time) Answer { return Answer{Scope: Once, By: "anna", Via: "terminal", At: now} }

const remove = `{"command":"rm -r build"}`

// TestMisuse: what was allowed for one action is for no other, and for none twice.
func TestMisuse(t *testing.T) {
	for name, misuse := range map[string]func(q *Question, now *time.Time){
		"a changed argument":     func(q *Question, _ *time.Time) { q.Action.Sum, _ = Sum("exec", []byte(`{"command":"rm -r ~"}`)) },
		"another tool":           func(q *Question, _ *time.Time) { q.Action.Sum, _ = Sum("bash", []byte(remove)) },
		"another conversation":   func(q *Question, _ *time.Time) { q.Action.Session = "other" },
		"another OpenClaw":       func(q *Question, _ *time.Time) { q.Action.Config = "/other" },
		"another agent":          func(q *Question, _ *time.Time) { q.Action.Agent = "other" },
		"somebody else's run":    func(q *Question, _ *time.Time) { q.Action.Who = "visitor" },
		"another channel":        func(q *Question, _ *time.Time) { q.Action.Channel = "telegram 4" },
		"another sender":         func(q *Question, _ *time.Time) { q.Action.Sender = "9" },
		"a job of the same name": func(q *Question, _ *time.Time) { q.Action.Job = "other instructions" },
		"another risk": func(q *Question, _ *time.Time) {
			q.Row.Effects = &ledger.Effects{Kinds: []string{"send"}}
			q.Action.Risk = Risk(q.Row)
		},
		"from somewhere else": func(q *Question, _ *time.Time) {
			q.Row.Origins = map[string][]string{"command": {"mail"}}
		},
		"from one more place": func(q *Question, _ *time.Time) {
			q.Row.Origins = map[string][]string{"command": {"mail", "web_fetch"}}
		},
		"from who knows where": func(q *Question, _ *time.Time) {
			q.Row.Origins = map[string][]string{"command": {"unknown"}}
		},
		"another value is somebody's": func(q *Question, _ *time.Time) {
			q.Row.Origins = map[string][]string{"command": {"web_fetch"}, "host": {"web_fetch"}}
		},
		"one more rule asks":      func(q *Question, _ *time.Time) { q.Row.Policy = []string{"destroys", "sends"} },
		"after a day and an hour": func(_ *Question, now *time.Time) { *now = now.Add(Unused) },
		"a number of another form": func(q *Question, _ *time.Time) {
			q.Action.Sum, _ = Sum("exec", []byte(`{"command":"rm -r build","n":1.0}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, dir, now := desk(t)
			q := ask(t, d, deletion(t, remove))
			answer(t, dir, q, yes(*now))
			other := q
			misuse(&other, now)
			if _, ok := d.Answered(other); ok {
				t.Error("it is let through")
			}
		})
	}
}

// TestTriedAgain: what was allowed too late is let through when it is tried again in
// a conversation that has grown meanwhile; where more speaks against it, it asks.
func TestTriedAgain(t *testing.T) {
	for name, c := range map[string]struct{ shown, now map[string][]string }{
		"as it was":                      {map[string][]string{"command": {"web_fetch"}}, map[string][]string{"command": {"web_fetch"}}},
		"in another order":               {map[string][]string{"to": {"mail", "web"}}, map[string][]string{"to": {"web", "mail"}}},
		"from fewer places":              {map[string][]string{"to": {"mail", "web"}}, map[string][]string{"to": {"mail"}}},
		"of what everybody may say":      {map[string][]string{"to": {"unknown"}}, map[string][]string{"to": {"commands", "unknown"}}},
		"a value that nobody doubts now": {map[string][]string{"to": {"mail"}}, nil},
	} {
		d, dir, now := desk(t)
		q := deletion(t, remove)
		q.Row.Origins = c.shown
		q = ask(t, d, q)
		again := q
		again.Row.Origins = c.now
		if n := ask(t, d, again).N; n != q.N {
			t.Errorf("%s, it is question %d", name, n)
		}
		answer(t, dir, q, yes(*now))
		if got, ok := d.Answered(again); !ok || !got.Answer.Allow {
			t.Errorf("%s, it asks", name)
		}
		if _, ok := d.Answered(again); ok {
			t.Errorf("%s, it is let through twice", name)
		}
	}
	d, dir, now := desk(t)
	q := ask(t, d, deletion(t, remove))
	worse := q
	worse.Row.Origins = map[string][]string{"command": {"mail", "web_fetch"}}
	if n := ask(t, d, worse).N; n == q.N {
		t.Error("a question that shows more is the same one")
	}
	answer(t, dir, q, no(*now))
	if got, ok := d.Answered(worse); !ok || got.Answer.Allow {
		t.Error("a no does not hold where more speaks against it")
	}
}

func TestOnce(t *testing.T) {
	d, dir, now := desk(t)
	q := ask(t, d, deletion(t, remove))
	if _, ok := d.Answered(q); ok {
		t.Error("what nobody has answered is let through")
	}
	answer(t, dir, q, yes(*now))
	got, ok := Open(dir, d.now).Answered(q) // a restart in between
	if !ok || !got.Answer.Allow || got.Answer.By != "anna" || got.Row.ID != 41 {
		t.Errorf("after a restart %+v, %v", got, ok)
	}
	if _, ok := d.Answered(q); ok {
		t.Error("it is let through twice")
	}
	if _, err := Reply(dir, q, yes(*now)); err == nil || !strings.Contains(err.Error(), "asks again") {
		t.Errorf("a used question is answered again: %v", err)
	}
	if again := ask(t, d, deletion(t, remove)); again.N == q.N {
		t.Error("its number comes again")
	}
}

// TestTwoAtOnce: of many who want the grant one gets it.
func TestTwoAtOnce(t *testing.T) {
	d, dir, now := desk(t)
	q := ask(t, d, deletion(t, remove))
	answer(t, dir, q, yes(*now))
	var got atomic.Int64
	var all sync.WaitGroup
	for i := range 16 {
		desk := d
		if i%2 == 1 {
			desk = Open(dir, d.now) // as another process
		}
		all.Go(func() {
			if _, ok := desk.Answered(q); ok {
				got.Add(1)
			}
		})
	}
	all.Wait()
	if got.Load() != 1 {
		t.Errorf("%d got it", got.Load())
	}
}

func TestDenied(t *testing.T) {
	d, dir, now := desk(t)
	q := ask(t, d, deletion(t, remove))
	answer(t, dir, q, no(*now))
	for range 2 { // it stays
		if got, ok := d.Answered(q); !ok || got.Answer.Allow {
			t.Errorf("%+v %v", got, ok)
		}
	}
	answer(t, dir, q, yes(*now)) // after all
	if got, ok := d.Answered(q); !ok || !got.Answer.Allow {
		t.Errorf("allowed after all: %+v %v", got, ok)
	}
	q = ask(t, d, deletion(t, remove))
	answer(t, dir, q, no(*now))
	*now = now.Add(Life)
	if _, ok := d.Answered(q); ok {
		t.Error("a denial holds for ever")
	}
}

func TestExpired(t *testing.T) {
	d, dir, now := desk(t)
	q := ask(t, d, deletion(t, remove))
	*now = now.Add(Life)
	if _, err := Reply(dir, q, yes(*now)); err == nil || !strings.Contains(err.Error(), "is over since") {
		t.Errorf("an expired question is answered: %v", err)
	}
	if _, ok := d.Answered(q); ok {
		t.Error("it is let through")
	}
}

func TestForged(t *testing.T) {
	d, dir, now := desk(t)
	q := ask(t, d, deletion(t, remove))
	for name, shown := range map[string]Question{
		"another number":                     {N: q.N + 1, Action: q.Action},
		"the number with another's contents": {N: q.N, Action: deletion(t, `{"command":"ls"}`).Action},
	} {
		if _, err := Reply(dir, shown, yes(*now)); err == nil || !strings.Contains(err.Error(), "there is no question") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if info, err := os.Stat(dir.Path(File)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

func TestForAConversation(t *testing.T) {
	d, dir, now := desk(t)
	all := yes(*now)
	all.Scope = Conversation
	q := ask(t, d, deletion(t, remove))
	if _, err := Reply(dir, q, all); err == nil || !strings.Contains(err.Error(), "only be allowed once") {
		t.Errorf("what cannot be taken back is allowed for all of a conversation: %v", err)
	}
	harmless := deletion(t, `{"command":"mkdir a"}`)
	harmless.Reversible = true
	q = ask(t, d, harmless)
	answer(t, dir, q, all)
	for range 3 {
		if _, ok := d.Answered(q); !ok {
			t.Error("it asks again in its conversation")
		}
	}
	q.Action.Session = "other"
	if _, ok := d.Answered(q); ok {
		t.Error("in another conversation it does not ask")
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	var all questions
	now := time.Unix(1_800_000_000, 0)
	add := func(command string) (int64, error) { return all.add(deletion(t, `{"command":"`+command+`"}`), now) }
	for i := range MaxOpen {
		if n, err := add(fmt.Sprint("rm ", i)); err != nil || n != int64(i+1) {
			t.Fatal(n, err)
		}
	}
	if n, err := add("rm 3"); n != 4 || err != nil {
		t.Errorf("the same question is asked twice at a time: %d %v", n, err)
	}
	if _, err := add("rm one more"); err == nil {
		t.Error("there is no bound")
	}
	for range 3 {
		now = now.Add(Life)
		for i := range MaxOpen {
			if _, err := add(fmt.Sprint("rm ", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(all.All) != MaxOpen+maxKept || all.Last != 4*MaxOpen {
		t.Errorf("%d are kept, the last is %d", len(all.All), all.Last)
	}
	d, _, _ := desk(t)
	if _, err := d.Ask(deletion(t, `{"command":"`+strings.Repeat("x", MaxArgs)+`"}`)); err == nil {
		t.Error("nobody can read so much")
	}
}

// TestADamagedFileAllowsNothing, and nothing is added to it.
func TestADamagedFileAllowsNothing(t *testing.T) {
	d, dir, _ := desk(t)
	for _, damaged := range []string{"{", `[]`, `{"questions":[{"n":"x"}]}`} {
		if err := dir.Write(File, []byte(damaged)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Ask(deletion(t, remove)); err == nil || !strings.Contains(err.Error(), "questions.json is damaged") {
			t.Errorf("%s: %v", damaged, err)
		}
		if _, ok := d.Answered(deletion(t, remove)); ok {
			t.Errorf("%s allows something", damaged)
		}
	}
}

func TestWhoWaitsHearsOfTheAnswer(t *testing.T) {
	d, dir, now := desk(t)
	q := ask(t, d, deletion(t, remove))
	heard := make(chan Question)
	for range 4 {
		go func() { q, _ := d.Wait(t.Context(), q.N); heard <- q }()
	}
	answer(t, dir, q, yes(*now))
	for range 4 {
		if q := <-heard; q.Answer == nil || !q.Answer.Allow {
			t.Errorf("%+v", q)
		}
	}
	if _, ok := d.Wait(t.Context(), q.N+1); ok {
		t.Error("a question that is not there is waited for")
	}
	// Whoever leaves, and a door that ends, get it as it stands.
	q = ask(t, d, deletion(t, `{"command":"rm a"}`))
	gone, leave := context.WithCancel(t.Context())
	leave()
	if q, ok := d.Wait(gone, q.N); !ok || q.Answer != nil {
		t.Errorf("%+v %v", q, ok)
	}
	d.Close()
	if q, ok := d.Wait(t.Context(), q.N); !ok || q.Answer != nil {
		t.Errorf("%+v %v", q, ok)
	}
}

func TestSum(t *testing.T) {
	same := [][2]string{
		{`{"a":1,"b":"x"}`, ` { "b" : "\u0078", "a" : 1 } `},
	}
	for _, pair := range same {
		a, err := Sum("t", []byte(pair[0]))
		b, err2 := Sum("t", []byte(pair[1]))
		if err != nil || err2 != nil || a != b {
			t.Errorf("%q are two: %v %v", pair, err, err2)
		}
	}
	seen := map[string]string{}
	for _, args := range []string{`{"a":1}`, `{"a":1.0}`, `{"a":1e0}`, `{"a":"1"}`, `{"a":true}`, `{"a":[1]}`, `{"a":9007199254740993}`, `{"a":9007199254740992}`, `{"a":null}`, `{}`, `{"b":1}`, `{"a":"a"}`, `{"a":"A"}`} {
		s, err := Sum("t", []byte(args))
		if err != nil || seen[s] != "" {
			t.Errorf("%s is as %s, %v", args, seen[s], err)
		}
		seen[s] = args
	}
	for _, args := range []string{``, `{`, `{"a":1,"a":1}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`} {
		if _, err := Sum("t", []byte(args)); err == nil {
			t.Errorf("%q has a sum", args)
		}
	}
	if a, _ := Sum("ab", []byte(`{}`)); a == sum("a", "b{}") {
		t.Error("a letter moves from the tool to the arguments")
	}
}

func TestWhatIsShown(t *testing.T) {
	q := deletion(t, `{"timeout": 5, "command":"rm -r build\n\u001b[2J", "env": {"A":"b"}}`)
	if got := q.Arguments(); len(got) != 3 || got[1] != (Argument{"command", "rm -r build\n\x1b[2J"}) || got[2] != (Argument{"env", `{"A":"b"}`}) {
		t.Errorf("%+v", got)
	}
	if got := q.Brief(); !strings.HasPrefix(got, "exec: rm -r build") {
		t.Errorf("%q", got)
	}
	for _, odd := range []string{``, `[1]`, `{"a":`, `"x"`} {
		q := Question{Args: odd, Row: ledger.Row{Tool: "x"}}
		if got := q.Arguments(); len(got) != 1 || got[0].Value != odd {
			t.Errorf("%q: %+v", odd, got)
		}
	}
	q.Args = `{"command":"` + strings.Repeat("é", 500) + `"}`
	if n := len([]rune(q.Brief())); n > maxBrief {
		t.Errorf("%d characters", n)
	}
}
