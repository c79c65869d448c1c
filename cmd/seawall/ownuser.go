package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/ownuser"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/state"
)

// helpOwnUser is the topic `seawall help own-user`.
func helpOwnUser() *cobra.Command {
	return &cobra.Command{
		Use:   "own-user",
		Short: "How to give OpenClaw a user of its own",
		Long: `Seawall protects only what the agent cannot reach. An OpenClaw that runs as root,
or as the user that runs Seawall, can read Seawall's keys and switch it off. To
give it a user of its own, as root:

  seawall connect --own-user

It shows what it will do and asks first: it makes the system user "openclaw", with
no login and no group that leads to root, stops OpenClaw, copies its state and
workspaces to /var/lib/openclaw, changes the paths in them, and starts it there by
a unit of systemd's. What was there before stays beside its place until you
disconnect or delete it.

  seawall boundary     try to reach Seawall as that user: all of it has to fail
  seawall disconnect   back to the old user, with what the agent wrote since

docs/own-user.md says more, and how to do it by hand.`,
	}
}

// giveOwnUser moves an OpenClaw to a user of its own and returns the path of its
// openclaw.json there.
func giveOwnUser(cmd *cobra.Command, dir *state.Dir, f connectFlags) (config string, err error) {
	ctx := cmd.Context()
	if os.Geteuid() != 0 {
		return "", errors.New("making a user takes root: sudo seawall connect --own-user")
	}
	plan, off, err := prepareOwnUser(cmd, dir, f)
	if err != nil {
		return "", err
	}
	plan.Steps = append(disconnect(off), plan.Steps...)
	err = carryOutSteps(cmd, plan, f.yes, "Move OpenClaw to a user of its own?", "OpenClaw has a user of its own already.")
	if err != nil && !errors.Is(err, errNo) {
		err = fmt.Errorf("%w; run the same again to go on, or seawall disconnect to go back", err)
	}
	if err != nil {
		return "", err
	}
	user, config, err := ownuser.Moved(dir)
	if err != nil || config == "" {
		return f.only, err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "OpenClaw runs as %s. Its commands from now on: sudo -H -u %s openclaw …\n\n", user, user)
	return config, ctx.Err()
}

// prepareOwnUser plans the move, and what has to be undone of an earlier connect.
func prepareOwnUser(cmd *cobra.Command, dir *state.Dir, f connectFlags) (*install.Plan, []*connect.Plan, error) {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	if ownuser.Begun(dir) {
		plan, err := ownuser.Prepare(ctx, dir, openclaw.Install{}, "", f.user)
		return plan, nil, err
	}
	installs, err := findOpenClaw(ctx, out, f.only)
	if err != nil {
		return nil, nil, err
	}
	if len(installs) > 1 {
		return nil, nil, fmt.Errorf("there are %d OpenClaws here: say with --openclaw which one moves (%s, …)", len(installs), installs[0].ConfigPath)
	}
	in := installs[0]
	node, err := survey.NodeOf(in)
	if err != nil {
		return nil, nil, err
	}
	plan, err := ownuser.Prepare(ctx, dir, in, node, f.user)
	if err != nil || plan.Empty() {
		return plan, nil, err
	}
	all, err := connect.Undo(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	var off []*connect.Plan
	for _, p := range all {
		if p.Config == in.ConfigPath {
			off = append(off, p)
		}
	}
	return plan, off, nil
}

// auditAgain reads this machine anew: who OpenClaw is has changed.
func auditAgain(cmd *cobra.Command, dir *state.Dir, config string) error {
	done := progress(cmd, "Reading this machine")
	a := survey.Audit(cmd.Context(), host.Live(), version(), survey.Caller(environment(config)))
	done()
	return survey.Remember(dir, a)
}

// tryNow makes the attempts to reach Seawall as the agent, where root can.
func tryNow(cmd *cobra.Command, dir *state.Dir, config string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	done := progress(cmd, "Trying to reach Seawall as the agent")
	r, err := attemptAll(cmd.Context(), dir, config)
	done()
	if err != nil {
		return err
	}
	why, fix := r.Doubt(time.Now())
	if why == "" {
		fmt.Fprintln(cmd.OutOrStdout(), "Boundary "+r.String()+".")
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Note: %s. To change that: %s\n", why, fix)
	return nil
}

// disconnectAndMove takes OpenClaw off the doors and back to its old user.
func disconnectAndMove(cmd *cobra.Command, dir *state.Dir, plans []*connect.Plan, move *install.Plan, yes bool) error {
	showPlans(cmd.OutOrStdout(), plans, 0)
	move.Steps = append(disconnect(plans), move.Steps...)
	yes, err := agreedTo(cmd, plans, yes)
	if err != nil {
		return err
	}
	err = carryOutSteps(cmd, move, yes, "Disconnect OpenClaw from Seawall, and move it back?", "OpenClaw is not connected; nothing to do.")
	switch {
	case errors.Is(err, errNo), errors.Is(err, context.Canceled):
		return err
	case err != nil:
		return fmt.Errorf("%w; run the same again to go on", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "OpenClaw is as it was before: its model calls do not pass Seawall, and it has its old user.")
	return auditAgain(cmd, dir, "")
}
