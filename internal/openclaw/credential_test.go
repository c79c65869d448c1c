package openclaw

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/host"
)

// A machine whose OpenClaw has its keys in every place but the config.
const credentialed = `
-- self uid=0 time=2026-11-24T05:00:00Z --
-- dir /home mode=d0755 owner=0:0 --
alice d0755 owner=1000:1000
-- dir /home/alice mode=d0755 owner=1000:1000 --
.openclaw d0700 owner=1000:1000
-- dir /home/alice/.openclaw mode=d0700 owner=1000:1000 --
openclaw.json 0600 owner=1000:1000 size=900
.env 0600 owner=1000:1000 size=50
state d0700 owner=1000:1000
agents d0700 owner=1000:1000
-- dir /home/alice/.openclaw/state mode=d0700 owner=1000:1000 --
openclaw.sqlite 0600 owner=1000:1000 size=4096
-- dir /home/alice/.openclaw/agents mode=d0700 owner=1000:1000 --
ops d0700 owner=1000:1000
-- dir /home/alice/.openclaw/agents/ops mode=d0700 owner=1000:1000 --
agent d0700 owner=1000:1000
-- dir /home/alice/.openclaw/agents/ops/agent mode=d0700 owner=1000:1000 --
openclaw-agent.sqlite 0600 owner=1000:1000 size=4096
models.json 0600 owner=1000:1000 size=200
-- file /home/alice/.openclaw/openclaw.json mode=0600 owner=1000:1000 --
{
  agents: { defaults: { model: { primary: "anthropic/claude-sonnet-4-6", fallbacks: ["openai/gpt-6-astra"] }, subagents: { model: "xai/grok-4" }, models: { "anthropic/claude-opus-4-6": { agentRuntime: { id: "claude-cli" } }, "openai/gpt-6-astra": { params: { transport: "websocket" } } } } },
  models: { providers: { named: { baseUrl: "https://named.example.test/v1", apiKey: "${NAMED_API_KEY}" }, kept: { baseUrl: "https://kept.example.test/v1", apiKey: { source: "file", provider: "f", id: "value" } } } },
  secrets: { providers: { f: { source: "file", path: "/etc/kept.key", mode: "singleValue" } } },
  auth: { order: { anthropic: ["anthropic:second"] } },
  env: { vars: { TOGETHER_API_KEY: "key-in-the-config-0000001" } },
}
-- file /home/alice/.openclaw/.env mode=0600 owner=1000:1000 --
OPENROUTER_API_KEY=key-in-dot-env-00000000001
NAMED_API_KEY="key-in-dot-env-00000000002"
-- file /etc/kept.key mode=0600 owner=1000:1000 --
key-in-a-file-000000000001
-- file /home/alice/.openclaw/agents/ops/agent/models.json mode=0600 owner=1000:1000 --
{"providers": {"side": {"baseUrl": "https://side.example.test/v1", "models": [{"id": "m1"}]}, "named": {"baseUrl": "https://elsewhere.example.test"}}}
-- run seawall:auth-profiles /home/alice/.openclaw/agents/ops/agent/openclaw-agent.sqlite --
[{"ID": "openai:login", "Type": "oauth", "Provider": "openai"}]
-- run seawall:auth-profiles /home/alice/.openclaw/state/openclaw.sqlite --
[{"ID": "anthropic:first", "Type": "token", "Provider": "anthropic"},
{"ID": "anthropic:second", "Type": "api_key", "Provider": "anthropic"},
{"ID": "groq:asleep", "Type": "api_key", "Provider": "groq", "Inactive": true}]
`

func credentialedInstall(t *testing.T) (host.Host, Install) {
	t.Helper()
	h, err := host.Parse([]byte(credentialed))
	if err != nil {
		t.Fatal(err)
	}
	f := facts(func(f *host.Facts) {
		f.Processes = host.Is([]host.Process{{PID: 42, Name: "openclaw-gatewa", UID: 1000, Env: []string{"HOME", "GEMINI_API_KEY", "XAI_API_KEY"}, EnvStatus: host.Known, Places: map[string]string{"HOME": "/home/alice"}}})
	})
	found := Discover(context.Background(), h, f)
	if len(found.Value) != 1 || found.Value[0].Config == nil {
		t.Fatalf("found %+v", found)
	}
	return h, found.Value[0]
}

func TestRoutesStartFromWhatIsThere(t *testing.T) {
	_, in := credentialedInstall(t)
	got := map[string]Route{}
	for _, r := range in.Routes() {
		got[strings.TrimSuffix(r.ID+"/"+r.Model, "/")] = r
	}
	for id, want := range map[string]struct {
		status RouteStatus
		named  bool
		used   string // one of UsedBy
		reason string
	}{
		"anthropic":                 {Routable, true, "auth profile anthropic:second in /home/alice/.openclaw/state/openclaw.sqlite", ""},
		"anthropic/claude-opus-4-6": {OwnRuntime, true, "agents.defaults.models.anthropic/claude-opus-4-6.agentRuntime.id", `agentRuntime.id to "openclaw"`},
		"openai":                    {OwnRuntime, true, "agents.defaults.model.fallbacks.0", "paste-api-key --provider openai"},
		"xai":                       {Routable, true, "variable XAI_API_KEY in process 42", ""},
		"google":                    {OtherFormat, false, "variable GEMINI_API_KEY in process 42", "take away the variable GEMINI_API_KEY from process 42"},
		"openrouter":                {Routable, false, "variable OPENROUTER_API_KEY in /home/alice/.openclaw/.env", ""},
		"together":                  {Routable, false, "variable TOGETHER_API_KEY in /home/alice/.openclaw/openclaw.json", ""},
		"side":                      {Routable, false, "", ""},
		"named":                     {Routable, false, "", ""},
		"kept":                      {Routable, false, "", ""},
	} {
		r, ok := got[id]
		if !ok || r.Status != want.status || r.Named != want.named || !strings.Contains(r.Reason, want.reason) || want.used != "" && !slices.Contains(r.UsedBy, want.used) {
			t.Errorf("%s: %v, named %v, used by %q, reason %q", id, r, r.Named, r.UsedBy, r.Reason)
		}
		delete(got, id)
	}
	for id := range got {
		t.Errorf("a route that nobody expects: %s", id)
	}
}

// TestReveal finds the keys that can be moved where OpenClaw would read them
// first; a login is none.
func TestReveal(t *testing.T) {
	h, in := credentialedInstall(t)
	plain := revealing{Host: h, files: map[string]string{
		"/proc/42/environ":             "HOME=/home/alice\x00XAI_API_KEY=key-in-a-process-00000001\x00",
		"/home/alice/.openclaw/.env":   "OPENROUTER_API_KEY=key-in-dot-env-00000000001\nNAMED_API_KEY=\"key-in-dot-env-00000000002\"\n",
		"/home/alice/.openclaw/agents": "",
	}}
	want := map[string]string{
		"xai": "key-in-a-process-00000001", "openrouter": "key-in-dot-env-00000000001", "together": "key-in-the-config-0000001",
		"named": "key-in-dot-env-00000000002", "kept": "key-in-a-file-000000000001",
	}
	for _, r := range in.Routes() {
		Reveal(context.Background(), plain, in, &r)
		if r.Key.Value != want[r.ID] {
			t.Errorf("the key of %s is %q, not %q", r.ID, r.Key.Value, want[r.ID])
		}
	}
}

// revealing is a host with some files in plain text.
type revealing struct {
	host.Host
	files map[string]string
}

func (r revealing) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if text, ok := r.files[name]; ok {
		return []byte(text), nil
	}
	return r.Host.ReadFile(ctx, name)
}

func TestVariables(t *testing.T) {
	for file, c := range map[string]struct{ text, want string }{
		"/x/.env":                     {"# mine\nA_KEY=one\nexport B_KEY='two words'\nC_KEY=\"three\" # why\n", "A_KEY=one B_KEY=two words C_KEY=three"},
		"/y/.env":                     {"what is this\n  A_KEY = one # why\n\"\nB_KEY='two words'\n", "A_KEY=one B_KEY=two words"},
		"/x/openclaw.service":         {"[Service]\nEnvironment=A_KEY=one \"B_KEY=two words\"\nEnvironment=\"C_KEY=three\"\nExecStart=/usr/bin/x D_KEY=four\n", "A_KEY=one B_KEY=two words C_KEY=three"},
		"/x/gateway.service.d/a.conf": {"[Service]\nEnvironment=A_KEY=one\n", "A_KEY=one"},
	} {
		var got []string
		for _, v := range variables(file, []byte(c.text)) {
			got = append(got, v.name+"="+v.value)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, not %q", file, s, c.want)
		}
	}
}
