package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/state"
)

func newPolicy() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Look at the policy, try it, and check an edited one",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newPolicyList(), newPolicyTest(), newPolicyDiff(), newPolicyTool())
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check [FILE]",
			Short: "Say whether Seawall would take a policy file, and local.cedar beside it",
			Args:  cobra.MaximumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				path := policyPath(args)
				if len(args) == 0 {
					if err := asOwner(cmd, args); err != nil {
						return err
					}
				}
				p, err := policy.Check(path)
				if errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("there is no policy file %s: `seawall up` writes the shipped one, `seawall policy show` prints it", path)
				}
				if err != nil {
					return fmt.Errorf("%s would be refused:\n%w", path, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is valid (version %s). A running Seawall takes it over within a second.\n", path, p.Version())
				return nil
			},
		},
		&cobra.Command{
			Use:   "schema",
			Short: "Print what a rule of the policy may speak of",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := cmd.OutOrStdout().Write(policy.Schema())
				return err
			},
		},
		&cobra.Command{
			Use:     "show",
			Short:   "Print the policy in force",
			Args:    cobra.NoArgs,
			PreRunE: asOwner,
			RunE: func(cmd *cobra.Command, _ []string) error {
				text, err := os.ReadFile(policyPath(nil))
				if os.IsNotExist(err) {
					text, err = policy.Default(), nil
				}
				if err != nil {
					return fmt.Errorf("reading the policy: %w", err)
				}
				_, err = cmd.OutOrStdout().Write(text)
				return err
			},
		},
	)
	return cmd
}

func policyPath(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return filepath.Join(stateDir, state.Policy)
}
