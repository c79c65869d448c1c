package harden

import (
	"fmt"
	"io"
	"strings"

	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/posture/change"
)

// Look is how a plan is printed.
type Look struct {
	Colour bool
	Width  int
	Root   bool // whether root asks; others see less
}

// groups are the parts of a plan, in their order.
var groups = []struct {
	risk change.Risk
	head string
}{
	{change.Safe, "Disturbs nothing that runs"},
	{change.Restart, "Restarts or reloads something"},
	{change.Lockout, "Could lock you out: goes back by itself unless you confirm it from a new connection"},
}

// Text prints a plan for a person.
func Text(to io.Writer, p *Proposal, l Look) {
	w := plain.Writer(to)
	if !l.Root {
		fmt.Fprint(w, "Without root this plan holds only what others may see; sudo seawall harden makes the whole one.\n\n")
	}
	if len(p.Ports) > 0 {
		fmt.Fprintln(w, "What listens, and who reaches it")
		for _, x := range p.Ports {
			fmt.Fprintf(w, "  %-11s %-22s %-24s %s → %s\n", x.Port, x.Address, x.Program, x.Before, x.After)
		}
		fmt.Fprintln(w)
	}
	n := 0
	for _, g := range groups {
		first := true
		for _, s := range p.Plan.Steps {
			if s.Risk != g.risk {
				continue
			}
			if first {
				fmt.Fprintf(w, "%s\n\n", g.head)
				first = false
			}
			n++
			step(w, n, s)
		}
	}
	if p.Plan.Empty() {
		fmt.Fprintln(w, "Nothing to change here by machine.")
	}
	list(w, "Not in the plan", len(p.Plan.Refused), func(i int) string { return p.Plan.Refused[i].Control + ": " + p.Plan.Refused[i].Why })
	list(w, "Could not be judged", len(p.Unknown), func(i int) string { return p.Unknown[i].Control + ": " + p.Unknown[i].Why })
	list(w, "In use, and open until you say --close PORT", len(p.Ask), func(i int) string { return p.Ask[i].String() })
	list(w, "Only you can do", len(p.Manual), func(i int) string {
		return fmt.Sprintf("[%s] %s: %s", p.Manual[i].Severity, p.Manual[i].Title, p.Manual[i].Do)
	})
	list(w, "Note", len(p.Plan.Notes), func(i int) string { return p.Plan.Notes[i] })
	if !p.Plan.Empty() {
		fmt.Fprintf(w, "Plan %s: %d steps, profile %s. Nothing is touched until seawall harden --apply.\n", p.Plan.ID(), len(p.Plan.Steps), p.Profile)
		fmt.Fprintln(w, "The way back in, should all else fail: your provider's console, and there: seawall harden rollback")
	}
}

func step(w io.Writer, n int, s *change.Step) {
	for i, what := range s.What {
		if i == 0 {
			fmt.Fprintf(w, "%3d. %s\n", n, what)
			continue
		}
		fmt.Fprintf(w, "     %s\n", what)
	}
	does := string(s.Kind) + " " + s.Target
	for _, v := range s.Do {
		does = string(v) + " " + s.Target
	}
	fmt.Fprintf(w, "     %s  [%s]\n", does, strings.Join(s.Controls, ", "))
	for _, r := range s.Replaces {
		fmt.Fprintf(w, "     replaces your own: %s\n", r)
	}
	for line := range strings.Lines(s.Diff) {
		fmt.Fprintf(w, "       %s", line)
	}
	fmt.Fprintln(w)
}

func list(w io.Writer, head string, n int, line func(int) string) {
	if n == 0 {
		return
	}
	fmt.Fprintln(w, head)
	for i := range n {
		fmt.Fprintf(w, "  %s\n", line(i))
	}
	fmt.Fprintln(w)
}

// Tell says how a step went.
func Tell(to io.Writer, e change.Event) {
	w := plain.Writer(to)
	if e.Err != nil {
		fmt.Fprintf(w, "%3d/%d %s: %s: %v\n", e.N, e.Of, e.Step.Title(), e.Said, e.Err)
		return
	}
	fmt.Fprintf(w, "%3d/%d %s: %s\n", e.N, e.Of, e.Step.Title(), e.Said)
}
