package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/plain"
)

func newPolicyDiff() *cobra.Command {
	return &cobra.Command{
		Use:   "diff",
		Short: "Show how an edited policy differs from the one that this version ships",
		Long: `Diff compares policy.cedar with the policy that this version of Seawall ships. A file
that nobody edited is replaced by it when the doors open; an edited one stays as it
is, and may lack rules that are new. Your own rules belong into local.cedar, which is
never touched.

It ends with 1 when rules are missing.`,
		Args:    cobra.NoArgs,
		PreRunE: asOwner,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := policyPath(nil)
			d, err := policy.Differs(path)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no policy file %s: `seawall up` writes the shipped one", path)
			}
			if err != nil {
				return fmt.Errorf("%s would be refused:\n%w", path, err)
			}
			out := plain.Writer(cmd.OutOrStdout())
			if d.Text == "" {
				_, err := fmt.Fprintf(out, "%s is as this version ships it.\n", path)
				return err
			}
			fmt.Fprint(out, d.Text)
			if len(d.Changed) > 0 {
				fmt.Fprintf(out, "\nWorded otherwise: %s.\n", strings.Join(d.Changed, ", "))
			}
			if len(d.Missing) == 0 {
				return nil
			}
			fmt.Fprintf(out, "\nMissing: %s. Copy what you want of it from above; or move the file away, and the doors write the shipped one when they open.\n", strings.Join(d.Missing, ", "))
			return errNo
		},
	}
}
