package report

import (
	"cmp"
	"slices"

	"github.com/openseawall/seawall/internal/posture"
)

// fix is one piece of advice with all that it takes away.
type fix struct {
	title    string // what is wrong
	advice   string
	severity posture.Severity
	weight   int
	id       string
}

// severityWeight is what a finding weighs beside the lines of the blast radius
// that it is linked to.
var severityWeight = [...]int{posture.Info: 0, posture.Low: 2, posture.Medium: 10, posture.High: 40, posture.Critical: 120}

// ranked orders the advice for all open findings by what it takes away: the
// weight of the severity, and of each line of the blast radius that the control
// guards. The same advice from several controls is one fix.
func ranked(a *posture.Audit) []fix {
	lines := map[string]int{}
	for _, l := range a.Blast {
		for _, id := range l.Controls {
			lines[id] += l.Weight
		}
	}
	var out []fix
	for _, r := range a.Results {
		worst, open := openSeverity(r)
		if !open || r.Advice == "" || worst == posture.Info {
			continue
		}
		weight := severityWeight[worst] + lines[r.ID]
		if i := slices.IndexFunc(out, func(f fix) bool { return f.advice == r.Advice }); i >= 0 {
			out[i].weight += weight
			out[i].severity = max(out[i].severity, worst)
			continue
		}
		out = append(out, fix{r.Title, r.Advice, worst, weight, r.ID})
	}
	slices.SortStableFunc(out, func(x, y fix) int {
		return cmp.Or(cmp.Compare(y.weight, x.weight), cmp.Compare(y.severity, x.severity), cmp.Compare(x.id, y.id))
	})
	return out
}

// rows says what is wrong and, where there is room for it, what to do in rows
// of their own.
func (f fix) rows(width, n int) []string {
	if n == 1 {
		return cut(clean(f.advice), width, 1)
	}
	out := cut(clean(f.title), width, 1)
	for i, s := range cut(clean(f.advice), width-2, n-1) {
		out = append(out, [...]string{"→ ", "  "}[min(i, 1)]+s)
	}
	return out
}

// openSeverity is the worst of a result's findings that nobody accepted.
func openSeverity(r posture.Result) (worst posture.Severity, open bool) {
	for _, f := range r.Findings {
		if f.Accepted == nil {
			worst, open = max(worst, f.Severity), true
		}
	}
	return worst, open
}
