package connect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/openclaw"
)

// providers is a config's part that can be connected.
const providers = `models: { providers: { local: { baseUrl: "http://127.0.0.1:9999/v1", apiKey: "key-of-the-local-provider-0001", api: "openai-completions", models: [ { id: "m" } ] } } },
  agents: { defaults: { model: { primary: "local/m" } } },`

func (f fixture) parsed(t *testing.T) *openclaw.Config {
	t.Helper()
	c, err := openclaw.ParseConfig([]byte(f.text(t)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f fixture) folder() string { return pluginFolder(f.dir) }

func TestThePluginThereAndBack(t *testing.T) {
	for name, text := range map[string]string{
		"no plugins":        "{ " + providers + " }\n",
		"an empty object":   "{ " + providers + " plugins: {} }\n",
		"others":            "{ " + providers + " plugins: { load: { paths: ['/opt/mine', ] }, // mine\n entries: { mine: { enabled: true } } } }\n",
		"a list of allowed": "{ " + providers + " plugins: { allow: [\"memory-core\"], load: { paths: [] } } }\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, text)
			plan := f.connect(t, "127.0.0.1:4780")
			c := f.parsed(t)
			paths, _ := c.Strings("plugins.load.paths")
			if len(paths) == 0 || paths[len(paths)-1] != f.folder() {
				t.Errorf("plugins.load.paths is %q", paths)
			}
			if on, _ := c.Bool("plugins.entries.seawall-guard.enabled"); !on {
				t.Errorf("the plugin is not on:\n%s", f.text(t))
			}
			if at, _ := c.String("plugins.entries.seawall-guard.config.endpoint"); at != "http://127.0.0.1:4780/.hook" {
				t.Errorf("the plugin asks %q", at)
			}
			token, _ := c.String("plugins.entries.seawall-guard.config.token")
			agents, err := hook.LoadAgents(f.dir)
			if err != nil || len(agents) != 1 || agents[0].Token != token || token == "" || agents[0].Config != f.install.ConfigPath {
				t.Errorf("the door knows %+v, %v, the plugin %q", agents, err, token)
			}
			list, listed := c.Strings("plugins.allow")
			if wanted := strings.Contains(text, "allow"); listed != wanted || listed && list[len(list)-1] != "seawall-guard" {
				t.Errorf("plugins.allow is %q", list)
			}
			if strings.Contains(plan.Diff, "key-of-the-local-provider-0001") {
				t.Error("the diff shows a key")
			}
			for _, file := range []string{"package.json", "openclaw.plugin.json", "index.js"} {
				info, err := os.Stat(filepath.Join(f.folder(), file))
				if err != nil || info.Mode().Perm() != 0o644 {
					t.Errorf("%s: %v, %v", file, info, err)
				}
			}
			if again := f.connect(t, "127.0.0.1:4780"); !again.Empty() {
				t.Errorf("connecting twice changes something:\n%s", again.Diff)
			}
			f.connect(t, "127.0.0.1:5000")
			if at, _ := f.parsed(t).String("plugins.entries.seawall-guard.config.endpoint"); at != "http://127.0.0.1:5000/.hook" {
				t.Errorf("the door moved, and the plugin asks %q", at)
			}
			f.disconnect(t)
			if got := f.text(t); got != text {
				t.Errorf("after disconnecting the config is not what it was:\n%s", got)
			}
			if _, err := os.Stat(f.folder()); !os.IsNotExist(err) {
				t.Errorf("the plugin is still there (%v)", err)
			}
			if agents, err := hook.LoadAgents(f.dir); err != nil || len(agents) != 0 {
				t.Errorf("the door still knows %v, %v", agents, err)
			}
		})
	}
}

// TestThePluginGoesWhateverCameSince: with the door gone it would stop every
// call.
func TestThePluginGoesWhateverCameSince(t *testing.T) {
	f := setup(t, "{ "+providers+" plugins: { allow: [\"memory-core\"] } }\n")
	f.connect(t, "127.0.0.1:4780")
	files, _, err := f.parsed(t).EditFiles(
		openclaw.Edit{Path: loadPaths, Set: []string{"/opt/theirs", f.folder()}},
		openclaw.Edit{Path: allowed, Set: []string{"memory-core", "seawall-guard", "theirs"}},
		openclaw.Edit{Path: append(ownEntry[:len(ownEntry):len(ownEntry)], "hooks"), Set: map[string]any{"allowPromptInjection": false}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.install.ConfigPath, files[""], 0o640); err != nil {
		t.Fatal(err)
	}
	plans := f.disconnect(t)
	c := f.parsed(t)
	paths, _ := c.Strings("plugins.load.paths")
	list, _ := c.Strings("plugins.allow")
	if len(paths) != 1 || paths[0] != "/opt/theirs" || len(list) != 2 || list[1] != "theirs" || strings.Contains(f.text(t), "seawall") || strings.Contains(f.text(t), "entries") {
		t.Errorf("the config is:\n%s", f.text(t))
	}
	if len(plans) != 1 || len(plans[0].Notes) != 0 {
		t.Errorf("the notes are %q", plans[0].Notes)
	}
}

func TestWhereThePluginIsLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		install func(*openclaw.Install)
		says    string
	}{
		"plugins are off":  {"{ " + providers + " plugins: { enabled: false } }", nil, "plugins.enabled is false"},
		"it is denied":     {"{ " + providers + " plugins: { deny: ['seawall-guard'] } }", nil, "plugins.deny names it"},
		"the list is none": {"{ " + providers + " plugins: { load: { paths: '/opt/mine' } } }", nil, "plugins.load.paths is"},
		"a container":      {"{ " + providers + " }", func(i *openclaw.Install) { i.Container = "openclaw" }, "container"},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, c.text)
			if c.install != nil {
				c.install(&f.install)
			}
			plan := f.connect(t, "127.0.0.1:4780")
			if notes := strings.Join(plan.Notes, "\n"); !strings.Contains(notes, "is left out: ") || !strings.Contains(notes, c.says) {
				t.Errorf("the notes are %q", plan.Notes)
			}
			if text := f.text(t); !strings.Contains(text, "127.0.0.1:4780") || strings.Contains(text, ".hook") {
				t.Errorf("the config is:\n%s", text)
			}
			if _, err := os.Stat(f.folder()); !os.IsNotExist(err) {
				t.Errorf("the plugin was installed (%v)", err)
			}
			f.disconnect(t)
			if got := f.text(t); got != c.text {
				t.Errorf("after disconnecting the config is not what it was:\n%s", got)
			}
		})
	}
}

// TestAFolderOfSomebodyElses: who can write beside the state directory must not
// choose what the agent loads.
func TestAFolderOfSomebodyElses(t *testing.T) {
	f := setup(t, "{ "+providers+" }")
	if err := os.Symlink(t.TempDir(), f.folder()); err != nil {
		t.Fatal(err)
	}
	plan, err := Prepare(t.Context(), f.dir, f.install, "127.0.0.1:4780")
	if err == nil {
		err = plan.Apply(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), f.folder()) {
		t.Errorf("a link was followed (%v)", err)
	}
	if strings.Contains(f.text(t), ".hook") {
		t.Error("the config was changed all the same")
	}
}

func TestAnOlderPluginIsRenewed(t *testing.T) {
	f := setup(t, "{ "+providers+" }")
	f.connect(t, "127.0.0.1:4780")
	old := filepath.Join(f.folder(), "index.js")
	if err := os.WriteFile(old, []byte("// old"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.connect(t, "127.0.0.1:4780")
	if text, err := os.ReadFile(old); err != nil || !strings.Contains(string(text), "before_tool_call") {
		t.Errorf("the plugin is %q, %v", text, err)
	}
	if again := f.connect(t, "127.0.0.1:4780"); !again.Empty() {
		t.Error("connecting once more changes something")
	}
}

// TestTwoConfigs: disconnecting is for all, but a config that is gone takes
// nothing from the other.
func TestTwoConfigs(t *testing.T) {
	f := setup(t, "{ "+providers+" }")
	other := fixture{f.dir, openclaw.Install{ConfigPath: filepath.Join(t.TempDir(), "openclaw.json")}}
	if err := os.WriteFile(other.install.ConfigPath, []byte("{ "+providers+" }"), 0o640); err != nil {
		t.Fatal(err)
	}
	f.connect(t, "127.0.0.1:4780")
	other.connect(t, "127.0.0.1:4780")
	agents, err := hook.LoadAgents(f.dir)
	if err != nil || len(agents) != 2 || agents[0].Token == agents[1].Token {
		t.Fatalf("the door knows %+v, %v", agents, err)
	}
	if err := forgetPlugin(f.dir, other.install.ConfigPath); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(f.folder()); err != nil {
		t.Error("the plugin is gone while another agent has it")
	}
	if err := f.dir.Write("hooks.json", []byte("garbage")); err != nil {
		t.Fatal(err)
	}
	f.disconnect(t)
	if strings.Contains(f.text(t)+other.text(t), ".hook") {
		t.Error("without the list of agents disconnecting leaves the plugin in")
	}
}
