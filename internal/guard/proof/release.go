package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

// release is what is known of the version of an OpenClaw. With one that the lab
// has run, the canaries of its routes are enough. Another one has to pass them
// and a drill, each time that its gateway starts; until then, and when it does
// not, it is unproven. So is one that is not whole.
type release struct {
	pkg    openclaw.Package
	read   string // stamp of the files that it was read from
	mine   string // the gateway that is known to run this package
	drill  flightLog
	held   string // the gateway and version for which all proofs have held
	passed string // the last version that did
}

// packaged takes in the package when it has changed.
func (a *agent) packaged(ctx context.Context) {
	r, dir := &a.release, a.uses.packageDir
	if dir == "" {
		r.pkg, r.read = openclaw.Package{}, ""
		return
	}
	files := []string{filepath.Join(dir, "package.json"), filepath.Join(dir, "dist"), filepath.Join(dir, "dist/build-info.json")}
	if s := dir + "\n" + stamp(files); s != r.read {
		r.pkg, r.read = openclaw.ReadPackage(ctx, host.Live(), dir), s
	}
	if a.gateway != nil && a.version != "" && a.version == r.pkg.Version {
		r.mine = a.running()
	}
}

// half says why this OpenClaw is not one whole version. A package counts when no
// gateway runs, or one that is known to run it: there may be others on the machine.
func (a *agent) half() string {
	r := &a.release
	switch {
	case a.gateway == nil || a.version == "":
		return r.pkg.Half
	case r.mine != a.running():
		return ""
	case r.pkg.Half == "" && r.pkg.Version != a.version:
		return fmt.Sprintf("its gateway still runs %s, whose files were replaced by those of %s: restart it", a.version, r.pkg.Version)
	}
	return r.pkg.Half
}

// current is the version that runs, or else the one that is installed.
func (a *agent) current() string { return cmp.Or(a.version, a.release.pkg.Version) }

// drilled reports whether a drill of this version has to be passed.
func (a *agent) drilled() bool {
	return a.version != "" && !openclaw.Tested(a.version) && a.plugin == ""
}

// practise has OpenClaw take a drill, when one is due.
func (a *agent) practise(ctx context.Context, dir *state.Dir, c *client) {
	for _, at := range a.lanes() {
		f := a.flights[at]
		if f.why != "" || f.of != a.identity() || f.failed != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, drillTime+settle)
		defer cancel()
		a.release.drill.land(a.identity(), c.drill(ctx, dir, cmp.Or(at.agent, c.agent), f.provider, f.model))
		return
	}
}

// unproven says what is not proven of this OpenClaw; nil when nothing speaks
// against it. pending tells that it is being tried, or cannot be yet.
func (a *agent) unproven() (u *guard.Unproven, pending bool) {
	r, version := &a.release, a.current()
	u = &guard.Unproven{Version: version, Passed: cmp.Or(r.passed, openclaw.Versions[0])}
	u.Back = r.pkg.Back(a.uses.container, u.Passed)
	if u.Why = a.half(); u.Why != "" {
		u.Version = ""
		return u, false
	}
	if version == "" || openclaw.Tested(version) {
		r.passed = cmp.Or(version, r.passed)
		return nil, false
	}
	key := a.running() + "\n" + version
	if u.Why, pending = a.untried(r.held == key); u.Why != "" {
		if u.Passed == version {
			// It was, and is not any more: something in it has changed.
			u.Passed = openclaw.Versions[0]
			u.Back = r.pkg.Back(a.uses.container, u.Passed)
		}
		return u, pending
	}
	r.held, r.passed = key, version
	return nil, false
}

// untried says which proof of a version that nobody has tested does not hold.
// Once all have held, a canary that was late is no reason to doubt them.
func (a *agent) untried(held bool) (why string, pending bool) {
	drill := &a.release.drill
	var found errDrill
	switch {
	case a.unread != "":
		return "its settings cannot be read", false
	case a.plugin != "":
		return "it no longer asks before it runs a call: " + a.plugin, false
	case errors.As(drill.failed, &found):
		return found.Error(), false
	}
	for _, at := range a.lanes() {
		if f := a.flights[at]; f.failures > 1 && errors.Is(f.failed, errPast) {
			return "calls of " + at.route + " go past Seawall", false
		}
	}
	if held {
		return "", false
	}
	tried := false
	for _, at := range a.lanes() {
		f := a.flights[at]
		if doubt := a.doubt(f); doubt != "" && f.why == "" {
			return at.route + ": " + doubt, f.failures < tries
		}
		tried = tried || f.why == ""
	}
	switch {
	case !tried:
		return "no canary can be sent by any of its routes", false
	case drill.of != a.identity():
		return "its calls are being tried", true
	case drill.failed != nil:
		return "its calls could not be tried: " + drill.failed.Error(), drill.failures < tries
	}
	return "", false
}
