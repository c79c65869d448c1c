package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/ledger"
)

// places is where a person answered, in words.
var places = map[string]string{"terminal": "at the terminal", "page": "on the page"}

// Allowed says who let a call through: "you, at the terminal, once, asked in #5",
// "the exception allow-5, policy 582a80a3330b".
func Allowed(r ledger.Row) string {
	if a := r.Approval; a != nil && a.Answer == "allow" {
		who := []string{"you"}
		if a.By != "" {
			who[0] = a.By
		}
		for _, s := range []string{a.Via, a.Scope} {
			if in, ok := places[s]; ok {
				s = in
			}
			if s != "" {
				who = append(who, s)
			}
		}
		if a.Question > 0 {
			who = append(who, fmt.Sprintf("asked in #%d", a.Question))
		}
		return strings.Join(who, ", ")
	}
	names := slices.DeleteFunc(slices.Clone(r.Policy), func(name string) bool { return name == guard.Approved })
	who := "no rule forbids it"
	if len(names) > 0 {
		who = "the exception " + strings.Join(names, ", ")
	}
	if r.Version != "" {
		who += ", policy " + r.Version
	}
	return who
}
