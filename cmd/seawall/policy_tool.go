package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/state"
)

func newPolicyTool() *cobra.Command {
	var forget bool
	cmd := &cobra.Command{
		Use:   "tool [NAME [KIND...]]",
		Short: "Settle what a tool does whose name does not say it",
		Long: `Seawall reads what a tool can do from its name, its description and its arguments. Of
one that does not say it, it takes the worst; then say once what it does: read, write,
execute, send, spend, destroy or widen (access), one or more.

Without KIND it says how Seawall reads the name; without NAME it lists what you have
settled. An address that a call names is sent to, whatever the tool is settled to do.`,
		Example: `  seawall policy tool zorp
  seawall policy tool zorp read
  seawall policy tool mcp__house__scene write
  seawall policy tool zorp --forget`,
		PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, args []string, dir *state.Dir) error {
			out := plain.Writer(cmd.OutOrStdout())
			settled, err := operator.AllSettled(dir)
			if err != nil {
				return err
			}
			switch {
			case forget && len(args) != 1:
				return errors.New("--forget takes the name of one tool")
			case forget:
				if err := operator.SettleTool(dir, args[0]); err != nil {
					return err
				}
				_, err = fmt.Fprintf(out, "%s does what its name and description say.\n", args[0])
			case len(args) == 0:
				err = listSettled(out, settled)
			case len(args) == 1:
				err = readTool(out, args[0], settled[args[0]])
			default:
				var kinds []effect.Kind
				if kinds, err = toolKinds(args[1:]); err != nil {
					return err
				}
				if err := operator.SettleTool(dir, args[0], kinds...); err != nil {
					return err
				}
				_, err = fmt.Fprintf(out, "%s is settled: %s. A running Seawall takes it over at the next call.\n", args[0], strings.Join(args[1:], ", "))
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&forget, "forget", false, "leave it to the tool's name again")
	return cmd
}

func toolKinds(names []string) (kinds []effect.Kind, err error) {
	for _, name := range names {
		if !slices.Contains(operator.Kinds, effect.Kind(name)) {
			return nil, fmt.Errorf("%q is no kind: it may be read, write, execute, send, spend, destroy or widen", name)
		}
		kinds = append(kinds, effect.Kind(name))
	}
	return kinds, nil
}

func listSettled(w io.Writer, settled map[string][]effect.Kind) error {
	if len(settled) == 0 {
		_, err := fmt.Fprintln(w, "No tool is settled: each does what its name and description say.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(settled)) {
		fmt.Fprintf(t, "%s\t%s\n", name, kindNames(settled[name]))
	}
	return t.Flush()
}

func readTool(w io.Writer, name string, settled []effect.Kind) error {
	if settled != nil {
		_, err := fmt.Fprintf(w, "%s: %s, as you have settled.\n", name, kindNames(settled))
		return err
	}
	e := effect.Of(name, nil)
	from, private := effect.Source(name, effect.Schema{})
	whose := "anybody may read"
	if private {
		whose = "is private"
	}
	_, err := fmt.Fprintf(w, "%s: %s, by its name. What it brings is from %s and %s. Its description and its arguments may say more.\n",
		name, kindNames(e.Kinds), from, whose)
	return err
}

func kindNames(kinds []effect.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
