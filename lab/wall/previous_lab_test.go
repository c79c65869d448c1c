//go:build lab

package wall

import (
	"os"
	"testing"

	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/openclaw"
)

// TestPreviousVersion is what matters most, with the release before the pinned
// one: turns in each format, stopped calls, the two doors, and the way back.
func TestPreviousVersion(t *testing.T) {
	program, err := openclaw.InstallVersion(t.Context(), openclaw.Previous, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	w := buildOn(t, program, "Protected.")
	t.Run("each route is proven", func(t *testing.T) { provenByCanary(t, w) })
	for _, api := range model.APIs {
		t.Run(string(api), func(t *testing.T) {
			t.Run("an ordinary turn", func(t *testing.T) { ordinaryTurn(t, w, api) })
			t.Run("a key on its way out", func(t *testing.T) { keyOnItsWayOut(t, w, api) })
			t.Run("the same behind tool_call", func(t *testing.T) { behindToolCall(t, w, api) })
			t.Run("an attack in a message", func(t *testing.T) { attackInAMessage(t, w, api) })
		})
	}
	t.Run("a call in text runs", func(t *testing.T) { textRuns(t, w) })
	t.Run("who can reach the doors gains nothing", func(t *testing.T) { forgedGainsNothing(t, w) })
	t.Run("a program's calls", func(t *testing.T) { programRuns(t, w) })
	t.Run("as it was before", func(t *testing.T) { asItWasBefore(t, w) })
}
