package why

import (
	"context"
	"fmt"
	"time"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

// Past is how far back it is looked what a line would have let through.
const Past = 30 * 24 * time.Hour

// mostShown is how many rows are kept of what a line would have let through.
const mostShown = 20

// Replayed is what a line would have let through of what was denied.
type Replayed struct {
	Since   time.Time    `json:"since"`
	Through int          `json:"through"` // calls
	Rows    []ledger.Row `json:"rows"`    // the newest of them
	Denied  int          `json:"denied"`  // calls that were looked at
	Unknown int          `json:"unknown"` // of which the record does not hold what the policy saw
}

// Replay decides again the calls that were denied since a time, by the policy as
// it is and as it would be with a line more. skip is the row that the line is for.
func Replay(ctx context.Context, record *ledger.Reader, rules *policy.Policy, line string, since time.Time, skip int64) (Replayed, error) {
	out := Replayed{Since: since, Rows: []ledger.Row{}}
	with, err := rules.With(line)
	if err != nil {
		return out, err
	}
	for _, decision := range []string{"deny", "ask"} {
		for row, err := range record.Rows(ctx, ledger.Filter{Since: since, Decision: decision}) {
			if err != nil {
				return out, err
			}
			if row.Kind != ledger.Decided || row.Act != string(policy.Call) || row.ID == skip {
				continue
			}
			out.Denied++
			in, whole := guard.Recorded(row)
			switch {
			case !whole:
				out.Unknown++
			case rules.Decide(in).Verdict != policy.Allow && with.Decide(in).Verdict == policy.Allow:
				out.Through++
				out.Rows = append(out.Rows[max(0, len(out.Rows)-mostShown+1):], row)
			}
		}
	}
	return out, nil
}

// Allow adds the line of an explanation to local.cedar, if the policy is good
// with it and then lets through what the line is for. It returns what was added.
func Allow(dir *state.Dir, x Explanation, now time.Time) (lines string, err error) {
	if x.Line == "" {
		return "", fmt.Errorf("#%d cannot be allowed: %s", x.Row.ID, x.NoLine)
	}
	lines = fmt.Sprintf("// #%d was %s on %s; allowed by you on %s. Delete these lines to take that back.\n%s",
		x.Row.ID, past(x.Row.Decision), x.Row.Time.Local().Format(time.DateOnly), now.Local().Format(time.DateOnly), x.Line)
	err = dir.Change(policy.LocalFile, func(old []byte) ([]byte, error) {
		rules, err := policy.Check(dir.Path(state.Policy)) // with the old
		if err != nil {
			return nil, fmt.Errorf("the policy would be refused as it stands, so nothing was added; correct it first:\n%w", err)
		}
		with, err := rules.With(lines)
		if err != nil {
			return nil, fmt.Errorf("the policy would be refused with these lines, so nothing was added:\n%w", err)
		}
		in, _ := guard.Recorded(x.Row)
		if with.Decide(in).Verdict != policy.Allow {
			return nil, fmt.Errorf("the policy has changed just now and would still stop #%d: ask again", x.Row.ID)
		}
		if len(old) > 0 {
			old = append(old, '\n')
		}
		return append(old, lines...), nil
	})
	return lines, err
}

func past(decision string) string {
	if decision == "ask" {
		return "stopped, because it needs approval,"
	}
	return "denied"
}
