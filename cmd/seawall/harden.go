package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/accept"
	"github.com/openseawall/seawall/internal/posture/change"
	"github.com/openseawall/seawall/internal/posture/controls"
	"github.com/openseawall/seawall/internal/posture/harden"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/state"
)

// confirmWithin is how long a change that could lock the operator out stands
// without a confirmation, unless told.
const confirmWithin = 2 * time.Minute

type hardenFlags struct {
	apply, yes, json, force, firstBoot bool
	profile, plan                      string
	only, close                        []string
	cloudInit, sha256                  string
	within                             time.Duration
}

func newHarden() *cobra.Command {
	var f hardenFlags
	cmd := &cobra.Command{
		Use:   "harden",
		Short: "Change this machine so that it stands as it should, and take that back",
		Long: `Harden says what it would change on this machine, as diffs, grouped by what that
may cost, and touches nothing. With --apply it asks once and does it; every step
is in a journal before it is done, and rollback takes it back. What could keep
you out (sshd, the firewall) is taken back by itself after 2 minutes unless you
confirm it from a new connection.

Exit status: 0 when there is nothing to do or all was done, 1 when there is
something to do or a step failed, 2 when it could not run.`,
		Example: `  sudo seawall harden                        the plan
  sudo seawall harden --apply                apply it; asks once
  sudo seawall harden confirm                from a new connection
  sudo seawall harden rollback               take the last run back
  sudo seawall harden --only ssh-max-auth-tries --apply
  sudo seawall harden --profile mine.yaml    a profile of your own`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.cloudInit != "" {
				return cloudInit(cmd, f)
			}
			return hardenThis(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.apply, "apply", false, "apply the plan; asks once")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask; a port in use is closed only by --close")
	flags.BoolVar(&f.json, "json", false, "print the plan as JSON")
	flags.BoolVar(&f.force, "force-lockout", false, "leave in the plan what would lock you out; it is taken back by itself")
	flags.BoolVar(&f.firstBoot, "first-boot", false, "with --apply: wait for no confirmation, since nobody is logged in yet")
	flags.DurationVar(&f.within, "confirm-within", confirmWithin, "how long what could lock you out stands unconfirmed")
	flags.StringVar(&f.profile, "profile", posture.Profiles[0], "vps, private, provider, or the path of a YAML `file` that overrides single settings")
	flags.StringVar(&f.plan, "plan", "", "with --apply: only if the plan is still the one of this `ID`")
	flags.StringSliceVar(&f.only, "only", nil, "only this `CONTROL` (several times, or with commas)")
	flags.StringSliceVar(&f.close, "close", nil, "this `PORT` is in use and may be closed: 3306, 51820/udp")
	flags.StringVar(&f.cloudInit, "cloud-init", "", "print user-data that does all of it at first boot, with the program from this `PATH-OR-URL`")
	flags.StringVar(&f.sha256, "sha256", "", "with --cloud-init: the program's SHA-256, in `hex`")
	cmd.MarkFlagsMutuallyExclusive("apply", "json")
	cmd.AddCommand(newConfirm(), newRollback(), newRevert())
	return cmd
}

// hardenThis plans, and applies where it is told to.
func hardenThis(cmd *cobra.Command, f hardenFlags) error {
	if f.apply {
		if err := needRoot("harden --apply"); err != nil {
			return err
		}
	}
	if !f.json {
		if err := saidWhereItStands(cmd); err != nil {
			return err
		}
	}
	p, facts, err := propose(cmd, f)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if f.json {
		if err := writeJSON(out, p); err != nil {
			return fmt.Errorf("printing the plan: %w", err)
		}
	} else {
		harden.Text(out, p, harden.Look{Colour: colour(out), Width: width(out), Root: os.Geteuid() == 0})
	}
	if p.Plan.Empty() {
		return nil
	}
	if !f.apply {
		return errNo
	}
	if f.plan != "" && f.plan != p.Plan.ID() {
		return fmt.Errorf("the plan is another one than %s by now: nothing was done", f.plan)
	}
	return applyPlan(cmd, f, p, facts)
}

// propose reads the machine and makes the plan.
func propose(cmd *cobra.Command, f hardenFlags) (*harden.Proposal, *posture.Facts, error) {
	profile, err := readProfile(f.profile)
	if err != nil {
		return nil, nil, err
	}
	o := harden.Options{Only: f.only, Force: f.force}
	for _, s := range f.close {
		port, err := change.ParsePort(s)
		if err != nil {
			return nil, nil, fmt.Errorf("--close: %w", err)
		}
		o.Close = append(o.Close, port)
	}
	done := progress(cmd, "Reading this machine")
	defer done()
	facts := survey.Facts(cmd.Context(), host.Live(), survey.Caller(os.Getenv))
	facts.Aim = harden.Operator(facts, change.ThisSession(), os.Getenv)
	facts.Aim.Profile = profile
	a := posture.Run(cmd.Context(), facts, controls.All)
	if dir, err := state.Existing(stateDir); err == nil {
		all, err := accept.Load(dir)
		dir.Close()
		if err != nil {
			return nil, nil, err
		}
		accept.Apply(a, all, a.Time)
	}
	if err := cmd.Context().Err(); err != nil {
		return nil, nil, err
	}
	p, err := harden.Propose(cmd.Context(), change.This(), facts, a, controls.All, o)
	if err == nil {
		p.Profile = f.profile
	}
	return p, facts, err
}

func readProfile(name string) (posture.Profile, error) {
	p, err := posture.ShippedProfile(name)
	if err == nil {
		return p, nil
	}
	text, e := os.ReadFile(name)
	if errors.Is(e, fs.ErrNotExist) {
		return p, fmt.Errorf("--profile: %w", err)
	}
	if e != nil {
		return p, fmt.Errorf("--profile: reading it: %w", e)
	}
	if p, err = posture.ParseProfile(text); err != nil {
		return p, fmt.Errorf("--profile %s: %w", name, err)
	}
	return p, nil
}

// hardenWork is what applies and takes back on this machine.
func hardenWork(cmd *cobra.Command, dir *state.Dir, make bool) (*change.Work, error) {
	runs, err := change.OpenRuns(dir, make)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	out := cmd.OutOrStdout()
	return &change.Work{
		Machine: change.This(), Runs: runs, By: harden.Who(os.Getenv), Version: version(),
		Watch: change.Alarm{Machine: change.This(), Program: program, State: dir.String()},
		Tell:  func(e change.Event) { harden.Tell(out, e) },
	}, nil
}

// applyPlan asks once, and does it.
func applyPlan(cmd *cobra.Command, f hardenFlags, p *harden.Proposal, facts *posture.Facts) error {
	out := cmd.OutOrStdout()
	fmt.Fprintln(out)
	if err := consent(cmd, f.yes, "Apply this?"); err != nil {
		return err
	}
	dir, err := state.Open(stateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	w, err := hardenWork(cmd, dir, true)
	if err != nil {
		return err
	}
	defer w.Runs.Close()
	w.Confirm = f.within
	w.Validate = func(ctx context.Context, config string) error {
		for _, in := range facts.OpenClaw.Value {
			if in.ConfigPath == config {
				return survey.Validate(ctx, in)
			}
		}
		return nil
	}
	if f.within < 5*time.Second {
		return errors.New("--confirm-within: nobody confirms that fast: give it 5s or more")
	}
	if f.firstBoot {
		if err := harden.FirstBoot(); err != nil {
			return err
		}
		w.Confirm = 0
	}
	run, err := w.Apply(cmd.Context(), p.Plan)
	if err != nil {
		return err
	}
	return applied(out, run, f.within)
}

// applied says how a run ended, and what is to be done now.
func applied(out io.Writer, run *change.Run, within time.Duration) error {
	done, all := run.Counts()
	fmt.Fprintf(out, "\nRun %d: %d of %d steps done.\n", run.N, done, all)
	if run.Status == change.Waiting {
		fmt.Fprintf(out, `
Now, within %s (until %s), from a NEW connection, in another terminal:

    sudo seawall harden confirm

Without it sshd and the firewall go back to what they were. Leave this terminal open
until then.
`, within, run.Deadline.Local().Format("15:04:05"))
	}
	fmt.Fprintln(out, "To take it all back: sudo seawall harden rollback")
	if done < all {
		return errNo
	}
	return nil
}

func newConfirm() *cobra.Command {
	return &cobra.Command{
		Use:   "confirm",
		Short: "Say, from a new connection, that you still get in",
		Long: `Confirm keeps what the last run changed of sshd and the firewall. It counts only from
an SSH connection that was opened after the change, since an older one would have
survived anything; or from the machine's own console.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRuns(cmd, "harden confirm", func(w *change.Work) error {
				session := change.ThisSession()
				run, err := w.ConfirmFrom(cmd.Context(), session)
				if err != nil {
					return err
				}
				if !session.SSH {
					fmt.Fprintln(cmd.OutOrStdout(), "This is no SSH session, so it proves nothing about SSH: taken as your word.")
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Run %d is confirmed and stays. To take it back: sudo seawall harden rollback\n", run.N)
				return nil
			})
		},
	}
}

// withRuns opens the journal of what was applied to this machine.
func withRuns(cmd *cobra.Command, name string, do func(*change.Work) error) error {
	if err := needRoot(name); err != nil {
		return err
	}
	dir, err := state.Existing(stateDir)
	if err == nil {
		defer dir.Close()
		var w *change.Work
		if w, err = hardenWork(cmd, dir, false); err == nil {
			defer w.Runs.Close()
			return do(w)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("seawall harden --apply never ran here, so there is nothing to confirm or to take back")
	}
	return err
}

func newRollback() *cobra.Command {
	var yes, purge bool
	cmd := &cobra.Command{
		Use:   "rollback [N]",
		Short: "Take back what harden did, from run N on; the last run without one",
		Long: `Rollback brings back what stood before run N: exact bytes, modes, owners, units,
kernel parameters, the ruleset. Where somebody changed a file since, only Seawall's
own edits go, and what was left is said. Runs after N are taken back with it, once
you agree. Installed packages stay unless --purge.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRuns(cmd, "harden rollback", func(w *change.Work) error { return rollback(cmd, w, args, yes, purge) })
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&purge, "purge", false, "remove the packages that were installed, too")
	return cmd
}

func rollback(cmd *cobra.Command, w *change.Work, args []string, yes, purge bool) error {
	runs, err := harden.ToTakeBack(w.Runs, args)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	harden.ShowTakeBack(out, runs, purge)
	if len(runs) == 0 {
		return nil
	}
	if err := consent(cmd, yes, "Take this back?"); err != nil {
		return err
	}
	for _, run := range runs {
		if _, err := w.Rollback(cmd.Context(), run.N, purge); err != nil {
			return err
		}
		fmt.Fprintf(out, "Run %d is taken back.\n", run.N)
	}
	return nil
}

// newRevert is what the watch runs.
func newRevert() *cobra.Command {
	var after time.Duration
	cmd := &cobra.Command{
		Use: "revert N", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRuns(cmd, "harden revert", func(w *change.Work) error {
				return harden.Revert(cmd.Context(), w, args[0], after)
			})
		},
	}
	cmd.Flags().DurationVar(&after, "after", 0, "")
	return cmd
}

// saidWhereItStands tells of a run that was interrupted or waits.
func saidWhereItStands(cmd *cobra.Command) error {
	if os.Geteuid() != 0 {
		return nil
	}
	dir, err := state.Existing(stateDir)
	if err != nil {
		return nil // nothing was ever applied
	}
	defer dir.Close()
	runs, err := change.OpenRuns(dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer runs.Close()
	all, err := runs.All()
	if err != nil {
		return err
	}
	harden.WhereItStands(cmd.OutOrStdout(), all)
	return nil
}
