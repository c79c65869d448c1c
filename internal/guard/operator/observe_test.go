package operator

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

func TestObservingEnds(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	began := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	if ObservingIn(dir, began) != nil {
		t.Fatal("a new state is observed")
	}
	for _, days := range []int{0, -1, MostObserved + 1} {
		if _, err := Observe(dir, "anna", began, days); err == nil {
			t.Errorf("%d days are taken", days)
		}
	}
	if _, err := Observe(dir, "anna", began, 7); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]bool{
		0: true, 6 * 24 * time.Hour: true, 7 * 24 * time.Hour: false, // nobody answers: it asks
		-time.Hour: false, // a clock that was set back does not make it longer
	} {
		desk := Open(dir, func() time.Time { return began.Add(at) })
		if desk.Observes() != want {
			t.Errorf("after %s: %v", at, !want)
		}
		news := desk.Observing().News(began.Add(at))
		if last := news[len(news)-1]; last.Sentence == "" || (last.Key == "over") == want {
			t.Errorf("after %s the record has %q", at, news)
		}
	}
	later, err := Observe(dir, "ben", began.AddDate(0, 0, 3), 7)
	if err != nil || !later.Since.Equal(began) || !later.Until.Equal(began.AddDate(0, 0, 10)) {
		t.Errorf("extended it is %+v, %v", later, err)
	}
	if was, err := Enforce(dir, "ben", began.AddDate(0, 0, 4)); err != nil || was == nil {
		t.Fatal(was, err)
	}
	if ObservingIn(dir, began.AddDate(0, 0, 4)) != nil {
		t.Error("ended, it is observed")
	}
	if was, err := Enforce(dir, "ben", began.AddDate(0, 0, 4)); err != nil || was != nil {
		t.Error("it ends twice", was, err)
	}
	for _, damaged := range []string{"", "{", `{"since":"2026-11-24T12:00:00Z","until":"2999-01-01T00:00:00Z"}`} {
		if err := dir.Write(ObserveFile, []byte(damaged)); err != nil {
			t.Fatal(err)
		}
		if Open(dir, func() time.Time { return began }).Observes() {
			t.Errorf("%q is observing", damaged)
		}
	}
}
