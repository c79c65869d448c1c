package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

func newCheckpoint() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "Print the signed head of the record, or say where heads go",
		Long: `Checkpoint prints the signed head of the record: how many rows there are, and one
hash over all of them. Kept elsewhere it proves later that the record still says
the same ("seawall log verify --against").

A running Seawall sends one to journald every minute in which rows were added,
and to the file or URL that --to names. The file may be on a disk where it can
only be appended to (chattr +a); the URL gets a POST.`,
		Example: `  seawall log checkpoint --to /mnt/backup/seawall.checkpoints
  seawall log checkpoint --to https://log.example/seawall
  seawall log checkpoint --to none`,
		Args: cobra.NoArgs,
		PreRunE: func(cmd *cobra.Command, args []string) error {
			if err := handOver(cmd, to); err != nil {
				return err
			}
			return asOwner(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			record, err := openRecord()
			if err != nil {
				return err
			}
			defer record.Close()
			head, err := record.Checkpoint(cmd.Context())
			if err != nil {
				return err
			}
			if to == "" {
				_, err = cmd.OutOrStdout().Write(head)
				return err
			}
			return sendTo(cmd, to, head)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "from now on send checkpoints to this `PLACE` as well: a file, a URL, or none")
	return cmd
}

// sendTo sends a first checkpoint to a place and makes it the one to which all
// are sent.
func sendTo(cmd *cobra.Command, to string, head []byte) error {
	dir, err := state.Existing(stateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	var o ledger.Outside
	if to != "none" {
		if o, err = ledger.ParseOutside(to); err != nil {
			return fmt.Errorf("--to: %w", err)
		}
		if err := o.Send(cmd.Context(), head); err != nil {
			return err
		}
	}
	if err := ledger.SaveOutside(dir, o); err != nil {
		return err
	}
	if to == "none" {
		fmt.Fprintln(cmd.OutOrStdout(), "Checkpoints go to journald alone.")
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "A checkpoint was sent to %s, and more will follow as rows are added.\n", to)
	return nil
}

// handOver makes the file of a place the doors', who append to it as the owner of
// the state, and lets their service write there. Only root can, and need.
func handOver(cmd *cobra.Command, to string) error {
	o, err := ledger.ParseOutside(to)
	if to == "" || err != nil && to != "none" || os.Geteuid() != 0 {
		return nil
	}
	dir, err := state.Existing(stateDir)
	if err != nil {
		return nil // which is for the command to say
	}
	defer dir.Close()
	plan, err := install.Writable(cmd.Context(), install.This(), dir, o.File)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	if o.File != "" {
		uid, _ := dir.Owner()
		if err := o.HandOver(uid); err != nil {
			return err
		}
	}
	return plan.Apply(cmd.Context(), func(s install.Step) { fmt.Fprintln(cmd.OutOrStdout(), s.What) })
}
