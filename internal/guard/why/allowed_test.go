package why

import (
	"testing"

	"github.com/openseawall/seawall/internal/ledger"
)

func TestAllowed(t *testing.T) {
	for want, r := range map[string]ledger.Row{
		"no rule forbids it, policy 582a":              {Version: "582a"},
		"no rule forbids it":                           {},
		"the exception allow-5, policy 582a":           {Policy: []string{"allow-5"}, Version: "582a"},
		"you, at the terminal, once, asked in #5":      {Policy: []string{"approved"}, Approval: &ledger.Approval{Question: 5, Answer: "allow", Via: "terminal", Scope: "once"}},
		"anna, on the page, conversation, asked in #7": {Approval: &ledger.Approval{Question: 7, Answer: "allow", By: "anna", Via: "page", Scope: "conversation"}},
		"bo, signal":                   {Approval: &ledger.Approval{Answer: "allow", By: "bo", Via: "signal"}},
		"no rule forbids it, policy x": {Version: "x", Approval: &ledger.Approval{Answer: "deny", By: "bo"}},
	} {
		if got := Allowed(r); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}
