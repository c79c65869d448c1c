package openclaw

import (
	"bytes"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
)

// Bounds of one walk: a state directory can hold years of sessions.
const (
	maxWalkDepth   = 7
	maxWalkEntries = 20_000
	maxSecretFile  = 1 << 20  // bytes of one text that is searched
	maxSecretTotal = 24 << 20 // bytes of all texts of an installation
)

// skipped directories hold what can be made again, or other people's code.
var skipped = map[string]bool{
	"node_modules": true, ".git": true, "cache": true, "tmp": true, "plugin-skills": true,
	"npm": true, "extensions": true, "browser": true, "sandboxes": true,
}

// readFiles lists what matters in the state directory, the workspaces and the
// shared log directory, and has the texts among it searched for secrets.
func (d *discovery) readFiles(c *candidate) {
	seen := map[string]bool{}
	add := func(info host.FileInfo, kind string) {
		if kind != "" && !seen[info.Path] {
			seen[info.Path] = true
			c.Files = append(c.Files, File{FileInfo: info, Kind: kind})
		}
	}
	if c.ConfigInfo.Path != "" && path.Dir(c.ConfigPath) != c.StateDir {
		d.walk(c, path.Dir(c.ConfigPath), 0, func(rel string, info host.FileInfo) {
			if strings.HasPrefix(rel, path.Base(c.ConfigPath)) {
				add(info, configKind(rel))
			}
		})
	}
	for _, file := range c.Config.Files() {
		if info, err := d.h.Stat(d.ctx, file); err == nil {
			add(info, "config")
		}
	}
	d.walk(c, c.StateDir, maxWalkDepth, func(rel string, info host.FileInfo) { add(info, stateKind(rel)) })
	for _, dir := range c.Workspaces {
		d.walk(c, dir, 2, func(rel string, info host.FileInfo) { add(info, workspaceKind(rel)) })
	}
	// Gateways of all users log into one directory below /tmp.
	if c.Container == "" {
		d.walk(c, "/tmp/openclaw", 0, func(rel string, info host.FileInfo) {
			if info.UID == c.State.UID && strings.HasSuffix(rel, ".log") {
				add(info, "log")
			}
		})
	}
	d.personalFiles(c, add)
	slices.SortFunc(c.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	d.searchSecrets(c)
}

// walk visits the files below a directory, breadth first, with their path
// relative to it. Symlinks are visited and not followed.
func (d *discovery) walk(c *candidate, root string, depth int, visit func(rel string, info host.FileInfo)) {
	type dir struct {
		rel   string
		depth int
	}
	queue, entries := []dir{{"", 0}}, 0
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		list, err := d.h.ReadDir(d.ctx, path.Join(root, at.rel))
		if err != nil {
			if !errors.Is(err, host.ErrAbsent) {
				c.note("%s: %v", path.Join(root, at.rel), err)
			}
			continue
		}
		for _, info := range list {
			if entries++; entries > maxWalkEntries {
				c.note("%s holds more than %d entries; the rest was not looked at", root, maxWalkEntries)
				return
			}
			rel := path.Join(at.rel, path.Base(info.Path))
			if !info.Mode.IsDir() {
				visit(rel, info)
				continue
			}
			if at.depth < depth && !skipped[path.Base(rel)] {
				queue = append(queue, dir{rel, at.depth + 1})
			}
		}
	}
}

// configKind tells the config from its copies: OpenClaw keeps .bak, .bak.1 to
// .bak.4 and .last-good beside it, and rejected or clobbered ones with a date.
func configKind(name string) string {
	base := path.Base(name)
	switch {
	case base == "openclaw.json", base == "clawdbot.json":
		return "config"
	case strings.HasPrefix(base, "openclaw.json."), strings.HasPrefix(base, "clawdbot.json."):
		return "config-backup"
	default:
		return ""
	}
}

// stateKind names what a file of the state directory is, or "" for what no
// control looks at.
func stateKind(rel string) string {
	base, top := path.Base(rel), strings.SplitN(rel, "/", 2)[0]
	switch {
	case !strings.Contains(rel, "/") && configKind(base) != "":
		return configKind(base)
	case isEnvFile(base):
		return "env"
	case top == "credentials", top == "identity", top == "devices", top == "nodes",
		strings.HasSuffix(base, ".key"), strings.HasSuffix(base, ".pem"),
		base == "auth-profiles.json", base == "auth.json", base == "oauth.json", base == "models.json", base == "device-auth.json":
		return "credential"
	case strings.HasSuffix(base, ".sqlite"), strings.HasSuffix(base, ".sqlite-wal"), strings.HasSuffix(base, ".sqlite-shm"):
		return "database"
	case strings.Contains(rel, "/sessions/"):
		return "session"
	case strings.HasSuffix(base, ".log"), top == "logs":
		return "log"
	case top == "backups", strings.HasSuffix(base, ".tar.gz"), strings.HasSuffix(base, ".bak"):
		return "backup"
	case strings.HasPrefix(top, "workspace"):
		if _, below, ok := strings.Cut(rel, "/"); ok {
			return workspaceKind(below)
		}
	case top == "memory":
		return "memory"
	}
	return ""
}

// workspaceKind: OpenClaw puts the Markdown files at the top of a workspace
// into every prompt (docs/concepts/agent-workspace.md); memory is MEMORY.md
// and memory/.
func workspaceKind(rel string) string {
	base := path.Base(rel)
	switch {
	case isEnvFile(base):
		return "env"
	case strings.EqualFold(base, "MEMORY.md") && !strings.Contains(rel, "/"), strings.HasPrefix(rel, "memory/") && strings.HasSuffix(base, ".md"):
		return "memory"
	case !strings.Contains(rel, "/") && strings.HasSuffix(base, ".md"):
		return "bootstrap"
	default:
		return ""
	}
}

func isEnvFile(base string) bool { return base == ".env" || strings.HasPrefix(base, ".env.") }

// searchable kinds are small texts that people and OpenClaw put secrets into.
// Sessions and databases are the vault's and the skill rooms' business.
var searchable = map[string]bool{
	"config": true, "config-backup": true, "env": true, "credential": true, "bootstrap": true, "memory": true, "log": true, "backup": true,
	"history": true, "git": true,
}

func (d *discovery) searchSecrets(c *candidate) {
	if d.secrets == nil {
		return
	}
	left := maxSecretTotal
	for i := range c.Files {
		f := &c.Files[i]
		if !searchable[f.Kind] || !f.Mode.IsRegular() || strings.HasSuffix(f.Path, ".gz") {
			continue
		}
		if f.Size > maxSecretFile || int(f.Size) > left {
			c.note("%s was not searched for secrets: it is too big", f.Path)
			continue
		}
		text, err := d.h.ReadFile(d.ctx, f.Path)
		if err != nil {
			c.note("%s: %v", f.Path, err)
			continue
		}
		left -= len(text)
		// A copy that is the config itself, as .last-good mostly is, keeps nothing that was taken out.
		if f.Kind == "config-backup" && c.Config != nil && bytes.Equal(text, c.Config.Text()) {
			continue
		}
		if bytes.IndexByte(text, 0) < 0 {
			f.Secrets = d.secrets(string(text))
		}
	}
}
