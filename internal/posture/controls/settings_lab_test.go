//go:build lab

package controls

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"

	lab "github.com/openseawall/seawall/lab/openclaw"
)

// validate runs `openclaw config validate` of the lab's
// OpenClaw on one config,
// and returns what it says against it.
func validate(t *testing.T, config map[string]any) string {
	t.Helper()
	dir := lab.Dir(t)
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	state := filepath.Join(home, ".openclaw")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "openclaw.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "node_modules/.bin")
	cmd := exec.Command(filepath.Join(bin, "node"), filepath.Join(dir, "node_modules/openclaw/openclaw.mjs"), "config", "validate")
	cmd.Env = []string{"HOME=" + home, "PATH=" + bin + ":/usr/bin:/bin", "NO_COLOR=1"}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Config valid") {
		return string(out) + "exit: " + errorText(err)
	}
	return ""
}

func errorText(err error) string {
	if err == nil {
		return "0"
	}
	return err.Error()
}

func smallest() map[string]any {
	return map[string]any{"gateway": map[string]any{"mode": "local", "bind": "loopback",
		"auth": map[string]any{"mode": "token", "token": strings.Repeat("0123456789abcdef", 3)}}}
}

// TestSettingsExist proves each setting that a control advises.
func TestSettingsExist(t *testing.T) {
	bogus := smallest()
	set(t, bogus, "gateway.noSuchSetting", "true")
	if validate(t, bogus) == "" {
		t.Fatal("openclaw config validate accepts a setting that does not exist, so it proves nothing")
	}
	validSettings(t, All)
}

// TestFixedSettingsExist does the same with the settings that fixes set on the
// machines that trip their controls: those are made from what stands there.
func TestFixedSettingsExist(t *testing.T) {
	var made []posture.Control
	for _, c := range All {
		if gatewayFixes[c.ID] == nil {
			continue
		}
		o := readOverlay(t, "trips", c.ID+".txtar")
		f := machine(t, read(t, o.base+".txtar"), o.text)
		f.Aim = vps(t)
		did, err := c.Fix(f)
		if err != nil && !refused(err) {
			t.Fatalf("%s: %v", c.ID, err)
		}
		settings := map[string]string{}
		for _, d := range did {
			if e, ok := d.Edit.(change.OpenClaw); ok && !e.Unset {
				settings[strings.Join(e.Path, ".")] = asJSON(e.Value)
			}
		}
		made = append(made, posture.Control{ID: c.ID, Settings: settings})
	}
	validSettings(t, made)
}

// validSettings proves settings with the installed OpenClaw: many in one config,
// and one by one where that fails.
func validSettings(t *testing.T, controls []posture.Control) {
	t.Helper()
	for _, batch := range batches(controls) {
		config := smallest()
		for _, c := range batch {
			for path, value := range c.Settings {
				set(t, config, path, value)
			}
		}
		if validate(t, config) == "" {
			continue
		}
		for _, c := range batch {
			config := smallest()
			for path, value := range c.Settings {
				set(t, config, path, value)
			}
			if said := validate(t, config); said != "" {
				t.Errorf("%s: %v: %s", c.ID, c.Settings, said)
			}
		}
	}
}

// TestHardenedConfigsAreValid holds the recorded machines' own configs to the
// same: a base that OpenClaw refuses would show nothing.
func TestHardenedConfigsAreValid(t *testing.T) {
	for _, base := range []string{"base", "base-container"} {
		f := machine(t, read(t, base+".txtar"))
		whole, _ := f.OpenClaw.Value[0].Config.Get("")
		if said := validate(t, whole.(map[string]any)); said != "" {
			t.Errorf("%s: %s", base, said)
		}
	}
}

// batches puts controls together whose settings do not meet.
func batches(controls []posture.Control) (all [][]posture.Control) {
	taken := []map[string]bool{}
next:
	for _, c := range controls {
		if len(c.Settings) == 0 {
			continue
		}
		for i, paths := range taken {
			if !meets(paths, c.Settings) {
				all[i] = append(all[i], c)
				maps.Copy(paths, keysOf(c.Settings))
				continue next
			}
		}
		all = append(all, []posture.Control{c})
		taken = append(taken, keysOf(c.Settings))
	}
	return all
}

func keysOf(settings map[string]string) map[string]bool {
	paths := map[string]bool{}
	for p := range settings {
		paths[p] = true
	}
	return paths
}

func meets(paths map[string]bool, settings map[string]string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(paths)), func(a string) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(settings)), func(b string) bool {
			return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
		})
	})
}
