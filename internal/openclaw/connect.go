package openclaw

import (
	"fmt"
	"slices"
)

// Door answers where a route is reached from now on: the base URL that
// OpenClaw is given, and the placeholder that it holds instead of the key. An
// empty base URL leaves the route alone; an empty placeholder leaves the key
// where it is, so that OpenClaw sends it to the door, which passes it on.
//
// For the two openai formats the base URL ends with the path that stood there
// ("/v1"), because OpenClaw appends /chat/completions or /responses; for
// anthropic-messages it appends /v1/messages itself.
//
// A placeholder must look like a key. OpenClaw keeps no last-known-good copy
// of a config whose secrets are "***" or "[redacted]" or contain "..." or "…"
// (src/config/recovery-policy.ts), takes NAME_LIKE_THIS for a variable, and
// "oauth:…", "secretref-…", "ollama-local", "custom-local" for its own marks
// (src/agents/model-auth-markers.ts). See [PlaceholderProblem].
type Door func(Route) (baseURL, placeholder string)

// Connection is what connecting a config to the door comes to.
type Connection struct {
	Files   map[string][]byte // new texts by path; a file that needs no change is not among them
	Changes []Change          // for [Config.Restore]; they hold the real keys
	Routes  []Route           // those that were connected
}

// ConnectEdits returns the edits that send the routable of some routes of a
// config to the door.
// A second call, on the result, returns none.
//
// The provider's auth is set to "api-key" where a placeholder is put in:
// otherwise an auth profile or the environment goes before apiKey, and the
// agent sends a real key (resolveApiKeyForProvider in
// src/agents/model-auth.ts).
func ConnectEdits(c *Config, routes []Route, door Door) ([]Edit, []Route, error) {
	var edits []Edit
	var connected []Route
	for _, r := range routes {
		if r.Status != Routable {
			continue
		}
		if r.Model != "" && c.text(r.Path, "baseUrl") == "" {
			continue // it has a format of its own at the provider's address
		}
		baseURL, placeholder := door(r)
		if baseURL == "" {
			continue
		}
		connected = append(connected, r)
		edits = append(edits, Edit{Path: below(r.Path, "baseUrl"), Set: baseURL})
		if (r.Bundled || !r.Entry) && r.Model == "" && c.text(r.Path, "api") == "" {
			// Models that OpenClaw picks by itself, as for titles, would be
			// called by openai-completions at an address of the config. The
			// models of a provider that has no entry stay known (tried).
			edits = append(edits, Edit{Path: below(r.Path, "api"), Set: r.API})
		}
		if r.File != "" {
			// An entry without models hides those of models.json (tried).
			edits = append(edits, Edit{Path: below(r.Path, "models"), Set: r.declared})
		}
		if placeholder == "" || r.Model != "" || r.Auth == "oauth" {
			continue
		}
		if problem := PlaceholderProblem(placeholder); problem != "" {
			return nil, nil, fmt.Errorf("the placeholder for %s cannot be used: %s", r.ID, problem)
		}
		edits = append(edits, Edit{Path: r.Key.Path, Set: placeholder})
		if r.Auth == "" {
			edits = append(edits, Edit{Path: below(r.Path, "auth"), Set: "api-key"})
		}
	}
	return edits, connected, nil
}

// Connect makes the edits of [ConnectEdits] for the routes that the config
// alone shows.
func (c *Config) Connect(door Door) (Connection, error) {
	edits, routes, err := ConnectEdits(c, Install{}.RoutesOf(c), door)
	if err != nil {
		return Connection{}, err
	}
	files, changes, err := c.EditFiles(edits...)
	if err != nil {
		return Connection{}, err
	}
	return Connection{Files: files, Changes: changes, Routes: routes}, nil
}

func below(path []string, keys ...string) []string {
	return slices.Concat(path, keys)
}
