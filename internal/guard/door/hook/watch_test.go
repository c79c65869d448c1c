package hook

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// TestWhatStatusReads: another process reads from the state what the doors know
// of the plugins.
func TestWhatStatusReads(t *testing.T) {
	s := open(t)
	read := func() Plugin {
		t.Helper()
		if _, err := s.door.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := LoadPlugins(s.dir)
		i := slices.IndexFunc(all, func(p Plugin) bool { return p.Config == mine })
		if err != nil || i < 0 {
			t.Fatalf("the file says %+v, %v", all, err)
		}
		return all[i]
	}
	if p := read(); p != (Plugin{Config: mine}) {
		t.Errorf("before anything happened it says %+v", p)
	}
	s.report(span, "chat")                    // the report first
	s.door.Saw(mine, run, span)               // then the request
	s.door.Saw(mine, run, "1111111111111111") // the request first
	s.report("1111111111111111", "chat")
	heard := s.at
	s.at = s.at.Add(unsaved)
	if p := read(); p.Calls != 2 || !p.Last.Equal(heard) || p.Call.IsZero() || p.Silent {
		t.Errorf("after two calls it says %+v", p)
	}
	s.at = s.at.Add(time.Hour)
	s.door.Saw(mine, run, "2222222222222222")
	s.at = s.at.Add(silence)
	if p := read(); !p.Silent || p.Calls != 2 {
		t.Errorf("of a silent plugin it says %+v", p)
	}
	s.report("3333333333333333", "chat")
	if p := read(); p.Silent {
		t.Errorf("of one that was heard again it says %+v", p)
	}
}

// TestATurnThatEndsAsItsCallBegins makes no request; which of the two OpenClaw tells
// of first is chance. A call past the door that was not ended stays a finding.
func TestATurnThatEndsAsItsCallBegins(t *testing.T) {
	s := open(t)
	const ended = "1111111111111111"
	abort := func(span string) {
		t.Helper()
		if status, a := s.ask(0, Path+"/v1/model-call", `{"trace":"`+run+`","span":"`+span+`","aborted":true}`); status != http.StatusOK || !a.Allow {
			t.Errorf("what ended a call was answered %d %+v", status, a)
		}
	}
	s.report(span, "chat")
	abort(span)
	abort(ended)
	s.report(ended, "chat")
	s.report("2222222222222222", "other")
	s.at = s.at.Add(2 * grace)
	if fresh := s.sweep(); len(fresh) != 1 || fresh[0].Provider != "other" {
		t.Errorf("past the door are %+v", fresh)
	}
}
