package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/bugreport"
	"github.com/openseawall/seawall/internal/doctor"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/state"
)

func newBugreport() *cobra.Command {
	return &cobra.Command{
		Use:   "bugreport [FILE]",
		Short: "Write what is asked for when something is wrong, secrets taken out",
		Long: `Bugreport writes one text file that only you can read: versions, what doctor and
status say, the policy, the last rows of the record without texts, units and their
journal, cases kept by "seawall why --wrong", and the machine as an audit reads
it, OpenClaw's config included. Secrets are taken out. It sends nothing: read the
file, then attach it where you ask for help.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			now := time.Now()
			path := "seawall-bugreport-" + now.Format("20060102-150405") + ".txt"
			if len(args) > 0 {
				path = args[0]
			}
			return writeReport(cmd, path, now)
		},
	}
}

func writeReport(cmd *cobra.Command, path string, now time.Time) error {
	ctx := cmd.Context()
	// Whatever is there already may be somebody else's.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and is not overwritten: name another file", path)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	done := progress(cmd, "Reading this machine")
	patient := doctor.This(stateDir, version())
	s := bugreport.Subject{Version: version(), Machine: patient.Machine, Host: patient.Host, Now: now}
	s.Options = append(s.Options, survey.Caller(environment("")))
	s.Findings, s.Unwell = doctor.Examine(ctx, patient)
	if status, err := readStatus(cmd); err != nil {
		s.Status = map[string]string{"error": err.Error()}
	} else {
		status.Last = nil // their texts are nobody's business
		s.Status = status
	}
	if dir, err := state.Existing(stateDir); err == nil {
		defer dir.Close()
		s.Dir = dir
	}
	text, err := bugreport.Gather(ctx, s)
	done()
	if err == nil {
		_, err = f.Write(text)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	fmt.Fprintf(cmd.OutOrStdout(), "The report is in %s (%d kB, for your eyes only). Nothing was sent.\nSecrets were taken out; read it before you send it, names and addresses of this machine are in it.\n", path, (len(text)+999)/1000)
	return nil
}
