package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/ownuser"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/state"
)

type removeFlags struct{ yes, purge, turn bool }

func newRemove() *cobra.Command {
	var f removeFlags
	cmd := &cobra.Command{
		Use:   "remove",
		Short: "Take Seawall off this machine again",
		Long: `Remove takes back all that Seawall did to this machine, the newest first:
OpenClaw gets its keys and addresses back and loses the plugin, the doors close,
units and user go. It needs no running door, no readable record and no valid
policy. It shows what it will do and asks first, and says what it leaves: the
state directory stays unless --purge deletes it.

At the end it offers a turn of OpenClaw, to see that it works without Seawall;
that costs what your model costs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return remove(cmd, f) },
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask, and leave the turn out")
	cmd.Flags().BoolVar(&f.purge, "purge", false, "delete the state directory as well: policy and record")
	cmd.Flags().BoolVar(&f.turn, "turn", false, "take the turn of OpenClaw without asking")
	return cmd
}

func remove(cmd *cobra.Command, f removeFlags) error {
	out := cmd.OutOrStdout()
	if err := needRoot("remove"); err != nil {
		return err
	}
	dir, err := state.Existing(stateDir)
	if errors.Is(err, fs.ErrNotExist) && install.This().Status(cmd.Context()).Installed {
		dir, err = state.Open(stateDir) // somebody deleted it
	}
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(out, "There is no Seawall in %s; nothing to do.\n", stateDir)
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	connected, err := connect.Undo(cmd.Context(), dir)
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	plan, err := install.Remove(cmd.Context(), install.This(), dir, f.purge)
	if err != nil {
		return err
	}
	move, err := ownuser.Undo(cmd.Context(), dir)
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	showPlans(out, connected, 0)
	plan.Steps = slices.Concat(disconnect(connected), move.Steps, plan.Steps)
	plan.Notes = append(move.Notes, plan.Notes...)
	yes, err := agreedTo(cmd, connected, f.yes)
	if err != nil {
		return err
	}
	if err := carryOutSteps(cmd, plan, yes, "Take Seawall off this machine?", "Seawall did nothing to this machine that is still there."); err != nil {
		return err
	}
	for _, left := range install.Left(install.This(), dir) {
		fmt.Fprintf(out, "Left: %s.\n", left)
	}
	if plan.Empty() {
		return nil
	}
	return tryWithout(cmd, connected, f)
}

// disconnect are the steps that take OpenClaw off the doors.
func disconnect(plans []*connect.Plan) (steps []install.Step) {
	for _, p := range plans {
		steps = append(steps, install.NewStep("give "+p.Config+" its own addresses and keys back", p.Apply))
	}
	return steps
}

// tryWithout has each OpenClaw that was connected take a turn.
func tryWithout(cmd *cobra.Command, plans []*connect.Plan, f removeFlags) error {
	out := cmd.OutOrStdout()
	if len(plans) == 0 || f.yes && !f.turn {
		return nil
	}
	if !f.turn {
		agreed, err := ask(cmd, "Have OpenClaw take one turn, to see that it works?")
		if err != nil || !agreed {
			return err
		}
	}
	h := host.Live()
	facts := host.Read(cmd.Context(), h)
	for _, p := range plans {
		installs := openclaw.Discover(cmd.Context(), h, facts, survey.Caller(environment(p.Config)))
		for _, i := range installs.Value {
			if i.ConfigPath != p.Config {
				continue
			}
			said, err := survey.Turn(cmd.Context(), i, "Answer with one word: working.")
			if err != nil {
				return fmt.Errorf("OpenClaw is as it was before Seawall, but a turn of %s failed: %w; openclaw doctor says more", p.Config, err)
			}
			fmt.Fprintf(out, "OpenClaw works without Seawall. It said: %.200q\n", said)
		}
	}
	return nil
}
