package proof

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/openclaw"
)

// running is an agent whose gateway runs a version, with one route whose canary
// came to the door, and a drill that was passed.
func running(t *testing.T, version string) *agent {
	t.Helper()
	a := newAgent("/home/claw/.openclaw/openclaw.json", nil)
	a.config, a.version = mustParse(t, `{}`), version
	a.gateway = &gateway{process: process{pid: 7, start: 70}}
	a.settings = "stamp"
	a.flights[lane{"openai", ""}] = &flightLog{of: a.identity(), proven: time.Now()}
	a.release.pkg = openclaw.Package{Dir: "/usr/lib/node_modules/openclaw", Version: version}
	a.release.mine = a.running()
	a.release.drill = flightLog{of: a.identity(), proven: time.Now()}
	return a
}

func TestUnproven(t *testing.T) {
	tested := openclaw.Versions[0]
	for _, c := range []struct {
		name, version string
		change        func(*agent)
		why           string // "" is proven
		pending       bool
	}{
		{"a tested one", tested, func(*agent) {}, "", false},
		{"a tested one that was not tried yet", tested, func(a *agent) { a.flights, a.release.drill = nil, flightLog{} }, "", false},
		{"nothing is known", "", func(a *agent) { a.release.pkg = openclaw.Package{} }, "", false},
		{"another one", "2026.99.1", func(*agent) {}, "", false},
		{"one that is not running", "", func(a *agent) { a.gateway, a.release.pkg.Version = nil, "2026.99.1" }, "the gateway is not running", true},
		{"not drilled yet", "2026.99.1", func(a *agent) { a.release.drill = flightLog{} }, "are being tried", true},
		{"drilled before its restart", "2026.99.1", func(a *agent) { a.release.drill.of = "6/60\nstamp" }, "are being tried", true},
		{"the drill found something", "2026.99.1", func(a *agent) { a.release.drill.failed = errDrill(drillUnasked) }, drillUnasked, false},
		{"the drill did not end", "2026.99.1", func(a *agent) { a.release.drill.failed, a.release.drill.failures = errors.New("busy"), 3 }, "could not be tried: busy", false},
		{"no canary yet", "2026.99.1", func(a *agent) { a.flights[lane{"openai", ""}].of = "" }, "openai: a canary is on its way", true},
		{"a canary past the door", "2026.99.1", func(a *agent) {
			a.flights[lane{"openai", ""}].failed, a.flights[lane{"openai", ""}].failures = errPast, 2
		}, "calls of openai go past Seawall", false},
		{"no route that a canary could take", "2026.99.1", func(a *agent) { a.flights[lane{"openai", ""}].why = "no model" }, "no canary can be sent", false},
		{"no plugin", "2026.99.1", func(a *agent) { a.plugin = "plugins.enabled is false" }, "plugins.enabled is false", false},
		{"settings that cannot be read", "2026.99.1", func(a *agent) { a.unread = "broken" }, "settings cannot be read", false},
		{"half updated, a tested one", tested, func(a *agent) { a.release.pkg.Half = "its program is missing" }, "its program is missing", false},
		{"another package on the machine is half", tested, func(a *agent) { a.release.pkg.Half, a.release.mine = "half", "" }, "", false},
		{"replaced under the gateway", tested, func(a *agent) { a.release.pkg.Version = "2026.99.1" }, "still runs " + tested + ", whose files were replaced by those of 2026.99.1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := running(t, c.version)
			c.change(a)
			u, pending := a.unproven()
			if c.why == "" {
				if u != nil {
					t.Errorf("not proven: %s", u)
				}
				return
			}
			if u == nil || !strings.Contains(u.Why, c.why) || pending != c.pending {
				t.Fatalf("%v, pending %v", u, pending)
			}
			if u.Passed != tested || !strings.Contains(u.Back, tested) || !strings.Contains(u.String(), tested) {
				t.Errorf("the way back is %q, to %q: %s", u.Back, u.Passed, u)
			}
		})
	}
}

// TestOnceProven: what has held is not doubted because a canary was late, but
// because a proof failed; and it is the version that is gone back to.
func TestOnceProven(t *testing.T) {
	a := running(t, "2026.99.1")
	if u, _ := a.unproven(); u != nil {
		t.Fatal(u)
	}
	f := a.flights[lane{"openai", ""}]
	f.failed, f.failures = errors.New("OpenClaw was busy"), 1
	if u, _ := a.unproven(); u != nil {
		t.Errorf("a late canary: %s", u)
	}
	f.failed, f.failures = errPast, 2
	if u, _ := a.unproven(); u == nil || u.Passed != openclaw.Versions[0] || !strings.Contains(u.Back, u.Passed) {
		t.Errorf("a canary past the door: %v", u)
	}
	f.failed, f.failures = nil, 0
	a.version = "2026.99.2"
	a.gateway = &gateway{process: process{pid: 8, start: 80}}
	if u, pending := a.unproven(); u == nil || !pending || u.Passed != "2026.99.1" {
		t.Errorf("the next version: %v, pending %v", u, pending)
	}
	later := newAgent(a.path, &Report{Agents: []Agent{a.report()}})
	if later.release.passed != "2026.99.1" {
		t.Errorf("after a restart of the watch the last proven version is %q", later.release.passed)
	}
}
