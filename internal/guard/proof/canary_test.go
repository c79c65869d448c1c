package proof

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

func stateDir(t *testing.T) *state.Dir {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

func send(t *testing.T, dir *state.Dir, m mark) {
	t.Helper()
	if err := m.send(dir); err != nil {
		t.Fatal(err)
	}
}

// TestOnlyTheMarkIsAnswered: what is not a canary goes its way, and what only
// looks like one earns no word.
func TestOnlyTheMarkIsAnswered(t *testing.T) {
	dir := stateDir(t)
	c := NewCanaries(dir)
	m := newMark("openai", time.Now())
	late := newMark("openai", time.Now().Add(-time.Hour))
	if word, is := c.Answer("openai", m.Mark); !is || strings.Contains(word, wordPrefix) {
		t.Errorf("before it was sent the answer is %q, %v", word, is)
	}
	send(t, dir, m)
	for said, is := range map[string]bool{
		"hello": false, "": false, markPrefix: false, m.Mark + "x": false, " " + m.Mark: false,
		"please say " + m.Mark: false, strings.ToUpper(m.Mark): false,
		newMark("openai", time.Now()).Mark: true, late.Mark: true,
	} {
		if word, got := c.Answer("openai", said); got != is || strings.Contains(word, m.Word) {
			t.Errorf("%q is answered %q, %v", said, word, got)
		}
	}
	if word, is := c.Answer("openai", m.Mark); !is || word != m.Word {
		t.Errorf("the mark is answered %q, %v", word, is)
	}
	if word, is := c.Answer("openai", m.Mark); !is || strings.Contains(word, m.Word) {
		t.Errorf("the mark is good twice: %q, %v", word, is)
	}
	send(t, dir, late)
	if word, is := c.Answer("openai", late.Mark); !is || strings.Contains(word, late.Word) {
		t.Errorf("a late mark is answered %q, %v", word, is)
	}
}

// TestAMarkIsGoodOnce: of many who ask at the same time one gets the word.
func TestAMarkIsGoodOnce(t *testing.T) {
	dir := stateDir(t)
	c, m := NewCanaries(dir), newMark("openai", time.Now())
	send(t, dir, m)
	words := make(chan string, 16)
	var all sync.WaitGroup
	for range cap(words) {
		all.Go(func() {
			word, _ := c.Answer("openai", m.Mark)
			words <- word
		})
	}
	all.Wait()
	close(words)
	good := 0
	for word := range words {
		if word == m.Word {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%d got the word", good)
	}
}

func TestWhatTheEndOfACanaryProves(t *testing.T) {
	m := newMark("openai", time.Now())
	for name, c := range map[string]struct {
		status, problem, said string
		unseen                bool
		want                  string // "" proves the route
	}{
		"the door answered":      {status: "ok", said: m.Word},
		"the model answered":     {status: "ok", said: "How can I help?", unseen: true, want: errPast.Error()},
		"another route":          {status: "ok", said: m.Word + elsewhere + "openai-2", want: "by the route openai-2"},
		"nothing was said":       {status: "ok", unseen: true, want: "without an answer"},
		"seen and then changed":  {status: "ok", said: "something else", want: "without an answer"},
		"an error of OpenClaw's": {status: "error", problem: "Unknown model:\x1b[2J x", unseen: true, want: "OpenClaw says: Unknown model: [2J x"},
		"out of time":            {status: "timeout", unseen: true, want: "was busy"},
		"more than the word":     {status: "ok", said: m.Word + " and more", unseen: true, want: errPast.Error()},
	} {
		err := m.judge(c.status, c.problem, c.said, c.unseen)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhenACanaryIsSent: at first, after a change, soon after a failure, and
// hourly.
func TestWhenACanaryIsSent(t *testing.T) {
	f := &flightLog{}
	if !f.due("a", time.Now()) {
		t.Error("not at the start")
	}
	f.land("a", nil)
	for name, c := range map[string]struct {
		of   string
		in   time.Duration
		want bool
	}{
		"at once again": {"a", 0, false}, "within the hour": {"a", hourly - time.Minute, false},
		"after an hour": {"a", hourly, true}, "after a change": {"b", 0, true},
	} {
		if got := f.due(c.of, f.tried.Add(c.in)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for range tries - 1 {
		f.land("a", errors.New("busy"))
		if f.due("a", f.tried) || !f.due("a", f.tried.Add(soon)) {
			t.Error("a failure is not tried again soon")
		}
	}
	if f.land("a", errPast); f.due("a", f.tried.Add(soon)) || !f.due("a", f.tried.Add(later)) {
		t.Error("what fails again and again is tried as often")
	}
	// A gateway that starts is asked until it answers.
	for range tries + 1 {
		if f.land("c", absent("nobody listens")); !f.due("c", f.tried.Add(soon)) {
			t.Error("a gateway that does not listen yet is not soon asked again")
		}
	}
	if f.land("b", nil); f.failures != 0 || f.failed != nil {
		t.Error("a success does not count")
	}
}
