package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/controls"
)

func newControls() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "controls [ID]",
		Short: "List what an audit asks, with why and where the rule comes from",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			selected := controls.All
			if len(args) == 1 {
				selected = nil
				for _, c := range controls.All {
					if c.ID == args[0] {
						selected = []posture.Control{c}
					}
				}
				if selected == nil {
					return fmt.Errorf("there is no control %q: `seawall controls` lists them", args[0])
				}
			}
			out := cmd.OutOrStdout()
			for _, c := range selected {
				switch {
				case asJSON:
					if err := json.NewEncoder(out).Encode(map[string]any{
						"id": c.ID, "title": c.Title, "family": c.Family, "severity": c.Severity,
						"why": c.Why, "advice": c.Advice, "source": c.Source, "checkIds": c.CheckIDs,
						"fixable": c.Fix != nil, "manual": c.Manual, "settings": c.Settings,
					}); err != nil {
						return err
					}
				case len(args) == 1:
					cured := "seawall harden does it, and takes it back"
					if c.Fix == nil {
						cured = "a person does it"
					}
					fmt.Fprintf(out, "%s (%s)\n%s.\n\nWhy: %s\nDo: %s\nWho: %s\nSource: %s\n", c.ID, c.Severity, c.Title, c.Why, c.Advice, cured, c.Source)
				default:
					fmt.Fprintf(out, "%-8s  %-36s  %s\n", c.Severity, c.ID, c.Title)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a control")
	return cmd
}
