package ledger

import (
	"context"
	"database/sql"
	"iter"
	"strings"
)

// Ran is a call that was let through: the row of its decision, and the one of its
// result.
type Ran struct {
	Row
	Done *Row `json:"done,omitempty"` // nil when no result has come: it may have run all the same
}

// Ran returns the calls that were let through, oldest first: those that were
// decided between the filter's times, and those whose result came then. Of the
// filter count times, tool, session and Last.
func (r *Reader) Ran(ctx context.Context, f Filter) iter.Seq2[Ran, error] {
	return func(yield func(Ran, error) bool) {
		query, args := f.ran()
		rows, err := r.db.QueryContext(ctx, query, args...)
		if err != nil {
			yield(Ran{}, r.unread(err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			call, err := r.scanRan(rows)
			if !yield(call, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Ran{}, r.unread(err))
		}
	}
}

// ran makes the statement: the actions of which a row stands between the times,
// and then of each the decision and the result.
func (f Filter) ran() (string, []any) {
	between := Filter{Since: f.Since, Until: f.Until, Tool: f.Tool, Session: f.Session}
	where, args := between.where()
	where = append(where, "kind IN ('decided', 'done')", "asked IS NOT NULL")
	query := `WITH actions AS MATERIALIZED (SELECT DISTINCT asked FROM rows WHERE ` + strings.Join(where, " AND ") + `)
		SELECT d.id, d.body, r.body FROM actions
		JOIN rows AS d ON d.asked = actions.asked AND d.kind = 'decided' AND d.decision = 'allow'
		LEFT JOIN rows AS r ON r.asked = actions.asked AND r.kind = 'done'
		ORDER BY d.id`
	if f.Last > 0 {
		query, args = "SELECT * FROM ("+query+" DESC LIMIT ?) ORDER BY 1", append(args, f.Last)
	}
	return query, args
}

func (r *Reader) scanRan(rows *sql.Rows) (call Ran, err error) {
	var id int64
	var decided, done sql.RawBytes
	if err = rows.Scan(&id, &decided, &done); err == nil {
		err = decode(decided, &call.Row)
	}
	switch {
	case err == nil && done == nil:
		call.Outcome = Unknown
	case err == nil:
		call.Done = new(Row)
		err = decode(done, call.Done)
	}
	if err != nil {
		err = r.unreadable(id, err)
	}
	return call, err
}
