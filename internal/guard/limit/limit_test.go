package limit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

var noon = time.Date(2026, 11, 24, 12, 30, 0, 0, time.Local)

// clock tells a time that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func directory(t *testing.T) *state.Dir {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

func set(t *testing.T, dir *state.Dir, window, measure, amount string) {
	t.Helper()
	n, err := Parse(window, measure)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Amount(n.Measure, amount)
	if err != nil {
		t.Fatal(err)
	}
	if err := Set(dir, n, l); err != nil {
		t.Fatal(err)
	}
}

var one, two = Conversation{"1", "one"}, Conversation{"2", "two"}

func TestEachLimitStandsAgainstWhatItCounts(t *testing.T) {
	price := &openclaw.Price{Input: 2, Output: 10, CacheRead: 1, CacheWrite: 4}
	for name, c := range map[string]struct {
		window, measure, amount string
		use                     func(*Book, Conversation)
		uses                    int // that reach it
		message                 bool
		other                   bool // it stands against another conversation, too
		says                    string
	}{
		"calls of a conversation": {"session", "calls", "3", func(b *Book, s Conversation) { b.Called(s, false) }, 3, false, false, "this conversation's 3 tool calls are made: 3"},
		"calls of an hour":        {"hour", "calls", "3", func(b *Book, s Conversation) { b.Called(s, false) }, 3, false, true, "the hour's 3 tool calls are made: 3"},
		"messages of a day":       {"day", "messages", "2", func(b *Book, s Conversation) { b.Called(s, true) }, 2, true, true, "the day's 2 messages are sent: 2"},
		"tokens of a month":       {"month", "tokens", "1000", func(b *Book, s Conversation) { b.Answered(s, Use{Model: "m", Input: 400, CacheRead: 100}) }, 2, false, true, "the month's 1,000 tokens are used: 1,000"},
		// 1M × 2 + 1M × 10 + 1M × 1 + 1M × 4 = 17 dollars an answer
		"money of a month": {"month", "money", "20", func(b *Book, s Conversation) {
			b.Answered(s, Use{Model: "m", Input: 1e6, Output: 1e6, CacheRead: 1e6, CacheWrite: 1e6, Price: price})
		}, 2, false, true, "the month's 20.00 USD are spent: 34.00"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := directory(t)
			for _, w := range Windows {
				set(t, dir, string(w), c.measure, "none")
			}
			set(t, dir, c.window, c.measure, c.amount)
			b := Open(dir, (&clock{noon}).now)
			for i := range c.uses {
				if r := b.Call(one, c.message); r != nil {
					t.Fatalf("after %d uses %s", i, r)
				}
				c.use(b, one)
			}
			r := b.Call(one, c.message)
			if r == nil || r.String() != c.says || r.German() == "" || strings.Contains(r.German(), "%") {
				t.Fatalf("it says %v", r)
			}
			if other := b.Call(two, c.message); (other != nil) != c.other {
				t.Errorf("another conversation: %v", other)
			}
			if c.message && b.Call(one, false) != nil {
				t.Error("messages stand against what is none")
			}
			set(t, dir, c.window, c.measure, "none")
			if r := b.Call(one, c.message); r != nil {
				t.Errorf("without a limit: %s", r)
			}
		})
	}
}

// TestATurnMayEnd a little above the limit, and none begins there.
func TestATurnMayEnd(t *testing.T) {
	dir := directory(t)
	set(t, dir, "day", "tokens", "1000")
	b := Open(dir, (&clock{noon}).now)
	b.Answered(one, Use{Input: 1050})
	if b.Turn(one, false) == nil || b.Turn(one, true) != nil {
		t.Errorf("at 105 %%: begins %v, goes on %v", b.Turn(one, false), b.Turn(one, true))
	}
	b.Answered(one, Use{Input: 50})
	if b.Turn(one, true) == nil {
		t.Error("at 110 % it goes on")
	}
	set(t, dir, "day", "tokens", "none")
	set(t, dir, "day", "calls", "0")
	if b.Turn(one, false) != nil || b.Call(one, false) == nil {
		t.Error("a limit for calls stands against turns, or not against calls")
	}
}

func TestWindowsAndClocks(t *testing.T) {
	for name, c := range map[string]struct {
		then time.Time
		left bool // what was counted still counts
	}{
		"the same hour":            {noon.Add(20 * time.Minute), true},
		"the next":                 {noon.Add(40 * time.Minute), false},
		"an hour back":             {noon.Add(-time.Hour), true},
		"a year back":              {noon.AddDate(-1, 0, 0), true},
		"back and forth":           {noon, true},
		"a year forth":             {noon.AddDate(1, 0, 0), false},
		"to when there was no day": {time.Unix(0, 0), true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, clock := directory(t), &clock{noon}
			set(t, dir, "hour", "calls", "1")
			b := Open(dir, clock.now)
			b.Called(one, false)
			if name == "back and forth" {
				clock.at = noon.Add(-30 * time.Minute)
				b.Call(two, false)
			}
			clock.at = c.then
			if r := b.Call(two, false); (r != nil) != c.left {
				t.Errorf("it counts: %v", r)
			}
		})
	}
	t.Run("a clock that was wrong far ahead", func(t *testing.T) {
		dir, clock := directory(t), &clock{noon.AddDate(3, 0, 0)}
		set(t, dir, "hour", "calls", "1")
		b := Open(dir, clock.now)
		b.Called(one, false)
		clock.at = noon
		if b.Call(two, false) == nil {
			t.Error("putting it right begins anew")
		}
		clock.at = noon.Add(time.Hour)
		if r := b.Call(two, false); r != nil {
			t.Errorf("an hour later %s", r)
		}
	})
}

func TestCountersSurviveARestart(t *testing.T) {
	dir, clock := directory(t), &clock{noon}
	set(t, dir, "day", "calls", "1")
	b := Open(dir, clock.now)
	b.Called(one, false)
	if err := b.Save(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir.Path(Used)); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	b = Open(dir, clock.now)
	if b.Call(two, false) == nil {
		t.Fatal("a restart begins anew")
	}
	if err := Reset(dir, noon, Day); err != nil {
		t.Fatal(err)
	}
	if r := b.Call(two, false); r != nil {
		t.Fatalf("after a reset %s", r)
	}
	b.Called(one, false)
	if err := b.Save(); err != nil {
		t.Fatal(err)
	}
	if b = Open(dir, clock.now); b.Call(two, false) == nil {
		t.Error("a restart resets once more")
	}
}

// TestDamage: what cannot be read stands against everything, until it is reset.
func TestDamage(t *testing.T) {
	for name, c := range map[string]struct{ file, content, says string }{
		"used":     {Used, "{", "seawall limits reset"},
		"used nil": {Used, `{"windows":{"day":null},"sessions":{}}`, "seawall limits reset"},
		"settings": {File, "[", "seawall limits set"},
		"a name":   {File, `{"limits":{"week":{"calls":1}}}`, "seawall limits set"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := directory(t)
			if err := dir.Write(c.file, []byte(c.content)); err != nil {
				t.Fatal(err)
			}
			b := Open(dir, (&clock{noon}).now)
			for _, r := range []*Reached{b.Call(one, false), b.Turn(one, true)} {
				if r == nil || !strings.Contains(r.String(), c.says) {
					t.Errorf("%v", r)
				}
			}
			if near := b.Stand().Near(); len(near) != 1 || near[0].Near() == "" {
				t.Errorf("%v", near)
			}
			if c.file == File {
				if err := dir.Remove(File); err != nil {
					t.Fatal(err)
				}
			} else if err := Reset(dir, noon, Windows...); err != nil {
				t.Fatal(err)
			}
			if r := b.Call(one, false); r != nil {
				t.Errorf("put right, %s", r)
			}
			b.Called(one, false)
			if err := b.Save(); err != nil {
				t.Fatal(err)
			}
			if r := Open(dir, (&clock{noon}).now).Call(one, false); r != nil {
				t.Errorf("after a restart %s", r)
			}
		})
	}
}

func TestBounded(t *testing.T) {
	dir, clock := directory(t), &clock{noon}
	b := Open(dir, clock.now)
	for i := range 3 * maxSessions {
		clock.at = clock.at.Add(time.Second)
		b.Called(Conversation{fmt.Sprint(i), "s"}, false)
		b.Answered(one, Use{Model: fmt.Sprint("m", i), Input: 1})
	}
	if n := len(b.used.Sessions); n > maxSessions {
		t.Errorf("%d conversations", n)
	}
	s := b.Stand()
	if n := len(s.Unpriced); n > maxUnpriced+1 {
		t.Errorf("%d models", n)
	}
	if got := s.Unpriced["others"]; got != 3*maxSessions-maxUnpriced {
		t.Errorf("others used %d", got)
	}
}

// TestWhatHasNoPrice is said, and what is guessed.
func TestWhatHasNoPrice(t *testing.T) {
	b := Open(directory(t), (&clock{noon}).now)
	b.Answered(one, Use{Model: "x/new", Input: 30, Output: 4})
	b.Answered(one, Use{Model: "x/free", Input: 7, Guessed: true, Price: &openclaw.Price{}})
	s := b.Stand()
	if s.Unpriced["x/new"] != 34 || len(s.Unpriced) != 1 || s.Guessed != 7 {
		t.Errorf("%+v", s)
	}
}

func TestNear(t *testing.T) {
	dir := directory(t)
	set(t, dir, "day", "calls", "10")
	b := Open(dir, (&clock{noon}).now)
	for i := range 8 {
		if near := b.Stand().Near(); len(near) != 0 {
			t.Fatalf("after %d calls %v", i, near)
		}
		b.Called(one, false)
	}
	near := b.Stand().Near()
	if len(near) != 1 || near[0].Near() != "80 % of the day's limit of 10 calls are used: 8." {
		t.Errorf("%v", near)
	}
}

func TestAmounts(t *testing.T) {
	for text, want := range map[string]int64{"5": 5_000_000, "12.50": 12_500_000, "none": -1, "0": 0, "x": -2, "-1": -2, "NaN": -2, "1e300": -2, "Inf": -2} {
		got, err := Amount(Money, text)
		if err != nil {
			got = -2
		}
		if got != want {
			t.Errorf("%s is %d, %v", text, got, err)
		}
	}
	if _, err := Amount(Calls, "1.5"); err == nil {
		t.Error("half a call is a limit")
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := directory(t)
	b := Open(dir, time.Now)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				b.Call(one, true)
				b.Called(one, true)
				b.Stand()
			}
			if err := b.Save(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := b.Save(); err != nil {
		t.Fatal(err)
	}
	var none *Book
	none.Called(one, true)
	if none.Call(one, true) != nil || none.Turn(one, false) != nil || none.Save() != nil || none.Settled() != "" {
		t.Error("no book has limits")
	}
	month := Open(dir, time.Now).used.Sessions["1"]
	if month == nil || month.Calls != 400 || month.Messages != 400 {
		t.Errorf("%+v", month)
	}
}
