package hook

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/openseawall/seawall/internal/guard"
)

const (
	// vouched is how long a run stays vouched for after it was last heard of.
	vouched = 10 * time.Minute
	// maxRuns is how many are remembered.
	maxRuns = 4096
	// maxPath is how long a workspace's path may be, in bytes (PATH_MAX).
	maxPath = 4096
)

// runs are the runs that the plugin vouches for, by agent and trace id.
type runs struct {
	now func() time.Time
	all *lru.Cache[string, vouch]
}

// vouch is whose words began a run, and where it works.
type vouch struct {
	speaker   guard.Speaker
	workspace string
	until     time.Time
}

func newRuns(now func() time.Time) *runs {
	all, _ := lru.New[string, vouch](maxRuns) // an error is for a size below one
	return &runs{now, all}
}

// vouch notes a run. What is said of it again and otherwise, by whoever, takes
// away from it and adds nothing: within a run, any process of the agent could.
func (r *runs) vouch(key string, v vouch) {
	v.until = r.now().Add(vouched)
	if before, ok := r.all.Get(key); ok && (before.speaker != v.speaker || before.workspace != v.workspace) {
		v = vouch{speaker: guard.Speaker{Who: guard.Visitor}, until: v.until}
	}
	r.all.Add(key, v)
}

// find looks a run up, and remembers it for another while.
func (r *runs) find(key string) (vouch, bool) {
	v, ok := r.all.Get(key)
	if !ok || !r.now().Before(v.until) {
		return vouch{}, false
	}
	v.until = r.now().Add(vouched)
	r.all.Add(key, v)
	return v, true
}

// run notes whose words begin a run, before its first request. OpenClaw says of
// each run whether its owner speaks; only a clear yes is one.
func (d *Door) run(_ context.Context, config string, q question) answer {
	if q.Trace == "" {
		return answer{Block: true, Reason: d.guard.Told(q.turn(), "", "it belongs to no run that Seawall could know", "seawall status")}
	}
	who := guard.Visitor
	if q.Owner {
		who = guard.Owner
	}
	workspace := q.Workspace
	if len(workspace) > maxPath {
		workspace = ""
	}
	turn := q.turn()
	turn.Speaker = guard.Speaker{Who: who, Channel: short(q.Channel), Sender: short(q.Sender), Words: guard.WordsOf(q.Prompt), Job: jobOf(q.Session, q.Prompt)}
	d.runs.vouch(config+"\x00"+q.Trace, vouch{workspace: workspace, speaker: turn.Speaker})
	d.guard.Visited(turn)
	return answer{Allow: true}
}

// Speaker implements model.Witness. A run of an agent that has the plugin and
// that the plugin did not vouch for is nobody's that is known.
func (d *Door) Speaker(config, trace string) (guard.Speaker, string) {
	if v, ok := d.runs.find(config + "\x00" + trace); ok {
		return v.speaker, v.workspace
	}
	for _, a := range *d.agents.Load() {
		if a.Config == config {
			return guard.Speaker{Who: guard.Unvouched}, ""
		}
	}
	return guard.Speaker{}, ""
}
