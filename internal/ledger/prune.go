package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// limits are how long, and how many, bodies are kept.
type limits struct {
	age   time.Duration
	bytes int64 // of bodies
	rows  int64 // that stay in any case: a clock that is wrong by years empties no record
	step  int64 // rows that are pruned in one transaction, while calls wait
}

var defaultLimits = limits{age: 30 * 24 * time.Hour, bytes: 1 << 30, rows: 1000, step: 2000}

// prune takes out the bodies of the oldest rows, a few at a time, while there
// are too old or too many and no call waits. Their hashes stay, and a row says
// what was done: rows that are missing without one were removed.
func (l *Ledger) prune() {
	for {
		more, err := l.pruneStep(context.Background())
		if err != nil {
			l.at = nil
			return // what is in the way will stop a row, and be told
		}
		if !more || len(l.queue) > 0 {
			return
		}
	}
}

func (l *Ledger) pruneStep(ctx context.Context) (more bool, err error) {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if l.at == nil {
		if l.at, err = l.stand(ctx, tx); err != nil {
			return false, err
		}
	}
	last, bytes, why, err := l.prunable(ctx, tx)
	if err != nil || last == 0 {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM rows WHERE id <= ?", last); err != nil {
		return false, err
	}
	w := &batchWriter{Ledger: l, ctx: ctx, tx: tx, insert: tx.StmtContext(ctx, l.insert), at: l.at, now: l.now().UTC()}
	w.at.bodies -= bytes
	if err := w.add(Row{Kind: Event, Pruned: last, Why: fmt.Sprintf("what the rows up to %d said was pruned: %s", last, why)}); err != nil {
		return false, err
	}
	if err := w.seal(); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

// prunable returns the last of the oldest rows that may go in this step, and
// the bytes of their bodies; 0 when none has to.
func (l *Ledger) prunable(ctx context.Context, tx *sql.Tx) (last, bytes int64, why string, err error) {
	oldest := l.now().Add(-l.limits.age).UnixMilli()
	over := l.at.bodies - l.limits.bytes
	rows, err := tx.QueryContext(ctx, "SELECT id, time, length(body) FROM rows WHERE id <= ? ORDER BY id LIMIT ?", l.at.tree.n-l.limits.rows, l.limits.step)
	if err != nil {
		return 0, 0, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var id, at, size int64
		if err := rows.Scan(&id, &at, &size); err != nil {
			return 0, 0, "", err
		}
		switch {
		case at < oldest:
			why = fmt.Sprintf("they were older than %d days", l.limits.age/(24*time.Hour))
		case over > bytes:
			why = fmt.Sprintf("the record was larger than %d MB", l.limits.bytes>>20)
		default:
			return last, bytes, why, nil
		}
		last, bytes = id, bytes+size
	}
	return last, bytes, why, rows.Err()
}
