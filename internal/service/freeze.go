package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

const frozenLabel = "frozen"

// What a row is about in which the doors say that they have taken a freeze, or
// its end.
const (
	Froze  = "freeze"
	Thawed = "thaw"
)

// frozen records that a freeze began or ended since the last look, also one that
// began while no door was open. The doors themselves have denied since then.
func (s *Service) frozen(ctx context.Context, last string) (now string) {
	f := s.guard.Operator.Frozen()
	now = f.Key()
	row := ledger.Row{Kind: ledger.Event, Version: s.policy.Version()}
	switch {
	case now == last:
		return now
	case now == "":
		row.Act, row.Why = Thawed, "thawed: the doors decide by the policy again"
	default:
		row.Act, row.Why = Froze, f.String()+": every door denies"
	}
	if _, err := s.ledger.Append(ctx, row); err != nil {
		return last // said again at the next look
	}
	fmt.Fprintln(s.complaints, "seawall:", row.Why)
	return now
}

// taken is how long the doors may take to say that they have taken a freeze.
const taken = 10 * time.Second

// AwaitTaken waits until the doors that are open have recorded an act, Froze or
// Thawed, in a row behind another, and returns that row's ID.
func AwaitTaken(ctx context.Context, dir *state.Dir, act string, behind int64) (id int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, taken)
	defer cancel()
	for {
		row, err := lastRow(ctx, dir, behind, act)
		if err == nil && row.ID > 0 {
			return row.ID, nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the doors did not say within %s that they have taken it; each decision looks at %s all the same. Look whether they still run: seawall status", taken, dir)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// LastRow returns the ID of the newest row of a record, 0 without one.
func LastRow(ctx context.Context, dir *state.Dir) int64 {
	record, err := ledger.OpenReader(dir)
	if err != nil {
		return 0
	}
	defer record.Close()
	for row := range record.Rows(ctx, ledger.Filter{Last: 1}) {
		return row.ID
	}
	return 0
}

// lastRow returns the last row behind another that is about an act.
func lastRow(ctx context.Context, dir *state.Dir, behind int64, act string) (last ledger.Row, err error) {
	record, err := ledger.OpenReader(dir)
	if err != nil {
		return last, err
	}
	defer record.Close()
	for row, err := range record.Rows(ctx, ledger.Filter{After: behind}) {
		if err != nil {
			return last, err
		}
		if row.Act == act {
			last = row
		}
	}
	return last, nil
}

// Freeze implements console.Source.
func (s *Service) Freeze(*http.Request) error {
	_, fresh, err := operator.Freeze(s.dir, "you, on the page", time.Now())
	if err == nil && !fresh {
		err = errors.New("it is frozen already")
	}
	return err
}
