package change

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// applied is a toy on which the plan stands.
func applied(t *testing.T, wishes ...Wish) (toy, *Work, *Run) {
	t.Helper()
	y := newToy(t)
	w := y.work(t)
	run, err := w.Apply(t.Context(), Make(t.Context(), y.machine(), wishes))
	if err != nil {
		t.Fatal(err)
	}
	return y, w, run
}

func (y toy) put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(y.file(name), []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func (y toy) get(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(y.file(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

func one(id, path, key, value string) Wish {
	return Wish{id, []Change{{What: id, Edit: Set{Path: path, Syntax: SSHD, Key: key, Value: value}}}}
}

// TestRollbackLongAfter takes an edit back out of a file that somebody changed
// since.
func TestRollbackLongAfter(t *testing.T) {
	const path = "/etc/ssh/sshd_config"
	const long = "A 1\n#\n#\n#\nPasswordAuthentication yes\n#\n#\n#\nB 1\n"
	for _, c := range []struct{ name, since, want, kept string }{
		{"nothing since", "", long, ""},
		{"another line since", "A 2\n#\n#\n#\nPasswordAuthentication no\n#\n#\n#\nB 1\nC 3\n", "A 2\n#\n#\n#\nPasswordAuthentication yes\n#\n#\n#\nB 1\nC 3\n", "what was changed since stays"},
		{"the same line since", "A 1\n#\n#\n#\nPasswordAuthentication maybe\n#\n#\n#\nB 1\n", "A 1\n#\n#\n#\nPasswordAuthentication maybe\n#\n#\n#\nB 1\n", "+PasswordAuthentication yes"},
		{"taken back by hand", long, long, ""},
	} {
		y := newToy(t)
		y.put(t, path, long)
		w := y.work(t)
		run, err := w.Apply(t.Context(), Make(t.Context(), y.machine(), []Wish{one("ssh", path, "PasswordAuthentication", "no")}))
		if err != nil {
			t.Fatal(err)
		}
		if c.since != "" {
			y.put(t, path, c.since)
		}
		if run, err = w.Rollback(t.Context(), run.N, false); err != nil {
			t.Fatal(err)
		}
		if got := y.get(t, path); got != c.want || !strings.Contains(run.Steps[0].Kept, c.kept) || (c.kept == "") != (run.Steps[0].Kept == "") {
			t.Errorf("%s: %q, kept %q", c.name, got, run.Steps[0].Kept)
		}
	}
}

// TestTwice: what is as wished is no step.
func TestTwice(t *testing.T) {
	y, _, run := applied(t, toyWishes()...)
	if done, all := run.Counts(); done != all || run.Status != Waiting {
		t.Errorf("%d of %d, %s", done, all, run.Status)
	}
	p := Make(t.Context(), y.machine(), toyWishes())
	for _, s := range p.Steps {
		if s.Kind != KindRuleset && len(s.Do) == 0 {
			t.Errorf("a second time: %s %s %+v %+v", s.Kind, s.Target, s.Before, s.After)
		}
	}
}

func TestAnotherMachine(t *testing.T) {
	y := newToy(t)
	w := y.work(t)
	p := Make(t.Context(), y.machine(), toyWishes())
	y.put(t, "etc/login.defs", "UMASK 077\n")
	before := y.snapshot(t)
	if _, err := w.Apply(t.Context(), p); err == nil || !strings.Contains(err.Error(), "/etc/login.defs was changed since") {
		t.Errorf("%v", err)
	}
	if y.snapshot(t) != before {
		t.Error("something was done")
	}
}

func TestContradiction(t *testing.T) {
	y := newToy(t)
	p := Make(t.Context(), y.machine(), []Wish{
		one("first", "/etc/x.conf", "A", "1"),
		{"second", []Change{{What: "b", Edit: Set{Path: "/etc/x.conf", Syntax: SSHD, Key: "B", Value: "1"}}, {What: "a", Edit: Set{Path: "/etc/x.conf", Syntax: SSHD, Key: "a", Value: "2"}}}},
	})
	if len(p.Refused) != 1 || p.Refused[0].Control != "second" || len(p.Steps) != 1 || strings.Contains(string(p.Steps[0].After.Content), "B 1") {
		t.Errorf("%+v %+v", p.Refused, p.Steps)
	}
}

// TestRefusedByItsProgram: a config that OpenClaw does not take goes back, and
// what hangs on it is not done.
func TestRefusedByItsProgram(t *testing.T) {
	y := newToy(t)
	const config = "{\n  // mine\n  gateway: {port: 1},\n}\n"
	y.put(t, "etc/openclaw.json", config)
	w := y.work(t)
	w.Validate = func(_ context.Context, name string) error {
		if !strings.Contains(y.get(t, name), `"lan"`) {
			t.Error("it was not asked about the new config")
		}
		return errors.New("gateway.bind: no such value")
	}
	run, err := w.Apply(t.Context(), Make(t.Context(), y.machine(), []Wish{{"claw", []Change{
		{What: "bind", Edit: OpenClaw{Config: "/etc/openclaw.json", Path: []string{"gateway", "bind"}, Value: "lan"}},
		{What: "restart", Risk: Restart, Edit: Unit{"ssh.service", []Verb{RestartIt}}},
	}}, one("other", "/etc/ssh/sshd_config", "A", "1")}))
	if err != nil {
		t.Fatal(err)
	}
	if y.get(t, "etc/openclaw.json") != config || !strings.Contains(run.Steps[0].Failed, "no such value") || !strings.HasPrefix(run.Steps[2].Failed, "skipped") || !run.Steps[1].Done {
		t.Errorf("%s %+v", y.get(t, "etc/openclaw.json"), run.Steps)
	}
}

// TestLinks: nobody but root leads Seawall elsewhere.
func TestLinks(t *testing.T) {
	y := newToy(t)
	if err := os.Symlink("/etc", y.file("agents")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("old.conf", y.file("etc/link")); err != nil {
		t.Fatal(err)
	}
	// Others may write in the folder, so the link in it may be anybody's.
	if err := os.Chmod(y.root, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/agents/login.defs", "/etc/link"} {
		if p := Make(t.Context(), y.machine(), []Wish{one("x", path, "A", "1")}); len(p.Refused) != 1 || !strings.Contains(p.Refused[0].Why, "link") {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestConfirm(t *testing.T) {
	_, w, run := applied(t, toyWishes()...)
	run.Connected = []string{"old"}
	if err := run.save(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		what string
		from Session
		ok   bool
	}{
		{"an old connection", Session{SSH: true, Connection: "old", Since: run.Since + 5}, false},
		{"an old process", Session{SSH: true, Connection: "new", Since: run.Since - 5}, false},
		{"a multiplexer", Session{Lost: true}, false},
		{"a new connection", Session{SSH: true, Connection: "new", Since: run.Since + 5}, true},
		{"twice", Session{SSH: true, Connection: "new", Since: run.Since + 5}, false},
	} {
		if _, err := w.ConfirmFrom(t.Context(), s.from); (err == nil) != s.ok {
			t.Errorf("%s: %v", s.what, err)
		}
	}
}

// TestNobodyConfirms: the lockout part goes, the rest stands; a rollback then
// takes the rest.
func TestNobodyConfirms(t *testing.T) {
	y := newToy(t)
	before := y.snapshot(t)
	w := y.work(t)
	w.Confirm = time.Nanosecond
	run, err := w.Apply(t.Context(), Make(t.Context(), y.machine(), toyWishes()))
	if err != nil {
		t.Fatal(err)
	}
	if run, err = w.Revert(t.Context(), run.N); err != nil || run.Status != Reverted {
		t.Fatalf("%v %s", err, run.Status)
	}
	if got := y.get(t, "etc/ssh/sshd_config"); got != toyConfig || y.get(t, "etc/login.defs") != "UMASK 027\n" {
		t.Errorf("%q", got)
	}
	if _, err := w.ConfirmFrom(t.Context(), Session{}); err == nil {
		t.Error("it was confirmed too late")
	}
	if _, err := w.Rollback(t.Context(), run.N, false); err != nil {
		t.Fatal(err)
	}
	if after := y.snapshot(t); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}
