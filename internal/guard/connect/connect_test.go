package connect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

const config = `{
  // my agent
  models: { providers: {
    local: { baseUrl: 'http://127.0.0.1:9999/v1', apiKey: 'key-of-the-local-provider-0001', api: "openai-completions",
      models: [ { id: "m", name: "M" }, ], },
    claude: { baseUrl: "https://api.anthropic.com", apiKey: "key-of-the-other-provider-0002", api: "anthropic-messages", models: [] },
  } },
  agents: { defaults: { model: { primary: "local/m" } } }, // the end
}
`

type fixture struct {
	dir     *state.Dir
	install openclaw.Install
}

func setup(t *testing.T, text string) fixture {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "openclaw.json")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return fixture{dir, openclaw.Install{ConfigPath: path}}
}

func (f fixture) connect(t *testing.T, door string) *Plan {
	t.Helper()
	plan, err := Prepare(t.Context(), f.dir, f.install, door)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	return plan
}

func (f fixture) disconnect(t *testing.T) []*Plan {
	t.Helper()
	plans, err := Undo(t.Context(), f.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		if err := p.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return plans
}

func (f fixture) text(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(f.install.ConfigPath)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestThereAndBack(t *testing.T) {
	f := setup(t, config)
	plan := f.connect(t, "127.0.0.1:4780")
	for _, secret := range []string{"key-of-the-local-provider-0001", "key-of-the-other-provider-0002"} {
		if strings.Contains(f.text(t), secret) {
			t.Error("a real key is still in the config")
		}
		if strings.Contains(plan.Diff, secret) {
			t.Error("the diff shows a key")
		}
	}
	for _, want := range []string{"http://127.0.0.1:4780/local/v1", "http://127.0.0.1:4780/claude\"", "// my agent", "// the end"} {
		if !strings.Contains(f.text(t), want) {
			t.Errorf("the config has no %s:\n%s", want, f.text(t))
		}
	}
	keys, err := vault.Open(f.dir)
	if err != nil || len(keys.Values()) != 2 {
		t.Errorf("the vault holds %v, %v", keys.Names(), err)
	}
	if info, _ := os.Stat(f.install.ConfigPath); info.Mode().Perm() != 0o640 {
		t.Errorf("the config's mode became %v", info.Mode())
	}
	again := f.connect(t, "127.0.0.1:4780")
	if !again.Empty() {
		t.Errorf("connecting twice changes something:\n%s", again.Diff)
	}
	f.disconnect(t)
	if got := f.text(t); got != config {
		t.Errorf("after disconnecting the config is not what it was:\n%s", got)
	}
	if keys, err := vault.Open(f.dir); err != nil || len(keys.Values()) != 0 {
		t.Errorf("the vault still holds %v, %v", keys.Names(), err)
	}
	if routes, err := model.LoadRoutes(f.dir); err != nil || len(routes) != 0 {
		t.Errorf("routes are left: %v, %v", routes, err)
	}
	if plans := f.disconnect(t); len(plans) != 0 {
		t.Error("disconnecting twice does something")
	}
}

func TestTheDoorMoves(t *testing.T) {
	f := setup(t, config)
	f.connect(t, "127.0.0.1:4780")
	f.connect(t, "127.0.0.1:5000")
	if text := f.text(t); strings.Contains(text, "4780") || !strings.Contains(text, "http://127.0.0.1:5000/local/v1") {
		t.Errorf("the config is:\n%s", text)
	}
	routes, err := model.LoadRoutes(f.dir)
	if err != nil || len(routes) != 2 {
		t.Fatalf("routes are %v, %v", routes, err)
	}
	for _, r := range routes {
		if strings.Contains(r.Upstream, "127.0.0.1:4780") {
			t.Errorf("route %s leads to the door itself", r.ID)
		}
	}
	f.disconnect(t)
	if got := f.text(t); got != config {
		t.Errorf("after disconnecting the config is not what it was:\n%s", got)
	}
}

func TestWhatSomebodyChangedSinceStays(t *testing.T) {
	f := setup(t, config)
	f.connect(t, "127.0.0.1:4780")
	edited := strings.Replace(f.text(t), "http://127.0.0.1:4780/local/v1", "http://127.0.0.1:7777/v1", 1)
	edited = strings.Replace(edited, "// my agent", "// my own agent", 1)
	if err := os.WriteFile(f.install.ConfigPath, []byte(edited), 0o640); err != nil {
		t.Fatal(err)
	}
	plans := f.disconnect(t)
	got := f.text(t)
	for _, want := range []string{"http://127.0.0.1:7777/v1", "// my own agent", "key-of-the-local-provider-0001", "https://api.anthropic.com"} {
		if !strings.Contains(got, want) {
			t.Errorf("the config has no %s:\n%s", want, got)
		}
	}
	if len(plans) != 1 || len(plans[0].Notes) != 1 || !strings.Contains(plans[0].Notes[0], "models.providers.local.baseUrl") {
		t.Errorf("the edit that stays is not shown: %+v", plans)
	}
}

// TestInterrupted stops connecting after each step; a second connect and a
// disconnect must find the way from there.
func TestInterrupted(t *testing.T) {
	for _, lost := range [][]string{
		{state.Keys, state.Routes, "config"},
		{state.Routes, "config"},
		{"config"},
	} {
		t.Run(strings.Join(lost, " "), func(t *testing.T) {
			f := setup(t, config)
			f.connect(t, "127.0.0.1:4780")
			for _, name := range lost {
				if name == "config" {
					if err := os.WriteFile(f.install.ConfigPath, []byte(config), 0o640); err != nil {
						t.Fatal(err)
					}
				} else if err := f.dir.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
			f.connect(t, "127.0.0.1:4780")
			routes, err := model.LoadRoutes(f.dir)
			if err != nil || len(routes) != 2 {
				t.Fatalf("routes are %v, %v", routes, err)
			}
			for _, r := range routes {
				if !strings.Contains(f.text(t), r.Token) {
					t.Errorf("the config has not the token of %s", r.ID)
				}
			}
			f.disconnect(t)
			if got := f.text(t); got != config {
				t.Errorf("the config is not what it was:\n%s", got)
			}
		})
	}
}

func TestDisconnectNeedsNoRoutes(t *testing.T) {
	f := setup(t, config)
	f.connect(t, "127.0.0.1:4780")
	for _, name := range []string{state.Routes, state.Keys, state.Policy, state.Ledger} {
		if err := f.dir.Write(name, []byte("garbage")); err != nil {
			t.Fatal(err)
		}
	}
	f.disconnect(t)
	if got := f.text(t); got != config {
		t.Errorf("the config is not what it was:\n%s", got)
	}
}

func TestNotJSON5(t *testing.T) {
	f := setup(t, "{ models: { providers: oops } }")
	_, err := Prepare(t.Context(), f.dir, f.install, "127.0.0.1:4780")
	if err == nil || !strings.Contains(err.Error(), f.install.ConfigPath) || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("Prepare says %v", err)
	}
}

func TestChangedMeanwhile(t *testing.T) {
	f := setup(t, config)
	plan, err := Prepare(t.Context(), f.dir, f.install, "127.0.0.1:4780")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.install.ConfigPath, []byte(config+"\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context()); err == nil || !strings.Contains(err.Error(), "run the command again") {
		t.Errorf("Apply says %v", err)
	}
}

func TestALinkIsNotFollowed(t *testing.T) {
	f := setup(t, config)
	link := filepath.Join(t.TempDir(), "openclaw.json")
	if err := os.Symlink(f.install.ConfigPath, link); err != nil {
		t.Fatal(err)
	}
	plan, err := Prepare(t.Context(), f.dir, openclaw.Install{ConfigPath: link}, "127.0.0.1:4780")
	if err == nil {
		err = plan.Apply(t.Context())
	}
	if err == nil || f.text(t) != config {
		t.Errorf("a link was followed (%v)", err)
	}
}

func TestAnotherSeawallsConfigStays(t *testing.T) {
	f := setup(t, config)
	f.connect(t, "127.0.0.1:4780")
	connected := f.text(t)
	other, err := state.Open(filepath.Join(t.TempDir(), "other"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Prepare(t.Context(), other, f.install, "127.0.0.1:4780")
	if err != nil {
		t.Fatal(err)
	}
	if !plan.Empty() || len(plan.Notes) != 1 || !strings.Contains(plan.Notes[0], "another Seawall") {
		t.Errorf("the plan is %+v", plan)
	}
	if f.text(t) != connected {
		t.Error("the config was changed")
	}
}

// TestIncludedFromElsewhere: a file that OPENCLAW_INCLUDE_ROOTS allows is edited
// where it is, and restored there.
func TestIncludedFromElsewhere(t *testing.T) {
	shared := filepath.Join(t.TempDir(), "providers.json5")
	const theirs = "{ local: { baseUrl: 'http://127.0.0.1:9999/v1', apiKey: 'key-of-the-local-provider-0001', models: [ { id: 'm' } ] } } // shared\n"
	if err := os.WriteFile(shared, []byte(theirs), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "{ models: { providers: { $include: '" + shared + "' } }, agents: { defaults: { model: 'local/m' } } }\n"
	f := setup(t, text)
	f.install.IncludeRoots = []string{filepath.Dir(shared)}
	f.connect(t, "127.0.0.1:4780")
	if now, err := os.ReadFile(shared); err != nil || strings.Contains(string(now), "key-of-the-local") || !strings.Contains(string(now), "127.0.0.1:4780/local/v1") {
		t.Errorf("the included file is %s, %v", now, err)
	}
	f.disconnect(t)
	if now, err := os.ReadFile(shared); err != nil || string(now) != theirs || f.text(t) != text {
		t.Errorf("afterwards the included file is %s, %v, and the config:\n%s", now, err, f.text(t))
	}
}
