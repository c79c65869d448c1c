package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// result is one line of the table.
type result struct {
	Group  string  `json:"group"`
	What   string  `json:"what"`
	Unit   string  `json:"unit"`                  // "ms", "MB", "/s", ""
	Beside float64 `json:"beside,omitempty"`      // the same without Seawall, or by a rival
	Plain  float64 `json:"plain_proxy,omitempty"` // the same through Go's own reverse proxy, which reads nothing
	Value  float64 `json:"value"`
	N      int     `json:"samples,omitempty"`
	// Wanted bounds what Seawall adds to Beside, or Value when Beside is not
	// given or the unit is a rate, where it is a bound from below.
	Wanted float64 `json:"wanted,omitempty"`
	Alone  bool    `json:"-"` // Wanted bounds Value, whatever is beside it
	Note   string  `json:"note,omitempty"`
}

func (r result) rate() bool { return strings.HasSuffix(r.Unit, "/s") }

// judged is what Wanted bounds.
func (r result) judged() float64 {
	switch {
	case r.rate() && r.Beside > 0:
		return r.Value / r.Beside
	case r.Beside > 0 && !r.Alone:
		return r.Value - r.Beside
	}
	return r.Value
}

// verdict says whether what was wanted came out.
func (r result) verdict() string {
	switch {
	case r.Wanted == 0:
		return ""
	case r.rate() && r.judged() >= r.Wanted, !r.rate() && r.judged() < r.Wanted:
		return "yes"
	}
	return "NO"
}

func (r result) wanted() string {
	switch {
	case r.Wanted == 0:
		return ""
	case r.rate() && r.Beside > 0:
		return fmt.Sprintf("≥ %g ×", r.Wanted)
	case r.rate():
		return fmt.Sprintf("≥ %s", number(r.Wanted))
	case r.Beside > 0 && !r.Alone:
		return fmt.Sprintf("+ < %s", number(r.Wanted))
	}
	return "< " + number(r.Wanted)
}

// print writes the table, a piece for each group.
func print(w io.Writer, results []result) {
	for group := range groups(results) {
		fmt.Fprintf(w, "\n%s\n\n", group.title)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		plain := ""
		if slices.ContainsFunc(group.rows, func(r result) bool { return r.Plain > 0 }) {
			plain = "plain proxy"
		}
		fmt.Fprintf(t, "\t%s\t%s\tSeawall\tadded\tratio\t\twanted\t\tn\t\n", group.beside, plain)
		for _, r := range group.rows {
			beside, plain, added, ratio, n := "", "", "", "", ""
			if r.Plain > 0 {
				plain = number(r.Plain)
			}
			if r.Beside > 0 {
				beside, ratio = number(r.Beside), fmt.Sprintf("%.2f ×", r.Value/r.Beside)
				if !r.rate() && r.Value > r.Beside {
					added = fmt.Sprintf("%+.2f", r.Value-r.Beside)
				}
			}
			if r.N > 0 {
				n = fmt.Sprint(r.N)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", pad(r.What), beside, plain, number(r.Value), added, ratio, r.Unit, r.wanted(), r.verdict(), n)
		}
		_ = t.Flush()
		for _, r := range group.rows {
			if r.Note != "" {
				fmt.Fprintf(w, "  %s: %s\n", r.What, r.Note)
			}
		}
	}
}

// pad makes first cells equally wide: tabwriter would set them to the right.
func pad(s string) string { return fmt.Sprintf("%-46s", s) }

type group struct {
	title, beside string
	rows          []result
}

func groups(results []result) func(func(group) bool) {
	return func(yield func(group) bool) {
		for len(results) > 0 {
			n := slices.IndexFunc(results, func(r result) bool { return r.Group != results[0].Group })
			if n < 0 {
				n = len(results)
			}
			if !yield(group{results[0].Group, besides[results[0].Group], results[:n]}) {
				return
			}
			results = results[n:]
		}
	}
}

func number(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func printJSON(w io.Writer, results []result) error {
	type judged struct {
		result
		Met *bool `json:"met,omitempty"`
	}
	all := make([]judged, len(results))
	for i, r := range results {
		all[i].result = r
		if v := r.verdict(); v != "" {
			met := v == "yes"
			all[i].Met = &met
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

// samples are times of the same thing.
type samples []time.Duration

// at is a quantile in milliseconds.
func (s samples) at(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return ms(sorted[i])
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mb(bytes float64) string { return fmt.Sprintf("%.1f MB", bytes/1e6) }
