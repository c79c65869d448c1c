package probe

import (
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

// secrets: credentials it can read and carry away, by name.
func secrets(v *view) *posture.Line {
	names, reach := v.secretNames(), "carry away"
	if len(names) == 0 {
		if v.in.Config != nil && (v.in.Process == nil || v.in.Process.EnvStatus != host.Unknown) {
			return nil
		}
		reach = "carry away keys that were not seen"
	}
	when := looser(v.exec, v.may("read"))
	return &posture.Line{
		Kind: "secrets", Reach: reach, Objects: names, When: when, Who: asked(when),
		Undo: "new keys at each provider", Weight: 90, Narrow: v.narrowSecrets(),
	}
}

// narrowSecrets: connect takes a provider's key from the agent, where the agent
// cannot take it back from Seawall.
func (v *view) narrowSecrets() string {
	provider := slices.ContainsFunc(v.in.Config.Keys("models.providers"), func(id string) bool {
		key, _ := v.in.Config.At("models", "providers", id, "apiKey")
		text, isText := key.(string)
		return isText && !openclaw.StandIn(text)
	})
	inside := v.in.Process != nil && len(v.in.Process.SecretEnv) > 0
	if c, ok := v.container(); ok {
		inside = inside || len(c.SecretEnv) > 0
	}
	switch {
	case v.boundary == posture.BoundaryNone && v.root:
		return "its own account, then seawall connect"
	case v.boundary == posture.BoundaryNone:
		return v.wayOut()
	case provider:
		return "seawall connect"
	case inside:
		return "start it without keys in its environment"
	}
	return "openclaw secrets configure"
}

// secretNames names what looks like a credential where the agent can read: its
// environment, its config, its files; and everyone else's where nothing keeps
// it from becoming root.
func (v *view) secretNames() []string {
	var names []string
	if p := v.in.Process; p != nil {
		names = append(names, p.SecretEnv...)
	}
	if c, ok := v.container(); ok {
		names = append(names, c.SecretEnv...)
	}
	if value, ok := v.in.Config.Get(""); ok {
		names = append(names, configSecrets(value)...)
	}
	for _, f := range v.in.Files {
		if len(f.Secrets) > 0 && f.Kind != "config" {
			names = append(names, "secrets in "+path.Base(f.Path))
		}
	}
	if v.boundary == posture.BoundaryNone {
		names = append(names, others(v.f)...)
	}
	return unique(names)
}

func others(f *posture.Facts) []string {
	var names []string
	for _, p := range f.Processes.Value {
		names = append(names, p.SecretEnv...)
	}
	for _, c := range f.Containers.Value {
		names = append(names, c.SecretEnv...)
	}
	sort.Strings(names)
	return names
}

// secretKeys are the last parts of settings that hold a credential as text.
var secretKeys = []string{"apikey", "token", "password", "passwd", "secret", "privatekey", "accesskey", "secretkey"}

// configSecrets names the settings that hold a credential as text or take it
// from the environment; a reference to a secret store is neither.
func configSecrets(config any) []string {
	var names []string
	var walk func(at []string, value any)
	walk = func(at []string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for _, k := range sortedKeys(value) {
				walk(append(slices.Clone(at), k), value[k])
			}
		case []any:
			for _, item := range value {
				walk(at, item)
			}
		case string:
			if name, ok := openclaw.EnvName(value); ok {
				if secretKey(at) {
					names = append(names, name)
				}
			} else if !openclaw.StandIn(value) && secretKey(at) {
				names = append(names, settingName(at))
			}
		}
	}
	walk(nil, config)
	return names
}

func secretKey(at []string) bool {
	if len(at) == 0 {
		return false
	}
	last := strings.ToLower(at[len(at)-1])
	return slices.ContainsFunc(secretKeys, func(k string) bool { return strings.HasSuffix(last, k) })
}

// settingName shortens a path to what a person calls it: "openai apiKey",
// "telegram botToken", "gateway token".
func settingName(at []string) string {
	last := printable(at[len(at)-1])
	switch {
	case len(at) >= 3 && at[0] == "models":
		return printable(at[2]) + " " + last
	case len(at) >= 3 && at[0] == "channels":
		return printable(at[1]) + " " + last
	case len(at) > 1:
		return printable(at[0]) + " " + last
	}
	return last
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// unique keeps the first of each name, in order.
func unique(names []string) []string {
	var out []string
	for _, n := range names {
		if n = printable(n); n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
