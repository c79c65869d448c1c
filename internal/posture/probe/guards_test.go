package probe

import (
	"slices"
	"testing"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/controls"
)

// A line that points to a control that is not there would never find its fix.
func TestGuardsExist(t *testing.T) {
	for kind, ids := range guards {
		for _, id := range ids {
			if id != posture.BoundaryControl.ID && !slices.ContainsFunc(controls.All, func(c posture.Control) bool { return c.ID == id }) {
				t.Errorf("the line about %s is guarded by %s, which is no control", kind, id)
			}
		}
	}
}
