//go:build lab

package wall

import (
	"testing"

	"github.com/openseawall/seawall/internal/ledger"
)

// done fails the test unless a call of this tool has all its rows behind one:
// asked, decided, and done under the ID that OpenClaw made of the model's.
func (w *wall) done(t *testing.T, after int64, tool string) {
	t.Helper()
	rows := w.rows(after)
	for _, asked := range rows {
		if asked.Kind != ledger.Asked || asked.Tool != tool {
			continue
		}
		var decided, done bool
		for _, r := range rows {
			decided = decided || r.Asked == asked.ID && r.Kind == ledger.Decided && r.Decision == "allow" && r.Outcome == ""
			done = done || r.Asked == asked.ID && r.Kind == ledger.Done && len(r.Result) == 64 && r.Tool == tool
		}
		if decided && done {
			return
		}
	}
	t.Errorf("the record has no %s that was asked, decided and done: %+v", tool, rows)
}
