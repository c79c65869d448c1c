package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/plain"
)

func newOrders() *cobra.Command {
	var asJSON bool
	var gone string
	cmd := &cobra.Command{
		Use:   "orders",
		Short: "Show the standing orders: scheduled jobs that you vouch for",
		Long: `Orders lists the scheduled jobs that you vouch for ("seawall vouch job:ID"): their text,
their schedule, and the tools and places that they reach without a question. Whatever
else a run does asks as usual. An order ends when the agent changes the job.`,
		Example: `  seawall orders
  seawall orders --revoke 2bfe60a8-d6a6-49b3-a540-2cc58fc88b77`,
		Args:    cobra.NoArgs,
		PreRunE: asOwner,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if gone != "" {
				return revoke(cmd, []string{"job:" + strings.TrimPrefix(gone, "job:")}, "seawall orders")
			}
			return listOrders(cmd, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&gone, "revoke", "", "the `job` that is no standing order any more")
	return cmd
}

func listOrders(cmd *cobra.Command, asJSON bool) error {
	dir, err := existingState()
	if err != nil {
		return err
	}
	defer dir.Close()
	all, err := operator.AllVouched(dir)
	if err != nil {
		return err
	}
	if asJSON {
		if all.Orders == nil {
			all.Orders = map[string]*operator.Order{}
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(all.Orders)
	}
	out := plain.Writer(cmd.OutOrStdout())
	if len(all.Orders) == 0 {
		fmt.Fprintln(out, "There are no standing orders. To make one of a scheduled job: seawall vouch")
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(all.Orders)) {
		o := all.Orders[id]
		fmt.Fprintf(out, "job:%s  %s\n    since %s, runs: %s\n    tools: %s\n    reaches: %s\n", id, o.Name,
			o.Given.Local().Format("2006-01-02 15:04"), o.Schedule, some(o.Tools), some(o.To))
		for line := range strings.Lines(o.Text) {
			fmt.Fprintf(out, "    | %s\n", strings.TrimRight(line, "\n"))
		}
	}
	return nil
}

// some are names, or that there are none.
func some(names []string) string {
	if len(names) == 0 {
		return "only what its text asks for"
	}
	return strings.Join(names, ", ")
}
