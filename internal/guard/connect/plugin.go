package connect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/whole"
	plugin "github.com/openseawall/seawall/plugin/openclaw"
)

// Where the plugin stands in openclaw.json.
var (
	loadPaths = []string{"plugins", "load", "paths"}
	allowed   = []string{"plugins", "allow"}
	ownEntry  = []string{"plugins", "entries", plugin.ID}
)

// pluginFolder is where the plugin of a state directory is: beside it, because
// the agent must read the one and not the other. It belongs to whoever runs
// connect, as OpenClaw asks: root or its own user.
func pluginFolder(dir *state.Dir) string {
	path, err := filepath.Abs(dir.String())
	if err != nil {
		path = dir.String()
	}
	return path + "-plugin"
}

// second is the second door of one config: what is written so that OpenClaw
// asks before it runs a call.
type second struct {
	folder string
	agents []hook.Agent // all, those of other configs included
	edits  []openclaw.Edit
}

// planSecond plans the second door; left says why it has to be left out.
func planSecond(dir *state.Dir, c *openclaw.Config, install openclaw.Install, door string) (s *second, left string, err error) {
	agents, err := hook.LoadAgents(dir)
	if err != nil {
		return nil, "", err
	}
	s = &second{folder: pluginFolder(dir), agents: agents}
	i := slices.IndexFunc(s.agents, func(a hook.Agent) bool { return a.Config == install.ConfigPath })
	if left = unfit(c, install, s.folder); left != "" {
		return nil, left, nil
	}
	if i < 0 {
		i = len(s.agents)
		s.agents = append(s.agents, hook.Agent{Config: install.ConfigPath, Token: hook.NewToken()})
	}
	s.agents[i].Plugin = s.folder
	paths, _ := c.Strings("plugins.load.paths")
	if !slices.Contains(paths, s.folder) {
		s.edits = append(s.edits, openclaw.Edit{Path: loadPaths, Set: append(paths, s.folder)})
	}
	// Without this list all plugins may load; with it, only those named.
	if list, ok := c.Strings("plugins.allow"); ok && !slices.Contains(list, plugin.ID) {
		s.edits = append(s.edits, openclaw.Edit{Path: allowed, Set: append(list, plugin.ID)})
	}
	set := func(value any, keys ...string) {
		s.edits = append(s.edits, openclaw.Edit{Path: slices.Concat(ownEntry, keys), Set: value})
	}
	set(true, "enabled")
	// Without this OpenClaw does not tell a plugin whose words begin a run.
	set(true, "hooks", "allowConversationAccess")
	set(hook.Endpoint(door), "config", "endpoint")
	set(s.agents[i].Token, "config", "token")
	return s, "", nil
}

// unfit says why a config cannot have the plugin, or "".
func unfit(c *openclaw.Config, install openclaw.Install, folder string) string {
	if install.Container != "" {
		return "OpenClaw runs in a container, which does not see " + folder
	}
	if on, ok := c.Bool("plugins.enabled"); ok && !on {
		return "plugins.enabled is false"
	}
	if on, _ := c.Bool("diagnostics.otel.enabled"); on {
		return "diagnostics.otel gives requests other trace ids than it gives the plugin"
	}
	if denied, _ := c.Strings("plugins.deny"); slices.Contains(denied, plugin.ID) {
		return "plugins.deny names it"
	}
	for _, list := range [][]string{loadPaths, allowed} {
		if value, ok := c.At(list...); ok {
			if _, isList := c.Strings(openclaw.JoinPath(list)); !isList {
				return fmt.Sprintf("%s is %T and no list", openclaw.JoinPath(list), value)
			}
		}
	}
	if _, err := os.Lstat(folder); errors.Is(err, fs.ErrNotExist) && unix.Access(filepath.Dir(folder), unix.W_OK) != nil {
		return fmt.Sprintf("it would be in %s, which cannot be written: name another state directory with --state, such as the default", filepath.Dir(folder))
	}
	return unreadable(install.ConfigPath, folder)
}

// unreadable says why the agent, whose config it is, could not read the folder.
func unreadable(config, folder string) string {
	info, err := os.Stat(config)
	if err != nil {
		return err.Error()
	}
	agent := info.Sys().(*syscall.Stat_t)
	if euid := os.Geteuid(); euid != 0 && agent.Uid != uint32(euid) {
		return "OpenClaw loads plugins of its own user or root only: run this as root"
	}
	if agent.Uid == 0 {
		return ""
	}
	for above := filepath.Dir(folder); ; above = filepath.Dir(above) {
		info, err := os.Stat(above)
		if errors.Is(err, fs.ErrNotExist) {
			continue // connect makes it
		}
		if err != nil {
			return err.Error()
		}
		owner, enter := info.Sys().(*syscall.Stat_t), fs.FileMode(0o001)
		switch {
		case owner.Uid == agent.Uid:
			enter = 0o100
		case owner.Gid == agent.Gid:
			enter = 0o010
		}
		if info.Mode().Perm()&enter == 0 {
			return fmt.Sprintf("OpenClaw's user may not enter %s, below which the plugin would be: name another state directory with --state, such as the default", above)
		}
		if above == filepath.Dir(above) {
			return ""
		}
	}
}

// install writes the plugin and the agents' tokens.
func (s *second) install(dir *state.Dir) error {
	if err := writePlugin(s.folder); err != nil {
		return fmt.Errorf("installing the plugin in %s: %w", s.folder, err)
	}
	return hook.SaveAgents(dir, s.agents)
}

func writePlugin(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	// Beside a state directory in /tmp anybody could have put a link.
	if named, err := os.Lstat(folder); err != nil || !os.SameFile(named, info) {
		return errors.New("it is a link: delete it")
	}
	if owner := info.Sys().(*syscall.Stat_t); int(owner.Uid) != os.Geteuid() {
		return errors.New("it belongs to somebody else: delete it")
	}
	// Whatever the umask: the agent reads it, and only its owner writes it.
	if err := os.Chmod(folder, 0o755); err != nil {
		return err
	}
	return fs.WalkDir(plugin.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := plugin.Files.ReadFile(name)
		if err != nil {
			return err
		}
		return whole.Write(root, name, name+".new", content, 0o644, os.Geteuid(), os.Getegid())
	})
}

// installed reports whether the plugin's files are as they should be.
func (s *second) installed() bool {
	same := true
	_ = fs.WalkDir(plugin.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			want, _ := plugin.Files.ReadFile(name)
			got, err := os.ReadFile(filepath.Join(s.folder, name))
			same = same && err == nil && bytes.Equal(got, want)
		}
		return nil
	})
	return same
}

// forgetPlugin takes the token of a config back, and the plugin's folder when
// nobody else has it.
func forgetPlugin(dir *state.Dir, config string) error {
	agents, err := hook.LoadAgents(dir)
	if err != nil {
		agents = nil // they are of no use any more, and no reason to stop
	}
	mine := pluginFolder(dir)
	agents = slices.DeleteFunc(agents, func(a hook.Agent) bool { return a.Config == config })
	if err := hook.SaveAgents(dir, agents); err != nil {
		return err
	}
	if slices.ContainsFunc(agents, func(a hook.Agent) bool { return a.Plugin == mine }) {
		return nil
	}
	if err := os.RemoveAll(mine); err != nil {
		return fmt.Errorf("removing the plugin: %w", err)
	}
	return nil
}

// withoutPlugin takes out of a config what is left of the plugin when somebody
// has changed the lists and objects around it since: with the door gone, it
// would stop every tool call.
func withoutPlugin(c *openclaw.Config, changes []openclaw.Change, folder string) (edits []openclaw.Edit) {
	made := func(path []string) bool {
		return slices.ContainsFunc(changes, func(ch openclaw.Change) bool { return slices.Equal(ch.Path, path) })
	}
	for list, own := range map[string]string{"plugins.load.paths": folder, "plugins.allow": plugin.ID} {
		path := openclaw.SplitPath(list)
		if values, _ := c.Strings(list); made(path) && slices.Contains(values, own) {
			edits = append(edits, openclaw.Edit{Path: path, Set: slices.DeleteFunc(values, func(v string) bool { return v == own })})
		}
	}
	if _, ok := c.At(ownEntry...); ok && made(ownEntry) {
		edits = append(edits, openclaw.Edit{Path: ownEntry, Delete: true})
	}
	return edits
}

// ofPlugin tells the changes that are there for the plugin: its entry, its
// place in the two lists, and the objects that were made around them.
func ofPlugin(ch openclaw.Change) bool {
	for _, path := range [][]string{loadPaths, allowed, ownEntry} {
		n := min(len(path), len(ch.Path))
		if slices.Equal(path[:n], ch.Path[:n]) {
			return true
		}
	}
	return false
}
