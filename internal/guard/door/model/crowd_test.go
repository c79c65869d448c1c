package model

import "testing"

func TestACrowdIsCollectedSooner(t *testing.T) {
	percent := 90
	c := crowd{collect: func(to int) (from int) { from, percent = percent, to; return from }}
	times := func(n int, f func()) {
		for range n {
			f()
		}
	}
	times(manyOpen-1, c.enter)
	if got := percent; got != 90 {
		t.Errorf("before there are many it is %d", got)
	}
	times(3, c.enter)
	times(5, c.leave)
	times(5, c.enter) // over the border again
	if got := percent; got != crowdedGC {
		t.Errorf("with many it is %d", got)
	}
	times(manyOpen+1-fewOpen, c.leave)
	if got := percent; got != crowdedGC {
		t.Errorf("with still %d it is %d", fewOpen+1, got)
	}
	times(fewOpen+1, c.leave)
	if got := percent; got != 90 || c.open.Load() != 0 {
		t.Errorf("in the end it is %d, and %d are open", got, c.open.Load())
	}
}
