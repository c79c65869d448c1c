package main

import (
	"encoding/json"
	"fmt"
	"io"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/demo"
)

func newDemo() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See attacks stopped, with nothing installed",
		Long: `Demo plays six scenes through the real door, policy and record. A provider that
answers by script stands in for the model and a small client for the agent, both
on loopback; nothing runs, nothing is changed and nothing leaves this machine.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			good, all := 0, 0
			err := demo.Run(cmd.Context(), func(s demo.Scene) error {
				all++
				if s.Good {
					good++
				}
				if asJSON {
					return json.NewEncoder(out).Encode(s)
				}
				printScene(out, all, s)
				return nil
			})
			if err != nil {
				return err
			}
			if !asJSON {
				fmt.Fprintf(out, "%d of %d went as they should. Your own machine: seawall audit. Your own agent: seawall up.\n", good, all)
			}
			if good < all {
				return errNo
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a scene")
	return cmd
}

func printScene(w io.Writer, n int, s demo.Scene) {
	bold, faint := lipgloss.NewStyle(), lipgloss.NewStyle()
	if colour(w) {
		bold, faint = bold.Bold(true), faint.Faint(true)
	}
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(w, "   %s %s\n", faint.Render(fmt.Sprintf("%-15s", label)), printable(text))
		}
	}
	fmt.Fprintln(w, bold.Render(fmt.Sprintf("%d. %s", n, s.Title)))
	line("somebody wrote", s.Wrote)
	line("the model saw", s.Saw)
	if s.Model == "" {
		line("the model", "was never asked")
	}
	line("it answered", s.Model)
	line("the agent got", s.Agent)
	for _, r := range s.Rows {
		line("in the record", fmt.Sprintf("#%d %s %s", r.ID, r.Decision, sentenceOf(r)))
	}
	fmt.Fprintln(w)
}
