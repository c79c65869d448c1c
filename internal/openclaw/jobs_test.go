package openclaw

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
)

func TestJobs(t *testing.T) {
	dir := t.TempDir()
	in := Install{StateDir: dir}
	if n := in.Jobs(t.Context()); n != 0 {
		t.Errorf("a new one has %d", n)
	}
	if err := os.Mkdir(filepath.Join(dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "state", "openclaw.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{
		`CREATE TABLE cron_jobs (job_id TEXT, name TEXT, payload_kind TEXT, enabled INTEGER, updated_at INTEGER, job_json TEXT)`,
		`INSERT INTO cron_jobs VALUES ('1', 'mail', 'agentTurn', 1, 1, '{}'), ('2', 'off', 'agentTurn', 0, 1, '{}'), ('3', 'backup', 'agentTurn', 1, 1, '{}')`,
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if n := in.Jobs(t.Context()); n != 2 {
		t.Errorf("two jobs that are on are %d", n)
	}
	for text, want := range map[string]int{
		`{hooks: {enabled: false, mappings: [{}]}}`: 2, `{hooks: {enabled: true}}`: 3, `{hooks: {enabled: true, mappings: [{}, {}]}}`: 4,
	} {
		if in.Config, err = ParseConfig([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if n := in.Jobs(t.Context()); n != want {
			t.Errorf("with %s there are %d", text, n)
		}
	}
}
