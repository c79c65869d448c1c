package controls

import (
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

// agentConfig needs an OpenClaw whose config was read. One that is there and
// could not be read makes the answer unknown, never a pass; an installation
// without any config runs no gateway.
var agentConfig = posture.Need{Name: "OpenClaw config", Of: func(f *posture.Facts) (host.Status, string) {
	status, reason := f.OpenClaw.State()
	if status != host.Known {
		return status, reason
	}
	absent, unread := "there is no OpenClaw config", ""
	for _, in := range f.OpenClaw.Value {
		if in.Config != nil {
			return host.Known, ""
		}
		if unreadConfig(in) {
			unread = in.ConfigError
		}
	}
	if unread != "" {
		return host.Unknown, unread
	}
	return host.Absent, absent
}}

// unreadConfig tells a config that is there and could not be read from one
// that is not there.
func unreadConfig(in openclaw.Install) bool {
	return in.Config == nil && in.ConfigError != "" &&
		(in.ConfigInfo.Path != "" || slices.Contains(in.Unreadable, in.ConfigError))
}

// permission is unknown where a config may be sound and only root reads it.
var permission = posture.Need{Name: "OpenClaw config", Of: func(f *posture.Facts) (host.Status, string) {
	for _, in := range f.OpenClaw.Value {
		if unreadConfig(in) && strings.Contains(in.ConfigError, "needs root") {
			return host.Unknown, in.ConfigError
		}
	}
	return host.Known, ""
}}

// settings is the config of one installation, with what its place implies.
type settings struct {
	*openclaw.Config
	in openclaw.Install
}

// eachConfig judges every config that was read. A finding without an object
// is about the config file.
func eachConfig(judge func(s settings) []posture.Finding) func(*posture.Facts) []posture.Finding {
	return func(f *posture.Facts) []posture.Finding {
		var all []posture.Finding
		for _, in := range f.OpenClaw.Value {
			if in.Config == nil {
				continue
			}
			for _, found := range judge(settings{in.Config, in}) {
				if found.Object == "" {
					found.Object = in.ConfigPath
				}
				all = append(all, found)
			}
		}
		return all
	}
}

// on reports whether a switch is on, given what OpenClaw does when it is unset.
func (s settings) on(path string, unset bool) bool {
	if b, ok := s.Bool(path); ok {
		return b
	}
	return unset
}

// text returns the string at a path, or what OpenClaw takes when it is unset.
func (s settings) text(path, unset string) string {
	if t, ok := s.String(path); ok {
		return t
	}
	return unset
}

// list returns the values of an array as text, numbers included: a Telegram
// id may be written either way.
func (s settings) list(path string) []string {
	v, _ := s.Get(path)
	items, _ := v.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, fmt.Sprint(item))
	}
	return out
}

// has reports whether anything stands at a path.
func (s settings) has(path string) bool {
	v, ok := s.Get(path)
	return ok && v != nil
}

// agents returns the config prefixes under which an agent's own settings
// stand, with the defaults first: "", "agents.entries.main", …
func (s settings) agents() []string {
	var prefixes []string
	for _, name := range s.Keys("agents.entries") {
		prefixes = append(prefixes, "agents.entries."+strings.ReplaceAll(name, ".", `\.`))
	}
	return prefixes
}

// everywhere returns the paths at which a tool setting may stand: for all
// agents and for each.
func (s settings) everywhere(path string) []string {
	paths := []string{path}
	for _, agent := range s.agents() {
		paths = append(paths, agent+"."+path)
	}
	return paths
}

// sandboxes returns the paths of all sandbox sections.
func (s settings) sandboxes(path string) []string {
	paths := []string{"agents.defaults.sandbox." + path}
	for _, agent := range s.agents() {
		paths = append(paths, agent+".sandbox."+path)
	}
	return paths
}

// channels returns the config paths of every enabled channel and account.
func (s settings) channels() []string {
	var paths []string
	for _, name := range s.Keys("channels") {
		if name == "defaults" || name == "modelByChannel" || !s.on("channels."+name+".enabled", true) {
			continue
		}
		path := "channels." + name
		paths = append(paths, path)
		for _, account := range s.Keys(path + ".accounts") {
			account = path + ".accounts." + strings.ReplaceAll(account, ".", `\.`)
			if s.on(account+".enabled", true) {
				paths = append(paths, account)
			}
		}
	}
	return paths
}

// walk visits every scalar of the config with its dotted path, in order.
func (s settings) walk(visit func(path string, value any)) {
	root, _ := s.Get("")
	walkValue("", root, visit)
}

func walkValue(path string, v any, visit func(string, any)) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			walkValue(joinPath(path, k), v[k], visit)
		}
	case []any:
		for i, item := range v {
			walkValue(joinPath(path, fmt.Sprint(i)), item, visit)
		}
	default:
		visit(path, v)
	}
}

func joinPath(path, key string) string {
	key = strings.ReplaceAll(key, ".", `\.`)
	if path == "" {
		return key
	}
	return path + "." + key
}

// literal reports whether a value stands in the file itself: not a SecretRef
// (an object), not ${NAME}, not what a recording put in its place.
func literal(v any) (string, bool) {
	s, ok := v.(string)
	if !ok || s == "" || strings.Contains(strings.ToLower(s), "redacted") {
		return "", false
	}
	if len(openclaw.EnvNames(s)) > 0 {
		return "", false
	}
	return s, true
}

// Modes that let others in.
const (
	othersRead  fs.FileMode = 0o004
	othersWrite fs.FileMode = 0o002
	groupRead   fs.FileMode = 0o040
	groupWrite  fs.FileMode = 0o020
)

// opened says who besides its owner may do what to a file, or "".
func opened(info host.FileInfo) string {
	if info.Mode&fs.ModeSymlink != 0 {
		return ""
	}
	switch m := info.Mode.Perm(); {
	case m&othersWrite != 0:
		return "anyone on this machine may write it"
	case m&groupWrite != 0:
		return fmt.Sprintf("group %d may write it", info.GID)
	case m&othersRead != 0:
		return "anyone on this machine may read it"
	case m&groupRead != 0:
		return fmt.Sprintf("group %d may read it", info.GID)
	}
	return ""
}

// writable says who besides its owner may write a file, or "".
func writable(info host.FileInfo) string {
	if info.Mode.Perm()&(othersWrite|groupWrite) == 0 {
		return ""
	}
	return opened(info)
}

// rated gives findings a severity of their own.
func rated(s posture.Severity, found []posture.Finding) []posture.Finding {
	for i := range found {
		found[i] = found[i].At(s)
	}
	return found
}
