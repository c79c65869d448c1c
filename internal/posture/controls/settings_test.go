package controls

import (
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

// set puts a value at a dotted path of a config.
func set(t *testing.T, config map[string]any, path, value string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		t.Fatalf("%s: %q is not JSON: %v", path, value, err)
	}
	keys := openclaw.SplitPath(path)
	for _, key := range keys[:len(keys)-1] {
		next, ok := config[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			config[key] = next
		}
		config = next
	}
	config[keys[len(keys)-1]] = v
}

// notByTheirSettingsAlone are controls whose settings make the cure possible
// and do not do it: a key that moves to a file has to be taken out as well.
var notByTheirSettingsAlone = map[string]bool{
	"secrets-provider-key": true, "secrets-channel-token": true, "secrets-gateway-credential": true,
	"gateway-listens-public": true, // what listens now listens until the gateway starts again
}

// TestSettingsCure puts the settings that a control names into the weak
// machine's config, after which it has to be silent.
func TestSettingsCure(t *testing.T) {
	for _, c := range All {
		if len(c.Settings) == 0 || notByTheirSettingsAlone[c.ID] {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			o := readOverlay(t, "trips", c.ID+".txtar")
			for _, section := range txtar.Parse(o.text).Files {
				if !strings.Contains(section.Name, "openclaw.json ") {
					continue
				}
				var config map[string]any
				if err := json.Unmarshal(section.Data, &config); err != nil {
					t.Fatal(err)
				}
				for path, value := range c.Settings {
					set(t, config, path, value)
				}
				text, err := json.MarshalIndent(config, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				cure := txtar.Format(&txtar.Archive{Files: []txtar.File{{Name: section.Name, Data: append(text, '\n')}}})
				r := results(machine(t, read(t, o.base+".txtar"), o.text, cure))[c.ID]
				if r.Outcome != posture.Passed {
					t.Errorf("with %v: %s %v %v", c.Settings, r.Outcome, r.Reasons, details(r))
				}
				return
			}
			t.Error("its weak machine has no OpenClaw config")
		})
	}
}

// TestSettingsAreNamed holds an advice to the settings it is proven with: it
// names each, or the section they stand in.
func TestSettingsAreNamed(t *testing.T) {
	for _, c := range All {
		for path := range c.Settings {
			keys := openclaw.SplitPath(path)
			if last := keys[len(keys)-1]; !strings.Contains(c.Advice, last) && !strings.Contains(c.Advice, keys[max(0, len(keys)-2)]) {
				t.Errorf("%s cures by %s, and its advice does not say so: %s", c.ID, path, c.Advice)
			}
		}
	}
}
