package hook

import (
	"context"
	"net/http"
	"time"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
)

// Patience is how long a call waits here for a person. OpenClaw gives a hook ten
// minutes at most, and the plugin asks for them.
const Patience = 590 * time.Second

// sign is how often the plugin is told meanwhile that the door is there.
const sign = 15 * time.Second

// Waits implements model.Witness: a call of a run can wait here when its plugin
// has vouched for this very run, has told of its model calls, and stands in the
// OpenClaw's config. Where one of it fails, nobody would ask before the call runs.
func (d *Door) Waits(config, trace string) bool {
	v, ok := d.runs.find(config + "\x00" + trace)
	if !ok || v.speaker.Who == guard.Unvouched || d.Loaded == nil || !d.Loaded(config) {
		return false
	}
	for _, p := range d.Plugins() {
		if p.Config == config {
			return !p.Silent
		}
	}
	return false
}

// await answers a call when a person has answered the question about it.
func (d *Door) await(ctx context.Context, a guard.Action, q question, n int64) answer {
	a.ID = q.ID // under which its result comes back
	decision := d.guard.Await(ctx, a, n)
	// The calls behind it waited as well, and so did the run.
	d.tickets.Renew(a.Config, q.Trace)
	d.runs.find(a.Config + "\x00" + q.Trace)
	if decision.Verdict != policy.Allow {
		return answer{Block: true, Reason: d.guard.Stopped(a, decision)}
	}
	d.installs(a)
	return answer{Allow: true}
}

// hold keeps the plugin waiting for an answer.
func hold(w http.ResponseWriter, r *http.Request, wait func(context.Context) answer) answer {
	ctx, stop := context.WithTimeout(r.Context(), Patience)
	defer stop()
	answered := make(chan answer, 1)
	go func() { answered <- wait(ctx) }()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	tick := time.NewTicker(sign)
	defer tick.Stop()
	for {
		_, _ = w.Write([]byte("\n"))
		_ = http.NewResponseController(w).Flush()
		select {
		case a := <-answered:
			return a
		case <-tick.C:
		}
	}
}
