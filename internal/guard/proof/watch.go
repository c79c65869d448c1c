package proof

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/state"
)

const (
	// glances is how often it is looked whether there are new connections: a
	// model's answer takes longer.
	glances = time.Second
	// looks is how often everything is looked at.
	looks = 10 * time.Second
)

// Watch looks after the doors of one state directory. It opens no port, changes
// nothing and writes only into the state; to look at another user's OpenClaw it
// must be able to read that user's files and processes (CAP_DAC_READ_SEARCH and
// CAP_SYS_PTRACE).
type Watch struct {
	dir    *state.Dir
	door   func() (netip.AddrPort, error)
	proc   string // "/proc"
	uses   func(ctx context.Context, dir *state.Dir, config string) (uses, error)
	names  *upstreams
	agents map[string]*agent // by the path of their config
	all    map[int]process   // that ran at the last look
	last   Report            // that was written
	looked time.Time
	past   *Report         // of an earlier watch
	said   map[string]bool // problems that were told of
	tell   io.Writer
	frozen string // key of the freeze for which turns were last ended
}

// New returns the watch over a state directory's doors. door says where the
// model door is; an error means that none is open, and that there is nothing to
// watch. New problems are told of on a writer, a line each.
func New(dir *state.Dir, door func() (netip.AddrPort, error), tell io.Writer) *Watch {
	past, _ := Load(dir)
	return &Watch{
		dir: dir, door: door, proc: "/proc", uses: readUses, names: newUpstreams(),
		agents: map[string]*agent{}, past: past, said: map[string]bool{}, tell: tell,
	}
}

// Tell has new problems told of on another writer from now on.
func (w *Watch) Tell(to io.Writer) { w.tell = to }

// Run looks again and again until the context ends.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(glances)
	defer tick.Stop()
	for {
		w.endFrozen(ctx)
		if now := time.Now(); now.Sub(w.looked) >= looks {
			w.Look(ctx)
		} else {
			w.glance(now)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look looks once, says what it saw, and tries what has to be tried again.
func (w *Watch) Look(ctx context.Context) {
	w.looked = time.Now()
	door, err := w.door()
	if err != nil {
		return
	}
	err = w.look(ctx, door)
	w.save(ctx, err)
	for _, a := range w.sorted() {
		if a.fly(ctx, w.dir) {
			w.save(ctx, err)
		}
	}
}

func (w *Watch) sorted() (all []*agent) {
	for _, config := range slices.Sorted(maps.Keys(w.agents)) {
		all = append(all, w.agents[config])
	}
	return all
}

// look takes in what has changed.
func (w *Watch) look(ctx context.Context, door netip.AddrPort) error {
	routes, err := model.LoadRoutes(w.dir)
	if err != nil {
		return err
	}
	hooks, err := hook.LoadAgents(w.dir)
	if err != nil {
		return err
	}
	w.choose(routes)
	if err := w.run(); err != nil {
		return err
	}
	now := time.Now()
	for _, a := range w.sorted() {
		a.read(ctx, w.proc, w.all, now)
		a.compare(now, func() (uses, error) { return w.uses(ctx, w.dir, a.path) })
		a.packaged(ctx)
		a.follow(door.String(), routes, hooks)
		a.connected(w.proc, w.all, door, func(names bool) map[netip.AddrPort]string {
			return w.names.addresses(ctx, a.providers(), names, now)
		}, now)
	}
	return nil
}

// run takes in which processes run. A gateway that is looked for may be one that
// had another name a moment ago.
func (w *Watch) run() (err error) {
	var watched []process
	for _, a := range w.agents {
		watched = append(watched, a.ends.family...)
		if a.gateway == nil {
			w.all = nil
		}
	}
	w.all, err = processes(w.proc, w.all, watched)
	return err
}

// glance looks only for new connections, and only where there are some.
func (w *Watch) glance(now time.Time) {
	for _, a := range w.agents {
		a.glance(w.proc, now)
	}
}

// choose keeps the agents that are connected.
func (w *Watch) choose(routes []model.Route) {
	connected := map[string]bool{}
	for _, r := range routes {
		connected[r.Agent] = true
		if w.agents[r.Agent] == nil {
			w.agents[r.Agent] = newAgent(r.Agent, w.past)
		}
	}
	maps.DeleteFunc(w.agents, func(config string, _ *agent) bool { return !connected[config] })
}

// save writes the report, and tells what is new in it. What could not be looked
// at makes the report grow old, which status and page say.
func (w *Watch) save(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r := &Report{Time: time.Now(), Agents: []Agent{}}
	for _, a := range w.sorted() {
		r.Agents = append(r.Agents, a.report())
	}
	if err == nil && (!reflect.DeepEqual(r.Agents, w.last.Agents) || r.Time.Sub(w.last.Time) >= fresh/3) {
		if err = r.save(w.dir); err == nil {
			w.last = *r
		}
	}
	problems := r.Problems(r.Time)
	if err != nil {
		problems = []Problem{{"What OpenClaw does could not be watched: " + err.Error(), "seawall status"}}
	}
	said := map[string]bool{}
	for _, p := range problems {
		said[p.What] = true
		if !w.said[p.What] {
			fmt.Fprintln(w.tell, "seawall:", p)
		}
	}
	w.said = said
}
