package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/ledger/damage"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

func newFreeze() *cobra.Command {
	var asJSON, all, yes bool
	since := "1h"
	cmd := &cobra.Command{
		Use:   "freeze",
		Short: "Stop the agent now: every door denies, running turns end",
		Long: `Freeze stops all that the agent does, now and until "seawall thaw": every call is
denied, answers that stream are cut, no model is asked. OpenClaw is told to end the
turns that run. It holds over restarts, and works when no door is open. Programs
that the agent put into the background run on: on a terminal it asks whether to
end them, too, and with --yes it does.

Then it prints what the agent did in the last hour, as "seawall log --damage" does.

Exit status: 0 when all of it is done, 1 when something of the agent may still
run (it says what), 2 when nothing could be frozen.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return freeze(cmd, since, asJSON, all, yes) },
	}
	cmd.Flags().StringVar(&since, "since", since, "tell what was done since this `time` or so long ago")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&all, "all", false, "tell all that was done, not a screen of it")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "end the programs that the agent started and that still run, too")
	return cmd
}

// frozenNow is what `seawall freeze --json` prints.
type frozenNow struct {
	Frozen  operator.Frozen `json:"frozen"`
	Already bool            `json:"already"`           // it was frozen before
	Row     int64           `json:"row,omitempty"`     // in which the doors said that they have taken it
	Problem string          `json:"problem,omitempty"` // why they did not
	Open    bool            `json:"open"`              // a door is
	Agents  []proof.Aborted `json:"agents"`
	Damage  damage.Report   `json:"damage"`
}

func freeze(cmd *cobra.Command, since string, asJSON, all, yes bool) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	from, err := moment(since, time.Now())
	if err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	dir, err := frozenState("freeze")
	if err != nil {
		return err
	}
	defer dir.Close()
	n := frozenNow{Open: dir.Locked()}
	before := service.LastRow(ctx, dir)
	var fresh bool
	if n.Frozen, fresh, err = operator.Freeze(dir, who()+", by seawall freeze", time.Now()); err != nil {
		return fmt.Errorf("%w; nothing is frozen. To end the doors, and with them the agent's way to its model: seawall stop", err)
	}
	n.Already = !fresh
	if !asJSON {
		fmt.Fprintln(out, printable(n.Frozen.String())+".")
	}
	if n.Agents, err = proof.Abort(ctx, dir); err != nil {
		n.Problem = err.Error()
	}
	if err := n.endPrograms(cmd, yes, !asJSON); err != nil {
		n.Problem = err.Error()
	}
	if n.Open && fresh {
		if n.Row, err = service.AwaitTaken(ctx, dir, service.Froze, before); err != nil {
			n.Problem = err.Error()
		}
	}
	if n.Damage, err = readDamage(ctx, dir, ledger.Filter{Since: from}); err != nil {
		return fmt.Errorf("it is frozen, but what happened before cannot be read: %w", err)
	}
	if asJSON {
		err = writeJSON(out, n)
	} else {
		err = printFrozen(out, dir, n, all)
	}
	if err == nil && !n.done() {
		return errNo
	}
	return err
}

// endPrograms ends what the agent started and still runs, where that is wanted.
func (n *frozenNow) endPrograms(cmd *cobra.Command, yes, mayAsk bool) error {
	var which []string
	for _, a := range n.Agents {
		if a.Endable() > 0 {
			for _, p := range a.Running {
				which = append(which, fmt.Sprintf("  %d  %s", p.PID, printable(p.Command)))
			}
		}
	}
	if len(which) == 0 {
		return nil
	}
	if !yes && mayAsk && terminal(cmd.InOrStdin()) {
		fmt.Fprintf(cmd.OutOrStdout(), "Still runs, started by the agent:\n%s\n", strings.Join(which, "\n"))
		agreed, err := ask(cmd, "End it?")
		if err != nil {
			return err
		}
		yes = agreed
	}
	if !yes {
		return nil
	}
	for i := range n.Agents {
		n.Agents[i].EndPrograms(cmd.Context())
	}
	return nil
}

// done reports whether nothing of the agent runs any more, as far as can be seen.
func (n frozenNow) done() bool {
	for _, a := range n.Agents {
		if a.Problem != "" || len(a.Running) > 0 {
			return false
		}
	}
	return n.Problem == ""
}

func printFrozen(w io.Writer, dir *state.Dir, n frozenNow, all bool) error {
	routes, err := model.LoadRoutes(dir)
	if err != nil {
		return err
	}
	switch {
	case n.Row > 0:
		fmt.Fprintf(w, "The doors have taken it (#%d): every call is denied, no model is asked.\n", n.Row)
	case n.Open && n.Already:
		fmt.Fprintln(w, "It was frozen before; the doors deny.")
	case !n.Open && len(routes) > 0:
		fmt.Fprintln(w, "No door is open, so the agent cannot reach its model anyway. The next one that opens is frozen.")
	case !n.Open:
		fmt.Fprintln(w, "No door is open, and no OpenClaw is connected: what runs past Seawall, this does not stop. The next door that opens is frozen.")
	}
	if n.Problem != "" {
		fmt.Fprintln(w, "Problem:", n.Problem)
	}
	for _, a := range n.Agents {
		printAborted(w, a)
	}
	fmt.Fprintln(w, "To end it: seawall thaw")
	fmt.Fprintln(w)
	return printDamage(w, n.Damage, all)
}

func printAborted(w io.Writer, a proof.Aborted) {
	switch {
	case a.Problem != "":
		fmt.Fprintf(w, "Problem: OpenClaw could not be told to end its turns (%s). They get no more answers and no call of theirs runs; to end OpenClaw itself: openclaw gateway stop\n", printable(a.Problem))
	case a.Gateway == 0:
		fmt.Fprintf(w, "The OpenClaw of %s does not run.\n", a.Config)
	case len(a.Sessions) == 0:
		fmt.Fprintln(w, "No turn of OpenClaw's was running.")
	default:
		for _, s := range a.Sessions {
			fmt.Fprintln(w, "Ended a running turn: session", printable(s))
		}
	}
	for _, p := range a.Ended {
		fmt.Fprintf(w, "Ended, started by the agent: %s (process %d)\n", printable(p.Command), p.PID)
	}
	for _, p := range a.Running {
		fmt.Fprintf(w, "Still runs, started by the agent: %s (to end it: kill %d)\n", printable(p.Command), p.PID)
	}
}

func newThaw() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "thaw",
		Short: "End a freeze: the doors decide by the policy again",
		Long: `Thaw ends what "seawall freeze" began. It is for whoever may write the state
directory, and for nobody else: an agent that calls it is stopped, and one of
another user cannot.`,
		Args:    cobra.NoArgs,
		PreRunE: asOwner,
		RunE:    func(cmd *cobra.Command, _ []string) error { return thaw(cmd, yes) },
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func thaw(cmd *cobra.Command, yes bool) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	dir, err := frozenState("thaw")
	if err != nil {
		return err
	}
	defer dir.Close()
	f := operator.FrozenIn(dir)
	if f == nil {
		fmt.Fprintln(out, "Nothing is frozen.")
		return nil
	}
	fmt.Fprintln(out, printable(f.String())+". What happened before: seawall log --damage.")
	if !yes {
		agreed, err := ask(cmd, "Let the agent go on?")
		if err != nil {
			return err
		}
		if !agreed {
			fmt.Fprintln(out, "It stays frozen.")
			return errNo
		}
	}
	before := service.LastRow(ctx, dir)
	if _, err := operator.Thaw(dir); err != nil {
		return err
	}
	if !dir.Locked() {
		fmt.Fprintln(out, "Thawed. No door is open: seawall status.")
		return nil
	}
	// Each decision looks for itself. Doors that saw nothing of a short freeze
	// have no row about its end.
	row := ""
	if id, err := service.AwaitTaken(ctx, dir, service.Thawed, before); err == nil {
		row = fmt.Sprintf(" (#%d)", id)
	}
	fmt.Fprintf(out, "Thawed%s. Turns that were ended do not go on by themselves.\n", row)
	return ctx.Err()
}

func newStop() *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "Ask which is meant: freezing the agent, or ending Seawall",
		Long: `Stop asks which of two is meant: to freeze the agent, or to end Seawall's doors.
Without a terminal it prints the command of each and ends with exit status 2.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return stop(cmd) },
	}
}

func stop(cmd *cobra.Command) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	dir, err := frozenState("stop")
	if err != nil {
		return err
	}
	defer dir.Close()
	end, doing, err := stopDoors(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "To stop the agent, with Seawall watching:        seawall freeze")
	fmt.Fprintln(out, "To end Seawall's doors, and so its model calls: ", doing)
	fmt.Fprintln(out, "To give OpenClaw its models back without Seawall: seawall disconnect")
	if !terminal(cmd.InOrStdin()) {
		return errors.New("say which you mean: one of the commands above")
	}
	if agreed, err := ask(cmd, "Freeze the agent?"); err != nil {
		return err
	} else if agreed {
		return freeze(cmd, "1h", false, false, false)
	}
	if end == nil {
		return errNo
	}
	if agreed, err := ask(cmd, "End Seawall's doors?"); err != nil || !agreed {
		return errors.Join(err, errNo)
	}
	return end(ctx)
}

// stopDoors says how the doors are ended, and ends them where they are a service.
func stopDoors(ctx context.Context, dir *state.Dir) (end func(context.Context) error, doing string, err error) {
	if s := install.This().Status(ctx); s.Installed && install.Uses(dir) {
		return install.This().Stop, install.StopCommand(), nil
	}
	i, err := service.Find(dir)
	switch {
	case err != nil:
		return nil, "", err
	case i != nil:
		return nil, "Ctrl-C where `seawall up` runs", nil
	case dir.Locked():
		return nil, "Ctrl-C where `seawall guard` runs", nil
	}
	return nil, "nothing: no door is open", nil
}

// frozenState opens the state directory for a command that needs one.
func frozenState(command string) (*state.Dir, error) {
	dir, err := state.Existing(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no Seawall in %s, so there is nothing to %s: name its state directory with --state DIR", stateDir, command)
	}
	return dir, err
}

// who is the person at this terminal.
func who() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return printable(name)
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
