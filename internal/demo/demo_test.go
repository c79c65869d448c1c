package demo

import "testing"

func TestEverySceneGoesAsItShould(t *testing.T) {
	n := 0
	err := Run(t.Context(), func(s Scene) error {
		n++
		if !s.Good {
			t.Errorf("%s: model %q, agent %q", s.Title, s.Model, s.Agent)
		}
		if n > 1 && len(s.Rows) == 0 {
			t.Errorf("%s: no row in the record", s.Title)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != len(plays()) {
		t.Errorf("%d scenes were shown, want %d", n, len(plays()))
	}
}
