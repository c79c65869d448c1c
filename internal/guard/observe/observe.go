// Package observe tells what an agent did while what would ask was only recorded:
// what would have been asked, and what was stopped all the same.
//
//	record ──Read──▶ Report
package observe

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

// Report is what came of a time.
type Report struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Calls   int       `json:"calls"`      // that were decided about
	Would   int       `json:"would_ask"`  // of them, and ran
	Stopped int       `json:"stopped"`    // denied, or asked about because of a limit
	Secrets int       `json:"redactions"` // texts out of which secrets were taken
	Cut     bool      `json:"cut"`        // there was more, which was not counted
	// Asked and Denied are what there was of each kind, the most frequent first.
	Asked  []Kind `json:"asked"`
	Denied []Kind `json:"denied"`
}

// Kind are decisions about the same tool by the same rules.
type Kind struct {
	Tool  string   `json:"tool"`
	Rules []string `json:"rules"`
	Why   string   `json:"why"` // of the last
	Count int      `json:"count"`
	Last  int64    `json:"last"` // row
}

const (
	mostRows  = 500_000
	mostKinds = 1_000
)

// Read counts what stands in the record of a state directory between two times.
func Read(ctx context.Context, dir *state.Dir, from, to time.Time) (Report, error) {
	r := Report{From: from, To: to, Asked: []Kind{}, Denied: []Kind{}}
	var err error
	r.Cut, err = ledger.Each(ctx, dir, ledger.Filter{Since: from, Brief: true}, mostRows, func(row ledger.Row) {
		if !row.Time.After(to) && row.Kind == ledger.Decided {
			r.add(row)
		}
	})
	if err != nil {
		return r, err
	}
	for _, kinds := range [][]Kind{r.Asked, r.Denied} {
		slices.SortStableFunc(kinds, func(a, b Kind) int { return cmp.Compare(b.Count, a.Count) })
	}
	return r, nil
}

func (r *Report) add(row ledger.Row) {
	call := row.Act == "call"
	if call {
		r.Calls++
	}
	switch {
	case row.Decision == "redact":
		r.Secrets++
	case row.Would != "":
		r.Would++
		r.Asked = count(r.Asked, row)
	case row.Decision == "deny" || row.Decision == "ask":
		r.Stopped++
		r.Denied = count(r.Denied, row)
	}
}

// count adds a row to those of its kind.
func count(kinds []Kind, row ledger.Row) []Kind {
	rules := slices.DeleteFunc(slices.Clone(row.Policy), func(name string) bool { return name == guard.Observed })
	tool := cmp.Or(row.Tool, row.Act)
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Tool == tool && slices.Equal(k.Rules, rules) })
	if i < 0 {
		if len(kinds) >= mostKinds {
			return kinds
		}
		i, kinds = len(kinds), append(kinds, Kind{Tool: tool, Rules: rules})
	}
	kinds[i].Count++
	kinds[i].Last, kinds[i].Why = row.ID, strings.TrimPrefix(row.Why, "observing; it would have asked: ")
	return kinds
}
