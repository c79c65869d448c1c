package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// house is a machine with doors to be shut, which is all that there is to know
// of it.
type house struct {
	shut   map[string]bool
	killed string // in the middle of shutting this one
}

var errKilled = errors.New("killed")

func (h *house) stages(names ...string) (all []Stage) {
	for _, name := range names {
		all = append(all, Stage{name, func(context.Context) (Need, error) {
			switch {
			case h.shut[name]:
				return Need{Met: name + " is shut."}, nil
			case name == "bricked":
				return Need{Unmet: "It has no leaf."}, nil
			}
			return Need{Would: []string{"shut " + name}, Question: "Shut " + name + "?", Default: Yes, Later: "shut " + name,
				Do: func(context.Context, string) error {
					if h.killed == name {
						h.killed = ""
						return errKilled
					}
					h.shut[name] = true
					return nil
				}}, nil
		}})
	}
	return all
}

// asked remembers the questions, and answers.
type asked struct {
	questions []string
	answers   map[string]string
}

func (a *asked) ask(_ context.Context, question, otherwise string) (string, error) {
	a.questions = append(a.questions, question)
	answer, ok := a.answers[question]
	switch {
	case answer == "^C":
		return "", context.Canceled
	case ok:
		return answer, nil
	}
	return otherwise, nil
}

func TestRun(t *testing.T) {
	h := &house{shut: map[string]bool{"cellar": true}}
	a := &asked{answers: map[string]string{"Shut back?": No}}
	var out strings.Builder
	if err := Run(t.Context(), &out, h.stages("cellar", "front", "back", "bricked"), a.ask); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Shut front?", "Shut back?"}; !slices.Equal(a.questions, want) {
		t.Errorf("it asked %q", a.questions)
	}
	if !h.shut["front"] || h.shut["back"] {
		t.Errorf("shut are %v", h.shut)
	}
	for _, want := range []string{"1 of 4  cellar\ncellar is shut.\n", "2 of 4  front\n  shut front\n", "Left as it is. Later: shut back\n", "It has no leaf.\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
}

// TestResumed: wherever it is stopped or killed, the next run asks only about
// what is not done.
func TestResumed(t *testing.T) {
	names := []string{"cellar", "front", "back"}
	for i, at := range names {
		for _, how := range []string{"^C", "kill"} {
			t.Run(fmt.Sprint(how, " at ", at), func(t *testing.T) {
				h, a := &house{shut: map[string]bool{}}, &asked{}
				if how == "kill" {
					h.killed = at
				} else {
					a.answers = map[string]string{"Shut " + at + "?": how}
				}
				var out strings.Builder
				if err := Run(t.Context(), &out, h.stages(names...), a.ask); err == nil {
					t.Fatal("it was not stopped")
				}
				again := &asked{}
				if err := Run(t.Context(), &out, h.stages(names...), again.ask); err != nil {
					t.Fatal(err)
				}
				if len(again.questions) != len(names)-i || len(h.shut) != len(names) {
					t.Errorf("it asked %q again, and shut are %v", again.questions, h.shut)
				}
			})
		}
	}
}

func TestPreview(t *testing.T) {
	h := &house{shut: map[string]bool{}}
	var out strings.Builder
	if work, err := Preview(t.Context(), &out, h.stages("cellar", "bricked")); err != nil || !work || len(h.shut) > 0 {
		t.Errorf("there is work: %v, %v; shut are %v", work, err, h.shut)
	}
	if !strings.Contains(out.String(), "It would ask: Shut cellar? (yes)") {
		t.Errorf("it says\n%s", &out)
	}
	if work, err := Preview(t.Context(), &out, h.stages("bricked")); err != nil || work {
		t.Errorf("there is nothing to do: %v, %v", work, err)
	}
}
