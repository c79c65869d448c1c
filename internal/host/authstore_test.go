package host

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// store writes a database of OpenClaw's with one login in it and leaves it
// open, with a journal beside it.
func store(t *testing.T, table, key, cell, text string) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "openclaw.sqlite")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("CREATE TABLE " + table + " (" + key + " TEXT PRIMARY KEY, " + cell + " TEXT NOT NULL, updated_at INTEGER) STRICT"); err != nil {
		t.Fatal(err)
	}
	name := map[string]string{"auth_profile_store": "primary", "config_machine_state": "authProfiles.store"}[table]
	if _, err := db.Exec("INSERT INTO "+table+" VALUES (?, ?, 1)", name, text); err != nil {
		t.Fatal(err)
	}
	return path, db
}

const logins = `{"version":1,"profiles":{
	"anthropic:manual":{"type":"api_key","provider":"anthropic","key":"the-key-itself"},
	"openai:me":{"type":"oauth","provider":"openai","access":"the-login-itself","refresh":"r","expires":1795510367700},
	"x:ref":{"type":"token","provider":"x","tokenRef":{"source":"env","provider":"default","id":"X"}},
	"y:setup":{"type":"api_key","provider":"y","key":"k","setup":{"model":"m"}}}}`

func TestReadAuthStore(t *testing.T) {
	for table, columns := range map[string][2]string{"auth_profile_store": {"store_key", "store_json"}, "config_machine_state": {"state_key", "value_json"}} {
		path, db := store(t, table, columns[0], columns[1], logins)
		for _, running := range []bool{true, false} {
			if !running {
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			got, err := ReadAuthStore(context.Background(), path)
			if err != nil || len(got) != 4 || got[0].Secret != "the-key-itself" || got[1].Secret != "the-login-itself" || got[1].Type != "oauth" || !got[2].Ref || !got[3].Inactive || got[0].Inactive {
				t.Errorf("%s, running %v: %+v, %v", table, running, got, err)
			}
		}
		beside, _ := filepath.Glob(path + "*")
		if len(beside) != 1 {
			t.Errorf("reading made files: %q", beside)
		}
		out, err := Live().Run(context.Background(), AskProfiles, path)
		if err != nil || !strings.Contains(string(out.Stdout), "anthropic:manual") || strings.Contains(string(out.Stdout), "itself") {
			t.Errorf("the answer is %s, %v", out.Stdout, err)
		}
	}
}

func TestNoAuthStore(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other.sqlite")
	db, err := sql.Open("sqlite", "file:"+other)
	if err == nil {
		_, err = db.Exec("CREATE TABLE t (x)")
	}
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if got, err := ReadAuthStore(t.Context(), other); err != nil || len(got) != 0 {
		t.Errorf("a database without logins: %v, %v", got, err)
	}
	garbage := filepath.Join(dir, "garbage.sqlite")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no database ", 400)), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.sqlite")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{garbage, link, filepath.Join(dir, "none.sqlite")} {
		if _, err := ReadAuthStore(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	broken, _ := store(t, "auth_profile_store", "store_key", "store_json", `{"profiles": hunter2}`)
	if _, err := ReadAuthStore(t.Context(), broken); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("broken JSON: %v", err)
	}
}
