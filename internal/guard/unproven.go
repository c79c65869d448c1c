package guard

import (
	"fmt"
	"slices"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/policy"
)

// Unproven is an OpenClaw of which nobody knows whether it asks Seawall, and does
// what Seawall says: another version than those that the lab has run, that failed
// a proof or was not tried yet, or one that is half updated.
type Unproven struct {
	Version string `json:"version,omitempty"` // "" when it is not one version
	Why     string `json:"why"`               // what is not proven; no full stop
	Passed  string `json:"last_passed"`       // the last version that was
	Back    string `json:"back"`              // the command that leads back to it
}

// String is a whole sentence without its full stop.
func (u Unproven) String() string {
	name := "OpenClaw " + u.Version + " is not proven"
	if u.Version == "" {
		name = "This OpenClaw is not whole"
	}
	return fmt.Sprintf("%s: %s. Calls that send, spend, destroy or widen access are refused; the last version that was proven is %s", name, u.Why, u.Passed)
}

// why is the reason of a notice.
func (u Unproven) why(l language) string {
	if u.Version == "" {
		return fmt.Sprintf(l.half, u.Passed)
	}
	return fmt.Sprintf(l.unproven, u.Version, u.Passed)
}

// of is a decision about a call of an OpenClaw that is not proven: where that
// decided, it says which was, and how to go back to it.
func (d Decision) of(u *Unproven) Decision {
	if u == nil || !slices.Contains(d.Policy, policy.Unproven) {
		return d
	}
	d.Why, d.german, d.back = u.why(languages[operator.English]), u.why(languages[operator.German]), u.Back
	return d
}
