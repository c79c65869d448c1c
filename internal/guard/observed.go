package guard

import (
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/guard/policy"
)

// Observed stands beside the policies that would have asked, in the row of what ran
// because the operator only has it observed.
const Observed = "observing"

// lets reports whether what would ask is let through and only recorded. A limit
// holds all the same: it is not about what a job needs.
func (g *Guard) lets(in policy.Input) bool {
	return in.OverLimit == "" && g.Observes != nil && g.Observes()
}

// observed is a decision that would have asked and is let through. would is what the
// row says of that.
func (d Decision) observed() (out Decision, would string) {
	would = d.Verdict.String()
	d.Verdict, d.Policy = policy.Allow, append(slices.Clone(d.Policy), Observed)
	d.Why, d.german = "observing; it would have asked: "+strings.TrimPrefix(d.Why, needsApproval+": "), ""
	return d, would
}
