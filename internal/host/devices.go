package host

import (
	"cmp"
	"context"
	"database/sql"
	stdjson "encoding/json"
	"fmt"
	"time"
)

// AskDevices is a question of the reader's own: with the path of OpenClaw's
// state database it answers []Paired, without any token.
const AskDevices = "seawall:devices"

// Paired is something that OpenClaw lets in, or runs, without asking again: a
// device, a node, a job of its own, or a standing permission for one.
type Paired struct {
	Kind     string   // device or grant
	Name     string   // "Ada's phone", or the job of a grant
	ID       string   // as `openclaw devices revoke` takes it
	Platform string   `json:",omitempty"`
	Roles    []string `json:",omitempty"` // operator, node; of a job what it starts (agentTurn, systemEvent, script), and "trigger" where a script or a stream decides when
	Scopes   []string `json:",omitempty"` // operator.admin, …
	Via      string   `json:",omitempty"` // what approved it: "silent", "owner", …
	Since    time.Time
	LastSeen time.Time // zero: never, or not written down
	Expires  time.Time // grants; zero is never
}

// maxPaired bounds what is read of one database.
const maxPaired = 500

// These are where 2026.9.6 keeps them.
const (
	jobQuery = `SELECT job_id, name, payload_kind, updated_at,
 CASE WHEN json_valid(job_json) THEN job_json ->> '$.trigger' IS NOT NULL OR COALESCE(job_json ->> '$.schedule.kind', '') = 'stream' ELSE 1 END
 FROM cron_jobs WHERE enabled = 1 LIMIT ?`
	deviceQuery = `SELECT device_id, COALESCE(operator_label, display_name, ''), COALESCE(platform, ''), COALESCE(role, ''),
 COALESCE(roles_json, '[]'), COALESCE(approved_scopes_json, scopes_json, '[]'), COALESCE(approved_via, ''),
 approved_at_ms, COALESCE(last_seen_at_ms, 0) FROM device_pairing_paired LIMIT ?`
	grantQuery = `SELECT grant_id, cron_job_id, created_at_ms, COALESCE(last_used_at_ms, 0), COALESCE(expires_at_ms, 0)
 FROM operator_approval_standing_grants WHERE revoked_at_ms IS NULL LIMIT ?`
)

// ReadDevices reads what is paired with, and permitted to, an OpenClaw. It
// writes nothing, whether OpenClaw runs or not.
func ReadDevices(ctx context.Context, path string) ([]Paired, error) {
	db, err := openStore(path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	list := []Paired{}
	err = eachRow(ctx, db, deviceQuery, func(rows *sql.Rows) error {
		p := Paired{Kind: "device"}
		var role, roles, scopes string
		var since, seen int64
		if err := rows.Scan(&p.ID, &p.Name, &p.Platform, &role, &roles, &scopes, &p.Via, &since, &seen); err != nil {
			return err
		}
		_ = stdjson.Unmarshal([]byte(roles), &p.Roles)
		_ = stdjson.Unmarshal([]byte(scopes), &p.Scopes)
		if len(p.Roles) == 0 && role != "" {
			p.Roles = []string{role}
		}
		p.Name = cmp.Or(p.Name, p.ID)
		p.Since, p.LastSeen = milli(since), milli(seen)
		list = append(list, p)
		return nil
	})
	if err == nil {
		err = eachRow(ctx, db, grantQuery, func(rows *sql.Rows) error {
			p := Paired{Kind: "grant"}
			var since, seen, expires int64
			if err := rows.Scan(&p.ID, &p.Name, &since, &seen, &expires); err != nil {
				return err
			}
			p.Since, p.LastSeen, p.Expires = milli(since), milli(seen), milli(expires)
			list = append(list, p)
			return nil
		})
	}
	if err == nil {
		err = eachRow(ctx, db, jobQuery, func(rows *sql.Rows) error {
			p := Paired{Kind: "job", Roles: make([]string, 1)}
			var changed int64
			var triggered bool
			if err := rows.Scan(&p.ID, &p.Name, &p.Roles[0], &changed, &triggered); err != nil {
				return err
			}
			if triggered {
				p.Roles = append(p.Roles, "trigger")
			}
			p.Since = milli(changed)
			list = append(list, p)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading OpenClaw's devices in %s: %w", path, err)
	}
	return list, nil
}

// eachRow runs a query that a database without its table answers with nothing.
func eachRow(ctx context.Context, db *sql.DB, query string, scan func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, maxPaired)
	if err != nil && missingTable(ctx, db) {
		return nil
	}
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func milli(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
