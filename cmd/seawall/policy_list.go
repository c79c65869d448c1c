package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/plain"
)

func newPolicyList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rules in force, and the exceptions with the day they end",
		Args:  cobra.NoArgs,
		Example: `  seawall policy list
  seawall policy list --json | jq '.exceptions[] | select(.expires)'`,
		PreRunE: asOwner,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := inForce()
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), map[string]any{"version": p.Version(), "rules": p.Rules(), "exceptions": p.Exceptions()})
			}
			return listPolicy(plain.Writer(cmd.OutOrStdout()), p, time.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// inForce is the policy that a running Seawall uses, or the shipped one where none
// was written yet.
func inForce() (*policy.Policy, error) {
	p, err := policy.Check(policyPath(nil))
	if errors.Is(err, fs.ErrNotExist) {
		return policy.Load(policy.Default())
	}
	if err != nil {
		return nil, fmt.Errorf("the policy in %s would be refused:\n%w", policyPath(nil), err)
	}
	return p, nil
}

func listPolicy(w io.Writer, p *policy.Policy, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tDECIDES\tWHERE\tBECAUSE")
	for _, r := range p.Rules() {
		fmt.Fprintf(t, "%s\t%s\t%s:%d\t%s\n", r.Name, r.Decision, r.File, r.Line, plain.Line(r.Reason))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	all := p.Exceptions()
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "\nThere are no exceptions.")
		return err
	}
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "EXCEPTION\tLIFTS\tWHERE\tUNTIL")
	for _, x := range all {
		fmt.Fprintf(t, "%s\t%s\t%s:%d\t%s\n", x.Name, strings.Join(x.Lifts, ", "), x.File, x.Line, exceptionEnds(x.Expires, now))
	}
	return t.Flush()
}

// exceptionEnds is the last day of an exception.
func exceptionEnds(expires, now time.Time) string {
	switch last := expires.AddDate(0, 0, -1).Format(time.DateOnly); {
	case expires.IsZero():
		return "you delete it"
	case !now.Before(expires):
		return last + ", and is over"
	default:
		return last
	}
}
