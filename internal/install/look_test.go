package install

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/packaging"
)

func TestEdited(t *testing.T) {
	b := builderOn(t, machine(t, ""))
	units := packaging.Units(localProgram)
	for i, text := range []string{units[0].Text, units[1].Text + "# mine\n", packaging.Units(packaging.Program)[2].Text} {
		put(t, b.Machine, filepath.Join(unitFolder, units[i].Name), text)
	}
	got, err := Edited(b.Machine, b.dir)
	if want := []string{filepath.Join(unitFolder, units[1].Name)}; err != nil || !slices.Equal(got, want) {
		t.Errorf("edited are %q, %v", got, err)
	}
}

// TestLacking: where nobody made a service nothing is missing; one that was
// interrupted misses the rest.
func TestLacking(t *testing.T) {
	b := builderOn(t, machine(t, ""))
	if got, err := Lacking(t.Context(), b.Machine, b.dir); err != nil || len(got) > 0 {
		t.Errorf("it lacks %q, %v", got, err)
	}
	// A package brought the units, and install made the account.
	if err := (journal{Account: true}).write(b.dir); err != nil {
		t.Fatal(err)
	}
	if got, err := Lacking(t.Context(), b.Machine, b.dir); err != nil || len(got) == 0 {
		t.Errorf("it lacks %q, %v", got, err)
	}
	unit := packaging.Units(localProgram)[0]
	path := filepath.Join(unitFolder, unit.Name)
	put(t, b.Machine, path, unit.Text)
	if err := b.journal.with(file{path, sum([]byte(unit.Text))}).write(b.dir); err != nil {
		t.Fatal(err)
	}
	got, err := Lacking(t.Context(), b.Machine, b.dir)
	if all := strings.Join(got, "\n"); err != nil || !strings.Contains(all, "write "+localProgram) || strings.Contains(all, "write "+path) ||
		!strings.Contains(all, "seawall-watch.service") || !strings.Contains(all, "with the machine") {
		t.Errorf("it lacks %v:\n%s", err, all)
	}
}
