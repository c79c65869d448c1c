package surface

import (
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/openclaw"
	lab "github.com/openseawall/seawall/lab/openclaw"
)

func TestPinnedIsWhole(t *testing.T) {
	s, err := Pinned()
	if err != nil {
		t.Fatal(err)
	}
	if s.Version != lab.Pinned || !openclaw.Tested(s.Version) {
		t.Errorf("it describes %s, the lab runs %s, and Seawall is tested with %v", s.Version, lab.Pinned, openclaw.Versions)
	}
	for name, l := range map[string]struct {
		list []string
		has  string
	}{
		"tools": {s.Tools, "exec"}, "formats": {s.APIs, "anthropic-messages"}, "hooks": {s.Hooks, "before_agent_run"},
		"methods": {s.Methods, "agent.wait"}, "checks": {s.Checks, "gateway.bind_no_auth"}, "settings": {s.Settings, "plugins.load.paths"},
	} {
		if !slices.IsSorted(l.list) || !slices.Contains(l.list, l.has) {
			t.Errorf("%s: %d, sorted %v, without %s", name, len(l.list), slices.IsSorted(l.list), l.has)
		}
	}
	// What Seawall itself asks of an OpenClaw.
	for _, hook := range []string{"before_tool_call", "before_agent_run", "model_call_started"} {
		if !slices.Contains(s.Hooks, hook) {
			t.Errorf("it has no hook %s", hook)
		}
	}
}

func TestChanges(t *testing.T) {
	from := Surface{Version: "1", Tools: []string{"exec", "read"}, Hooks: []string{"a"}, Calls: map[string]string{"x": "exec {}", "y": ""}}
	to := Surface{Version: "2", Tools: []string{"exec", "write"}, Hooks: []string{"a"}, Calls: map[string]string{"x": "", "y": ""}}
	var b strings.Builder
	Changes(&b, from, to)
	for _, want := range []string{"OpenClaw 2 against 1", "1 new, 1 gone\n    + write\n    - read\n", "hooks              the same 1", "1 of 2 read otherwise", "2: no call"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, b.String())
		}
	}
}
