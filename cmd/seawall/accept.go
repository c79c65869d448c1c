package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture/accept"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/state"
)

type acceptFlags struct {
	on, why, until string
	remove, json   bool
}

func newAccept() *cobra.Command {
	var f acceptFlags
	cmd := &cobra.Command{
		Use:   "accept [CONTROL]",
		Short: "Leave a finding as it is: known, by whom, why, until when",
		Long: `Accept says that you know what a control finds and leave it. The finding stays in
the report, with your name and your reason; it leaves the exit status and the
digest. It is open again after 90 days, when it gets worse, or when what it is
about is no longer the same.

What leaves the agent without a boundary cannot be accepted. Without CONTROL it
lists what is accepted.`,
		Example: `  seawall accept firewall-port-open --on 0.0.0.0:8443 --why "the shop is meant to be seen"
  seawall accept ssh-port --why "a scan costs us nothing" --until 2027-06-30
  seawall accept ssh-port --remove`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listAccepted(cmd, f)
			}
			return acceptFinding(cmd, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.on, "on", "", "only the finding about this `object`, as the report names it")
	flags.StringVar(&f.why, "why", "", "the `reason`, in a sentence")
	flags.StringVar(&f.until, "until", "", "the `day` (2027-01-31) after which it is open again; without it in 90 days")
	flags.BoolVar(&f.remove, "remove", false, "accept it no longer")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("remove", "why")
	cmd.MarkFlagsMutuallyExclusive("remove", "until")
	return cmd
}

func acceptFinding(cmd *cobra.Command, control string, f acceptFlags) error {
	until, err := lastDay(f.until)
	if err != nil {
		return err
	}
	dir, err := stateToKeep()
	if err != nil {
		return err
	}
	defer dir.Close()
	out := cmd.OutOrStdout()
	if f.remove {
		n, err := accept.Remove(dir, control, f.on)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %d findings are open again.\n", control, n)
		return nil
	}
	done := progress(cmd, "Reading this machine")
	a := survey.Audit(cmd.Context(), host.Live(), version(), survey.Caller(os.Getenv))
	done()
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	found, err := accept.Add(dir, a, accept.Wish{Control: control, Object: f.on, By: who(), Why: f.why, Until: until}, time.Now())
	if err != nil {
		return err
	}
	return printAccepted(out, found, f.json)
}

// stateToKeep opens the state, and makes it where there is none yet.
func stateToKeep() (*state.Dir, error) {
	dir, err := state.Existing(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return state.Open(stateDir)
	}
	return dir, err
}

// lastDay is the end of a day that a person named.
func lastDay(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, day, time.Local)
	if err != nil {
		return t, fmt.Errorf("--until: %q is no day: write it as 2027-01-31", day)
	}
	return t.AddDate(0, 0, 1), nil
}

func listAccepted(cmd *cobra.Command, f acceptFlags) error {
	if f.on != "" || f.why != "" || f.until != "" || f.remove {
		return errors.New("name the control that is meant: `seawall audit --all` shows them under each finding")
	}
	dir, err := existingState()
	if err != nil {
		return err
	}
	defer dir.Close()
	all, err := accept.Load(dir)
	if err != nil {
		return err
	}
	return printAccepted(cmd.OutOrStdout(), all, f.json)
}

func printAccepted(out io.Writer, all []accept.Entry, asJSON bool) error {
	if asJSON {
		if all == nil {
			all = []accept.Entry{}
		}
		return json.NewEncoder(out).Encode(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "Nothing is accepted.")
	}
	for _, e := range all {
		until := "until " + e.Until.Local().Format(time.DateOnly)
		if !time.Now().Before(e.Until) {
			until = "ended " + e.Until.Local().Format(time.DateOnly)
		}
		fmt.Fprintf(out, "%-8s  %s, on %s\n          by %s, %s: %s\n", e.Severity, e.Control,
			cmp.Or(printable(e.Object), "the machine"), printable(e.By), until, printable(e.Why))
	}
	return nil
}
