package packaging

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestChangedSince sees what was written and what was moved to a watched place,
// and nothing where nothing was.
func TestChangedSince(t *testing.T) {
	folder := t.TempDir()
	watched := filepath.Join(folder, "watched")
	u := Unit{"seawall-audit.path", "[Path]\nPathChanged=" + folder + "/missing\nPathChanged=" + watched + "\n"}
	if err := os.WriteFile(watched, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if u.changedSince(time.Now().Add(time.Hour)) {
		t.Error("a change before the time counts")
	}
	if !u.changedSince(time.Now().Add(-time.Hour)) {
		t.Error("a change after the time does not count")
	}
	other, old := filepath.Join(folder, "other"), time.Now().Add(-48*time.Hour)
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(other, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, watched); err != nil {
		t.Fatal(err)
	}
	if !u.changedSince(time.Now().Add(-time.Hour)) {
		t.Error("a file with an old time that was moved here does not count")
	}
	if !ChangedSince(time.Unix(0, 0)) {
		t.Error("nothing that the shipped unit watches was ever changed")
	}
}
