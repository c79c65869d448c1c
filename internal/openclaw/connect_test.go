package openclaw

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const routed = `{
  // keys live here
  agents: {
    defaults: {
      model: { primary: "lab/fake-1", fallbacks: ["anthropic/claude-opus-4-6", "google/gemini-3.1"] },
      models: { "openai/gpt-6-astra": { alias: "big", agentRuntime: { id: "codex" } }, "lab/fake-1": {} },
      imageModel: "openrouter/qwen/qwen-2.5-vl",
      mediaModels: { image: { primary: "fal/fal-ai/flux" } },
    },
    entries: { ops: { model: "openai/gpt-6-astra" } },
  },
  memory: { search: { provider: "openai" } },
  models: { providers: {
    lab: { baseUrl: 'http://127.0.0.1:9999/v1', apiKey: 'sk-lab-0123456789', api: 'openai-completions', models: [
      { id: 'fake-1', name: 'F' },
      { id: 'far', name: 'F2', baseUrl: 'https://far.example.test/v1' },
    ], },
    mine: { baseUrl: "https://x.example.test", api: "anthropic-messages", apiKey: "${MINE_KEY}", headers: { "X-Api-Key": "abc", "X-Org": "o" }, models: [] },
    ref: { baseUrl: "https://y.example.test/v1", apiKey: { source: "file", provider: "keys", id: "value" }, models: [] },
    named: { baseUrl: "https://z.example.test/v1", apiKey: "NAMED_API_KEY", models: [] },
    bed: { baseUrl: "https://b.example.test", api: "bedrock-converse-stream", auth: "aws-sdk", models: [] },
    ws: { baseUrl: "https://w.example.test/v1", request: { proxy: { mode: "env-proxy" } }, models: [] },
    where: { baseUrl: "${BASE}/v1", models: [] },
    sub: { baseUrl: "https://s.example.test", api: "anthropic-messages", auth: "oauth", models: [] },
    bearer: { baseUrl: "https://v.example.test/v1", request: { auth: { mode: "authorization-bearer", token: "t-0123456789abcdef" } }, models: [] },
  } },
}
`

func TestRoutes(t *testing.T) {
	c := mustParse(t, routed)
	got := map[string]Route{}
	for _, r := range (Install{}).RoutesOf(c) {
		got[strings.TrimSuffix(r.ID+"/"+r.Model, "/")] = r
		if r.Key.Value != "" && strings.Contains(fmt.Sprintf("%v %+v %s", r, r, r), r.Key.Value) {
			t.Errorf("%s prints its key", r.ID)
		}
	}
	for id, want := range map[string]struct {
		status RouteStatus
		key    KeyKind
		reason string
	}{
		"lab":                {Routable, KeyPlaintext, ""},
		"lab/far":            {Routable, KeyPlaintext, ""},
		"mine":               {Routable, KeyEnv, "X-Api-Key"},
		"ref":                {Routable, KeySecretRef, ""},
		"named":              {Routable, KeyEnv, ""},
		"bed":                {Unroutable, KeyNone, "AWS"},
		"ws":                 {Unroutable, KeyNone, "request.proxy"},
		"where":              {Unroutable, KeyNone, "environment"},
		"sub":                {Routable, KeyNone, "login stays with the agent"},
		"bearer":             {Routable, KeyPlaintext, ""},
		"anthropic":          {Routable, KeyNone, ""},
		"google":             {OtherFormat, KeyNone, "google-generative-ai"},
		"openai":             {Routable, KeyNone, "Codex"},
		"openai/gpt-6-astra": {OwnRuntime, KeyNone, `agents.defaults.models.openai/gpt-6-astra.agentRuntime.id`},
		"openrouter":         {Routable, KeyNone, ""},
		"fal":                {Unroutable, KeyNone, "not known"},
	} {
		r, ok := got[id]
		if !ok || r.Status != want.status || r.Key.Kind != want.key || !strings.Contains(r.Reason, want.reason) {
			t.Errorf("%s: %v, key %q, reason %q; want %v, %q, %q", id, r, r.Key.Kind, r.Reason, want.status, want.key, want.reason)
		}
		delete(got, id)
	}
	for id := range got {
		t.Errorf("a route nobody configured: %s", id)
	}
	uses := (Install{}).RoutesOf(c)[slices.IndexFunc((Install{}).RoutesOf(c), func(r Route) bool { return r.ID == "openai" })].UsedBy
	if want := []string{"agents.defaults.models", "agents.entries.ops.model", "memory.search.provider"}; !slices.Equal(uses, want) {
		t.Errorf("openai is used by %q, want %q", uses, want)
	}
	def := (Install{}).RoutesOf(mustParse(t, "{}"))
	if len(def) != 1 || def[0].ID != "openai" {
		t.Errorf("an empty config runs %v", def)
	}
}

// door is a door on a port for every provider, that knows the keys of those
// it can read.
func door(r Route) (baseURL, placeholder string) {
	base := "http://127.0.0.1:7171/" + r.ID
	if r.Model != "" {
		base += "/" + r.Model
	}
	if r.API != "anthropic-messages" {
		base += "/v1"
	}
	if r.Key.Kind == KeyPlaintext {
		placeholder = "sk-seawall-" + r.ID + "-0123456789abcdef"
	}
	return base, placeholder
}

func TestConnectAndBack(t *testing.T) {
	c := mustParse(t, routed)
	done, err := c.Connect(door)
	if err != nil {
		t.Fatal(err)
	}
	text := string(done.Files[""])
	edited := mustParse(t, text)
	for path, want := range map[string]string{
		"models.providers.lab.baseUrl":               "http://127.0.0.1:7171/lab/v1",
		"models.providers.lab.apiKey":                "sk-seawall-lab-0123456789abcdef",
		"models.providers.lab.auth":                  "api-key",
		"models.providers.lab.models.1.baseUrl":      "http://127.0.0.1:7171/lab/far/v1",
		"models.providers.mine.baseUrl":              "http://127.0.0.1:7171/mine",
		"models.providers.mine.apiKey":               "${MINE_KEY}",
		"models.providers.anthropic.baseUrl":         "http://127.0.0.1:7171/anthropic",
		"models.providers.anthropic.api":             "anthropic-messages",
		"models.providers.bearer.request.auth.token": "sk-seawall-bearer-0123456789abcdef",
		"models.providers.bed.baseUrl":               "https://b.example.test",
	} {
		if got, _ := edited.String(path); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
	if strings.Contains(text, "sk-lab-0123456789") || !strings.Contains(text, "// keys live here") {
		t.Errorf("the edited text:\n%s", text)
	}
	again, err := edited.Connect(door)
	if err != nil || len(again.Changes) != 0 || len(again.Files) != 0 {
		t.Errorf("connecting twice changes %q, %v", again.Files, err)
	}
	back, err := edited.Restore(jsonTrip(t, done.Changes))
	if err != nil || len(back.Kept) != 0 || string(back.Files[""]) != routed {
		t.Errorf("disconnected: %v, kept %v\n%s", err, back.Kept, back.Files[""])
	}
	// A model added by hand to an entry that connect made keeps the entry.
	added, err := edited.Edit(set("models.providers.anthropic.models", []any{map[string]any{"id": "x", "name": "X"}}))
	if err != nil {
		t.Fatal(err)
	}
	back, err = mustParse(t, string(added)).Restore(done.Changes)
	if err != nil || len(back.Kept) != 1 {
		t.Fatalf("%v %v", back.Kept, err)
	}
	kept := mustParse(t, string(back.Files[""]))
	if _, ok := kept.Get("models.providers.anthropic.baseUrl"); ok {
		t.Error("the door's address stayed in an entry that got a model")
	}
	if _, ok := kept.Get("models.providers.anthropic.models.0.id"); !ok {
		t.Error("the model added by hand is gone")
	}
}

func TestPlaceholder(t *testing.T) {
	if p := PlaceholderProblem("sk-seawall-0123456789abcdef0123"); p != "" {
		t.Error(p)
	}
	for _, bad := range []string{"", "***", "sk-...", "sk-0123...456789abcd", "OPENAI_API_KEY_OF_MINE", "oauth:anthropic-and-more", "secretref-managed-key", "key with blanks in it", "sk-${A}-0123456789", "ollama-local"} {
		if PlaceholderProblem(bad) == "" {
			t.Errorf("%q was taken for a key", bad)
		}
	}
	_, err := mustParse(t, routed).Connect(func(Route) (string, string) { return "http://127.0.0.1:1", "***" })
	if err == nil || !strings.Contains(err.Error(), "placeholder") {
		t.Errorf("a placeholder that is none: %v", err)
	}
}
