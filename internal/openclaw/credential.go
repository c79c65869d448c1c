package openclaw

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/lazyregexp"
)

// Credential is one thing that OpenClaw can show a provider, and where it finds
// it; never the thing itself (see [Reveal]).
type Credential struct {
	Provider string    // in lower case
	Type     string    // api_key, token, oauth
	Profile  string    // id of the auth profile ("anthropic:manual"), or ""
	Env      string    // name of the variable, or ""
	Place    string    // "/…/openclaw-agent.sqlite", "/…/.env", "process 4242", "container NAME"
	Agent    string    // the only agent that has it; "" for all
	Ref      bool      // it is a SecretRef
	Expires  time.Time // of an OAuth login; zero when it does not say
}

// String names a credential as a person knows it.
func (c Credential) String() string {
	if c.Profile != "" {
		return fmt.Sprintf("auth profile %s in %s", c.Profile, c.Place)
	}
	return fmt.Sprintf("variable %s in %s", c.Env, c.Place)
}

// ModelsFile is an agent's models.json: providers that the config need not
// have. Where both name one, the config's address and key count (tried on
// 2026.9.6; its key alone authorises nothing, docs/concepts/models.md).
type ModelsFile struct {
	Path      string
	Providers map[string]ModelsProvider
}

// ModelsProvider is a provider of a models.json.
type ModelsProvider struct {
	BaseURL string           `json:"baseUrl"`
	API     string           `json:"api"`
	Models  []map[string]any `json:"models"`
}

// environmentProviders are providers that OpenClaw takes up because a variable
// is set, beside those in bundled (dist/extensions/*/openclaw.plugin.json,
// setup.providers).
var environmentProviders = map[string][]string{
	"clawrouter":        {"CLAWROUTER_API_KEY"},
	"google-vertex":     {"GOOGLE_CLOUD_API_KEY"},
	"github-copilot":    {"COPILOT_GITHUB_TOKEN"},
	"litellm":           {"LITELLM_API_KEY"},
	"lmstudio":          {"LM_API_TOKEN"},
	"microsoft-foundry": {"AZURE_OPENAI_API_KEY"},
	"minimax":           {"MINIMAX_CODE_PLAN_KEY", "MINIMAX_CODING_API_KEY", "MINIMAX_API_KEY"},
	"minimax-portal":    {"MINIMAX_OAUTH_TOKEN"},
	"sglang":            {"SGLANG_API_KEY"},
	"vllm":              {"VLLM_API_KEY"},
}

// providersOf returns the providers that a variable is the key of.
func providersOf(variable string) (ids []string) {
	for id, b := range bundled {
		if slices.Contains(b.env, variable) && (id != "ollama" || variable != "OLLAMA_API_KEY") {
			ids = append(ids, id)
		}
	}
	for id, names := range environmentProviders {
		if slices.Contains(names, variable) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// credentials finds what an installation can show to providers: auth profiles
// first, then the environment, in the order in which OpenClaw looks.
func (d *discovery) credentials(c *candidate) []Credential {
	var list []Credential
	for _, store := range c.authStores() {
		profiles, err := d.profiles(store)
		if err != nil {
			if !errors.Is(err, host.ErrAbsent) {
				c.unsure("%s: %v", store, err)
			}
			continue
		}
		for _, p := range profiles {
			if p.Provider != "" && !p.Inactive {
				list = append(list, Credential{Provider: strings.ToLower(p.Provider), Type: p.Type, Profile: p.ID, Place: store, Agent: agentOf(c.StateDir, store), Ref: p.Ref, Expires: expiry(p.Expires)})
			}
		}
	}
	if c.Process != nil && c.Process.EnvStatus != host.Known {
		c.Unsure = append(c.Unsure, fmt.Sprintf("the environment of process %d could not be read", c.Process.PID)) // fromProcesses has noted it
	}
	if c.Process != nil {
		for _, name := range c.Process.Env {
			list = appendVariable(list, name, fmt.Sprintf("process %d", c.Process.PID))
		}
	}
	for _, container := range d.f.Containers.Value {
		if c.Container != "" && container.Name() == c.Container {
			for _, name := range container.Env {
				list = appendVariable(list, name, "container "+c.Container)
			}
		}
	}
	for _, file := range c.environmentFiles() {
		text, err := d.h.ReadFile(d.ctx, file)
		if errors.Is(err, host.ErrAbsent) {
			continue
		}
		if err != nil {
			c.unsure("%s: %v", file, err)
			continue
		}
		for _, v := range variables(file, text) {
			list = appendVariable(list, v.name, file)
		}
	}
	for _, at := range [][]string{{"env"}, {"env", "vars"}} {
		for _, name := range c.Config.keys(at...) {
			list = appendVariable(list, name, c.ConfigPath)
		}
	}
	return list
}

// expiry reads milliseconds since 1970; 0 is never.
func expiry(ms float64) time.Time {
	if ms <= 0 || ms > 1e14 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

func (c *candidate) unsure(format string, args ...any) {
	c.note(format, args...)
	c.Unsure = append(c.Unsure, fmt.Sprintf(format, args...))
}

func appendVariable(list []Credential, name, place string) []Credential {
	for _, id := range providersOf(name) {
		kind := "api_key"
		if strings.Contains(name, "OAUTH_TOKEN") {
			kind = "oauth"
		}
		list = append(list, Credential{Provider: id, Type: kind, Env: name, Place: place})
	}
	return list
}

// authStores are the databases, and the files before them, that may hold auth
// profiles: each agent's own, then that of all.
func (c *candidate) authStores() []string {
	var own, legacy []string
	for _, f := range c.Files {
		switch base := path.Base(f.Path); {
		case base == "openclaw-agent.sqlite" || base == "auth-profiles.json":
			if base == "auth-profiles.json" {
				legacy = append(legacy, f.Path)
			} else {
				own = append(own, f.Path)
			}
		}
	}
	shared := c.Database()
	if slices.ContainsFunc(c.Files, func(f File) bool { return f.Path == shared }) {
		own = append(own, shared)
	}
	return append(own, legacy...)
}

func agentOf(stateDir, store string) string {
	rest, ok := strings.CutPrefix(store, path.Join(stateDir, "agents")+"/")
	if !ok {
		return ""
	}
	agent, _, _ := strings.Cut(rest, "/")
	return agent
}

// profiles asks the machine for the auth profiles of one store, without their
// secrets.
func (d *discovery) profiles(store string) ([]host.AuthProfile, error) {
	if strings.HasSuffix(store, ".json") {
		text, err := d.h.ReadFile(d.ctx, store)
		if err != nil {
			return nil, err
		}
		return host.ParseAuthStore(text)
	}
	out, err := d.h.Run(d.ctx, host.AskProfiles, store)
	if err != nil {
		return nil, err
	}
	var list []host.AuthProfile
	if err := json.Unmarshal(out.Stdout, &list); err != nil {
		return nil, fmt.Errorf("reading the auth profiles in %s: %w", store, err)
	}
	return list, nil
}

// modelsFiles reads every agent's models.json.
func (d *discovery) modelsFiles(c *candidate) (list []ModelsFile) {
	for _, f := range c.Files {
		if path.Base(f.Path) != "models.json" || agentOf(c.StateDir, f.Path) == "" {
			continue
		}
		text, err := d.h.ReadFile(d.ctx, f.Path)
		if err != nil {
			c.unsure("%s: %v", f.Path, err)
			continue
		}
		m := ModelsFile{Path: f.Path}
		if json.Unmarshal(text, &m) != nil {
			c.unsure("%s is not JSON as OpenClaw writes it", f.Path)
			continue
		}
		list = append(list, m)
	}
	return list
}

// environmentFiles are the files that an installation's environment comes from
// (docs/help/environment.md), whether they are there or not.
func (c *candidate) environmentFiles() []string {
	var files []string
	if c.Container == "" && c.home != "" {
		files = append(files, c.unitFiles...)
	}
	files = append(files, path.Join(c.StateDir, ".env"))
	if c.Container == "" && c.home != "" {
		files = append(files, path.Join(c.home, ".config/openclaw/gateway.env"))
	}
	return files
}

// variable is one assignment of an environment file.
type variable struct{ name, value string }

// unitAssignment is a variable in an Environment= line (systemd.exec(5)),
// of which any may be quoted as a whole.
var unitAssignment = lazyregexp.New(`"([A-Za-z_]\w*)=([^"]*)"|'([A-Za-z_]\w*)=([^']*)'|([A-Za-z_]\w*)=(\S*)`)

// plainAssignment is a line of a .env file that has a line which is none.
var plainAssignment = lazyregexp.New(`(?m)^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=[ \t]*("[^"\n]*"|'[^'\n]*'|[^#\s]*)`)

// variables reads the assignments of a .env file or of a systemd unit.
func variables(file string, text []byte) (list []variable) {
	if strings.HasSuffix(file, ".service") || strings.HasSuffix(file, ".conf") {
		for line := range strings.Lines(string(text)) {
			assigned, ok := strings.CutPrefix(strings.TrimSpace(line), "Environment=")
			if !ok {
				continue
			}
			for _, m := range unitAssignment.FindAllStringSubmatch(assigned, -1) {
				list = append(list, variable{m[1] + m[3] + m[5], m[2] + m[4] + m[6]})
			}
		}
		return list
	}
	all, err := dotenv.UnmarshalBytesWithLookup(text, nil)
	if err != nil { // OpenClaw's reader passes over lines that are none
		for _, m := range plainAssignment.FindAllStringSubmatch(string(text), -1) {
			list = append(list, variable{m[1], strings.Trim(m[2], `"'`)})
		}
		return list
	}
	for _, name := range sortedKeys(all) {
		list = append(list, variable{name, all[name]})
	}
	return list
}

// Reveal reads a route's key out of the place where OpenClaw would find it, so
// that it can be moved: Key.Value and Key.From are set where it is an API key
// in plain text. What is signed in, is a SecretRef that a program answers, or
// stands where it cannot be read stays unrevealed. Route.Key is a secret from
// then on.
func Reveal(ctx context.Context, h host.Host, in Install, r *Route) {
	switch r.Key.Kind {
	case KeyNone:
		for _, c := range r.Credentials {
			if c.Type != "api_key" || c.Ref {
				return // OpenClaw would show this one, which cannot be moved
			}
			if r.Key.Value = lookUp(ctx, h, in, c); r.Key.Value != "" {
				r.Key.From = c
				return
			}
		}
	case KeyEnv:
		for _, place := range in.environmentPlaces() {
			c := Credential{Provider: strings.ToLower(r.ID), Type: "api_key", Env: r.Key.Env, Place: place}
			if value := lookUp(ctx, h, in, c); value != "" {
				r.Key.Value, r.Key.From = value, c
				return
			}
		}
	case KeySecretRef:
		r.Key.Value, r.Key.From = in.secretFile(ctx, h, r.Key.Ref)
	}
}

// first is the credential that OpenClaw would show first for a route without a
// key in the config: the profile that auth.order names first, then logins
// before tokens before keys (src/agents/auth-profiles/order.ts), then the
// environment.
func (r Route) first() (c Credential, ok bool) {
	if len(r.Credentials) == 0 {
		return c, false
	}
	return r.Credentials[0], true
}

var typeOrder = []string{"oauth", "token", "api_key"}

// sortCredentials puts what OpenClaw would show first, first.
func (c *Config) sortCredentials(provider string, list []Credential) {
	order, _ := c.Strings(JoinPath([]string{"auth", "order", provider}))
	rank := func(x Credential) int {
		if i := slices.Index(order, x.Profile); x.Profile != "" && i >= 0 {
			return i
		}
		if x.Profile == "" {
			return 1000
		}
		return 100 + slices.Index(typeOrder, x.Type)
	}
	slices.SortStableFunc(list, func(a, b Credential) int { return cmp.Compare(rank(a), rank(b)) })
}

// environmentPlaces are where a variable may be set, the one that counts first.
func (in Install) environmentPlaces() []string {
	var places []string
	if in.Process != nil {
		places = append(places, fmt.Sprintf("process %d", in.Process.PID))
	}
	return append(append(places, in.EnvironmentFiles...), in.ConfigPath)
}

func lookUp(ctx context.Context, h host.Host, in Install, c Credential) string {
	switch {
	case c.Profile != "" && strings.HasSuffix(c.Place, ".json"):
		text, err := h.ReadFile(ctx, c.Place)
		if err != nil {
			return ""
		}
		profiles, _ := host.ParseAuthStore(text)
		return secretOf(profiles, c.Profile)
	case c.Profile != "":
		profiles, _ := host.ReadAuthStore(ctx, c.Place)
		return secretOf(profiles, c.Profile)
	case c.Place == in.ConfigPath:
		value, ok := stringAt(in.Config, "env", c.Env)
		if !ok {
			value, _ = stringAt(in.Config, "env", "vars", c.Env)
		}
		return value
	case strings.HasPrefix(c.Place, "process "):
		text, err := h.ReadFile(ctx, fmt.Sprintf("/proc/%s/environ", strings.TrimPrefix(c.Place, "process ")))
		if err != nil {
			return ""
		}
		for entry := range strings.SplitSeq(string(text), "\x00") {
			if value, ok := strings.CutPrefix(entry, c.Env+"="); ok {
				return usable(value)
			}
		}
	case strings.HasPrefix(c.Place, "/"):
		text, err := h.ReadFile(ctx, c.Place)
		if err != nil {
			return ""
		}
		for _, v := range variables(c.Place, text) {
			if v.name == c.Env {
				return usable(v.value)
			}
		}
	}
	return ""
}

// usable drops what a recorded machine has instead of values.
func usable(value string) string {
	if value == host.MaskedSecret || value == host.MaskedValue {
		return ""
	}
	return value
}

func secretOf(profiles []host.AuthProfile, id string) string {
	for _, p := range profiles {
		if p.ID == id {
			return p.Secret
		}
	}
	return ""
}

// secretFile resolves a reference to a file with a single value
// (docs/gateway/secrets.md).
func (in Install) secretFile(ctx context.Context, h host.Host, ref map[string]any) (string, Credential) {
	source, _ := ref["source"].(string)
	provider, _ := ref["provider"].(string)
	at := []string{"secrets", "providers", provider}
	file, _ := stringAt(in.Config, append(at, "path")...)
	mode, _ := stringAt(in.Config, append(at, "mode")...)
	if source != "file" || mode != "singleValue" || !path.IsAbs(file) || in.Container != "" {
		return "", Credential{}
	}
	text, err := h.ReadFile(ctx, file)
	if err != nil {
		return "", Credential{}
	}
	return strings.TrimSpace(string(text)), Credential{Type: "api_key", Place: file}
}
