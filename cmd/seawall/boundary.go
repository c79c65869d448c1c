package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/boundary"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

func newBoundary() *cobra.Command {
	return &cobra.Command{
		Use:   "boundary",
		Short: "Try to reach Seawall as the agent's user",
		Long: `Boundary has a process with the user and groups of each OpenClaw try to read
Seawall's keys, to answer for you, and to stop Seawall: by its files, its
processes, its page, systemd, sudo, the sockets of Docker and its like, and the
disks. An attempt that succeeds changes nothing. The status is "protected" only
while all of them fail; "seawall up" and the service make them at their start and
every day. It needs root.

Exit status: 0 all failed, 1 one succeeded or could not be made.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return fmt.Errorf("becoming the agent's user takes root: sudo seawall boundary")
			}
			dir, err := state.Existing(stateDir)
			if err != nil {
				return err
			}
			defer dir.Close()
			r, err := attemptAll(cmd.Context(), dir, "")
			if err != nil {
				return err
			}
			printAttempts(cmd.OutOrStdout(), r)
			if why, _ := r.Doubt(time.Now()); why != "" {
				return errNo
			}
			return nil
		},
	}
}

// newAttempt is the other end of an attempt: it runs as the agent's user.
func newAttempt() *cobra.Command {
	return &cobra.Command{
		Use: "attempt", Short: "Try to cross the boundary (started by boundary)", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return boundary.RunAttempts(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

func attemptAll(ctx context.Context, dir *state.Dir, config string) (*boundary.Report, error) {
	h := host.Live()
	found := openclaw.Discover(ctx, h, host.Read(ctx, h), survey.Caller(environment(config)))
	return service.TryBoundary(ctx, dir, found.Value)
}

func printAttempts(w io.Writer, r *boundary.Report) {
	w = plain.Writer(w)
	for _, result := range r.Results {
		for _, a := range result.Attempts {
			mark := "held   "
			if a.Crossed {
				mark = "CROSSED"
			}
			fmt.Fprintf(w, "%s  %s: %s (%s)\n", mark, a.Aim, a.What, printable(a.Answer))
		}
		if result.Untried != "" {
			fmt.Fprintf(w, "not tried for %s: %s\n", result.Config, result.Untried)
		}
	}
	fmt.Fprintln(w, "boundary ", r)
}

// daily is how often the attempts are made again.
const daily = 24 * time.Hour

// tryBoundary makes the attempts now and daily until stop is called. What fails
// of it is in the status: there is then no newer report.
func tryBoundary(cmd *cobra.Command, dir *state.Dir, config string) (stop func()) {
	ctx, cancel := context.WithCancel(cmd.Context())
	try := func() {
		if _, err := attemptAll(ctx, dir, config); err != nil && ctx.Err() == nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "seawall: trying to reach Seawall as the agent:", err)
		}
	}
	done := progress(cmd, "Trying to reach Seawall as the agent")
	try()
	done()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(daily); ; {
			select {
			case <-tick.C:
				try()
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}
