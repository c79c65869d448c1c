package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/ownuser"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

func newConnect() *cobra.Command {
	var f connectFlags
	cmd := &cobra.Command{
		Use:   "connect",
		Short: "Send OpenClaw's model calls through Seawall",
		Long: `Connect lists every way in which OpenClaw would reach a model: providers in its
config, auth profiles, keys in its environment, an agent's models.json. It edits
openclaw.json so that those which can are reached through Seawall's door, and
moves their keys into Seawall's state. Where a key stands outside the config, the
provider gets an entry there. For the others it says which setting keeps them
from it.

It installs a plugin beside the state directory, by which OpenClaw asks Seawall
before it runs a call; where that cannot be, it says why. It shows the diff and
asks first. Running it twice changes nothing more.

Then it looks for other places where the real keys still stand (copies of the
config, auth profiles, .env files, units) and asks whether the agent's
placeholder shall stand there instead; --yes alone leaves them. A login (OAuth, a
token) is not moved: it passes the door as it is.

With --own-user an OpenClaw that runs as root, or as a user who may do more than
it should, is first moved to a system user of its own; a unit of systemd's starts
it from then on. What is moved and how is shown first.

Disconnect takes back exactly all of this.

As long as Seawall is no service ("seawall install"), the agent reaches its model
only while "seawall up" runs.`,
		Example: `  seawall connect --json                list the routes, change nothing
  seawall connect --yes --remove-copies do all of it without asking`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runConnect(cmd, f) },
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&f.removeCopies, "remove-copies", false, "put the placeholder wherever the real key still stands, without asking")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the routes as JSON; changes nothing unless --yes is given")
	cmd.Flags().StringVar(&f.door, "listen", service.DoorAddress, "`address` of the door")
	cmd.Flags().StringVar(&f.only, "openclaw", "", "connect only the OpenClaw whose openclaw.json is this `file`")
	cmd.Flags().BoolVar(&f.ownUser, "own-user", false, "first move OpenClaw to a system user of its own (docs/own-user.md)")
	cmd.Flags().StringVar(&f.user, "user", ownuser.Name, "`name` of that user")
	languageFlag(cmd, &f.language)
	return cmd
}

type connectFlags struct {
	yes, removeCopies, json, ownUser bool
	door, only, language, user       string
}

func runConnect(cmd *cobra.Command, f connectFlags) error {
	dir, err := state.Open(stateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if i, err := service.Find(dir); err != nil {
		return err
	} else if i != nil && !cmd.Flags().Changed("listen") {
		f.door = i.Door
	}
	out := cmd.OutOrStdout()
	if f.json {
		cmd.SetOut(io.Discard) // of all that is said, only the table
	}
	if f.ownUser {
		if f.only, err = giveOwnUser(cmd, dir, f); err != nil {
			return err
		}
	}
	installs, err := findOpenClaw(cmd.Context(), cmd.OutOrStdout(), f.only)
	if err != nil {
		return err
	}
	if !f.json || f.yes {
		if err := connectAll(cmd, dir, installs, f); err != nil {
			return err
		}
		if f.ownUser {
			if err := auditAgain(cmd, dir, f.only); err != nil {
				return err
			}
		}
		if err := tryNow(cmd, dir, f.only); err != nil {
			return err
		}
	}
	if !f.json {
		return nil
	}
	rows, err := tableNow(cmd.Context(), dir, installs)
	if err != nil {
		return err
	}
	return writeJSON(out, rows)
}

// connectAll shows how the routes stand, connects what can be, and clears up
// what is left of the keys.
func connectAll(cmd *cobra.Command, dir *state.Dir, installs []openclaw.Install, f connectFlags) error {
	before, err := connect.Connected(dir)
	if err != nil {
		return err
	}
	plans, err := prepare(cmd.Context(), dir, installs, f.door)
	if err != nil {
		return err
	}
	done := "OpenClaw is connected. It reaches its model while `seawall up` runs; `seawall disconnect` takes this back."
	if install.This().Status(cmd.Context()).Installed && install.Uses(dir) {
		done = "OpenClaw is connected. `seawall disconnect` takes this back."
	}
	done += "\nWhat its files and jobs hold nobody known wrote; to say which are as you want them: seawall vouch"
	err = carryOut(cmd, plans, f.yes, "Connect OpenClaw to Seawall?", done, "OpenClaw is connected already; nothing to do.")
	if err == nil {
		err = settleLanguage(dir, f.language)
	}
	if err != nil {
		return err
	}
	if len(before) == 0 {
		if err := proposeObserving(cmd, dir, installs, f.yes); err != nil {
			return err
		}
	}
	for _, in := range installs {
		if err := clearUp(cmd, dir, in, f); err != nil {
			return err
		}
	}
	return nil
}

// clearUp offers to put the placeholder wherever the keys still stand.
func clearUp(cmd *cobra.Command, dir *state.Dir, in openclaw.Install, f connectFlags) error {
	copies, err := connect.FindCopies(cmd.Context(), host.Live(), dir, in)
	if err != nil || len(copies.Places) == 0 {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintln(out, "The real keys still stand in:")
	for _, p := range copies.Places {
		fmt.Fprintln(out, "  ", p)
	}
	if len(copies.Fixable()) == 0 {
		return nil
	}
	if agreed := f.removeCopies; !agreed {
		if !f.yes && terminal(cmd.InOrStdin()) {
			if agreed, err = ask(cmd, "Put the agent's placeholder there instead? `seawall disconnect` puts the keys back."); err != nil {
				return err
			}
		}
		if !agreed {
			fmt.Fprintln(out, "They stay there, and the agent can read them. To change that: seawall connect --remove-copies")
			return nil
		}
	}
	left, err := copies.Replace(cmd.Context())
	if err != nil {
		return err
	}
	for _, l := range left {
		fmt.Fprintln(out, "Note:", l+".")
	}
	fmt.Fprintf(out, "The placeholder stands in %d of them now.", len(copies.Fixable())-len(left))
	if in.Process != nil {
		fmt.Fprint(out, " Restart OpenClaw where its environment had a key: "+restartCommand(in, runningAs()))
	}
	fmt.Fprintln(out)
	return nil
}

// runningAs is the account that this program runs as; "" when that is not known.
func runningAs() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// restartCommand is what a person types to start an OpenClaw anew: as the user
// whose it is, or through the systemd that runs it.
func restartCommand(in openclaw.Install, me string) string {
	switch manager, unit, nested := strings.Cut(in.Unit, "/"); {
	case in.Container != "":
		return "docker restart " + in.Container
	case in.Unit != "" && !nested && strings.HasSuffix(manager, ".service") && !strings.HasPrefix(manager, "user@"):
		return "systemctl restart " + manager
	case nested && in.Owner != "" && in.Owner != me && strings.HasSuffix(unit, ".service"):
		return "systemctl --user --machine=" + in.Owner + "@ restart " + unit
	case in.Owner != "" && in.Owner != me:
		return "sudo -H -u " + in.Owner + " openclaw gateway restart"
	}
	return "openclaw gateway restart"
}

// tableNow is the table of installations as their configs are now.
func tableNow(ctx context.Context, dir *state.Dir, installs []openclaw.Install) ([]connect.Row, error) {
	now := make([]openclaw.Install, 0, len(installs))
	for _, in := range installs {
		c, err := openclaw.LoadConfig(ctx, host.Live(), in.ConfigPath, in.IncludeRoots...)
		if err != nil {
			return nil, err
		}
		in.Config = c
		now = append(now, in)
	}
	return connect.Table(ctx, host.Live(), dir, now)
}

func newDisconnect() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "disconnect",
		Short: "Take Seawall out of OpenClaw's way and give its keys back",
		Long: `Disconnect takes back what connect did to openclaw.json, puts the real keys
back and removes the plugin. An OpenClaw that was given a user of its own goes
back to the old one, with what it wrote since. Where nothing else was changed since, the file is
the old one byte for byte; what somebody changed since stays, and is shown. It
needs no running door, no readable record and no valid policy.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := state.Existing(stateDir)
			if errors.Is(err, os.ErrNotExist) {
				fmt.Fprintln(cmd.OutOrStdout(), "OpenClaw is not connected; nothing to do.")
				return nil
			}
			if err != nil {
				return err
			}
			defer dir.Close()
			plans, err := connect.Undo(cmd.Context(), dir)
			if err != nil {
				return err
			}
			move, err := ownuser.Undo(cmd.Context(), dir)
			if err != nil {
				return err
			}
			if !move.Empty() {
				return disconnectAndMove(cmd, dir, plans, move, yes)
			}
			return carryOut(cmd, plans, yes, "Disconnect OpenClaw from Seawall?", "OpenClaw is as it was before: its model calls do not pass Seawall.", "OpenClaw is not connected; nothing to do.")
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// findOpenClaw returns the installations of this machine whose config can be
// edited, or the one whose openclaw.json is named, and says on w which cannot.
// It is an error when there is none.
func findOpenClaw(ctx context.Context, w io.Writer, only string) ([]openclaw.Install, error) {
	if only != "" {
		path, err := filepath.Abs(only)
		if err == nil {
			_, err = os.Stat(path)
		}
		if err != nil {
			return nil, fmt.Errorf("reading OpenClaw's config: %w", err)
		}
		only = path
	}
	h := host.Live()
	found := openclaw.Discover(ctx, h, host.Read(ctx, h), survey.Caller(environment(only)))
	if !found.Ok() {
		return nil, fmt.Errorf("no OpenClaw was found: %s; where it is elsewhere, name it with OPENCLAW_CONFIG_PATH", found.Reason)
	}
	var usable []openclaw.Install
	var problems []string
	for _, i := range found.Value {
		switch {
		case i.ConfigPath == "" || only != "" && i.ConfigPath != only:
		case i.ConfigError != "":
			problems = append(problems, i.ConfigError)
		case i.Config != nil:
			usable = append(usable, i)
		}
	}
	if len(usable) == 0 && len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	for _, problem := range problems {
		fmt.Fprintf(w, "Note: one OpenClaw is left out: %s.\n", problem)
	}
	if len(usable) == 0 {
		return nil, errors.New("an OpenClaw was found, but no openclaw.json that can be read: run `openclaw onboard` first, or run this as root")
	}
	return usable, nil
}

// environment is the caller's own, in which an OpenClaw may be named; a config
// given by hand goes before it, with the folder it stands in as state.
func environment(config string) func(string) string {
	return func(name string) string {
		switch {
		case config == "":
		case name == "OPENCLAW_CONFIG_PATH":
			return config
		case name == "OPENCLAW_STATE_DIR":
			return filepath.Dir(config)
		}
		return os.Getenv(name)
	}
}

func prepare(ctx context.Context, dir *state.Dir, installs []openclaw.Install, door string) ([]*connect.Plan, error) {
	var plans []*connect.Plan
	for _, i := range installs {
		plan, err := connect.Prepare(ctx, dir, i, door)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// carryOut shows plans, asks, and applies them.
func carryOut(cmd *cobra.Command, plans []*connect.Plan, yes bool, question, done, nothing string) error {
	out := cmd.OutOrStdout()
	work := showPlans(out, plans, 0)
	if !work {
		fmt.Fprintln(out, nothing)
		return nil
	}
	yes, err := agreedTo(cmd, plans, yes)
	if err != nil {
		return err
	}
	if err := consent(cmd, yes, question); err != nil {
		return err
	}
	for _, p := range plans {
		if err := p.Apply(cmd.Context()); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, done)
	return nil
}

// foreign reports whether a plan is one that nobody can agree to beforehand.
func foreign(plans []*connect.Plan) bool {
	return slices.ContainsFunc(plans, func(p *connect.Plan) bool { return p.Foreign })
}

// agreedTo says whether --yes is an answer for these plans. Where it is none and
// there is no terminal, that is an error.
func agreedTo(cmd *cobra.Command, plans []*connect.Plan, yes bool) (bool, error) {
	if !foreign(plans) {
		return yes, nil
	}
	if !terminal(cmd.InOrStdin()) {
		return false, fmt.Errorf("what would be put back comes from a journal that others than root could have written, so a person has to look at it: run %s in a terminal", cmd.CommandPath())
	}
	return false, nil
}

// longest is how many lines of a diff a person reads before saying yes.
const longest = 30

// showPlans prints routes, diffs and notes and reports whether there is work to
// do. A diff of more lines than most is only counted; 0 is no limit.
func showPlans(w io.Writer, plans []*connect.Plan, most int) (work bool) {
	var rows []connect.Row
	for _, p := range plans {
		rows = append(rows, p.Rows...)
	}
	printTable(w, rows)
	for _, p := range plans {
		work = work || !p.Empty()
		if n := strings.Count(p.Diff, "\n"); most > 0 && n > most {
			fmt.Fprintf(w, "edit %s: %d lines of diff, which `seawall connect` shows; `seawall disconnect` takes them back\n", printable(p.Config), n)
		} else {
			printDiff(w, p.Diff)
		}
		for _, note := range p.Notes {
			fmt.Fprintln(w, "Note:", printable(note)+".")
		}
	}
	return work
}

func printDiff(w io.Writer, diff string) {
	diff = plain.Text(diff)
	if !colour(w) {
		fmt.Fprint(w, diff)
		return
	}
	for line := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(line, "+"):
			fmt.Fprintf(w, "\033[32m%s\033[0m\n", strings.TrimSuffix(line, "\n"))
		case strings.HasPrefix(line, "-"):
			fmt.Fprintf(w, "\033[31m%s\033[0m\n", strings.TrimSuffix(line, "\n"))
		default:
			fmt.Fprint(w, line)
		}
	}
}

// consent asks before something is changed, unless yes was said already. It
// returns nil when it may be.
func consent(cmd *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	agreed, err := ask(cmd, question)
	if err == nil && !agreed {
		fmt.Fprintln(cmd.OutOrStdout(), "Nothing was changed.")
		err = errNo
	}
	return err
}

// ask puts a question on the terminal. Without one it is an error that names
// the flag for scripts.
func ask(cmd *cobra.Command, question string) (bool, error) {
	if !terminal(cmd.InOrStdin()) {
		return false, fmt.Errorf("%s There is no terminal to ask on: give %s --yes as well", question, cmd.CommandPath())
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case a := <-answer:
		return a == "y" || a == "yes", nil
	case <-cmd.Context().Done():
		fmt.Fprintln(cmd.OutOrStdout())
		return false, cmd.Context().Err()
	}
}
