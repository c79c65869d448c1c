package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

// Aborted is what became of the turns of one OpenClaw that was told to end them.
type Aborted struct {
	Config   string    `json:"config"`
	Gateway  int       `json:"gateway,omitempty"` // process id; 0 when it does not run
	Sessions []string  `json:"sessions"`          // whose turns were ended
	Problem  string    `json:"problem,omitempty"` // why turns may go on
	Running  []Program `json:"running"`           // what the agent started and still runs
	Ended    []Program `json:"ended,omitempty"`   // and what was ended, see EndPrograms
}

// Program is a process that an agent started.
type Program struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`

	start uint64 // with PID, which process it is
	child bool   // it descends from the gateway
}

// Endable is how many programs still run that EndPrograms would end.
func (o *Aborted) Endable() (n int) {
	for _, p := range o.Running {
		if p.child {
			n++
		}
	}
	return n
}

const (
	abortTime = 20 * time.Second // for one gateway to end its turns
	endTime   = 8 * time.Second  // for it to end one, on which a thaw waits
	dying     = 3 * time.Second  // for the programs of a turn to end with it
	rounds    = 3                // a turn may begin while others are ended
)

// Abort has the OpenClaws that are connected to the doors of a state directory
// end their running turns, and tells which programs of theirs run on. It is for
// the user that may read the agent's config and processes.
func Abort(ctx context.Context, dir *state.Dir) ([]Aborted, error) {
	routes, err := model.LoadRoutes(dir)
	if err != nil {
		return nil, err
	}
	all := []Aborted{}
	for _, r := range routes {
		if r.Agent != "" && !slices.ContainsFunc(all, func(a Aborted) bool { return a.Config == r.Agent }) {
			all = append(all, Aborted{Config: r.Agent, Sessions: []string{}, Running: []Program{}})
		}
	}
	for i := range all {
		all[i].abort(ctx, dir, "/proc")
	}
	return all, nil
}

func (o *Aborted) abort(ctx context.Context, dir *state.Dir, proc string) {
	ctx, cancel := context.WithTimeout(ctx, abortTime)
	defer cancel()
	processes, err := processes(proc, nil, nil)
	if err != nil {
		o.Problem = err.Error()
		return
	}
	a := newAgent(o.Config, nil)
	if a.config, err = openclaw.LoadConfig(ctx, host.Live(), o.Config); err != nil {
		o.Problem = err.Error()
		return
	}
	if a.gateway = findGateway(proc, o.Config, processes); a.gateway == nil {
		return
	}
	o.Gateway = a.gateway.pid
	a.ends.family = family(a.gateway.process, processes, nil)
	if o.Sessions, err = a.endTurns(ctx, dir, proc); err != nil {
		o.Problem = err.Error()
	}
	o.Running = waitForPrograms(ctx, proc, a.gateway)
}

// endTurns tells the gateway of an agent to end what its sessions do, as long as
// the doors are frozen: a turn that began after a thaw is nobody's to end.
func (a *agent) endTurns(ctx context.Context, dir *state.Dir, proc string) (ended []string, err error) {
	ended = []string{}
	if a.ends.sockets, err = a.ends.look(proc, a.gateway); err != nil {
		return ended, err
	}
	c, err := a.dial(ctx)
	if err != nil {
		return ended, err
	}
	defer c.close()
	for range rounds {
		active, err := c.active(ctx)
		if err != nil || len(active) == 0 {
			return ended, err
		}
		var failed error
		for _, key := range active {
			frozen, err := operator.WhileFrozen(dir, func() error { return c.end(ctx, key) })
			switch {
			case err != nil:
				failed = fmt.Errorf("session %s: %w", short(key), err)
			case !frozen:
				return ended, nil
			case !slices.Contains(ended, key):
				ended = append(ended, key)
			}
		}
		if failed != nil {
			return ended, failed
		}
	}
	if active, err := c.active(ctx); (err != nil || len(active) > 0) && operator.FrozenIn(dir) != nil {
		return ended, errors.Join(err, fmt.Errorf("turns go on in %d sessions", len(active)))
	}
	return ended, nil
}

// end ends the turn of a session, and what waits behind it
// (docs/gateway/protocol/rpc-session-control.md).
func (c *client) end(ctx context.Context, session string) error {
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	var done struct{}
	return c.call(ctx, "sessions.abort", map[string]any{"key": session, "clearQueued": true}, &done)
}

// active are the keys of the sessions in which a turn runs or waits.
func (c *client) active(ctx context.Context) (keys []string, err error) {
	var list struct {
		Sessions []struct {
			Key string `json:"key"`
		} `json:"sessions"`
	}
	err = c.call(ctx, "sessions.list", map[string]any{"activeOnly": true, "includeGlobal": true, "includeUnknown": true, "limit": 200}, &list)
	for _, s := range list.Sessions {
		if s.Key != "" {
			keys = append(keys, s.Key)
		}
	}
	return keys, err
}

// waitForPrograms returns what still runs after a moment in which it could end.
func waitForPrograms(ctx context.Context, proc string, g *gateway) []Program {
	for until := time.Now().Add(dying); ; {
		running := programs(proc, g)
		if len(running) == 0 || time.Now().After(until) || ctx.Err() != nil {
			return running
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// ownerOf is the user of a process, -1 when it has ended.
func ownerOf(dir string) int {
	info, err := os.Stat(dir)
	if err != nil {
		return -1
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// programs are the processes that a gateway's exec tool started. OpenClaw marks
// them in their environment (OPENCLAW_SHELL), which also tells those whose parent
// has ended.
func programs(proc string, g *gateway) []Program {
	all, _ := processes(proc, nil, nil)
	owner := ownerOf(filepath.Join(proc, strconv.Itoa(g.pid)))
	found := []Program{}
	descendants := family(g.process, all, nil)
	for _, p := range all {
		dir := filepath.Join(proc, strconv.Itoa(p.pid))
		if p.pid == g.pid || p.pid == os.Getpid() || ownerOf(dir) != owner || environment(dir)[shellMark] == "" {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		command := strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
		if command == "" {
			continue // it has ended
		}
		found = append(found, Program{p.pid, short(command), p.start, slices.Contains(descendants, p)})
	}
	slices.SortFunc(found, func(x, y Program) int { return x.PID - y.PID })
	return found
}

// endFrozen ends the turns that run when a freeze begins: whoever froze by the
// page, or as a user who may not read the agent's config, cannot.
func (w *Watch) endFrozen(ctx context.Context) {
	now := operator.FrozenIn(w.dir).Key()
	if now == w.frozen {
		return
	}
	w.frozen = now
	if now == "" {
		return
	}
	all, err := Abort(ctx, w.dir)
	if err != nil {
		fmt.Fprintln(w.tell, "seawall: frozen, but OpenClaw was not told to end its turns:", err)
	}
	for _, a := range all {
		if a.Problem != "" {
			fmt.Fprintf(w.tell, "seawall: frozen, but OpenClaw could not be told to end its turns: %s. To end it: openclaw gateway stop\n", a.Problem)
		}
		for _, p := range a.Running {
			fmt.Fprintf(w.tell, "seawall: frozen, and a program of the agent still runs: process %d, %s\n", p.PID, p.Command)
		}
	}
}
