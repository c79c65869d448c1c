package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/state"
)

// languageFlag adds the flag for the language of the notices, which is settled
// at the first start.
func languageFlag(cmd *cobra.Command, asked *string) {
	cmd.Flags().StringVar(asked, "language", "", "`language` of the notices in the chat: en or de (first that of LC_ALL, LANG)")
}

func settleLanguage(dir *state.Dir, asked string) error {
	return operator.Settle(dir, asked, os.Getenv)
}
