package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/state"
)

func newInstall() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Make Seawall a service that starts with the machine",
		Long: `Install makes a service of this program: a user of its own, units for systemd
with a tight sandbox, and sockets that systemd holds, so that the doors are
there before OpenClaw starts and while Seawall is updated. It shows what it will
do and asks first. Running it twice changes nothing more; running it with a newer
program updates the service without failing a request.

OpenClaw is connected by "seawall connect", not by this. "seawall remove" takes
all of it back.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needRoot("install"); err != nil {
				return err
			}
			dir, err := state.Open(stateDir)
			if err != nil {
				return err
			}
			defer dir.Close()
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("finding this program: %w", err)
			}
			plan, err := install.Prepare(cmd.Context(), install.This(), dir, program)
			if err != nil {
				return err
			}
			return makeService(cmd, dir, plan, yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func needRoot(command string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%s changes this machine's services, which needs root: sudo seawall %s", command, command)
	}
	return nil
}

func makeService(cmd *cobra.Command, dir *state.Dir, plan *install.Plan, yes bool) error {
	out := cmd.OutOrStdout()
	if err := carryOutSteps(cmd, plan, yes, "Make Seawall a service?", "Seawall is a service already; nothing to do."); err != nil || plan.Empty() {
		return err
	}
	done := progress(cmd, "Reading this machine")
	a := survey.Audit(cmd.Context(), host.Live(), version(), survey.Caller(environment("")))
	done()
	if err := survey.Remember(dir, a); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nSeawall runs, and starts with the machine. Next: seawall connect, then seawall status.")
	return nil
}

// carryOutSteps shows a plan, asks, and does it.
func carryOutSteps(cmd *cobra.Command, plan *install.Plan, yes bool, question, nothing string) error {
	out := cmd.OutOrStdout()
	showSteps(out, plan)
	if plan.Empty() {
		fmt.Fprintln(out, nothing)
		return nil
	}
	if err := consent(cmd, yes, question); err != nil {
		return err
	}
	return plan.Apply(cmd.Context(), func(s install.Step) { fmt.Fprintln(out, "done:", s.What) })
}

func showSteps(w io.Writer, plan *install.Plan) {
	w = plain.Writer(w)
	if !plan.Empty() {
		fmt.Fprintln(w, "This will, in this order:")
	}
	for _, s := range plan.Steps {
		fmt.Fprintln(w, "  "+s.What)
	}
	for _, note := range plan.Notes {
		fmt.Fprintln(w, "Note:", note+".")
	}
}

// isService says so, where Seawall is a service of this machine that uses this
// state directory; up has nothing to do then.
func isService(ctx context.Context, w io.Writer, dir *state.Dir) (bool, error) {
	s := install.This().Status(ctx)
	switch {
	case !s.Installed || !install.Uses(dir):
		return false, nil
	case !s.Active && !s.Enabled:
		return false, nil // switched off: its sockets are closed, too
	case !s.Active && s.Said != "":
		return true, errors.New(s.Said + " (journalctl -u seawall)")
	case !s.Active:
		return true, errors.New("the service of Seawall does not run: systemctl start seawall.socket seawall, or seawall remove")
	}
	fmt.Fprintln(w, "Seawall runs here as a service, so there is nothing to start.")
	fmt.Fprintln(w, "How it stands: seawall status. To connect OpenClaw: seawall connect. To read this machine again: seawall audit.")
	return true, nil
}
