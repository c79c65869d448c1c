package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/service"
)

// newServe is seawall.service: the doors, on sockets that systemd holds.
func newServe() *cobra.Command {
	return &cobra.Command{
		Use:    "serve",
		Short:  "Run the doors under systemd (started by seawall.service)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !service.UnderSystemd() {
				return errors.New("this command is for systemd alone: systemctl start seawall, or seawall up")
			}
			return service.RunUnit(cmd.Context(), stateDir, version())
		},
	}
}
