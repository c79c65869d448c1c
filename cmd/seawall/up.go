package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/report"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

type upFlags struct {
	yes, keep              bool
	listen, page, openclaw string
	language               string
}

func newUp() *cobra.Command {
	f := upFlags{listen: service.DoorAddress, page: service.PageAddress}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Audit this machine, then stand between OpenClaw and its model",
		Long: `Up audits this machine, opens the model door and a status page on loopback, and
keeps the record of every decision. An OpenClaw that is not connected is asked
about. When up ends, it takes OpenClaw off the door again, so that the agent
works without Seawall; if it is killed, the door stays closed until the next
"seawall up" or "seawall disconnect".

Started by root, the doors run as the system user "seawall". To leave the machine
with it running, start it in tmux.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return up(cmd, f) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.yes, "yes", "y", false, "connect OpenClaw without asking")
	flags.BoolVar(&f.keep, "keep", false, "leave OpenClaw connected when up ends")
	flags.StringVar(&f.openclaw, "openclaw", "", "connect only the OpenClaw whose openclaw.json is this `file`")
	flags.StringVar(&f.listen, "listen", f.listen, "`address` of the model door")
	flags.StringVar(&f.page, "page", f.page, "`address` of the status page")
	languageFlag(cmd, &f.language)
	return cmd
}

func up(cmd *cobra.Command, f upFlags) error {
	out, ctx := cmd.OutOrStdout(), cmd.Context()
	// Whoever stops reading what up says (a closed pipe) does not end it: it has
	// edits to take back.
	signal.Ignore(syscall.SIGPIPE)
	fmt.Fprintf(out, "Seawall %s\n", version())
	dir, err := state.Open(stateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if there, err := isService(ctx, out, dir); there {
		return err
	}
	release, err := dir.Lock()
	if err != nil {
		return err
	}
	defer release()
	if err := dir.Upgrade(version()); err != nil {
		return err
	}
	door, err := listen(f.listen, "the model door", "--listen")
	if err != nil {
		return err
	}
	page, err := listen(f.page, "the status page", "--page")
	if err != nil {
		return err
	}
	a, err := auditForUp(cmd, dir, f.openclaw)
	if err != nil {
		return err
	}
	doors, err := service.Start(ctx, dir, door, page, version())
	if err != nil {
		return err
	}
	if err := settleLanguage(dir, f.language); err != nil {
		return errors.Join(err, doors.Stop())
	}
	for _, note := range doors.Notes {
		fmt.Fprintln(out, "Note:", note)
	}
	if len(a.Agents) > 0 {
		if err := offerConnect(cmd, dir, f, door.Addr().String()); err != nil {
			return errors.Join(err, doors.Stop())
		}
	}
	if len(a.Agents) > 0 {
		defer tryBoundary(cmd, dir, f.openclaw)()
	}
	defer service.Watch(ctx, dir)()
	go auditHourly(ctx, cmd, dir, f.openclaw)
	if err := greet(out, dir, a, page.Addr().String()); err != nil {
		return errors.Join(err, doors.Stop())
	}
	return stay(ctx, out, dir, doors, f.keep)
}

// listen opens a listener on loopback.
func listen(address, what, flag string) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil || !tcp.IP.IsLoopback() {
		return nil, fmt.Errorf("%s %s: %s can only be on a loopback address such as 127.0.0.1:4780", flag, address, what)
	}
	l, err := listenSoon(tcp)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s cannot open on %s: another program listens there (ss -ltnp shows which); end it or choose another address with %s", what, address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot open on %s: %w", what, address, err)
	}
	return l, nil
}

// listenSoon listens, and waits a moment for a port in use: the doors of a
// Seawall that was killed close by themselves.
func listenSoon(tcp *net.TCPAddr) (net.Listener, error) {
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		l, err := net.ListenTCP("tcp", tcp)
		if !errors.Is(err, syscall.EADDRINUSE) || wait > time.Second {
			return l, err
		}
		time.Sleep(wait)
	}
}

// auditHourly reads the machine every hour, and when something on it was changed,
// until the context ends.
func auditHourly(ctx context.Context, cmd *cobra.Command, dir *state.Dir, config string) {
	changed := make(chan struct{}, 1)
	go service.LookAround(ctx, dir, func() {
		select {
		case changed <- struct{}{}:
		default: // it is to be read already
		}
	})
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-changed:
		}
		a := survey.Audit(ctx, host.Live(), version(), survey.Caller(environment(config)))
		if ctx.Err() != nil {
			return
		}
		if err := survey.Remember(dir, a); err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "seawall:", err)
		}
	}
}

func auditForUp(cmd *cobra.Command, dir *state.Dir, config string) (*posture.Audit, error) {
	done := progress(cmd, "Reading this machine")
	a := survey.Audit(cmd.Context(), host.Live(), version(), survey.Caller(environment(config)))
	done()
	if err := cmd.Context().Err(); err != nil {
		return nil, err
	}
	if err := survey.Remember(dir, a); err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "seawall:", err)
	}
	out := cmd.OutOrStdout()
	if err := report.Text(out, a, report.Options{Width: width(out), Color: colour(out)}); err != nil {
		return nil, fmt.Errorf("printing the audit: %w", err)
	}
	fmt.Fprintln(out)
	return a, nil
}

// offerConnect shows what connecting would change and asks. Without a terminal
// it names the command.
func offerConnect(cmd *cobra.Command, dir *state.Dir, f upFlags, door string) error {
	out := cmd.OutOrStdout()
	installs, err := findOpenClaw(cmd.Context(), out, f.openclaw)
	if err != nil {
		fmt.Fprintln(out, "OpenClaw cannot be connected:", err)
		return nil
	}
	plans, err := prepare(cmd.Context(), dir, installs, door)
	if err != nil {
		fmt.Fprintln(out, "OpenClaw cannot be connected:", err)
		return nil
	}
	if !showPlans(out, plans, 0) {
		return nil
	}
	if !f.yes {
		if !terminal(cmd.InOrStdin()) {
			fmt.Fprintf(out, "OpenClaw is not connected. To connect it: seawall connect --yes --state %s\n", dir)
			return nil
		}
		agreed, err := ask(cmd, "Connect OpenClaw to Seawall? It ends when up ends.")
		if err != nil || !agreed {
			return err
		}
	}
	for _, p := range plans {
		if err := p.Apply(cmd.Context()); err != nil {
			return err
		}
	}
	return proposeObserving(cmd, dir, installs, f.yes)
}

// greet says where the page is and how things stand.
func greet(out io.Writer, dir *state.Dir, a *posture.Audit, page string) error {
	if err := printLink(out, dir, page); err != nil {
		return err
	}
	connected, err := connect.Connected(dir)
	if err != nil {
		return err
	}
	watched, err := service.ReadWatched(dir, time.Now())
	if err != nil {
		return err
	}
	now := time.Now()
	standing := watched.Stand(a, len(connected), true, now)
	fmt.Fprintf(plain.Writer(out), "\n%s.\n%s\n", capital(standing.Label), standing.Sentence)
	if len(connected) > 0 {
		for _, p := range watched.Problems(now) {
			if !strings.HasPrefix(standing.Sentence, p.String()) {
				fmt.Fprintln(plain.Writer(out), p)
			}
		}
	}
	if terminal(out) {
		fmt.Fprintln(out, "It ends with Ctrl-C.")
	}
	return nil
}

// stay waits for the operator's Ctrl-C, or for the doors to fail.
func stay(ctx context.Context, out io.Writer, dir *state.Dir, doors *service.Doors, keep bool) error {
	select {
	case <-doors.Done():
		return fmt.Errorf("the doors have ended (%v): the agent cannot reach its model until `seawall up` runs again or `seawall disconnect` takes Seawall out", doors.Err())
	case <-ctx.Done():
	}
	var err error
	if !keep {
		err = takeBack(out, dir)
	}
	return errors.Join(err, doors.Stop())
}

// takeBack disconnects every config, with the door still open for what runs.
func takeBack(out io.Writer, dir *state.Dir) error {
	ctx := context.Background()
	plans, err := connect.Undo(ctx, dir)
	if err != nil {
		return fmt.Errorf("taking OpenClaw off the door: %w; run `seawall disconnect`", err)
	}
	if foreign(plans) {
		return errors.New("what connect did stands in a journal that others than root could have written: run `seawall disconnect`, which shows it and asks")
	}
	for _, p := range plans {
		for _, note := range p.Notes {
			fmt.Fprintln(out, "Note:", printable(note)+".")
		}
		if err := p.Apply(ctx); err != nil {
			return fmt.Errorf("taking OpenClaw off the door: %w; run `seawall disconnect`", err)
		}
		fmt.Fprintf(out, "\n%s is as it was before.\n", p.Config)
	}
	return nil
}
