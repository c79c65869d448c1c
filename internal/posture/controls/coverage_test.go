package controls

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/openseawall/seawall/internal/posture"
)

var (
	quoted = regexp.MustCompile("`((?:ssh|firewall|docker|compose|gateway|secrets|updates|skills|state|integrations|tunnels|system)-[a-z0-9-]+)`")
	row    = regexp.MustCompile(`(?m)^\| .* \|$`)
)

// TestCoverage keeps docs/coverage.md and the catalogue together: it names no
// control that is not there, and leaves none out.
func TestCoverage(t *testing.T) {
	text, err := os.ReadFile("../../../docs/coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
		id := m[1]
		named[id] = true
		if !slices.ContainsFunc(All, func(c posture.Control) bool { return c.ID == id }) {
			t.Errorf("docs/coverage.md names %s, which is no control", id)
		}
	}
	for _, c := range All {
		if !named[c.ID] {
			t.Errorf("docs/coverage.md does not mention %s", c.ID)
		}
	}
	if rows := row.FindAllString(string(text), -1); len(rows) < 220 {
		t.Errorf("docs/coverage.md has %d rows", len(rows))
	}
}
