package service

import (
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/operator"
)

// TestWhatIsSilencedStandsInTheRecord, once, and that it is found again.
func TestWhatIsSilencedStandsInTheRecord(t *testing.T) {
	dir := directory(t)
	said := func(id int64) operator.Wrong {
		return operator.Wrong{ID: id, Given: time.Unix(1, 0), Content: operator.Content{Rule: "hidden", Sum: "a1"}}
	}
	if err := operator.Silence(dir, said(7)); err != nil {
		t.Fatal(err)
	}
	s, _ := opened(t, dir)
	seen := s.look(t.Context(), look{})
	another := said(8)
	another.Sum = "b2"
	if err := operator.Silence(dir, another); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		seen = s.look(t.Context(), seen)
	}
	if got := events(t, s); len(got) != 1 || !strings.HasPrefix(got[0], "hidden is not found again in exactly the content of #8") {
		t.Fatalf("%q", got)
	}
	if err := dir.Remove(operator.WrongFile); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		seen = s.look(t.Context(), seen)
	}
	if got := events(t, s); len(got) != 3 || got[1] != "hidden is found again in the content of #7" {
		t.Errorf("%q", got)
	}
}
