package main

import (
	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/service"
)

// newWatch is the part of the service that may read everything.
func newWatch() *cobra.Command {
	return &cobra.Command{
		Use:    "watch",
		Short:  "Look at the agent from outside (started by seawall-watch.service)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return service.RunWatch(cmd.Context(), stateDir, version())
		},
	}
}
