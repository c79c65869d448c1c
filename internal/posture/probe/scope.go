package probe

import (
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

// scope is one agent of an OpenClaw with the settings that hold for it: its own
// under agents.entries, and the global ones behind them. Defaults are those of
// OpenClaw 2026.9.6 (docs/tools/exec-approvals.md, docs/gateway/config-tools/tool-policy.md,
// docs/gateway/sandboxing.md).
type scope struct {
	config *openclaw.Config
	agent  string // "" where the config names no agent
	read   bool   // the config was read
}

func scopes(in openclaw.Install) []scope {
	base := scope{config: in.Config, read: in.Config != nil}
	out := []scope{}
	for _, name := range in.Config.Keys("agents.entries") {
		out = append(out, scope{in.Config, name, base.read})
	}
	if len(out) == 0 {
		out = append(out, base)
	}
	return out
}

// own returns the path of an agent's own setting.
func (s scope) own(p string) string {
	return openclaw.JoinPath(append([]string{"agents", "entries", s.agent}, openclaw.SplitPath(p)...))
}

// str reads the agent's own setting, then the global one.
func (s scope) str(own, global string) string {
	if s.agent != "" {
		if v, ok := s.config.String(s.own(own)); ok {
			return v
		}
	}
	v, _ := s.config.String(global)
	return v
}

// exec says when a command runs: tool policy first, then the exec mode or its
// older pair of security and ask.
func (s scope) exec() posture.When {
	if !s.read {
		return posture.Unsure
	}
	if !s.allows("exec") {
		return posture.Never
	}
	switch s.str("tools.exec.mode", "tools.exec.mode") {
	case "deny", "allowlist": // an allowlist runs what is on it and refuses the rest
		return posture.Never
	case "ask", "auto":
		return posture.Asks
	case "full":
		return posture.Freely
	}
	switch s.str("tools.exec.security", "tools.exec.security") {
	case "deny":
		return posture.Never
	case "allowlist":
		if ask := s.str("tools.exec.ask", "tools.exec.ask"); ask == "" || ask == "off" {
			return posture.Never
		}
		return posture.Asks
	}
	if s.str("tools.exec.ask", "tools.exec.ask") == "always" {
		return posture.Asks
	}
	return posture.Freely
}

// sandboxed reports whether all of an agent's tools run in a container of
// OpenClaw's own making.
func (s scope) sandboxed() bool {
	return s.read && s.str("sandbox.mode", "agents.defaults.sandbox.mode") == "all"
}

// sandboxRoom says what the sandbox shows of the workspace: none, ro or rw.
func (s scope) sandboxRoom() string {
	if v := s.str("sandbox.workspaceAccess", "agents.defaults.sandbox.workspaceAccess"); v != "" {
		return v
	}
	return "none"
}

// allows reports whether tool policy offers a tool: every layer must. Deny wins
// within a layer.
func (s scope) allows(tool string) bool {
	layers := []string{"tools"}
	if s.agent != "" {
		layers = append(layers, s.own("tools"))
	}
	for _, at := range layers {
		if !s.layer(at, tool) {
			return false
		}
	}
	return true
}

func (s scope) layer(at, tool string) bool {
	list := func(key string) []string { v, _ := s.config.Strings(at + "." + key); return v }
	if named(list("deny"), tool) {
		return false
	}
	if allow := list("allow"); len(allow) > 0 && !named(allow, tool) {
		return false
	}
	profile, _ := s.config.String(at + ".profile")
	base, limited := profiles[profile]
	return !limited || named(base, tool) || named(list("alsoAllow"), tool) || named(list("allow"), tool)
}

// named reports whether a list of tools, groups and patterns holds a tool.
func named(list []string, tool string) bool {
	return slices.ContainsFunc(list, func(name string) bool {
		name = strings.ToLower(strings.TrimSpace(name))
		if alias, ok := aliases[name]; ok {
			name = alias
		}
		if slices.Contains(groups[name], tool) {
			return true
		}
		hit, err := path.Match(name, tool)
		return err == nil && hit
	})
}

var aliases = map[string]string{"bash": "exec", "cron": "automations", "apply-patch": "apply_patch"}

// groups holds the tools of each group that a line of the blast radius asks for.
var groups = map[string][]string{
	"group:runtime":    {"exec", "process"},
	"group:fs":         {"read", "write", "edit", "apply_patch"},
	"group:web":        {"web_search", "web_fetch"},
	"group:ui":         {"browser", "terminal", "portal"},
	"group:automation": {"automations", "gateway", "plugins", "openclaw"},
	"group:messaging":  {"message"},
	"group:nodes":      {"nodes"},
	"group:agents":     {"skill_workshop"},
	"group:openclaw":   {"web_search", "web_fetch", "browser", "terminal", "portal", "automations", "gateway", "plugins", "openclaw", "message", "nodes", "skill_workshop"},
}

// profiles are the base lists of tools.profile; "full" and none filter nothing.
// The gateway tool of a limited profile can only update, so it is left out.
var profiles = map[string][]string{
	"minimal":   {"session_status"},
	"coding":    {"group:fs", "group:runtime", "group:web", "automations", "skill_workshop"},
	"messaging": {"group:messaging", "conversations_send"},
}
