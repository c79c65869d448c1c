package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/openseawall/seawall/internal/ledger"
)

const recordGroup = "The record: SQLite under a Merkle tree, every row on the disk before its decision counts"

// record measures how many decisions the record takes in a second, and how fast
// all of it is verified.
func (s *stage) record(ctx context.Context, each time.Duration, rows int64) ([]result, error) {
	dir, err := s.newState("record")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	l, err := ledger.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	var all []result
	for _, c := range []struct {
		writers int
		wanted  float64
	}{{1, 0}, {8, 0}, {64, 5000}} {
		n, took, err := write(ctx, l, c.writers, each)
		if err != nil {
			return nil, err
		}
		all = append(all, result{Group: recordGroup, What: fmt.Sprintf("decisions, %d at once", c.writers), Unit: "calls/s",
			Value: float64(n) / took.Seconds(), N: n, Wanted: c.wanted})
	}
	start := time.Now()
	report, err := l.Verify(ctx)
	if err != nil || !report.OK {
		return nil, fmt.Errorf("verifying the record of the bench: %s %w", report.Problem, err)
	}
	all = append(all, result{Group: recordGroup, What: "verify", Unit: "rows/s",
		Value: float64(report.Rows) / time.Since(start).Seconds(), N: int(report.Rows), Wanted: 100_000})
	large, err := s.largeRecord(ctx, rows)
	return append(all, large...), err
}

func write(ctx context.Context, l *ledger.Ledger, writers int, d time.Duration) (calls int, took time.Duration, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	start := time.Now()
	for range writers {
		all.Go(func() {
			n := 0
			var failed error
			for failed == nil && time.Since(start) < d {
				_, failed = l.Append(ctx, asked, decided)
				n++
			}
			mu.Lock()
			defer mu.Unlock()
			calls += n
			if failed != nil {
				err = failed
			}
		})
	}
	all.Wait()
	return calls, time.Since(start), err
}

// asked is the row before it.
var asked = ledger.Row{Kind: ledger.Asked, Act: decided.Act, Tool: decided.Tool, Door: decided.Door, Route: decided.Route, Agent: decided.Agent,
	Session: decided.Session, Trace: decided.Trace, Action: decided.Action, Detail: decided.Detail}

// decided is a row as the door writes it.
var decided = ledger.Row{
	Kind: "decided", Decision: "allow", Act: "call", Tool: "exec", Version: "9b2d0c7a4f1e", Why: "nothing forbids it",
	Door: "model", Route: "bench", Agent: "main", Session: "agent:main:main", Trace: "4bf92f3577b34da6a3ce929d0e0e4736",
	Action: "5f2b51ca2fdc5baa31ec02e002f69aec53a5d3e6d2c1e9a1f2c1a1a0b5a6c7d8",
	Detail: `{"command":"git log --stat -n 8 -- report/budget_12.md","timeout":60}`,
}
