package ledger

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRan asks for what ran between two and three.
func TestRan(t *testing.T) {
	l := open(t, newDir(t))
	defer l.Close()
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	clock := day
	l.now = func() time.Time { return clock }
	at := func(hour, minute int, rows ...Row) int64 {
		t.Helper()
		clock = day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
		id, err := l.Append(t.Context(), rows...)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	call := func(tool, decision string) []Row {
		return []Row{{Kind: Asked, Tool: tool}, {Kind: Decided, Tool: tool, Decision: decision, Session: "s-" + tool}}
	}
	done := func(decided int64) Row { return Row{Kind: Done, Asked: decided - 1, Result: "beef"} }

	early := at(13, 0, call("early", "allow")...)
	long := at(13, 59, call("long", "allow")...)
	at(13, 59, done(early))
	within := at(14, 0, call("within", "allow")...)
	at(14, 1, done(within))
	at(14, 2, done(long))
	at(14, 3, call("stopped", "deny")...)
	at(14, 4, Row{Kind: Decided, Act: "read", Decision: "allow"})
	at(14, 5, Row{Kind: Event, Why: "started"})
	at(14, 59, call("lost", "allow")...)
	late := at(15, 0, call("late", "allow")...)
	at(15, 1, done(late))

	ran := func(f Filter) string {
		t.Helper()
		var all []string
		for call, err := range l.Ran(t.Context(), f) {
			if err != nil {
				t.Fatal(err)
			}
			what := call.Outcome
			if call.Done != nil {
				what = call.Done.Time.Format("15:04")
			}
			all = append(all, fmt.Sprint(call.Tool, " ", what))
		}
		return strings.Join(all, ", ")
	}
	hour := Filter{Since: day.Add(14 * time.Hour), Until: day.Add(15 * time.Hour)}
	for _, tt := range []struct {
		name   string
		change func(*Filter)
		want   string
	}{
		{"between two and three", func(*Filter) {}, "long 14:02, within 14:01, lost unknown"},
		{"the last one", func(f *Filter) { f.Last = 1 }, "lost unknown"},
		{"of a session", func(f *Filter) { f.Session = "s-within" }, "within 14:01"},
		{"of a tool", func(f *Filter) { f.Tool = "lost" }, "lost unknown"},
		{"ever", func(f *Filter) { *f = Filter{} }, "early 13:59, long 14:02, within 14:01, lost unknown, late 15:01"},
	} {
		f := hour
		tt.change(&f)
		if got := ran(f); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
