package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/openseawall/seawall/internal/state"
)

// Reader reads a record, also while another process writes it.
type Reader struct {
	db       *sql.DB
	path     string
	verifier note.Verifier
}

// OpenReader opens the record in a state directory for reading.
func OpenReader(dir *state.Dir) (*Reader, error) {
	verifier, err := verifyingKey(dir)
	if err != nil {
		return nil, err
	}
	db, err := openDB(dir.Path(state.Ledger), true)
	if err != nil {
		return nil, err
	}
	return &Reader{db: db, path: dir.Path(state.Ledger), verifier: verifier}, nil
}

// Close releases the record.
func (r *Reader) Close() error { return r.db.Close() }

// Filter selects rows; the zero value selects all.
type Filter struct {
	After        int64 // only rows with a greater ID
	Since, Until time.Time
	Tool         string
	Decision     string
	Session      string
	Last         int // only so many of the newest; 0 is no limit
}

// Rows returns the selected rows, oldest first.
func (r *Reader) Rows(ctx context.Context, f Filter) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		query, args := f.query()
		rows, err := r.db.QueryContext(ctx, query, args...)
		if err != nil {
			yield(Row{}, fmt.Errorf("reading the record %s: %w", r.path, sentence(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			var body []byte
			var row Row
			err := rows.Scan(&id, &body)
			if err == nil {
				err = json.Unmarshal(body, &row)
			}
			if err != nil {
				err = fmt.Errorf("reading row %d of the record %s: %w; run `seawall log verify`", id, r.path, err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Row{}, fmt.Errorf("reading the record %s: %w", r.path, sentence(err)))
		}
	}
}

func (f Filter) query() (string, []any) {
	where := []string{"id > ?"}
	args := []any{f.After}
	add := func(cond string, arg any) { where, args = append(where, cond), append(args, arg) }
	if !f.Since.IsZero() {
		add("time >= ?", seconds(f.Since))
	}
	if !f.Until.IsZero() {
		add("time < ?", seconds(f.Until))
	}
	if f.Tool != "" {
		add("tool = ?", f.Tool)
	}
	if f.Decision != "" {
		add("decision = ?", f.Decision)
	}
	if f.Session != "" {
		add("session = ?", f.Session)
	}
	query := "SELECT id, body FROM rows WHERE " + strings.Join(where, " AND ") + " ORDER BY id"
	if f.Last > 0 {
		query = fmt.Sprintf("SELECT id, body FROM (%s DESC LIMIT %d) ORDER BY id", query, f.Last)
	}
	return query, args
}

// seconds is a time as the rows' index has it: Unix seconds, to the millisecond.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Checkpoint returns the signed head of the tree as it stands.
func (r *Reader) Checkpoint(ctx context.Context) ([]byte, error) {
	var msg []byte
	err := r.db.QueryRowContext(ctx, "SELECT checkpoint FROM head WHERE one = 1").Scan(&msg)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint of %s: %w", r.path, sentence(err))
	}
	return msg, nil
}

// head returns the tree under the signed checkpoint, after making sure that
// the rows reach exactly that far. A record without rows has an empty tree.
func (r *Reader) head(ctx context.Context, q queryer) (tlog.Tree, error) {
	var last int64
	if err := q.QueryRowContext(ctx, "SELECT COALESCE(MAX(id), 0) FROM rows").Scan(&last); err != nil {
		return tlog.Tree{}, err
	}
	var msg []byte
	err := q.QueryRowContext(ctx, "SELECT checkpoint FROM head WHERE one = 1").Scan(&msg)
	if errors.Is(err, sql.ErrNoRows) {
		if last > 0 {
			return tlog.Tree{}, errors.New("its signed checkpoint was removed")
		}
		return tlog.Tree{}, nil
	}
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, err := openCheckpoint(msg, r.verifier)
	if err != nil {
		return tlog.Tree{}, err
	}
	if tree.N != last {
		return tlog.Tree{}, fmt.Errorf("its signed checkpoint counts %d rows, but the last row is %d", tree.N, last)
	}
	return tree, nil
}
