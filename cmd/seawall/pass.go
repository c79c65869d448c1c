package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

func newPass() *cobra.Command {
	return &cobra.Command{
		Use:   "pass [ID]",
		Short: "Let a message or a tool's result through once that was stopped",
		Long: `Pass lets one text through to the model that was stopped because it looks like an
attempt to take over the agent: a message, or what a tool brought. ID is the
number in the notice and in "seawall log".

It is good for exactly that text and that agent, and for one conversation: the
first that brings it. There it may stay; in any other it is stopped again. Unused,
it ends after a day. It lifts nothing else: what the agent then does is judged as
ever. Each run that makes use of it has a row in the record.

Without ID it lists what may pass.`,
		Example: `  seawall log --decision deny   which number
  seawall pass 41               then send the message again`,
		Args:    cobra.MaximumNArgs(1),
		PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, args []string, dir *state.Dir) error {
			if len(args) == 0 {
				return listPasses(cmd, dir)
			}
			return letPass(cmd, dir, args[0])
		}),
	}
}

// letPass writes down what one row's text may do.
func letPass(cmd *cobra.Command, dir *state.Dir, arg string) error {
	id, err := strconv.ParseInt(strings.TrimPrefix(arg, "#"), 10, 64)
	if err != nil || id < 1 {
		return fmt.Errorf("%q is no number of a row: seawall log --decision deny shows them", arg)
	}
	row, err := rowOf(cmd, id)
	if err != nil {
		return err
	}
	rules, err := policy.Check(dir.Path(state.Policy))
	if err != nil {
		return fmt.Errorf("the policy cannot be read, so nothing passes:\n%w", err)
	}
	now := time.Now()
	if err := operator.Let(dir, rules, row, now); err != nil {
		return err
	}
	next := "Send the message again, in the conversation where it belongs."
	if row.Tool != "" {
		next = "The next turn of its conversation reads it."
	}
	fmt.Fprintf(cmd.OutOrStdout(), "#%d may pass once (%s). %s Unused, this ends %s.\n",
		id, printable(row.Detail), next, now.Add(operator.Unused).Local().Format("2006-01-02 15:04"))
	return nil
}

// rowOf reads one row of the record.
func rowOf(cmd *cobra.Command, id int64) (ledger.Row, error) {
	record, err := openRecord()
	if err != nil {
		return ledger.Row{}, err
	}
	defer record.Close()
	for row, err := range record.Rows(cmd.Context(), ledger.Filter{After: id - 1}) {
		if err != nil {
			return row, err
		}
		if row.ID == id {
			return row, nil
		}
		break
	}
	return ledger.Row{}, fmt.Errorf("the record has no row %d: seawall log --decision deny shows what was stopped", id)
}

func listPasses(cmd *cobra.Command, dir *state.Dir) error {
	passes, err := operator.Passes(dir)
	if err != nil {
		return err
	}
	if len(passes) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "Nothing that was stopped may pass.")
	}
	now := time.Now()
	for _, p := range passes {
		how := "used by conversation " + printable(p.Conversation)
		switch {
		case p.Expired(now):
			how = "ended unused"
		case p.Conversation == "":
			how = "waits until " + p.Given.Add(operator.Unused).Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%6d  %s  agent %s, %s\n", p.ID, p.Given.Local().Format("2006-01-02 15:04"), cmp.Or(printable(p.Agent), "unknown"), how)
	}
	return nil
}
