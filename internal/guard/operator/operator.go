// Package operator is what the operator of this machine has settled for the
// guard while the doors are open: that nothing may happen, the language of the
// notices, the texts that may pass once, the contents in which a detector was
// wrong, and the notices that stand in place of a text already. All of it is in
// files of the state directory, which only the operator can write and the doors
// look at whenever they need it.
//
//	seawall pass ID, the page ──▶ passes.json ──▶ Desk.Pass ──▶ guard
//	seawall freeze, the page  ──▶ frozen.json ──▶ Desk.Frozen, Desk.OnFreeze
//	seawall up --language de  ──▶ language    ──▶ Desk.Language
//	seawall why ID --wrong    ──▶ wrong.json  ──▶ Desk.Wrong
//	seawall observe, enforce  ──▶ observe.json ─▶ Desk.Observing ──▶ guard
//	seawall policy tool NAME  ──▶ tools.json  ──▶ Desk.Settled
//	seawall vouch             ──▶ vouched.json ──▶ Desk.Vouched
//	                 notices.json ◀─────────────▶ Desk.Said
package operator

import (
	"sync"
	"time"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/state"
)

// Desk reads and keeps what one state directory holds of the operator. It is
// safe for concurrent use.
type Desk struct {
	dir *state.Dir
	now func() time.Time

	mu   sync.Mutex
	said *notices // nil until they are needed

	silenced state.Cached[map[Content]bool]
	tools    state.Cached[map[string][]effect.Kind]
	vouched  state.Cached[*Vouched]
	observed state.Cached[*Observing]
	waiting  waiters // for a freeze
}

// Open returns the desk of a state directory, which tells the time by now.
func Open(dir *state.Dir, now func() time.Time) *Desk { return &Desk{dir: dir, now: now} }
