package approval

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// phone is where texts arrive, or not.
type phone struct {
	texts []string
	off   bool
}

func (p *phone) Notify(_ context.Context, text string) error {
	if p.off {
		return errors.New("no network")
	}
	p.texts = append(p.texts, text)
	return nil
}

func TestAQuestionIsToldOnce(t *testing.T) {
	d, dir, now := desk(t)
	to := &phone{off: true}
	p := Pusher{Desk: d, To: to, Host: "vps"}
	look := func(want int) {
		t.Helper()
		if err := p.Look(t.Context()); err != nil && !to.off {
			t.Fatal(err)
		}
		if len(to.texts) != want {
			t.Fatalf("told %q, want %d", to.texts, want)
		}
	}
	look(0)
	q := deletion(t, remove)
	q.Row.Why = "it needs approval: it deletes"
	q = ask(t, d, q)
	look(0)
	to.off = false
	look(1)
	if to.texts[0] != "exec: rm -r build\nit needs approval: it deletes.\nssh vps seawall approve 1" {
		t.Errorf("told %q", to.texts[0])
	}
	for _, args := range []string{`{"command":"rm 1"}`, `{"command":"rm 2"}`, `{"command":"rm 3"}`} {
		ask(t, d, deletion(t, args))
		look(1) // of one kind, once in a while
	}
	*now = now.Add(again)
	look(2)
	if !strings.HasPrefix(to.texts[1], "3 questions about exec") || !strings.HasSuffix(to.texts[1], "ssh vps seawall approve") {
		t.Errorf("told %q", to.texts[1])
	}
	look(2)
	// At once of another kind, but not in quiet hours, nor of what was answered.
	other := deletion(t, `{"command":"rm 4"}`)
	other.Row.Policy = []string{"other"}
	if err := SetQuiet(dir, Quiet{now.Local().Sub(midnight(*now)), now.Local().Sub(midnight(*now)) + time.Minute}); err != nil {
		t.Fatal(err)
	}
	ask(t, d, other)
	look(2)
	third := deletion(t, `{"command":"rm 5"}`)
	third.Row.Policy = []string{"third"}
	answer(t, dir, ask(t, d, third), no(*now))
	*now = now.Add(time.Minute)
	look(3)
}

func midnight(t time.Time) time.Time {
	t = t.Local()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func TestQuietHours(t *testing.T) {
	for s, want := range map[string]string{"22:00-07:00": "22:00-07:00", " 9:30 - 10:00": "09:30-10:00", "none": "none", "": "", "22-7": "", "7:00": "", "07:00-07:00": "", "25:00-1:00": ""} {
		q, err := ParseQuiet(s)
		if (err != nil) != (want == "") || err == nil && q.String() != want {
			t.Errorf("%q is %s, %v", s, q, err)
		}
	}
	night, _ := ParseQuiet("22:00-07:00")
	noon, _ := ParseQuiet("12:00-13:00")
	for hour, want := range map[int][2]bool{21: {false, false}, 22: {true, false}, 3: {true, false}, 7: {false, false}, 12: {false, true}, 13: {false, false}} {
		at := time.Date(2026, 11, 24, hour, 0, 0, 0, time.Local)
		if got := [2]bool{night.at(at), noon.at(at)}; got != want {
			t.Errorf("at %d: %v", hour, got)
		}
	}
	if (Quiet{}).at(time.Now()) {
		t.Error("without quiet hours it is quiet")
	}
}
