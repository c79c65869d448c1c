package main

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/lab/openclaw"
	"github.com/openseawall/seawall/lab/surface"
)

func changesCommand() *cobra.Command {
	var write bool
	cmd := &cobra.Command{
		Use:   "changes",
		Short: "Say what is other in OpenClaw " + openclaw.Version + " than in " + openclaw.Pinned,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			i, err := openclaw.Install(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			now, err := surface.Read(cmd.Context(), i)
			if err != nil {
				return err
			}
			if write {
				var b bytes.Buffer
				e := json.NewEncoder(&b)
				e.SetEscapeHTML(false)
				e.SetIndent("", " ")
				if err := e.Encode(now); err != nil {
					return err
				}
				return os.WriteFile("lab/surface/pinned.json", b.Bytes(), 0o644)
			}
			was, err := surface.Pinned()
			if err == nil {
				surface.Changes(cmd.OutOrStdout(), was, now)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&write, "write", false, "describe this version anew, in lab/surface/pinned.json")
	return cmd
}
