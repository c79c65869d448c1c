package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/observe"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/state"
)

// week is how long it is observed where nobody says otherwise.
const week = 7

func newObserve() *cobra.Command {
	var yes bool
	days := week
	cmd := &cobra.Command{
		Use:   "observe",
		Short: "For some days only record what would ask",
		Long: `Observe is for an agent that works already, with jobs that nobody wants to break: for
seven days what would ask runs, and is recorded as what would have asked. What is
denied is denied, secrets are taken out, limits hold. Seawall does not protect in
that time, and says so.

"seawall observe report" shows what would have been asked and stopped; "seawall
enforce" ends it. What nobody ends or extends ends by itself, and then asks.`,
		Args: cobra.NoArgs, PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, _ []string, dir *state.Dir) error {
			if !yes {
				if err := consent(cmd, false, fmt.Sprintf("Only record what would ask, for %d days?", days)); err != nil {
					return err
				}
			}
			return beginObserving(cmd.OutOrStdout(), dir, days)
		}),
	}
	cmd.Flags().IntVar(&days, "days", days, "how many `days` from now")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.AddCommand(newObserveReport())
	return cmd
}

func beginObserving(w io.Writer, dir *state.Dir, days int) error {
	o, err := operator.Observe(dir, who(), time.Now(), days)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Observing until %s: what would ask runs and is recorded. What it was: seawall observe report. To end it: seawall enforce\n", o.Day())
	return err
}

func newObserveReport() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Show what would have been asked, and what was stopped",
		Args:  cobra.NoArgs, PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, _ []string, dir *state.Dir) error {
			o := operator.LastObserving(dir)
			if o == nil {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "Nothing was observed: what needs you asks. To observe: seawall observe")
				return err
			}
			return reportObserved(cmd, dir, o, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func reportObserved(cmd *cobra.Command, dir *state.Dir, o *operator.Observing, asJSON bool) error {
	now := time.Now()
	to := o.End()
	if to.After(now) {
		to = now
	}
	r, err := observe.Read(cmd.Context(), dir, o.Since, to)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), struct {
			Until     time.Time `json:"until"`
			Observing bool      `json:"observing"`
			observe.Report
		}{o.Until, o.Active(now), r})
	}
	w := plain.Writer(cmd.OutOrStdout())
	if o.Active(now) {
		fmt.Fprintf(w, "Observing since %s, until %s.\n", o.Since.Local().Format("2006-01-02 15:04"), o.Day())
	} else {
		fmt.Fprintf(w, "Observed from %s to %s.\n", o.Since.Local().Format("2006-01-02 15:04"), to.Local().Format("2006-01-02 15:04"))
	}
	more := ""
	if r.Cut {
		more = "more than "
	}
	fmt.Fprintf(w, "Calls: %s%d. Would have asked: %d. Stopped: %d. Texts without their secrets: %d.\n", more, r.Calls, r.Would, r.Stopped, r.Secrets)
	printKinds(w, "Would have asked, and ran:", r.Asked)
	printKinds(w, "Stopped:", r.Denied)
	return nil
}

// mostKinds is how many kinds of decisions fit a screen.
const mostKinds = 15

func printKinds(w io.Writer, title string, kinds []observe.Kind) {
	if len(kinds) == 0 {
		return
	}
	fmt.Fprintln(w, title)
	for _, k := range kinds[:min(len(kinds), mostKinds)] {
		fmt.Fprintf(w, "%6d  %s: %s (%s; seawall why %d)\n", k.Count, k.Tool, k.Why, strings.Join(k.Rules, ", "), k.Last)
	}
	if left := len(kinds) - mostKinds; left > 0 {
		fmt.Fprintf(w, "        and %d kinds more: seawall observe report --json\n", left)
	}
}

func newEnforce() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "enforce",
		Short: "End observing: what needs you asks from now on",
		Args:  cobra.NoArgs, PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, _ []string, dir *state.Dir) error {
			o := operator.ObservingIn(dir, time.Now())
			if o == nil {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "Nothing is observed: what needs you asks already.")
				return err
			}
			if err := reportObserved(cmd, dir, o, false); err != nil {
				return err
			}
			if err := consent(cmd, yes, "Have all of this ask from now on?"); err != nil {
				return err
			}
			if _, err := operator.Enforce(dir, who(), time.Now()); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "Enforcing: what needs you asks (seawall approve).")
			return err
		}),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// proposeObserving proposes to observe where jobs run already that nobody wants to
// break. An agent without any is enforced, and so is one that was observed before.
func proposeObserving(cmd *cobra.Command, dir *state.Dir, installs []openclaw.Install, yes bool) error {
	jobs := 0
	for _, in := range installs {
		jobs += in.Jobs(cmd.Context())
	}
	if jobs == 0 || operator.LastObserving(dir) != nil {
		return nil
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "This OpenClaw runs jobs already (%d scheduled or by webhook), and some may do what asks a person from now on.\n", jobs)
	if yes || !terminal(cmd.InOrStdin()) {
		fmt.Fprintln(out, "To only record that for seven days first: seawall observe")
		return nil
	}
	agreed, err := ask(cmd, "Only record what would ask, for seven days? What is denied and secrets are stopped all the same.")
	if err != nil || !agreed {
		return err
	}
	return beginObserving(out, dir, week)
}
