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
	// Pruning begins so long after a row came of age, and goes that share of the
	// bytes below them: each time is a row of its own.
	slack time.Duration
	share int64
}

var defaultLimits = limits{age: 30 * 24 * time.Hour, bytes: 1 << 30, rows: 1000, step: 2000, slack: time.Hour, share: 50}

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
	p, err := l.prunable(ctx, tx)
	if err != nil || p.last == 0 {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM rows WHERE id <= ?", p.last); err != nil {
		return false, err
	}
	w := &batchWriter{Ledger: l, ctx: ctx, tx: tx, insert: tx.StmtContext(ctx, l.insert), at: l.at, now: l.now().UTC()}
	w.at.bodies -= p.bytes
	if err := w.add(Row{Kind: Event, Pruned: p.last, Why: fmt.Sprintf("what the rows up to %d said was pruned: %s", p.last, p.why)}); err != nil {
		return false, err
	}
	if err := w.seal(); err != nil {
		return false, err
	}
	return p.rows == l.limits.step, tx.Commit()
}

// pruning is what goes in one step.
type pruning struct {
	last, rows, bytes int64
	why               string
}

// prunable returns the oldest rows that may go in this step; none when it is
// not time yet.
func (l *Ledger) prunable(ctx context.Context, tx *sql.Tx) (p pruning, err error) {
	oldest := l.now().Add(-l.limits.age)
	over := l.at.bodies - l.limits.bytes
	if over > 0 {
		over += l.limits.bytes / l.limits.share
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, time, length(body) FROM rows WHERE id <= ? ORDER BY id LIMIT ?", l.at.tree.n-l.limits.rows, l.limits.step)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, at, size int64
		if err := rows.Scan(&id, &at, &size); err != nil {
			return p, err
		}
		limit := oldest
		if p.rows == 0 {
			limit = oldest.Add(-l.limits.slack)
		}
		switch {
		case at < limit.UnixMilli():
			p.why = fmt.Sprintf("they were older than %d days", l.limits.age/(24*time.Hour))
		case over > p.bytes:
			p.why = fmt.Sprintf("the record was larger than %d MB", l.limits.bytes>>20)
		default:
			return p, nil
		}
		p.last, p.rows, p.bytes = id, p.rows+1, p.bytes+size
	}
	return p, rows.Err()
}
