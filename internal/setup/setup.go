// Package setup leads a person through what has to be so, one stage after the
// other, and asks as little as can be.
//
//	stage ──Look──▶ met, or cannot be, or a question ──answer──▶ Do ──▶ Look again
//
// A stage reads the machine each time; there is no file of how far anybody came.
// Whoever stops, or is killed, starts again and finds what was done done.
package setup

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// Stage is one thing that is to be so.
type Stage struct {
	Title string
	// Look reads from the machine what is lacking. An error ends the setup.
	Look func(ctx context.Context) (Need, error)
}

// Need is how a stage stands. Met and Unmet are sentences, and one of them says
// that there is nothing to ask.
type Need struct {
	Met      string   // it is so
	Unmet    string   // it cannot be so here: why, and what would help
	Would    []string // what would be done, a line each
	Question string
	Default  string // what Enter means: Yes, or a text
	Later    string // how it is done later, where the answer was No
	// Do does it. It is not called where the answer is No.
	Do func(ctx context.Context, answer string) error
}

// What a question that is answered by yes or no is answered with.
const (
	Yes = "yes"
	No  = "no"
)

// Ask puts a question and returns the answer. For one whose default is Yes or No
// that is Yes or No, and a text for any other.
type Ask func(ctx context.Context, question, otherwise string) (string, error)

// Defaults answers every question as Enter does.
func Defaults(_ context.Context, _, otherwise string) (string, error) { return otherwise, nil }

// Run takes the stages one after the other and says on w how each stands.
func Run(ctx context.Context, w io.Writer, stages []Stage, ask Ask) error {
	for i, s := range stages {
		fmt.Fprintf(w, "\n%d of %d  %s\n", i+1, len(stages), s.Title)
		need, err := s.Look(ctx)
		if err != nil {
			return err
		}
		if need.tell(w) {
			continue
		}
		answer, err := ask(ctx, need.Question, need.Default)
		if err != nil {
			return err
		}
		if answer == No {
			fmt.Fprintf(w, "Left as it is. Later: %s\n", need.Later)
			continue
		}
		if err := need.Do(ctx, answer); err != nil {
			return err
		}
	}
	return nil
}

// Preview says how each stage stands and what Run would do. It does nothing, and
// reports whether there is anything to do.
func Preview(ctx context.Context, w io.Writer, stages []Stage) (work bool, err error) {
	for i, s := range stages {
		fmt.Fprintf(w, "\n%d of %d  %s\n", i+1, len(stages), s.Title)
		need, err := s.Look(ctx)
		if err != nil {
			return work, err
		}
		if !need.tell(w) {
			fmt.Fprintf(w, "It would ask: %s (%s)\n", need.Question, need.Default)
			work = true
		}
	}
	return work, nil
}

// tell says how a need stands, and reports whether that is all there is to it.
func (n Need) tell(w io.Writer) (settled bool) {
	if said := n.Met + n.Unmet; said != "" {
		fmt.Fprintln(w, said)
		return true
	}
	for _, line := range n.Would {
		fmt.Fprintln(w, strings.TrimRight("  "+line, " "))
	}
	return false
}
