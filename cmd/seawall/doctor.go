package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/doctor"
)

func newDoctor() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with Seawall itself, and how to put it right",
		Long: `Doctor looks at Seawall's own state, record, service, doors and connection, and
names what is wrong, in the order in which to put it right, each with the command
that does it. It changes nothing. Whether the machine is safe says "seawall
audit", and whether the agent is protected "seawall status".

Exit status: 0 when nothing is wrong, 1 when something is, 2 when it could not
look.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings, err := doctor.Examine(cmd.Context(), doctor.This(stateDir, version()))
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), map[string]any{"well": len(findings) == 0, "findings": findings})
			} else {
				err = printFindings(cmd.OutOrStdout(), findings)
			}
			if err == nil && len(findings) > 0 {
				return errNo
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printFindings(w io.Writer, findings []doctor.Finding) (err error) {
	switch len(findings) {
	case 0:
		_, err = fmt.Fprintln(w, "Seawall is well.")
		return err
	case 1:
		_, err = fmt.Fprint(w, "One thing is wrong with Seawall:\n\n")
	default:
		_, err = fmt.Fprintf(w, "%d things are wrong with Seawall. Begin with the first:\n\n", len(findings))
	}
	for i, f := range findings {
		if err == nil {
			_, err = fmt.Fprintf(w, "%2d. %s (%s)\n    To change that: %s\n", i+1, capital(printable(f.What)), f.Check, printable(f.Fix))
		}
	}
	return err
}
