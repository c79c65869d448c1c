package controls

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// update writes the pages: go test ./internal/posture/controls -run Pages -update
var update = flag.Bool("update", false, "write docs/controls and its indexes")

const docsDir = "../../../docs"

// TestPages holds docs/controls, its indexes and the table of severities to the
// catalogue.
func TestPages(t *testing.T) {
	pages := map[string]string{
		"controls/README.md": Index(),
		"de/kontrollen.md":   IndexGerman(),
		"severities.md":      Severities(),
	}
	for _, c := range All {
		pages["controls/"+c.ID+".md"] = Page(c, tried(t, c))
	}
	for name, text := range pages {
		file := filepath.Join(docsDir, name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if b, err := os.ReadFile(file); err != nil || string(b) != text {
			t.Errorf("docs/%s is not what its control says (%v): go test ./internal/posture/controls -run Pages -update", name, err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(docsDir, "controls"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := pages["controls/"+e.Name()]; !ok {
			t.Errorf("docs/controls/%s is for no control", e.Name())
		}
	}
}

// tried are the changes that a fix makes of the recorded machine.
func tried(t *testing.T, c posture.Control) []change.Change {
	t.Helper()
	if c.Fix == nil || c.Family == posture.Firewall || slices.Contains(unknowable, c.ID) {
		return nil
	}
	o := readOverlay(t, "trips", c.ID+".txtar")
	f := machine(t, read(t, o.base+".txtar"), o.text)
	f.Aim = vps(t)
	did, err := c.Fix(f)
	if err != nil && !refused(err) {
		t.Fatalf("%s: %v", c.ID, err)
	}
	slices.SortStableFunc(did, func(a, b change.Change) int { return strings.Compare(EditText(a.Edit), EditText(b.Edit)) })
	return did
}
