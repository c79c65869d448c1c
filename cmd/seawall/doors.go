package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/service"
)

// newDoors is the part of `up` and `guard` that runs as the account seawall.
func newDoors() *cobra.Command {
	var alone string
	cmd := &cobra.Command{
		Use:    "doors",
		Short:  "Run the doors on inherited sockets (started by up)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var a *service.Alone
			if alone != "" {
				if err := json.Unmarshal([]byte(alone), &a); err != nil {
					return fmt.Errorf("--alone: %w", err)
				}
			}
			reported, err := service.RunChild(cmd.Context(), stateDir, a, version())
			if reported {
				return errNo // up says why
			}
			return err
		},
	}
	cmd.Flags().StringVar(&alone, "alone", "", "the one provider of `seawall guard`")
	return cmd
}
