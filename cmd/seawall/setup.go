package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/ownuser"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/setup"
	"github.com/openseawall/seawall/internal/state"
)

type setupFlags struct {
	yes                             bool
	openclaw, language, checkpoints string
}

func newSetup() *cobra.Command {
	f := setupFlags{checkpoints: nowhere}
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Lead through all of it: account, service, connection",
		Long: `Setup reads this machine and does what is lacking, one stage after the other: a
user of its own for OpenClaw, Seawall as a service, OpenClaw connected, no copy of
its keys left, a place outside for the checkpoints of the record. It shows each
step and asks first, at most five questions; Enter takes the default. What is done
already is not asked about, so that it can be stopped anywhere and run again.

It ends with what is protected, what is not, and the line that undoes all of it.
How you are asked by a message comes with approvals.

Exit status: 0 protected, or nothing to protect yet; 1 otherwise; 2 when it was
stopped or could not run.`,
		Example: `  sudo seawall setup          asks
  sudo seawall setup --yes    takes every default, for scripts`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSetup(cmd, f) },
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "take the default of every question")
	cmd.Flags().StringVar(&f.openclaw, "openclaw", "", "set up only the OpenClaw whose openclaw.json is this `file`")
	cmd.Flags().StringVar(&f.checkpoints, "checkpoints", f.checkpoints, "the default of the question where checkpoints go besides journald: a `PLACE` as in log checkpoint --to")
	languageFlag(cmd, &f.language)
	return cmd
}

func runSetup(cmd *cobra.Command, f setupFlags) error {
	if os.Geteuid() != 0 {
		return errors.New("setup makes a service and reads what OpenClaw can reach, which needs root: sudo seawall setup. Without root, `seawall up` guards while a terminal is open, and watches rather than protects")
	}
	_, err := os.Stat(stateDir)
	dir, failed := state.Open(stateDir)
	if failed != nil {
		return failed
	}
	defer dir.Close()
	g := &guide{cmd: cmd, dir: dir, flags: f, ask: newPrompt(cmd).ask}
	out := cmd.OutOrStdout()
	switch {
	case f.yes:
		g.ask = setup.Defaults
	case !terminal(cmd.InOrStdin()):
		if errors.Is(err, os.ErrNotExist) {
			defer os.Remove(stateDir) // nothing is in it
		}
		return g.show(out)
	}
	err = setup.Run(cmd.Context(), out, g.stages(), g.ask)
	if cmd.Context().Err() != nil {
		fmt.Fprintln(out, "\nStopped. What was done stays; `seawall setup` goes on from here, `seawall remove` takes it back.")
	}
	if err != nil {
		return err
	}
	return g.end(out)
}

// guide is one setup of this machine.
type guide struct {
	cmd     *cobra.Command
	dir     *state.Dir
	flags   setupFlags
	ask     setup.Ask
	preview bool
	// connected is when this setup changed what the watch has to prove.
	connected time.Time
}

func (g *guide) stages() []setup.Stage {
	return []setup.Stage{
		{Title: "OpenClaw has a user of its own", Look: g.ownUser},
		{Title: "Seawall is a service", Look: g.service},
		{Title: "OpenClaw's model calls pass Seawall", Look: g.connection},
		{Title: "The real keys stand nowhere else", Look: g.copies},
		{Title: "The record can be proven from outside", Look: g.outside},
	}
}

// show says what a setup would do.
func (g *guide) show(out io.Writer) error {
	g.preview = true
	work, err := setup.Preview(g.cmd.Context(), out, g.stages())
	switch {
	case err != nil:
		return err
	case !work:
		return nil
	}
	return errors.New("there is no terminal to ask on, so nothing was done: seawall setup --yes does all of this")
}

// installs are the OpenClaws that can be connected; none is no error.
func (g *guide) installs(ctx context.Context) ([]openclaw.Install, string) {
	installs, err := findOpenClaw(ctx, io.Discard, g.flags.openclaw)
	if err != nil {
		return nil, capital(err.Error()) + ". Once it is there: seawall setup"
	}
	return installs, ""
}

func (g *guide) ownUser(ctx context.Context) (setup.Need, error) {
	if ownuser.Begun(g.dir) { // and perhaps interrupted
		return g.move("")
	}
	done := progress(g.cmd, "Reading this machine")
	facts := survey.Facts(ctx, host.Live(), survey.Caller(environment(g.flags.openclaw)))
	done()
	if only, err := filepath.Abs(g.flags.openclaw); err == nil && g.flags.openclaw != "" {
		facts.OpenClaw.Value = slices.DeleteFunc(facts.OpenClaw.Value, func(in openclaw.Install) bool { return in.ConfigPath != only })
	}
	boundary, found := posture.Boundary(facts)
	switch boundary {
	case posture.BoundaryAbsent:
		return setup.Need{Unmet: "There is no OpenClaw on this machine yet. Once it is there: seawall setup"}, ctx.Err()
	case posture.BoundaryUser, posture.BoundaryContainer:
		return setup.Need{Met: ownEnough}, ctx.Err()
	case posture.BoundaryUnknown:
		return setup.Need{Unmet: "Whether it can become root could not be seen: seawall audit --all says what was not readable."}, ctx.Err()
	}
	return g.move(found[0].Detail)
}

const ownEnough = "It has: nothing was found by which it could become root, or Seawall."

// move plans to give OpenClaw a user of its own. hole is by what it could become
// root now.
func (g *guide) move(hole string) (setup.Need, error) {
	plan, off, err := prepareOwnUser(g.cmd, g.dir, connectFlags{only: g.flags.openclaw, user: ownuser.Name})
	switch {
	case err != nil:
		return setup.Need{Unmet: fmt.Sprintf("It cannot be given one: %v. Until then Seawall watches and does not protect.", err)}, g.cmd.Context().Err()
	case plan.Empty() && hole == "":
		return setup.Need{Met: ownEnough}, nil
	case plan.Empty():
		return setup.Need{Unmet: "It has, and can become root all the same: " + hole + ". seawall audit says how to change that."}, nil
	}
	var would bytes.Buffer
	if hole != "" {
		fmt.Fprintf(&would, "Now %s, so Seawall could only watch.\n", hole)
	}
	plan.Steps = append(disconnect(off), plan.Steps...)
	showSteps(&would, plan)
	return setup.Need{Would: lines(&would), Question: "Move OpenClaw to a user of its own? It stops for that time.", Default: setup.Yes, Later: "seawall connect --own-user",
		Do: func(ctx context.Context, _ string) error {
			if err := g.apply(ctx, plan); err != nil {
				return fmt.Errorf("%w; `seawall setup` goes on from here, `seawall disconnect` goes back", err)
			}
			_, config, err := ownuser.Moved(g.dir)
			if g.flags.openclaw != "" && config != "" {
				g.flags.openclaw = config
			}
			return err
		}}, nil
}

func (g *guide) apply(ctx context.Context, plan *install.Plan) error {
	return plan.Apply(ctx, func(s install.Step) { fmt.Fprintln(g.cmd.OutOrStdout(), "done:", s.What) })
}

func (g *guide) service(ctx context.Context) (setup.Need, error) {
	program, err := os.Executable()
	if err != nil {
		return setup.Need{}, fmt.Errorf("finding this program: %w", err)
	}
	plan, err := install.Prepare(ctx, install.This(), g.dir, program)
	switch {
	case errors.Is(err, install.ErrNoSystemd):
		return g.withoutSystemd()
	case err != nil:
		return setup.Need{}, err
	case plan.Empty():
		return setup.Need{Met: "It is, and its doors are open."}, nil
	}
	var would bytes.Buffer
	showSteps(&would, plan)
	return setup.Need{Would: lines(&would), Question: "Make Seawall a service?", Default: setup.Yes, Later: "seawall install",
		Do: func(ctx context.Context, _ string) error { return g.apply(ctx, plan) }}, nil
}

func (g *guide) withoutSystemd() (setup.Need, error) {
	running, err := service.Find(g.dir)
	if err != nil || running == nil {
		return setup.Need{Unmet: "It cannot be: " + install.ErrNoSystemd.Error() + "."}, err
	}
	return setup.Need{Met: fmt.Sprintf("systemd does not run here, but the doors are open (process %d). They end with it.", running.PID)}, nil
}

func (g *guide) connection(ctx context.Context) (setup.Need, error) {
	running, err := service.Find(g.dir)
	if err != nil {
		return setup.Need{}, err
	}
	door := service.DoorAddress
	switch {
	case running != nil:
		door = running.Door
	case !g.preview:
		return setup.Need{Unmet: "No door is open, and an agent that is sent to a closed one cannot reach its model. Once Seawall runs: seawall connect"}, nil
	}
	installs, none := g.installs(ctx)
	if none != "" {
		return setup.Need{Unmet: none}, ctx.Err()
	}
	plans, err := prepare(ctx, g.dir, installs, door)
	if err != nil {
		return setup.Need{}, err
	}
	var would bytes.Buffer
	if !showPlans(&would, plans, longest) {
		return setup.Need{Met: would.String() + "There is nothing left to do."}, nil
	}
	return setup.Need{Would: lines(&would), Question: "Connect OpenClaw to Seawall?", Default: setup.Yes, Later: "seawall connect",
		Do: func(ctx context.Context, _ string) error {
			for _, p := range plans {
				if err := p.Apply(ctx); err != nil {
					return err
				}
				fmt.Fprintln(g.cmd.OutOrStdout(), "done: connect", p.Config)
			}
			g.connected = time.Now()
			// What is asked, setup asks itself: here it is only said.
			if err := proposeObserving(g.cmd, g.dir, installs, true); err != nil {
				return err
			}
			return settleLanguage(g.dir, g.flags.language)
		}}, nil
}

func (g *guide) copies(ctx context.Context) (setup.Need, error) {
	installs, none := g.installs(ctx)
	if none != "" {
		return setup.Need{Unmet: none}, ctx.Err()
	}
	var all []*connect.Copies
	var would []string
	for _, in := range installs {
		copies, err := connect.FindCopies(ctx, host.Live(), g.dir, in)
		if err != nil {
			return setup.Need{}, err
		}
		for _, p := range copies.Places {
			would = append(would, p.String())
		}
		if len(copies.Fixable()) > 0 {
			all = append(all, copies)
		}
	}
	switch {
	case len(would) == 0:
		return setup.Need{Met: "None that Seawall holds was found elsewhere."}, nil
	case len(all) == 0:
		return setup.Need{Unmet: "They still stand in: " + strings.Join(would, "; ")}, nil
	}
	return setup.Need{Would: would, Question: "Put the agent's placeholder there instead of the keys? `seawall disconnect` puts them back.", Default: setup.Yes,
		Later: "seawall connect --remove-copies",
		Do: func(ctx context.Context, _ string) error {
			for _, copies := range all {
				left, err := copies.Replace(ctx)
				for _, l := range left {
					fmt.Fprintln(g.cmd.OutOrStdout(), "Note:", l+".")
				}
				if err != nil {
					return err
				}
			}
			return nil
		}}, nil
}

// nowhere is the place where checkpoints go that go nowhere but to journald.
const nowhere = "none"

func (g *guide) outside(ctx context.Context) (setup.Need, error) {
	o, err := ledger.LoadOutside(g.dir)
	switch {
	case err != nil:
		return setup.Need{}, err
	case o.String() != "":
		return setup.Need{Met: "Checkpoints go to " + printable(o.String()) + "."}, nil
	case ledger.OutsideChosen(g.dir):
		return setup.Need{Met: "Checkpoints go to journald alone. To change that: seawall log checkpoint --to PLACE"}, nil
	}
	return setup.Need{
		Would:    []string{"Signed checkpoints of the record go to journald. Kept elsewhere as well, they", "show a record that was replaced as a whole (docs/record.md)."},
		Question: "Where else shall they go? A URL that gets a POST, a file on another disk, or none:", Default: g.flags.checkpoints,
		Do: func(ctx context.Context, place string) error { return g.send(ctx, place) },
	}, nil
}

// send makes a place the one for checkpoints, with a first one where there is
// one yet.
func (g *guide) send(ctx context.Context, place string) error {
	r, err := ledger.OpenReader(g.dir)
	if err == nil {
		defer r.Close()
		head, err := r.Checkpoint(ctx)
		if err == nil {
			if err := handOver(g.cmd, place); err != nil {
				return err
			}
			return sendTo(g.cmd, place, head)
		}
	}
	if place == nowhere {
		return ledger.SaveOutside(g.dir, ledger.Outside{})
	}
	return fmt.Errorf("the record has no checkpoint yet that could be sent to %s: once it has rows, seawall log checkpoint --to %s", place, place)
}

// patienceForProof is how long the watch may take to prove a new connection.
const patienceForProof = 45 * time.Second

// end says what came of it.
func (g *guide) end(out io.Writer) error {
	done := progress(g.cmd, "Looking whether it holds")
	a := survey.Audit(g.cmd.Context(), host.Live(), version(), survey.Caller(environment(g.flags.openclaw)))
	err := survey.Remember(g.dir, a)
	if running, _ := service.Find(g.dir); err == nil && running != nil && len(a.Agents) > 0 {
		if _, err := attemptAll(g.cmd.Context(), g.dir, g.flags.openclaw); err != nil {
			fmt.Fprintln(out, "Note:", err)
		}
		g.awaitProof(g.cmd.Context())
	}
	done()
	if err != nil {
		return err
	}
	s, err := readStatus(g.cmd)
	if err != nil {
		return err
	}
	printEnd(out, s)
	if !s.Good {
		return errNo
	}
	return nil
}

// awaitProof waits until the watch has looked at what was connected, and has
// nothing to complain of.
func (g *guide) awaitProof(ctx context.Context) {
	if g.connected.IsZero() {
		return
	}
	for deadline := time.Now().Add(patienceForProof); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(500 * time.Millisecond) {
		w, err := service.ReadWatched(g.dir, time.Now())
		if err == nil && w.Report != nil && w.Report.Time.After(g.connected) && len(w.Problems(time.Now())) == 0 && g.proven(ctx, w.Report) {
			return
		}
	}
}

// proven reports whether each route was proven of every OpenClaw that runs.
func (g *guide) proven(ctx context.Context, r *proof.Report) bool {
	installs, _ := g.installs(ctx)
	for _, in := range installs {
		i := slices.IndexFunc(r.Agents, func(a proof.Agent) bool { return a.Config == in.ConfigPath })
		if in.Process != nil && (i < 0 || slices.ContainsFunc(r.Agents[i].Proofs, func(p proof.Proof) bool { return p.Why != "" })) {
			return false
		}
	}
	return len(r.Agents) > 0
}

// printEnd says what is protected, what is not, and how all of it is undone.
func printEnd(w io.Writer, s statusReport) {
	fmt.Fprintf(w, "\n%s.\n%s\n\n", capital(s.Label), s.Sentence)
	guarded, not := sides(s)
	for _, side := range []struct {
		title string
		lines []string
	}{{"Through Seawall", guarded}, {"Not", not}} {
		for i, line := range side.lines {
			if i == 0 {
				fmt.Fprintln(w, side.title+":")
			}
			fmt.Fprintln(w, "  "+line)
		}
	}
	if s.Running != nil {
		fmt.Fprintln(w, "\nThe page: seawall page. How it stands: seawall status. Whether Seawall is well: seawall doctor.")
	}
	fmt.Fprintln(w, "All of it is undone by: seawall remove")
}

// sides are what passes Seawall and what does not.
func sides(s statusReport) (guarded, not []string) {
	for _, r := range s.Routes {
		switch {
		case r.Standing == connect.Through:
			guarded = append(guarded, r.String())
		case r.Used:
			not = append(not, r.String())
		}
	}
	for _, p := range s.Plugins {
		if !p.Silent {
			guarded = append(guarded, "tool calls of "+p.Config+", which OpenClaw asks about before it runs them")
		}
	}
	for _, p := range s.Problems[min(1, len(s.Problems)):] { // the first stands on top
		not = append(not, p.String())
	}
	if len(s.Routes) > 0 {
		not = append(not, "what the agent's programs, channels and pages send by themselves: that does not pass Seawall yet")
	}
	if n := s.Counts.Critical + s.Counts.High; n > 0 {
		not = append(not, fmt.Sprintf("this machine has %d critical and %d high findings: seawall audit shows them, sudo seawall harden plans what a machine can mend", s.Counts.Critical, s.Counts.High))
	}
	return guarded, not
}

func lines(b *bytes.Buffer) []string { return strings.Split(strings.TrimRight(b.String(), "\n"), "\n") }

// prompt asks on the terminal.
type prompt struct {
	out io.Writer
	in  *bufio.Reader
}

func newPrompt(cmd *cobra.Command) *prompt {
	return &prompt{cmd.OutOrStdout(), bufio.NewReader(cmd.InOrStdin())}
}

// ask is a [setup.Ask]. The end of the input is not an answer.
func (p *prompt) ask(ctx context.Context, question, otherwise string) (string, error) {
	closed := otherwise == setup.Yes || otherwise == setup.No
	shown := map[string]string{setup.Yes: "Y/n", setup.No: "y/N"}
	for {
		hint := otherwise
		if closed {
			hint = shown[otherwise]
		}
		fmt.Fprintf(p.out, "%s [%s] ", question, hint)
		line, err := p.line(ctx)
		if err != nil {
			return "", err
		}
		answer := strings.TrimSpace(line)
		switch strings.ToLower(answer) {
		case "":
			return otherwise, nil
		case "y", "yes", "j", "ja":
			answer = setup.Yes
		case "n", "no", "nein":
			answer = setup.No
		}
		if !closed || answer == setup.Yes || answer == setup.No {
			return answer, nil
		}
		fmt.Fprintln(p.out, "Please answer y or n, or take Enter for the default. Ctrl-C stops.")
	}
}

func (p *prompt) line(ctx context.Context) (string, error) {
	type read struct {
		line string
		err  error
	}
	got := make(chan read, 1)
	go func() {
		line, err := p.in.ReadString('\n')
		got <- read{line, err}
	}()
	select {
	case r := <-got:
		if r.err != nil && r.line == "" {
			return "", errors.New("the terminal was closed: `seawall setup` goes on from here")
		}
		return r.line, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
