package main

import (
	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/state"
)

// asOwner goes before a command that needs nothing of the machine but the state:
// root becomes the state's owner, and what stands there leads it nowhere
// (state.Dir.BecomeOwner).
func asOwner(*cobra.Command, []string) error {
	dir, err := state.Existing(stateDir)
	if err != nil {
		return nil // which is for the command to say
	}
	defer dir.Close()
	return dir.BecomeOwner()
}
