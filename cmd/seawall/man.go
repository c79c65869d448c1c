package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan writes the man pages from the command tree.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the man pages into a directory",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("writing the man pages: %w", err)
			}
			cmd.Root().DisableAutoGenTag = true
			// The date is that of SOURCE_DATE_EPOCH, so that the same commit gives
			// the same bytes.
			header := &doc.GenManHeader{Title: "SEAWALL", Section: "1", Source: "Seawall", Manual: "Seawall"}
			return doc.GenManTree(cmd.Root(), header, args[0])
		},
	}
}
