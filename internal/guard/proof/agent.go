package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

const (
	// settle is how long OpenClaw may take to use a config that has changed.
	settle = 10 * time.Second
	hourly = time.Hour
	// A canary that proved nothing is tried again, soon at first.
	soon, later = 15 * time.Second, 10 * time.Minute
	// often is how soon the table of routes is made again: OpenClaw writes its
	// databases with each turn.
	often       = 30 * time.Second
	tries       = 3
	maxCanaries = 32 // of one config
)

// agent is one OpenClaw under watch.
type agent struct {
	path string
	// What is on the disk.
	config   *openclaw.Config
	unread   string // why the config cannot be read
	settings string // stamp of the files that say how models are reached
	logins   string // and of those that OpenClaw writes as it runs
	changed  time.Time
	plugin   string // why its plugin is not loaded
	// What runs.
	gateway *gateway
	version string
	flights map[lane]*flightLog
	before  []Proof // of an earlier watch
	release release
	ends    following
	// What OpenClaw would use, and what that was read from.
	uses       uses
	usesError  error
	usesOf     string
	usesLogins string
	usesAt     time.Time
}

// uses is all by which an OpenClaw reaches models: as it would use them, and as
// they stand to the door.
type uses struct {
	routes     []openclaw.Route
	rows       []connect.Row
	packageDir string // of its program; "" when it was not found
	container  string // that it runs in, or ""
	prices     map[string]openclaw.Price
}

// lane is what one canary proves: that an agent of OpenClaw's reaches a route
// of the door.
type lane struct{ route, agent string }

// flightLog is what became of the canaries of a lane.
type flightLog struct {
	provider, model string
	why             string // why there can be none; "" when there can
	of              string // what the last was tried on: see agent.identity
	tried, proven   time.Time
	failed          error
	failures        int
}

func newAgent(path string, past *Report) *agent {
	a := &agent{path: path, flights: map[lane]*flightLog{}, ends: newFollowing()}
	if past != nil {
		for _, before := range past.Agents {
			if before.Config == path {
				a.before, a.ends.Provider = before.Proofs, before.Ends.Provider
				a.release.passed = before.Passed
			}
		}
	}
	return a
}

// read takes in config and gateway when they have changed.
func (a *agent) read(ctx context.Context, root string, all map[int]process, now time.Time) {
	settings, logins := sources(a.path, a.config)
	if s := stamp(settings); s != a.settings || a.config == nil {
		a.config, a.unread = nil, ""
		c, err := openclaw.LoadConfig(ctx, host.Live(), a.path)
		if err != nil {
			a.unread = err.Error()
		} else {
			a.config = c
		}
		settings, logins = sources(a.path, a.config)
		if s = stamp(settings); s != a.settings {
			a.changed = now
		}
		a.settings = s
	}
	a.logins = stamp(logins)
	if a.gateway != nil && all[a.gateway.pid] == a.gateway.process {
		return
	}
	a.gateway, a.version = findGateway(root, a.path, all), ""
}

// compare reads again what OpenClaw would use when something that it depends on
// has changed.
func (a *agent) compare(now time.Time, read func() (uses, error)) {
	of := a.identity()
	same := of == a.usesOf && a.usesError == nil
	if same && a.logins == a.usesLogins || (same || a.usesError != nil) && now.Sub(a.usesAt) < often {
		return
	}
	if found, err := read(); err == nil {
		a.uses, a.usesError = found, nil
	} else {
		a.usesError = err
	}
	a.usesOf, a.usesLogins, a.usesAt = of, a.logins, now
}

func (a *agent) running() string {
	if a.gateway == nil {
		return ""
	}
	return a.gateway.id()
}

// identity is what a canary's answer holds for: this process with this config.
func (a *agent) identity() string { return a.running() + "\n" + a.settings }

// follow finds out which canaries there have to be.
func (a *agent) follow(door string, routes []model.Route, hooks []hook.Agent) {
	wanted := map[lane]*flightLog{}
	if a.config == nil {
		a.flights = wanted
		return
	}
	a.plugin = ""
	if i := slices.IndexFunc(hooks, func(h hook.Agent) bool { return h.Config == a.path }); i >= 0 {
		a.plugin = pluginProblem(a.config, hooks[i], door)
	}
	agents := a.config.Keys("agents.entries")
	if len(agents) < 2 {
		agents = []string{""} // the default one
	}
	for _, r := range routes {
		if r.Agent != a.path {
			continue
		}
		for _, name := range agents {
			at := lane{r.ID, name}
			f := a.flights[at]
			if f == nil {
				f = &flightLog{proven: a.earlier(at)}
			}
			f.provider, f.model, f.why = a.target(r, door)
			if len(wanted) < maxCanaries {
				wanted[at] = f
			}
		}
	}
	a.flights = wanted
}

func (a *agent) earlier(at lane) time.Time {
	for _, p := range a.before {
		if p.Route == at.route && p.Agent == at.agent {
			return p.Last
		}
	}
	return time.Time{}
}

// target is the provider and the model that a canary by a route has to ask for.
func (a *agent) target(r model.Route, door string) (provider, name, why string) {
	for _, way := range a.uses.routes {
		full := way.ID
		if way.Model != "" {
			full += "/" + way.Model
		}
		if full != r.Provider {
			continue
		}
		if way.BaseURL != r.BaseURL(door) {
			return "", "", "openclaw.json does not send it to the door"
		}
		if name = chatModel(a.config, way); name == "" {
			return "", "", "openclaw.json names no model of it that answers a conversation"
		}
		return way.ID, name, ""
	}
	return "", "", "openclaw.json no longer has this provider"
}

// fly sends the canaries that are due, and reports whether there were any.
func (a *agent) fly(ctx context.Context, dir *state.Dir) bool {
	now := time.Now()
	due := a.due(now)
	practise := a.ready(now) && a.drilled() && operator.FrozenIn(dir) == nil && a.release.drill.due(a.identity(), now)
	if len(due) == 0 && !practise {
		return false
	}
	c, err := a.dial(ctx)
	if err == nil {
		defer c.close()
	}
	for _, at := range due {
		f := a.flights[at]
		if err == nil {
			ctx, cancel := context.WithTimeout(ctx, flight+settle)
			f.land(a.identity(), c.fly(ctx, dir, at.route, cmp.Or(at.agent, c.agent), f.provider, f.model))
			cancel()
		} else {
			f.land(a.identity(), err)
		}
		if ctx.Err() != nil {
			return false
		}
	}
	if err == nil && a.drilled() && operator.FrozenIn(dir) == nil && a.release.drill.due(a.identity(), time.Now()) {
		a.practise(ctx, dir, c)
	}
	return true
}

// ready reports whether OpenClaw can be tried now.
func (a *agent) ready(now time.Time) bool {
	return a.gateway != nil && a.config != nil && now.Sub(a.changed) >= settle
}

// due are the lanes whose canary has to be sent now, in order.
func (a *agent) due(now time.Time) (due []lane) {
	if !a.ready(now) {
		return nil
	}
	for at, f := range a.flights {
		if f.why == "" && f.due(a.identity(), now) {
			due = append(due, at)
		}
	}
	slices.SortFunc(due, func(x, y lane) int {
		return cmp.Or(strings.Compare(x.route, y.route), strings.Compare(x.agent, y.agent))
	})
	return due
}

func (f *flightLog) due(identity string, now time.Time) bool {
	since := now.Sub(f.tried)
	switch {
	case f.of != identity:
		return true
	case f.failed == nil:
		return since >= hourly
	case f.failures < tries:
		return since >= soon
	}
	return since >= later
}

// land notes what became of a canary.
func (f *flightLog) land(identity string, err error) {
	if f.of != identity {
		f.failures = 0
	}
	f.of, f.tried, f.failed = identity, time.Now(), err
	var nobody absent
	switch {
	case errors.As(err, &nobody):
		return
	case err != nil:
		f.failures++
		return
	}
	f.proven, f.failures = f.tried, 0
}

// dial speaks with the gateway where it was seen to listen.
func (a *agent) dial(ctx context.Context) (*client, error) {
	if a.gateway.foreign != "" {
		return nil, errors.New(a.gateway.foreign)
	}
	auth, err := a.gateway.secret(a.config)
	if err != nil {
		return nil, err
	}
	address, err := a.gateway.address(a.config, a.ends.sockets)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	encrypted, _ := a.config.Bool("gateway.tls.enabled")
	c, err := dial(ctx, address, encrypted, auth)
	if err == nil {
		a.version = short(c.version)
	}
	return c, err
}

// providers are the base URLs of all that this OpenClaw may call.
func (a *agent) providers() (baseURLs []string) {
	if a.gateway == nil {
		return nil
	}
	for _, r := range a.uses.rows {
		baseURLs = append(baseURLs, r.Upstream)
	}
	return baseURLs
}

// report is what is known of this OpenClaw.
func (a *agent) report() Agent {
	unproven, pending := a.unproven()
	r := Agent{Config: a.path, Version: a.current(), Unproven: unproven, Passed: a.release.passed, Rows: a.uses.rows, Prices: a.uses.prices, Proofs: []Proof{}, Ends: a.ends.Ends, Plugin: a.plugin, Problems: []Problem{}}
	r.Ends.Provider, r.Ends.Outside = slices.Clone(r.Ends.Provider), slices.Clone(r.Ends.Outside)
	problem := func(fix, format string, args ...any) {
		r.Problems = append(r.Problems, Problem{fmt.Sprintf(format, args...), fix})
	}
	if a.gateway != nil {
		r.Gateway = a.gateway.pid
	}
	if unproven != nil && !pending {
		problem(unproven.Back, "%s", unproven)
	}
	switch {
	case a.unread != "":
		problem("correct it, or run sudo seawall up", "openclaw.json could not be read: %s", a.unread)
	case a.usesError != nil:
		problem("sudo seawall up", "Which models OpenClaw would call could not be read: %v", a.usesError)
	}
	for _, row := range r.Rows {
		// One that could go through the door is a word in a chat away.
		if !row.Past() && row.Standing != connect.Routable {
			continue
		}
		if row.Setting == "" || strings.HasPrefix(row.Setting, "seawall ") {
			problem(cmp.Or(row.Setting, "seawall connect"), "OpenClaw would call %s, which does not pass the door", row.Route)
			continue
		}
		problem("another setting or another provider; seawall connect lists both", "OpenClaw would call %s, which does not pass the door (%s)", row.Route, short(row.Setting))
	}
	for _, at := range a.lanes() {
		f := a.flights[at]
		r.Proofs = append(r.Proofs, Proof{at.route, at.agent, f.proven, a.doubt(f)})
		if f.failures > 1 && errors.Is(f.failed, errPast) {
			problem("seawall connect", "%s does not pass the door: %v", at.route, f.failed)
		}
	}
	for _, end := range a.ends.Provider {
		problem("seawall connect", "A process of OpenClaw's (%s) was connected with %s (%s), past the door", end.Process, end.Name, end.Address)
	}
	if a.plugin != "" {
		problem("seawall connect", "OpenClaw no longer asks before it runs a call: %s", a.plugin)
	}
	return r
}

// lanes are those that there have to be canaries of, in order.
func (a *agent) lanes() []lane {
	return slices.SortedFunc(maps.Keys(a.flights), func(x, y lane) int {
		return cmp.Or(strings.Compare(x.route, y.route), strings.Compare(x.agent, y.agent))
	})
}

// doubt says why a lane's canary proves nothing now.
func (a *agent) doubt(f *flightLog) string {
	switch {
	case f.why != "":
		return f.why
	case a.gateway == nil:
		return "the gateway is not running"
	case f.of != a.identity():
		return "a canary is on its way"
	case f.failed != nil:
		return f.failed.Error()
	}
	return ""
}
