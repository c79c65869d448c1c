package guard

import "github.com/openseawall/seawall/internal/ledger"

// Visited records that words which are not the operator's began a run. It does
// not wait for the record.
func (g *Guard) Visited(t Turn) {
	if t.Speaker.operator() {
		return
	}
	row := ledger.Row{
		Kind: ledger.Event, Act: "visit", Why: "words that are not yours began a run", Version: g.policy.Version(),
		Door: t.Door, Agent: g.clean(t.Agent), Session: g.clean(t.Session), Trace: g.clean(t.Trace),
		Speaker: string(t.Speaker.Who), Channel: g.clean(t.Speaker.Channel), Sender: g.clean(t.Speaker.Sender),
	}
	if err := g.record.Behind(row); err != nil {
		g.note(err)
	}
}
