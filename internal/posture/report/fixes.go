package report

import (
	"cmp"
	"slices"
	"strings"

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

// share is how much of the lines that a control guards its fix takes away: a
// finding of low severity is a small part of what stands open there.
var share = [...]float64{posture.Info: 0, posture.Low: 0.1, posture.Medium: 0.4, posture.High: 1, posture.Critical: 1}

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
		for _, f := range r.Findings {
			advice := cmp.Or(f.Advice, r.Advice)
			if f.Accepted != nil || advice == "" || f.Severity == posture.Info {
				continue
			}
			weight := severityWeight[f.Severity] + int(share[f.Severity]*float64(lines[r.ID]))
			i := slices.IndexFunc(out, func(x fix) bool { return x.advice == advice })
			if i < 0 {
				out = append(out, fix{r.Title, advice, f.Severity, weight, r.ID})
				continue
			}
			out[i].weight = max(out[i].weight, weight)
			out[i].severity = max(out[i].severity, f.Severity)
		}
	}
	slices.SortStableFunc(out, func(x, y fix) int {
		return cmp.Or(cmp.Compare(y.weight, x.weight), cmp.Compare(y.severity, x.severity), cmp.Compare(x.id, y.id))
	})
	return out
}

// brief shortens advice that is too long for its rows by whole clauses; one that
// is too long by itself is cut.
func brief(advice string, width, n int) []string {
	if len(rows(advice, width)) <= n {
		return rows(advice, width)
	}
	end, outside := 0, outsideParens(advice)
	for _, mark := range []string{"; ", " (", ", and ", ", or ", ", then ", " && "} {
		for at, i := 0, 0; ; at += i + len(mark) {
			if i = strings.Index(advice[at:], mark); i < 0 {
				break
			}
			if at+i > end && outside[at+i] && len(rows(advice[:at+i], width)) <= n {
				end = at + i
			}
		}
	}
	if end < width/3 {
		return cut(advice, width, n)
	}
	return rows(advice[:end], width)
}

// outsideParens tells for each byte of a text whether it stands in no
// parentheses or brackets; the opening one does not either.
func outsideParens(s string) []bool {
	out, depth := make([]bool, len(s)), 0
	for i, c := range []byte(s) {
		if c == ')' || c == ']' {
			depth--
		}
		out[i] = depth <= 0
		if c == '(' || c == '[' {
			depth++
		}
	}
	return out
}

// rows says what is wrong and, where there is room for it, what to do in rows
// of their own.
func (f fix) rows(width, n int) []string {
	if n == 1 {
		return brief(clean(f.advice), width, 1)
	}
	out := cut(clean(f.title), width, 1)
	for i, s := range brief(clean(f.advice), width-2, n-1) {
		out = append(out, [...]string{"→ ", "  "}[min(i, 1)]+s)
	}
	return out
}
