package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/limit"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/state"
)

func newLimits() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "limits",
		Short: "Show and set how much the agents may use",
		Long: `Limits shows how much of what the agents may use is used: messages, tool calls, tokens
and money, in one conversation and, over all of them, in an hour, a day and a month.

At 80 % you are told. At 100 % each call asks (seawall approve), and a new turn is
answered by Seawall instead of a model.`,
		Example: `  seawall limits set day money 5
  seawall limits set hour calls none
  seawall limits reset day`,
		Args: cobra.NoArgs, PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, _ []string, dir *state.Dir) error {
			s := limit.Stand(dir, time.Now())
			if !asJSON {
				return printLimits(plain.Writer(cmd.OutOrStdout()), dir, s)
			}
			return writeJSON(cmd.OutOrStdout(), s)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; money is in millionths of a dollar")
	cmd.AddCommand(newLimitsSet(), newLimitsReset())
	return cmd
}

func newLimitsSet() *cobra.Command {
	return &cobra.Command{
		Use:   "set session|hour|day|month messages|calls|tokens|money AMOUNT|none",
		Short: "Set a limit; money is in US dollars",
		Args:  cobra.ExactArgs(3), PreRunE: asOwner,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := limit.Parse(args[0], args[1])
			if err != nil {
				return err
			}
			amount, err := limit.Amount(name.Measure, args[2])
			if err != nil {
				return err
			}
			dir, err := existingState()
			if err != nil {
				return err
			}
			defer dir.Close()
			if err := limit.Set(dir, name, amount); err != nil {
				return err
			}
			said := "no limit"
			if amount >= 0 {
				said = limit.Format(name.Measure, amount)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s. A running Seawall takes it over at the next call.\n", name, said)
			return err
		},
	}
}

func newLimitsReset() *cobra.Command {
	return &cobra.Command{
		Use:   "reset [session|hour|day|month]...",
		Short: "Begin anew to count; without a name, over all times",
		Args:  cobra.MaximumNArgs(len(limit.Windows)), PreRunE: asOwner,
		RunE: func(cmd *cobra.Command, args []string) error {
			windows := limit.Windows
			if len(args) > 0 {
				windows = nil
			}
			for _, a := range args {
				name, err := limit.Parse(a, string(limit.Calls))
				if err != nil {
					return err
				}
				windows = append(windows, name.Window)
			}
			dir, err := existingState()
			if err != nil {
				return err
			}
			defer dir.Close()
			if err := limit.Reset(dir, time.Now(), windows...); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "It is counted anew from now on.")
			return err
		},
	}
}

func printLimits(w io.Writer, dir *state.Dir, s limit.Standing) error {
	if s.Problem != "" {
		fmt.Fprintf(w, "Problem: %s.\n", s.Problem)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range s.Lines {
		of, mine := "no limit\t", ""
		if l.Limit != nil {
			r := limit.Reached{Used: l.Used, Limit: *l.Limit}
			of = fmt.Sprintf("of %s\t%d %%", limit.Format(l.Measure, *l.Limit), r.Percent())
		}
		if !l.Shipped {
			mine = "set by you"
		}
		if l.Session != "" {
			mine += "  most: " + l.Session
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", l.Window, l.Measure, limit.Format(l.Measure, l.Used), of, mine)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if s.Guessed > 0 {
		fmt.Fprintf(w, "Of this month's tokens, %s are guessed: the provider did not say how many.\n", limit.Format(limit.Tokens, s.Guessed))
	}
	for _, model := range slices.Sorted(maps.Keys(s.Unpriced)) {
		fmt.Fprintf(w, "Not counted as money: %s tokens of %s, whose price is not known. To change that: its cost under models.providers in openclaw.json\n", limit.Format(limit.Tokens, s.Unpriced[model]), model)
	}
	if rules, err := policy.Check(dir.Path(state.Policy)); err == nil {
		if _, ok := rules.Rule(policy.OverLimit); !ok {
			fmt.Fprintf(w, "Problem: your policy has no rule %s, so no call asks because of a limit: seawall policy diff\n", policy.OverLimit)
		}
	}
	return nil
}
