package service

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/operator"
)

// TestTheDoorsSayThatTheyHaveTakenAFreeze, once for its beginning and once for
// its end, also when it began before they were open.
func TestTheDoorsSayThatTheyHaveTakenAFreeze(t *testing.T) {
	dir := directory(t)
	s, said := opened(t, dir)
	last := s.look(t.Context(), look{})
	before := LastRow(t.Context(), dir)
	if _, _, err := operator.Freeze(dir, "anna", time.Now()); err != nil {
		t.Fatal(err)
	}
	last = s.look(t.Context(), last)
	last = s.look(t.Context(), last)
	id, err := AwaitTaken(t.Context(), dir, Froze, before)
	if err != nil || id <= before || !strings.Contains(said.String(), "by anna: every door denies") {
		t.Errorf("%d %v %s", id, err, said)
	}
	s.look(t.Context(), look{}) // as after a restart
	if got := strings.Join(events(t, s), "\n"); strings.Count(got, "every door denies") != 2 {
		t.Errorf("the record says %s", got)
	}
	if _, err := operator.Thaw(dir); err != nil {
		t.Fatal(err)
	}
	s.look(t.Context(), last)
	if thawed, err := AwaitTaken(t.Context(), dir, Thawed, id); err != nil || thawed <= id {
		t.Errorf("%d %v", thawed, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := AwaitTaken(ended, dir, Froze, LastRow(t.Context(), dir)); err == nil || !strings.Contains(err.Error(), "seawall status") {
		t.Errorf("what nobody says is heard: %v", err)
	}
}

func TestFrozenStandsBeforeAllElse(t *testing.T) {
	w := Watched{Frozen: &operator.Frozen{Since: time.Now(), By: "anna"}}
	for _, open := range []bool{true, false} {
		if s := w.Stand(nil, 1, open, time.Now()); s.Label != "frozen" || s.Good || !strings.Contains(s.Sentence, "by anna") || !strings.HasSuffix(s.Sentence, "seawall thaw") {
			t.Errorf("%+v", s)
		}
	}
}

func TestThePageFreezes(t *testing.T) {
	dir := directory(t)
	s, _ := opened(t, dir)
	if err := s.Freeze(nil); err != nil || operator.FrozenIn(dir) == nil {
		t.Errorf("%v", err)
	}
	if err := s.Freeze(nil); err == nil {
		t.Error("it freezes twice")
	}
}
