package host

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestReadDevices(t *testing.T) {
	path, db := store(t, "config_machine_state", "state_key", "value_json", "{}")
	for _, q := range []string{
		`CREATE TABLE device_pairing_paired (device_id TEXT, operator_label TEXT, display_name TEXT, platform TEXT, role TEXT, roles_json TEXT,
 scopes_json TEXT, approved_scopes_json TEXT, tokens_json TEXT, approved_via TEXT, approved_at_ms INTEGER, last_seen_at_ms INTEGER)`,
		`INSERT INTO device_pairing_paired VALUES ('d1', NULL, 'phone', 'ios', 'operator', NULL, '["operator.read"]', NULL, 'the-token-itself', 'silent', 1763950000000, NULL)`,
		`CREATE TABLE operator_approval_standing_grants (grant_id TEXT, cron_job_id TEXT, created_at_ms INTEGER, last_used_at_ms INTEGER, expires_at_ms INTEGER, revoked_at_ms INTEGER)`,
		`INSERT INTO operator_approval_standing_grants VALUES ('g1', 'job-7', 1763950000000, NULL, NULL, NULL), ('g2', 'job-8', 1, NULL, NULL, 2)`,
		`CREATE TABLE cron_jobs (job_id TEXT, name TEXT, payload_kind TEXT, enabled INTEGER, updated_at INTEGER, job_json TEXT)`,
		`INSERT INTO cron_jobs VALUES ('j1', 'morning mail', 'agentTurn', 1, 1763950000000, '{"schedule":{"kind":"cron"}}'), ('j2', 'off', 'agentTurn', 0, 1, '{}'),
 ('j3', 'watcher', 'agentTurn', 1, 1763950000000, '{"schedule":{"kind":"every"},"trigger":{"script":"json({fire:true})"}}'),
 ('j4', 'tail', 'systemEvent', 1, 1763950000000, '{"schedule":{"kind":"stream"}}')`,
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadDevices(t.Context(), path)
	if err != nil || len(got) != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	d, g, j := got[0], got[1], got[2]
	for i, triggered := range []bool{false, true, true} {
		if slices.Contains(got[2+i].Roles, "trigger") != triggered {
			t.Errorf("the job: %+v", got[2+i])
		}
	}
	if d.Kind != "device" || d.Name != "phone" || d.Via != "silent" || d.Roles[0] != "operator" || d.Scopes[0] != "operator.read" || d.Since.IsZero() || !d.LastSeen.IsZero() {
		t.Errorf("the device: %+v", d)
	}
	if g.Kind != "grant" || g.Name != "job-7" || j.Kind != "job" || j.Name != "morning mail" || j.Roles[0] != "agentTurn" {
		t.Errorf("the grant and the job: %+v, %+v", g, j)
	}
	out, err := Live().Run(context.Background(), AskDevices, path)
	if err != nil || strings.Contains(string(out.Stdout), "itself") {
		t.Errorf("the answer is %s, %v", out.Stdout, err)
	}
}

func TestReadDevicesOfAnotherVersion(t *testing.T) {
	path, _ := store(t, "config_machine_state", "state_key", "value_json", "{}")
	if got, err := ReadDevices(t.Context(), path); err != nil || len(got) != 0 {
		t.Errorf("a database without devices: %+v, %v", got, err)
	}
}
