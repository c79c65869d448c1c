package openclaw

import (
	"testing"

	"github.com/openseawall/seawall/internal/openclaw"
)

// TestPinnedIsNamed: what Seawall says that it was tested with is what the lab
// runs.
func TestPinnedIsNamed(t *testing.T) {
	if !openclaw.Tested(Pinned) {
		t.Errorf("the lab runs %s, and Seawall names %v", Pinned, openclaw.Versions)
	}
	if !openclaw.Tested(Previous) {
		t.Errorf("the lab runs %s, too, and Seawall names %v", Previous, openclaw.Versions)
	}
}
