package main

import (
	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/service"
)

// newDoors is the part of `up` that runs as the account seawall.
func newDoors() *cobra.Command {
	return &cobra.Command{
		Use:    "doors",
		Short:  "Run the doors on inherited sockets (started by up)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reported, err := service.RunChild(cmd.Context(), stateDir, version())
			if reported {
				return errNo // up says why
			}
			return err
		},
	}
}
