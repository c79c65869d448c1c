package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

func newVerify() *cobra.Command {
	var asJSON bool
	var against string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that nothing in the record was changed or removed",
		Long: `Verify reads the whole record and compares each row with its hash, the hashes
with the tree, and the tree with the signed checkpoint. Whoever has the signing
key could have rewritten all of it: only a checkpoint that left this machine can
tell. Give one, or a file of many, with --against. Without it the file is taken
to which "seawall log checkpoint --to" sends them.

Exit status: 0 it fits, 1 it does not, 2 it could not be read.`,
		Example: `  seawall log verify --against /mnt/usb/checkpoints
  journalctl -t seawall -o cat SEAWALL_CHECKPOINT=1 | seawall log verify --against -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return verifyRecord(cmd, against, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&against, "against", "", "compare with this `CHECKPOINT` that left the machine: a file, - for standard input, or the checkpoint itself")
	return cmd
}

func verifyRecord(cmd *cobra.Command, against string, asJSON bool) error {
	var checkpoints [][]byte
	var err error
	if against != "" { // which the operator may read, and the doors may not
		if checkpoints, err = givenCheckpoints(against); err != nil {
			return err
		}
	}
	if err := asOwner(cmd, nil); err != nil {
		return err
	}
	record, err := openRecord()
	if err != nil {
		return err
	}
	defer record.Close()
	if against == "" {
		if checkpoints, err = outsideCheckpoints(); err != nil {
			return err
		}
	}
	done := progress(cmd, "Reading the record")
	r, err := record.Verify(cmd.Context(), checkpoints...)
	done()
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(r)
	} else {
		printReport(cmd.OutOrStdout(), r)
	}
	if err == nil && !r.OK {
		return errNo
	}
	return err
}

// givenCheckpoints are those that a person gave.
func givenCheckpoints(given string) ([][]byte, error) {
	all, err := ledger.ReadCheckpoints(given)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("there is no checkpoint in %s: `seawall log checkpoint` prints one", given)
	}
	return all, err
}

// outsideCheckpoints are those in the file to which they are sent; none when
// there is no such file.
func outsideCheckpoints() ([][]byte, error) {
	dir, err := state.Existing(stateDir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	o, err := ledger.LoadOutside(dir)
	if err != nil || o.File == "" {
		return nil, err
	}
	if _, err := os.Stat(o.File); os.IsNotExist(err) {
		return nil, fmt.Errorf("%s is gone, to which checkpoints are appended: bring it back, or name another with --against", o.File)
	}
	return ledger.ReadCheckpoints(o.File)
}

func printReport(w io.Writer, r ledger.Report) {
	if !r.OK {
		fmt.Fprintf(w, "The record was tampered with: %s.", r.Problem)
		if r.Row > 1 {
			fmt.Fprintf(w, " Rows before %d are as they were written.", r.Row)
		}
		fmt.Fprintln(w)
		return
	}
	fmt.Fprintf(w, "The record is internally consistent: %d rows fit the signed checkpoint.\n", r.Rows)
	if r.Pruned > 0 {
		fmt.Fprintf(w, "What the first %d rows said was pruned; their hashes stay and fit.\n", r.Pruned)
	}
	switch r.Outside {
	case 0:
		fmt.Fprintln(w, "Whether it was replaced as a whole only a checkpoint that left this machine can tell: see --against.")
	case 1:
		fmt.Fprintf(w, "It goes on from the checkpoint of %d rows that left this machine.\n", r.Newest)
	default:
		fmt.Fprintf(w, "It goes on from all %d checkpoints that left this machine, the newest of %d rows.\n", r.Outside, r.Newest)
	}
}
