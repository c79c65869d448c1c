package host

import (
	"context"
	"database/sql"
)

// Job is a scheduled job of an OpenClaw, as it has it.
type Job struct {
	ID, Name string
	JSON     []byte // its definition: schedule, payload, delivery
}

const jobTextQuery = `SELECT job_id, name, job_json FROM cron_jobs WHERE enabled = 1 AND payload_kind = 'agentTurn' ORDER BY name, job_id LIMIT ?`

// ReadJobs reads the scheduled jobs in OpenClaw's database (state/openclaw.sqlite of
// 2026.9.6) that have something said to the agent. It writes nothing.
func ReadJobs(ctx context.Context, path string) ([]Job, error) {
	db, err := openStore(path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var jobs []Job
	err = eachRow(ctx, db, jobTextQuery, func(rows *sql.Rows) error {
		var j Job
		err := rows.Scan(&j.ID, &j.Name, &j.JSON)
		jobs = append(jobs, j)
		return err
	})
	return jobs, err
}
