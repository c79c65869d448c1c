package proof

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
	plugin "github.com/openseawall/seawall/plugin/openclaw"
)

// sources are the files that decide which model an OpenClaw calls, and where:
// its config with all that it includes, what an agent has of its own, and the
// database that holds the logins.
func sources(config string, c *openclaw.Config) (settings, logins []string) {
	settings = []string{config}
	if c != nil {
		settings = append(settings, c.Files()...)
	}
	own := filepath.Join(filepath.Dir(config), "agents", "*", "agent")
	for _, name := range []string{"models.json", "auth-profiles.json"} {
		found, _ := filepath.Glob(filepath.Join(own, name))
		settings = append(settings, found...)
	}
	logins, _ = filepath.Glob(filepath.Join(own, "*.sqlite*"))
	return settings, append(logins, filepath.Join(filepath.Dir(config), ".env"))
}

// readUses finds all by which the OpenClaw of a config reaches models.
func readUses(ctx context.Context, dir *state.Dir, config string) (uses, error) {
	h := host.Live()
	named := map[string]string{"OPENCLAW_CONFIG_PATH": config, "OPENCLAW_STATE_DIR": filepath.Dir(config)}
	found := openclaw.Discover(ctx, h, host.ReadRunning(ctx, h), openclaw.Environment(func(name string) string { return named[name] }))
	for _, in := range found.Value {
		if in.ConfigPath == config {
			rows, err := connect.Table(ctx, h, dir, []openclaw.Install{in})
			files, _ := filepath.Glob(filepath.Join(filepath.Dir(config), "agents", "*", "agent", "models.json"))
			return uses{in.Routes(), rows, in.PackageDir, in.Container, openclaw.Prices(in.Config, files...)}, err
		}
	}
	return uses{}, fmt.Errorf("there is no OpenClaw with %s", config)
}

// stamp changes when one of the files does.
func stamp(files []string) string {
	var s strings.Builder
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			fmt.Fprint(&s, name, info.ModTime().UnixNano(), info.Size(), info.Sys().(*syscall.Stat_t).Ino, "\n")
		}
	}
	return s.String()
}

// pluginProblem says why a config does not load the plugin that was installed
// for it; "" when it does.
func pluginProblem(c *openclaw.Config, a hook.Agent, door string) string {
	entry := "plugins.entries." + plugin.ID
	endpoint, _ := c.String(entry + ".config.endpoint")
	on, _ := c.Bool(entry + ".enabled")
	all, given := c.Bool("plugins.enabled")
	paths, _ := c.Strings("plugins.load.paths")
	allowed, listed := c.Strings("plugins.allow")
	denied, _ := c.Strings("plugins.deny")
	switch {
	case given && !all:
		return "plugins.enabled is false"
	case !on:
		return entry + ".enabled is not true"
	case endpoint != hook.Endpoint(door):
		return entry + ".config.endpoint is not this door"
	case !slices.Contains(paths, a.Plugin):
		return "plugins.load.paths does not name " + a.Plugin
	case listed && !slices.Contains(allowed, plugin.ID):
		return "plugins.allow does not name it"
	case slices.Contains(denied, plugin.ID):
		return "plugins.deny names it"
	}
	return ""
}

// notChat are settings whose models answer no conversation.
var notChat = []string{"image", "audio", "video", "media", "music", "memory", "tts", "speech", "embed"}

// chatModel returns a model of a route that a canary can ask: one that OpenClaw
// uses, else the first that the config lists. "" when there is none.
func chatModel(c *openclaw.Config, r openclaw.Route) string {
	if r.Model != "" {
		return r.Model
	}
	for _, setting := range r.UsedBy {
		if slices.ContainsFunc(notChat, func(word string) bool { return strings.Contains(strings.ToLower(setting), word) }) {
			continue
		}
		refs := c.Keys(setting)
		if ref, ok := c.String(setting); ok {
			refs = []string{ref}
		}
		for _, ref := range refs {
			if provider, model, ok := strings.Cut(ref, "/"); ok && model != "" && model != "*" && strings.EqualFold(provider, r.ID) {
				return model
			}
		}
	}
	if len(r.Models) > 0 {
		return r.Models[0]
	}
	return ""
}
