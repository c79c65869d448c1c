package openclaw

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// Route is one way in which OpenClaw reaches a model: an entry of
// models.providers, a model in it that has an endpoint of its own, or a
// provider that OpenClaw brings along and an agent names without any entry.
type Route struct {
	ID      string   // the provider's id, as the config writes it
	Model   string   // the model with its own endpoint; "" for the provider's
	Path    []string // of the object in the config that holds baseUrl
	BaseURL string   // as the config says it, so that of a door when it is connected; "" when unknown
	API     string   // models.providers.*.api
	Bundled bool     // OpenClaw knows it without an entry
	Entry   bool     // it has an entry under models.providers
	File    string   // the models.json that alone has it, or ""

	Key     Key
	Auth    string   // models.providers.*.auth: "", api-key, token, oauth, aws-sdk
	Headers []string // names of headers that hold a credential of their own; they stay where they are
	Models  []string // the models listed under it
	UsedBy  []string // why OpenClaw would use it: "agents.defaults.model.primary", "OPENAI_API_KEY in process 4242"

	Named bool // UsedBy has a setting: OpenClaw uses it without being told in a message

	// Credentials are what OpenClaw can show the provider when the config has
	// no key; what it would show first, first.
	Credentials []Credential

	runtime  string           // what runs it instead of OpenClaw, where that is set for this model alone
	declared []map[string]any // the models of File, as it declares them

	Status RouteStatus
	Reason string // why, and the setting that changes it; "" when there is nothing to say
}

// String leaves out the key.
func (r Route) String() string {
	name := r.ID
	if r.Model != "" {
		name += "/" + r.Model
	}
	return fmt.Sprintf("%s (%s, %s): %s", name, cmp.Or(r.API, "unknown format"), cmp.Or(r.BaseURL, "unknown address"), r.Status)
}

// RouteStatus says whether a route can go through the model door.
type RouteStatus uint8

const (
	// Unroutable: its requests cannot be sent to another address.
	Unroutable RouteStatus = iota
	// Routable: HTTP in one of the three wire formats of the door, at an
	// address that the config decides.
	Routable
	// OtherFormat: HTTP in a wire format that the door does not read.
	OtherFormat
	// OwnRuntime: another program (the claude command, the Codex app-server,
	// Copilot) talks to the model.
	OwnRuntime
)

func (s RouteStatus) String() string {
	return [...]string{"cannot be routed", "can go through the door", "other wire format", "runtime of its own"}[s]
}

// KeyKind says how the config holds a provider's key. OpenClaw takes for
// apiKey, headers.* and request.auth.* a string or a reference
// {source: env|file|exec|store, provider, id}; ${NAME} in a string is replaced
// from the environment, and a string that is the name of a known variable
// stands for it (src/config/zod-schema.secret-input.ts,
// src/agents/model-auth-markers.ts).
type KeyKind string

// The kinds of keys.
const (
	KeyNone      KeyKind = "none"      // not in the config: auth profile, environment, or none needed
	KeyPlaintext KeyKind = "plaintext" // the key itself
	KeyEnv       KeyKind = "env"       // ${NAME}, NAME, or a reference to the environment
	KeySecretRef KeyKind = "secretref" // a reference to a file, a command or OpenClaw's store
)

// Key is where and how a provider's key stands in the config.
type Key struct {
	Kind  KeyKind
	Path  []string   // of the value; set for KeyNone too: where it would stand
	Value string     // KeyPlaintext: the key; else what Reveal found. A secret: never print it
	From  Credential // where Reveal found it
	Env   string     // KeyEnv: the variable
	Ref   map[string]any
}

// doorFormats are the wire formats that the model door reads.
var doorFormats = []string{"openai-completions", "openai-responses", "anthropic-messages"}

// bundled are providers that need no entry, with what their manifests say
// (dist/extensions/*/openclaw.plugin.json, modelCatalog.providers and setup).
var bundled = map[string]struct {
	baseURL, api string
	env          []string
}{
	"anthropic":    {"https://api.anthropic.com", "anthropic-messages", []string{"ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY"}},
	"openai":       {"https://api.openai.com/v1", "openai-responses", []string{"OPENAI_API_KEY"}},
	"xai":          {"https://api.x.ai/v1", "openai-responses", []string{"XAI_API_KEY"}},
	"openrouter":   {"https://openrouter.ai/api/v1", "openai-completions", []string{"OPENROUTER_API_KEY"}},
	"huggingface":  {"https://router.huggingface.co/v1", "openai-completions", []string{"HUGGINGFACE_HUB_TOKEN", "HF_TOKEN"}},
	"nvidia":       {"https://integrate.api.nvidia.com/v1", "openai-completions", []string{"NVIDIA_API_KEY"}},
	"together":     {"https://api.together.xyz/v1", "openai-completions", []string{"TOGETHER_API_KEY"}},
	"opencode-go":  {"https://opencode.ai/zen/go/v1", "openai-completions", []string{"OPENCODE_API_KEY", "OPENCODE_ZEN_API_KEY"}},
	"google":       {"https://generativelanguage.googleapis.com/v1beta", "google-generative-ai", []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"}},
	"ollama-cloud": {"https://ollama.com", "ollama", []string{"OLLAMA_API_KEY"}},
	"ollama":       {"http://127.0.0.1:11434", "ollama", []string{"OLLAMA_API_KEY"}},
}

// ownRuntimes are providers whose models another program runs.
var ownRuntimes = []string{"claude-cli", "codex", "codex-cli", "google-gemini-cli", "github-copilot", "copilot-proxy"}

// Routes lists every route that OpenClaw would use: the entries of
// models.providers, the providers that agents, fallbacks, sub-agents, media and
// memory search name, those for which it has a credential (any message may
// switch to them, and media and memory search pick by what is there), and those
// of an agent's models.json.
func (in Install) Routes() []Route { return in.routes(in.Config) }

// RoutesOf is Routes for another state of the same config.
func (in Install) RoutesOf(c *Config) []Route { return in.routes(c) }

func (in Install) routes(c *Config) []Route {
	uses := c.modelUses()
	named := map[string]bool{}
	for id := range uses {
		named[id] = true
	}
	shown := map[string][]Credential{}
	for _, x := range in.Credentials {
		shown[x.Provider] = append(shown[x.Provider], x)
		uses[x.Provider] = append(uses[x.Provider], x.String())
	}
	var routes []Route
	seen := map[string]bool{}
	for _, id := range c.keys("models", "providers") {
		seen[strings.ToLower(id)] = true
		routes = append(routes, c.entryRoutes(id, uses[strings.ToLower(id)])...)
	}
	for _, file := range in.ModelsFiles {
		for _, id := range sortedKeys(file.Providers) {
			if !seen[strings.ToLower(id)] && file.Providers[id].BaseURL != "" {
				seen[strings.ToLower(id)] = true
				routes = append(routes, c.fileRoute(file, id, uses[strings.ToLower(id)]))
			}
		}
	}
	for _, id := range sortedKeys(uses) {
		if !seen[id] {
			routes = append(routes, c.bundledRoute(id, uses[id]))
		}
	}
	routes = append(routes, c.runtimeRoutes()...)
	for i := range routes {
		r := &routes[i]
		r.Named = named[strings.ToLower(r.ID)] || r.runtime != ""
		r.Credentials = shown[strings.ToLower(r.ID)]
		c.sortCredentials(r.ID, r.Credentials)
		c.judge(r)
		if !r.Named && r.Status != Routable && len(r.Credentials) > 0 {
			r.Reason += "; no setting names it: to keep OpenClaw from it, take away the " + strings.Replace(r.Credentials[0].String(), " in ", " from ", 1)
		}
	}
	return routes
}

// entryRoutes returns the route of a provider's entry, and one for each model
// in it with an address of its own.
func (c *Config) entryRoutes(id string, used []string) []Route {
	at := []string{"models", "providers", id}
	known, isBundled := bundled[strings.ToLower(id)]
	r := Route{ID: id, Path: at, Entry: true, Bundled: isBundled, UsedBy: used, Key: c.key(at), Headers: c.secretHeaders(at)}
	r.BaseURL = cmp.Or(c.text(at, "baseUrl"), known.baseURL)
	r.API = cmp.Or(c.text(at, "api"), known.api, "openai-completions")
	r.Auth = c.text(at, "auth")
	if r.Key.Kind != KeyNone {
		r.UsedBy = append(r.UsedBy, JoinPath(r.Key.Path)) // any message may switch to it
	}
	routes := []Route{r}
	models := c.find(append(at[:3:3], "models"))
	if models != nil {
		for i, m := range models.items {
			path := append(at[:3:3], "models", fmt.Sprint(i))
			name := c.text(path, "id")
			routes[0].Models = append(routes[0].Models, name)
			if m.get("baseUrl") == nil && m.get("api") == nil {
				continue
			}
			own := r
			own.Model, own.Path, own.Models = name, path, []string{name}
			own.BaseURL, own.API = cmp.Or(c.text(path, "baseUrl"), r.BaseURL), cmp.Or(c.text(path, "api"), r.API)
			own.Headers = c.secretHeaders(path)
			routes = append(routes, own)
		}
	}
	return routes
}

// fileRoute is the route of a provider that an agent's models.json has.
func (c *Config) fileRoute(file ModelsFile, id string, used []string) Route {
	p := file.Providers[id]
	at := []string{"models", "providers", id}
	r := Route{ID: id, Path: at, BaseURL: p.BaseURL, API: cmp.Or(p.API, bundled[strings.ToLower(id)].api, "openai-completions"), File: file.Path, UsedBy: used, Key: c.key(at)}
	for _, m := range p.Models {
		name, _ := m["id"].(string)
		r.Models = append(r.Models, name)
	}
	r.declared = p.Models
	return r
}

// bundledRoute is the route of a provider that is only named.
func (c *Config) bundledRoute(id string, used []string) Route {
	known, ok := bundled[id]
	at := []string{"models", "providers", id}
	r := Route{ID: id, Path: at, BaseURL: known.baseURL, API: known.api, Bundled: ok, UsedBy: used, Key: c.key(at)}
	return r
}

// judge says whether a route can go through the door. A params.transport that
// asks for a WebSocket is no hindrance: OpenClaw opens one only at OpenAI's own
// address (docs/providers/openai/advanced.md), and at that of a door uses HTTP
// (tried on 2026.9.6).
func (c *Config) judge(r *Route) {
	runtime, where := c.runtime(r)
	switch {
	case runtime != "" && runtime != "openclaw" && runtime != "auto":
		r.Status, r.Reason = OwnRuntime, fmt.Sprintf("%s runs it; set %s to \"openclaw\" to have it behind the door", runtime, where)
	case r.chatGPT():
		r.Status, r.Reason = OwnRuntime, "a ChatGPT login is used by Codex, at an address of its own; use an API key: openclaw models auth paste-api-key --provider openai"
	case slices.Contains(ownRuntimes, strings.ToLower(r.ID)) || r.API == "github-copilot":
		r.Status, r.Reason = OwnRuntime, "another program talks to this provider; use one with an API key instead"
	case r.Auth == "aws-sdk" || r.API == "bedrock-converse-stream":
		r.Status, r.Reason = Unroutable, "its requests are signed for AWS's own address"
	case r.API == "":
		r.Status, r.Reason = Unroutable, fmt.Sprintf("its address is not known here; write models.providers.%s with baseUrl and api", r.ID)
	case !slices.Contains(doorFormats, r.API):
		r.Status, r.Reason = OtherFormat, fmt.Sprintf("the door does not read %s; use the provider's OpenAI-compatible address with api \"openai-completions\", if it has one, or another provider", r.API)
	case len(EnvNames(r.BaseURL)) > 0:
		r.Status, r.Reason = Unroutable, fmt.Sprintf("its address comes from the environment (%s); write it into %s", r.BaseURL, JoinPath(append(r.Path[:len(r.Path):len(r.Path)], "baseUrl")))
	case r.BaseURL == "":
		r.Status, r.Reason = Unroutable, "it has no baseUrl"
	case c.text(append(r.Path[:min(3, len(r.Path)):3], "request", "proxy"), "mode") != "":
		r.Status, r.Reason = Unroutable, fmt.Sprintf("its requests go to a proxy; remove models.providers.%s.request.proxy", r.ID)
	default:
		r.Status = Routable
		r.Reason = reasonRoutable(r)
	}
}

// chatGPT reports whether OpenAI's models are reached by a login and no key.
func (r *Route) chatGPT() bool {
	first, ok := r.first()
	return ok && strings.EqualFold(r.ID, "openai") && first.Type == "oauth" && r.Key.Kind == KeyNone
}

func reasonRoutable(r *Route) string {
	first, _ := r.first()
	switch {
	case r.Auth == "oauth" || r.Key.Kind == KeyNone && (first.Type == "oauth" || first.Type == "token"):
		return "its login stays with the agent and passes the door unchanged"
	case len(r.Headers) > 0:
		return "the header " + strings.Join(r.Headers, ", ") + " holds a credential that stays with the agent"
	case !r.Entry && strings.EqualFold(r.ID, "openai"):
		return "without an entry Codex may run it; with an address of its own OpenClaw does"
	default:
		return ""
	}
}

// runtime returns the agentRuntime.id that holds for a route and where it is
// set: at the model or the provider.
func (c *Config) runtime(r *Route) (id, where string) {
	if r.runtime != "" {
		return r.runtime, JoinPath(r.Path)
	}
	for _, path := range [][]string{r.Path, {"models", "providers", r.ID}} {
		if id := c.text(path, "agentRuntime", "id"); id != "" {
			return id, JoinPath(path) + ".agentRuntime.id"
		}
	}
	return "", ""
}

// runtimeRoutes are the models that another program runs while the rest of
// their provider is OpenClaw's own: by an agentRuntime at the model, in the
// provider's entry or in the settings of an agent.
func (c *Config) runtimeRoutes() (routes []Route) {
	add := func(provider, model string, path []string) {
		id := c.text(path, "agentRuntime", "id")
		if id == "" || id == "openclaw" || id == "auto" || c.text(path, "baseUrl") != "" {
			return
		}
		at := append(path[:len(path):len(path)], "agentRuntime", "id")
		routes = append(routes, Route{ID: provider, Model: model, Path: at, API: bundled[strings.ToLower(provider)].api, runtime: id, UsedBy: []string{JoinPath(at)}, Key: Key{Kind: KeyNone}})
	}
	for _, at := range c.modelSettings() {
		for _, ref := range c.keys(at...) {
			if provider, model, ok := strings.Cut(ref, "/"); ok {
				add(provider, model, append(at[:len(at):len(at)], ref))
			}
		}
	}
	for _, id := range c.keys("models", "providers") {
		at := []string{"models", "providers", id, "models"}
		if models := c.find(at); models != nil {
			for i := range models.items {
				path := append(at[:4:4], fmt.Sprint(i))
				add(id, c.text(path, "id"), path)
			}
		}
	}
	return routes
}

// modelSettings are the maps from "provider/model" to settings.
func (c *Config) modelSettings() [][]string {
	list := [][]string{{"agents", "defaults", "models"}}
	for _, id := range c.keys("agents", "entries") {
		list = append(list, []string{"agents", "entries", id, "models"})
	}
	return list
}

func (c *Config) text(at []string, keys ...string) string {
	s, _ := stringAt(c, append(at[:len(at):len(at)], keys...)...)
	return s
}

var (
	variableName = lazyregexp.New(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$`)
	secretHeader = lazyregexp.New(`(?i)^(proxy-)?authorization$|key|token|secret|cookie|credential`)
)

// key finds a provider's key: its apiKey, or what request.auth sends instead.
func (c *Config) key(at []string) Key {
	path := append(at[:len(at):len(at)], "apiKey")
	switch c.text(at, "request", "auth", "mode") {
	case "authorization-bearer":
		path = append(at[:len(at):len(at)], "request", "auth", "token")
	case "header":
		path = append(at[:len(at):len(at)], "request", "auth", "value")
	}
	k := Key{Kind: KeyNone, Path: path}
	n := c.find(path)
	switch {
	case n == nil:
	case n.kind == objectKind:
		k.Kind, k.Ref = KeySecretRef, n.plain().(map[string]any)
		if k.Ref["source"] == "env" {
			k.Kind = KeyEnv
			k.Env, _ = k.Ref["id"].(string)
		}
	default:
		s, _ := n.scalar.(string)
		if name, ok := EnvName(s); ok {
			k.Kind, k.Env = KeyEnv, name
		} else if variableName.MatchString(s) {
			k.Kind, k.Env = KeyEnv, s
		} else if names := EnvNames(s); len(names) > 0 {
			k.Kind, k.Env = KeyEnv, names[0]
		} else if s != "" {
			k.Kind, k.Value = KeyPlaintext, s
		}
	}
	return k
}

func (c *Config) secretHeaders(at []string) []string {
	var names []string
	for _, below := range [][]string{{"headers"}, {"request", "headers"}} {
		for _, name := range c.keys(append(at[:len(at):len(at)], below...)...) {
			if secretHeader.MatchString(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// modelKey are the names of settings that hold "provider/model" references.
var modelKey = lazyregexp.New(`(?i)model$|^models$|mediamodels$`)

// defaultUse is what OpenClaw runs when no model is configured
// (src/agents/defaults.ts).
const defaultUse = "openai"

// modelUses maps providers, in lower case, to the settings that name them.
func (c *Config) modelUses() map[string][]string {
	uses := map[string][]string{}
	use := func(provider, where string) {
		if p := strings.ToLower(strings.TrimSpace(provider)); p != "" && !slices.Contains(uses[p], where) {
			uses[p] = append(uses[p], where)
		}
	}
	ref := func(s, where string) {
		if provider, model, ok := strings.Cut(s, "/"); ok && model != "" && !strings.Contains(provider, " ") && !strings.Contains(provider, ":") {
			use(provider, where)
		}
	}
	var walk func(n *node, path []string, models bool)
	walk = func(n *node, path []string, models bool) {
		if len(path) == 2 && path[0] == "models" && path[1] == "providers" {
			return
		}
		if s, ok := n.scalar.(string); ok && models {
			ref(s, JoinPath(path))
		}
		for _, m := range n.members {
			at := append(path[:len(path):len(path)], m.key)
			if m.key == "models" && path[0] != "models" {
				for _, x := range m.value.members {
					ref(x.key, JoinPath(at))
				}
				continue
			}
			if (m.key == "provider" || m.key == "fallback") && len(path) > 1 && path[len(path)-1] == "search" && path[len(path)-2] == "memory" {
				if s, ok := m.value.scalar.(string); ok && s != "none" && s != "local" && s != "auto" {
					use(s, JoinPath(at))
				}
			}
			walk(m.value, at, modelKey.MatchString(m.key) || models && (m.key == "primary" || m.key == "fallbacks" || path[len(path)-1] == "mediaModels"))
		}
		for i, x := range n.items {
			walk(x, append(path[:len(path):len(path)], fmt.Sprint(i)), models)
		}
	}
	if c != nil {
		for _, m := range c.root.members {
			walk(m.value, []string{m.key}, false)
		}
	}
	if c.find([]string{"agents", "defaults", "model"}) == nil {
		use(defaultUse, "OpenClaw's default model")
	}
	return uses
}
