package main

import (
	"context"
	"fmt"
	"iter"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

// largeRows is a record of a month in which the agent acts each second.
const largeRows = 10_000_000

// largeRecord measures a record of many rows as its user meets it: the program
// that shows the last hour, the one that verifies, and the one that starts.
func (s *stage) largeRecord(ctx context.Context, n int64) ([]result, error) {
	dir, err := s.newState("large")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	say("writing a record of %d rows", n)
	start := time.Now()
	if err := ledger.Fill(ctx, dir, month(n)); err != nil {
		return nil, err
	}
	if err := dir.Give(dir.Owner()); err != nil {
		return nil, err
	}
	size, err := ledger.Size(dir)
	if err != nil {
		return nil, err
	}
	say("wrote %d MB in %s", size.Bytes>>20, time.Since(start).Round(time.Second))
	of := fmt.Sprintf(", of %d rows", n)
	hour, rows, err := s.hour(ctx, dir)
	if err != nil {
		return nil, err
	}
	all := []result{{Group: recordGroup, What: "seawall log --since 1h" + of, Unit: "ms", Value: hour.at(0.5), N: len(hour), Wanted: 100,
		Note: fmt.Sprintf("%d lines; %d MB on the disk", rows, size.Bytes>>20)}}
	ready, err := s.restarts(ctx, dir)
	if err != nil {
		return nil, err
	}
	all = append(all, result{Group: recordGroup, What: "seawall up, until the door answers" + of, Unit: "ms", Value: ready.at(0.5), N: len(ready), Wanted: 1000})
	start = time.Now()
	out, err := s.command("log", "verify", "--state", dir.String()).Output()
	if err != nil || !strings.Contains(string(out), "internally consistent") {
		return nil, fmt.Errorf("verifying the large record: %w: %s", err, out)
	}
	return append(all, result{Group: recordGroup, What: "seawall log verify" + of, Unit: "rows/s",
		Value: float64(n) / time.Since(start).Seconds(), N: int(n), Wanted: 100_000}), nil
}

// month gives rows of actions over the last 30 days: asked, decided, done.
func month(n int64) iter.Seq[ledger.Row] {
	return func(yield func(ledger.Row) bool) {
		begun := time.Now().UTC().Add(-30 * 24 * time.Hour)
		for i := range n {
			row := decided
			row.Time = begun.Add(time.Duration(float64(30*24*time.Hour) * float64(i) / float64(n)))
			asked := i - i%3 + 1
			switch i % 3 {
			case 0:
				row.Kind, row.Decision, row.Why, row.Version = ledger.Asked, "", "", ""
			case 1:
				row.Asked = asked
				if i%101 == 1 {
					row.Decision, row.Policy, row.Why = "deny", []string{"download-and-run"}, "it runs what it downloads, unseen (curl | sh)"
				}
			case 2:
				row = ledger.Row{Time: row.Time, Kind: ledger.Done, Asked: asked, Act: row.Act, Tool: row.Tool, Door: row.Door, Route: row.Route,
					Agent: row.Agent, Session: row.Session, Trace: row.Trace, Action: row.Action, Result: row.Action}
			}
			if !yield(row) {
				return
			}
		}
	}
}

// hour is how long the program takes to show the last hour.
func (s *stage) hour(ctx context.Context, dir *state.Dir) (took samples, lines int, err error) {
	for range 9 {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		start := time.Now()
		out, err := s.command("log", "--since", "1h", "--state", dir.String()).Output()
		if err != nil {
			return nil, 0, fmt.Errorf("showing the last hour: %w", err)
		}
		took, lines = append(took, time.Since(start)), strings.Count(string(out), "\n")
	}
	return took, lines, nil
}

// restarts is how long the program takes until its door answers.
func (s *stage) restarts(ctx context.Context, dir *state.Dir) (took samples, err error) {
	for range 5 {
		d, err := s.restart(ctx, dir)
		if err != nil {
			return nil, err
		}
		took = append(took, d)
	}
	return took, nil
}

func (s *stage) restart(ctx context.Context, dir *state.Dir) (time.Duration, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	addr := l.Addr().String()
	l.Close()
	start := time.Now()
	cmd := s.command("up", "--state", dir.String(), "--listen", addr, "--page", "127.0.0.1:0")
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	for time.Since(start) < time.Minute {
		if res, err := http.Get("http://" + addr + "/"); err == nil {
			res.Body.Close()
			return time.Since(start), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	return 0, fmt.Errorf("no door answered on %s within a minute", addr)
}
