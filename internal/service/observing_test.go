package service

import (
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/limit"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/openclaw"
)

// TestTheRecordHasEachChangeOfTheMode, once, whatever is started again.
func TestTheRecordHasEachChangeOfTheMode(t *testing.T) {
	dir := directory(t)
	s, _ := opened(t, dir)
	count := func(what string, want int) {
		t.Helper()
		for range 2 {
			s.noteMode(t.Context())
			s.mode = "" // as after a restart
		}
		if got := strings.Count(strings.Join(events(t, s), "\n"), what); got != want {
			t.Errorf("%q stands there %d times, not %d: %q", what, got, want, events(t, s))
		}
	}
	count("observing", 0)
	if _, err := operator.Observe(dir, "anna", time.Now(), 7); err != nil {
		t.Fatal(err)
	}
	count("observing until", 1)
	if !s.guard.Observes() {
		t.Error("the guard does not observe")
	}
	if _, err := operator.Enforce(dir, "ben", time.Now()); err != nil {
		t.Fatal(err)
	}
	count("enforcing, by ben", 1)
	if s.guard.Observes() {
		t.Error("the guard observes")
	}
	write(t, dir, operator.ObserveFile, `{"since":"2026-11-01T00:00:00Z","until":"2026-11-08T00:00:00Z","by":"anna","told":"until 2026-11-08T00:00:00Z"}`)
	count("nobody ended or extended it", 1)

	// Begun and ended between two looks.
	if _, err := operator.Observe(dir, "cleo", time.Now(), 7); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.Enforce(dir, "dora", time.Now()); err != nil {
		t.Fatal(err)
	}
	count("by cleo", 1)
	count("enforcing, by dora", 1)
}

func TestObservingIsNeverProtected(t *testing.T) {
	o := &operator.Observing{Since: time.Now(), Until: time.Now().Add(time.Hour), By: "anna"}
	for _, before := range []Standing{
		{Label: protected, Good: true, Sentence: "All is well."},
		{Label: "watching, not protecting", Sentence: "It is not."},
	} {
		s := before.observing(o)
		if s.Good || s.Label != "observing until "+o.Day()+", not protecting" || !strings.Contains(s.Sentence, "seawall enforce") {
			t.Errorf("%+v", s)
		}
		if !before.Good && !strings.Contains(s.Sentence, before.Sentence) {
			t.Errorf("what else is wrong is not said: %+v", s)
		}
		if is := before.observing(nil); is != before {
			t.Errorf("without observing it is %+v", is)
		}
	}
	stopped := Standing{Label: "stopped"}
	if stopped.observing(o) != stopped {
		t.Error("a closed door observes")
	}
}

func TestTheEndOfObservingIsTold(t *testing.T) {
	dir := directory(t)
	s, _ := opened(t, dir)
	tell := &telling{Service: s}
	now := time.Now()
	o := &operator.Observing{Since: now.AddDate(0, 0, -6), Until: now.Add(time.Hour), By: "anna"}
	all := tell.observed(t.Context(), o, now)
	if len(all) != 1 || !strings.Contains(all[0].What, "Of 0 calls 0 would have asked, 0 were stopped.") || all[0].Over == "" {
		t.Errorf("%+v", all)
	}
	o.Until = now.Add(48 * time.Hour)
	if all := tell.observed(t.Context(), o, now); len(all) != 0 {
		t.Errorf("two days before it is told: %+v", all)
	}
}

// TestLimitsAreKept and told of, and changes of them stand in the record.
func TestLimitsAreKept(t *testing.T) {
	dir := directory(t)
	s, _ := opened(t, dir)
	last := s.noteLimits(t.Context(), "")
	if err := limit.Set(dir, limit.Name{Window: limit.Day, Measure: limit.Calls}, 10); err != nil {
		t.Fatal(err)
	}
	last = s.noteLimits(t.Context(), last)
	s.noteLimits(t.Context(), last)
	if all := strings.Join(events(t, s), "\n"); strings.Count(all, "the limits were changed: day calls 10") != 1 {
		t.Errorf("the record has %s", all)
	}
	c := limit.Conversation{Key: "1", Name: "one"}
	for range 8 {
		s.guard.Limits.Called(c, false)
	}
	s.noteLimits(t.Context(), last)
	tell := &telling{Service: s}
	near := tell.limits()
	if len(near) != 1 || !strings.HasPrefix(near[0].What, "80 % of the day's limit of 10 calls are used") {
		t.Errorf("%+v", near)
	}
	if st := limit.Stand(dir, time.Now()); len(st.Near()) != 1 {
		t.Error("what is used is not on the disk")
	}
	s.guard.Limits.Called(c, false)
	s.guard.Limits.Called(c, false)
	if reached := tell.limits(); len(reached) != 1 || reached[0].Key == near[0].Key {
		t.Errorf("that it is reached is no news: %+v", reached)
	}
}

func TestPricesAreThoseOfTheConfig(t *testing.T) {
	s, _ := opened(t, directory(t))
	if s.Price("/c", "x/m") != nil {
		t.Error("a price comes from nowhere")
	}
	s.doubt(&proof.Report{Agents: []proof.Agent{{Config: "/c", Prices: map[string]openclaw.Price{"x/m": {Input: 3}}}}})
	if p := s.Price("/c", "x/m"); p == nil || p.Input != 3 {
		t.Errorf("%+v", p)
	}
	if s.Price("/d", "x/m") != nil || s.Price("/c", "x/n") != nil {
		t.Error("another's price")
	}
}
