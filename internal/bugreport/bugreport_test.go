package bugreport

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/openseawall/seawall/internal/doctor"
	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/guard/why"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

// planted is in every secret, with an end of its own, and looks like nothing
// that a detector knows.
const planted = "Zq81kf7LmPlanted"

// config has a secret of every kind that OpenClaw's config has.
const config = `{
  models: {providers: {
    lab: {baseUrl: "http://user:` + planted + `Upstream@127.0.0.1:9/v1", api: "openai-completions", apiKey: "` + planted + `Provider", models: [{id: "m", name: "m"}],
      headers: {"X-Api-Key": "` + planted + `Header"}},
  }},
  gateway: {auth: {mode: "token", token: "` + planted + `Gateway"}},
  channels: {telegram: {botToken: "` + planted + `Bot", webhookSecret: "` + planted + `Hook"}},
  env: {vars: {GITHUB_TOKEN: "` + planted + `Var"}},
  agents: {defaults: {model: {primary: "lab/m"}}},
}
`

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestNoSecretIsInIt plants secrets wherever there are some, has one said by all
// that is reported on, and wants none of them in the report.
func TestNoSecretIsInIt(t *testing.T) {
	home := filepath.Join(t.TempDir(), ".openclaw")
	path := filepath.Join(home, "openclaw.json")
	plant(t, home)
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	check(t, err)
	t.Cleanup(func() { dir.Close() })
	in := openclaw.Install{ConfigPath: path, StateDir: home}
	plan, err := connect.Prepare(t.Context(), dir, in, "127.0.0.1:4780")
	check(t, err)
	check(t, plan.Apply(t.Context()))
	keys, err := vault.Open(dir)
	check(t, err)
	check(t, keys.Set(map[string]string{"another": planted + `Vault"\/`}))
	check(t, dir.Write(state.Policy, []byte("// the password is "+planted+"Vault\"\\/\npermit (principal, action, resource);\n-- not a section --\n")))
	rows(t, dir)
	cases, err := dir.Folder(why.Cases)
	check(t, err)
	check(t, cases.Write("1.json", []byte(`{"text":"it says `+planted+`Dotenv and Bearer `+planted+`Case"}`)))
	secrets := everySecret(t, dir)
	s := Subject{Version: "test", Dir: dir, Host: host.Live(), Now: time.Now(),
		Machine: install.Machine{Root: "/", FS: os.DirFS("/"), Run: gossip(secrets)},
		Options: []openclaw.Option{openclaw.Environment(func(name string) string {
			return map[string]string{"OPENCLAW_CONFIG_PATH": path, "OPENCLAW_STATE_DIR": home}[name]
		})},
		Findings: []doctor.Finding{{Check: "keys", What: "it says " + secrets[0], Fix: "none"}},
		Status:   map[string]any{"routes": secrets},
	}
	text, err := Gather(t.Context(), s)
	check(t, err)
	for _, secret := range append(secrets, planted, "words of a conversation", "$y$", "$6$") {
		if at := strings.Index(string(text), secret); at >= 0 {
			t.Errorf("%.16q is in it: %.200q", secret, text[max(0, at-80):])
		}
	}
	whole(t, text, path)
}

// whole wants what a report is for.
func whole(t *testing.T, text []byte, config string) {
	t.Helper()
	found := map[string]string{}
	for _, f := range txtar.Parse(text).Files {
		found[f.Name] = string(f.Data)
	}
	for name, want := range map[string]string{
		"about": "openclaw", "doctor": "keys: it says", "status.json": "routes", "policy.cedar": "permit (principal", "local.cedar": "(there is none)",
		"record.jsonl": `"policy":["secrets"]`, "units": "it says", "journal": "it says", "case 1.json": "it says",
	} {
		if !strings.Contains(found[name], want) {
			t.Errorf("the section %s has no %q:\n%.300s", name, want, found[name])
		}
	}
	if !strings.Contains(string(text), "-- file "+config) || !strings.Contains(string(text), "127.0.0.1:4780/lab") {
		t.Error("OpenClaw's config is not in it")
	}
	// The recording of the machine in it can be judged.
	at := strings.Index(string(text), "\n-- self ")
	if at < 0 {
		t.Fatal("there is no recording in it")
	}
	if _, err := host.Parse(text[at+1:]); err != nil {
		t.Error(err)
	}
}

func plant(t *testing.T, home string) {
	t.Helper()
	for name, text := range map[string]string{
		"openclaw.json":                   config,
		".env":                            "DB_PASSWORD=" + planted + "Dotenv\nSOME_API_KEY='" + planted + " with a space'\n",
		"openclaw.json.bak":               `{gateway: {auth: {token: "` + planted + `Backup"}}}`,
		"credentials/telegram.json":       `{"words": "` + planted + `Credential"}`,
		"agents/main/sessions/some.jsonl": `{"text": "words of a conversation ` + planted + `Session"}`,
		"workspace/MEMORY.md":             "the door opens to " + planted + "Memory\n",
		"agents/main/agent/models.json":   `{"providers":{"other":{"apiKey":"` + planted + `Models","baseUrl":"http://127.0.0.1:9","api":"openai-completions","models":[]}}}`,
	} {
		path := filepath.Join(home, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		check(t, os.WriteFile(path, []byte(text), 0o600))
	}
	db, err := sql.Open("sqlite", filepath.Join(home, "agents/main/agent/openclaw-agent.sqlite"))
	check(t, err)
	defer db.Close()
	_, err = db.Exec(`CREATE TABLE auth_profile_store (store_key TEXT, store_json TEXT)`)
	check(t, err)
	store, err := json.Marshal(map[string]any{"profiles": map[string]any{"anthropic:manual": map[string]string{"type": "api_key", "provider": "anthropic", "key": planted + "Profile"}}})
	check(t, err)
	_, err = db.Exec(`INSERT INTO auth_profile_store VALUES ('primary', ?)`, string(store))
	check(t, err)
}

func rows(t *testing.T, dir *state.Dir) {
	t.Helper()
	l, err := ledger.Open(t.Context(), dir)
	check(t, err)
	for _, r := range []ledger.Row{
		{Kind: ledger.Event, Why: "a key was seen: " + planted + "Dotenv"},
		{Kind: ledger.Decided, Decision: "redact", Act: "reply", Policy: []string{"secrets"}, Detail: "words of a conversation", Why: "words of a conversation", Session: "words of a conversation"},
	} {
		_, err := l.Append(t.Context(), r)
		check(t, err)
	}
	check(t, l.Close())
}

// everySecret are the secrets that might be said by anybody.
func everySecret(t *testing.T, dir *state.Dir) (all []string) {
	t.Helper()
	for _, end := range []string{"Provider", "Upstream", "Header", "Gateway", "Bot", "Hook", "Var", "Dotenv", " with a space", "Profile", `Vault"\/`} {
		all = append(all, planted+end)
	}
	for _, name := range []string{"ledger.key", "mark.key"} {
		if content, err := dir.Read(name); err == nil {
			all = append(all, strings.TrimSpace(string(content)))
		}
	}
	var routes []struct{ Token string }
	var agents []struct{ Token string }
	for name, to := range map[string]any{state.Routes: &routes, "hooks.json": &agents} {
		content, err := dir.Read(name)
		check(t, err)
		check(t, json.Unmarshal(content, to))
	}
	if len(routes) == 0 || len(agents) == 0 {
		t.Fatal("nothing is connected")
	}
	return append(all, routes[0].Token, agents[0].Token)
}

// gossip is a machine whose journal says all of them.
func gossip(secrets []string) func(context.Context, string, ...string) ([]byte, error) {
	return func(_ context.Context, name string, _ ...string) ([]byte, error) {
		if name != "journalctl" && name != "systemctl" {
			return nil, errors.New("there is no " + name)
		}
		return fmt.Appendf(nil, "it says %s\n", strings.Join(secrets, "; ")), nil
	}
}
