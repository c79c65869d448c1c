package survey

import (
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/state"
)

// TestRememberTheNewest keeps of two audits the one that was begun later, in
// whatever order they end; one from the future is no newer.
func TestRememberTheNewest(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	for _, c := range []struct {
		name         string
		first, after time.Time
		kept         time.Time
	}{
		{"in order", now.Add(-2 * time.Minute), now.Add(-time.Minute), now.Add(-time.Minute)},
		{"the earlier one ends last", now.Add(-time.Minute), now.Add(-2 * time.Minute), now.Add(-time.Minute)},
		{"after a wrong clock", now.Add(time.Hour), now.Add(-time.Minute), now.Add(-time.Minute)},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := state.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			for _, at := range []time.Time{c.first, c.after} {
				if err := Remember(dir, &posture.Audit{SchemaVersion: posture.SchemaVersion, Time: at}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Last(dir)
			if err != nil || !got.Time.Equal(c.kept) {
				t.Errorf("kept is the audit of %v (%v), want %v", got.Time, err, c.kept)
			}
		})
	}
}
