package connect

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/vault"
)

// An agent with one key in an auth profile, one in .env, and copies of both.
const (
	profileKey = "key-in-the-auth-profile-0001"
	envKey     = "key-in-the-dot-env-file-0002"
	outside    = `{
  // nothing of a key in here
  agents: { defaults: { model: { primary: "anthropic/claude-sonnet-4-6", fallbacks: ["openrouter/some/model"] } } },
}
`
)

// keysOutside is a config with its keys elsewhere, as [openclaw.Discover] finds it.
func keysOutside(t *testing.T) fixture {
	t.Helper()
	f := setup(t, outside)
	dir := filepath.Dir(f.install.ConfigPath)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := host.Live().Stat(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		kind := "config-backup"
		if name == ".env" {
			kind = "env"
		}
		f.install.Files = append(f.install.Files, openclaw.File{FileInfo: info, Kind: kind})
		return path
	}
	write("openclaw.json.bak", "{ was: '"+profileKey+"' }\n")
	write("openclaw.json.last-good", "{ was: '"+envKey+"', and: '"+envKey+"' }\n")
	env := write(".env", "A=1\nOPENROUTER_API_KEY=\""+envKey+"\" # mine\n")
	db := filepath.Join(dir, "openclaw.sqlite")
	exec(t, db, "PRAGMA journal_mode=wal")
	exec(t, db, "CREATE TABLE config_machine_state (state_key TEXT PRIMARY KEY, value_json TEXT NOT NULL) STRICT")
	exec(t, db, "INSERT INTO config_machine_state VALUES ('authProfiles.store', '"+stored(profileKey)+"')")
	f.install.StateDir, f.install.EnvironmentFiles = dir, []string{env}
	f.install.Credentials = []openclaw.Credential{
		{Provider: "anthropic", Type: "api_key", Profile: "anthropic:manual", Place: db},
		{Provider: "openrouter", Type: "api_key", Env: "OPENROUTER_API_KEY", Place: env},
	}
	return f
}

func stored(key string) string {
	return `{"version":1,"profiles":{"anthropic:manual":{"type":"api_key","provider":"anthropic","key":"` + key + `"},"x:other":{"type":"api_key","provider":"x","key":"another-key-0000001"}}}`
}

func exec(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err == nil {
		_, err = db.Exec(query)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// everything is the text of all files of the agent, and what its store says.
func (f fixture) everything(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"openclaw.json", "openclaw.json.bak", "openclaw.json.last-good", ".env"} {
		text, err := os.ReadFile(filepath.Join(f.install.StateDir, name))
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(name + ":\n" + string(text))
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.install.StateDir, "openclaw.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var text string
	if err := db.QueryRow("SELECT value_json FROM config_machine_state").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return all.String() + text
}

func (f fixture) copies(t *testing.T) *Copies {
	t.Helper()
	c, err := FindCopies(t.Context(), host.Live(), f.dir, f.install)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f fixture) replace(t *testing.T) {
	t.Helper()
	if left, err := f.copies(t).Replace(t.Context()); err != nil || len(left) > 0 {
		t.Fatalf("Replace says %q, %v", left, err)
	}
}

func (f fixture) rows(t *testing.T) map[string]Row {
	t.Helper()
	in := f.install
	c, err := openclaw.LoadConfig(t.Context(), host.Live(), in.ConfigPath)
	if err != nil {
		t.Fatal(err)
	}
	in.Config = c
	rows, err := Table(t.Context(), host.Live(), f.dir, []openclaw.Install{in})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Row{}
	for _, r := range rows {
		byName[r.Route] = r
	}
	return byName
}

// TestKeysOutsideTheConfig: the routes get an entry at the door, their keys go
// into the vault, and every copy can go, too; and back, byte for byte.
func TestKeysOutsideTheConfig(t *testing.T) {
	f := keysOutside(t)
	before := f.everything(t)
	if r := f.rows(t)["anthropic"]; r.Standing != Routable || !r.Past() || r.Key != "held by the agent" {
		t.Errorf("before, the table says %+v", r)
	}
	f.connect(t, "127.0.0.1:4780")
	keys, err := vault.Open(f.dir)
	if err != nil || len(keys.Values()) != 2 || keys.Values()[0] != profileKey || keys.Values()[1] != envKey {
		t.Errorf("the vault holds %q, %v", keys.Names(), err)
	}
	routes, err := model.LoadRoutes(f.dir)
	if err != nil || len(routes) != 2 || routes[0].Upstream != "https://api.anthropic.com" || routes[1].Upstream != "https://openrouter.ai/api/v1" {
		t.Errorf("the routes are %+v, %v", routes, err)
	}
	c := f.parsed(t)
	for _, r := range routes {
		if token, _ := c.String("models.providers." + r.Provider + ".apiKey"); token != r.Token || r.Token == "" {
			t.Errorf("%s has no placeholder", r.Provider)
		}
		if auth, _ := c.String("models.providers." + r.Provider + ".auth"); auth != "api-key" {
			t.Errorf("%s: a profile would go before the placeholder (auth is %q)", r.Provider, auth)
		}
	}
	for name, places := range map[string]int{"anthropic": 2, "openrouter": 2} {
		if r := f.rows(t)[name]; r.Standing != Through || r.Past() || len(r.Places) != places || r.Key != "held by Seawall, and still in 2 places" {
			t.Errorf("connected, the table says %+v", r)
		}
	}
	f.replace(t)
	if all := f.everything(t); strings.Contains(all, profileKey) || strings.Contains(all, envKey) || !strings.Contains(all, "another-key-0000001") {
		t.Errorf("a key is left, or another is gone:\n%s", all)
	}
	for _, file := range []string{"openclaw.sqlite", "openclaw.sqlite-wal"} {
		if text, err := os.ReadFile(filepath.Join(f.install.StateDir, file)); err == nil && bytes.Contains(text, []byte(profileKey)) {
			t.Errorf("%s still has the key in what was deleted", file)
		}
	}
	for _, r := range f.rows(t) {
		if r.Key != "held by Seawall" || len(r.Places) > 0 {
			t.Errorf("with no copy left, the table says %+v", r)
		}
	}
	if again := f.connect(t, "127.0.0.1:4780"); !again.Empty() {
		t.Errorf("connecting twice changes something:\n%s", again.Diff)
	}
	if len(f.copies(t).Places) > 0 {
		t.Error("copies are found twice")
	}
	f.disconnect(t)
	if after := f.everything(t); after != before {
		t.Errorf("after disconnecting it is not what it was:\n%s", after)
	}
}

// TestCopiesInterrupted: the journal knows of copies before they are touched,
// so that from any point there is a way back.
func TestCopiesInterrupted(t *testing.T) {
	for n := range 4 {
		f := keysOutside(t)
		before := f.everything(t)
		f.connect(t, "127.0.0.1:4780")
		c := f.copies(t)
		if len(c.Places) != 4 {
			t.Fatalf("the places are %v", c.Places)
		}
		c.Places = c.Places[:n]
		if _, err := c.Replace(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.replace(t)
		f.disconnect(t)
		if after := f.everything(t); after != before {
			t.Errorf("stopped after %d: it is not what it was:\n%s", n, after)
		}
	}
}

// TestACopyWrittenSince stays: OpenClaw rotates copies of the config, and one
// that never had the real key must not get it.
func TestACopyWrittenSince(t *testing.T) {
	f := keysOutside(t)
	f.connect(t, "127.0.0.1:4780")
	f.replace(t)
	copied := f.text(t)
	if err := os.WriteFile(filepath.Join(f.install.StateDir, "openclaw.json.bak"), []byte(copied), 0o600); err != nil {
		t.Fatal(err)
	}
	env := filepath.Join(f.install.StateDir, ".env")
	text, err := os.ReadFile(env)
	if err == nil {
		err = os.WriteFile(env, append(text, "B=2\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.disconnect(t)
	all := f.everything(t)
	if strings.Contains(all, profileKey+"' }") || !strings.Contains(all, "OPENROUTER_API_KEY=\""+envKey+"\" # mine\nB=2\n") || !strings.Contains(all, stored(profileKey)) {
		t.Errorf("it became:\n%s", all)
	}
}

// TestAStoreThatIsBusy is left as it is, with the command that does it.
func TestAStoreThatIsBusy(t *testing.T) {
	f := keysOutside(t)
	f.connect(t, "127.0.0.1:4780")
	path := filepath.Join(f.install.StateDir, "openclaw.sqlite")
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	left, err := f.copies(t).Replace(t.Context())
	if err != nil || len(left) != 1 || !strings.Contains(left[0], "openclaw models auth logout anthropic:manual --yes") || strings.Contains(left[0], profileKey) {
		t.Errorf("Replace says %q, %v", left, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	f.disconnect(t)
}

// TestSeveralKeys: the config has room for one, and that is said.
func TestSeveralKeys(t *testing.T) {
	f := keysOutside(t)
	other := f.install.Credentials[0]
	other.Profile = "anthropic:other"
	f.install.Credentials = append(f.install.Credentials, other)
	plan := f.connect(t, "127.0.0.1:4780")
	if notes := strings.Join(plan.Notes, "\n"); !strings.Contains(notes, "OpenClaw has 2 keys for anthropic; from now on every agent uses that of auth profile anthropic:manual in ") {
		t.Errorf("the notes are %q", notes)
	}
}

// TestALoginStays: what is signed in passes the door as it is.
func TestALoginStays(t *testing.T) {
	f := setup(t, outside)
	f.install.Credentials = []openclaw.Credential{{Provider: "anthropic", Type: "token", Profile: "anthropic:me", Place: "/nowhere.sqlite"}}
	plan := f.connect(t, "127.0.0.1:4780")
	c := f.parsed(t)
	if at, _ := c.String("models.providers.anthropic.baseUrl"); at != "http://127.0.0.1:4780/anthropic" {
		t.Errorf("baseUrl is %q", at)
	}
	if _, ok := c.At("models", "providers", "anthropic", "apiKey"); ok {
		t.Error("a login got a placeholder")
	}
	if !strings.Contains(strings.Join(plan.Notes, "\n"), "the login for anthropic stays with the agent") {
		t.Errorf("the notes are %q", plan.Notes)
	}
	if r := f.rows(t)["anthropic"]; r.Standing != Through || r.Key != "held by the agent" {
		t.Errorf("the table says %+v", r)
	}
	f.disconnect(t)
	if f.text(t) != outside {
		t.Errorf("after disconnecting the config is not what it was:\n%s", f.text(t))
	}
}
