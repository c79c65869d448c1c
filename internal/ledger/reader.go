package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

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
	Last         int  // only so many of the newest; 0 is no limit
	Brief        bool // one row an action: what was asked only where nothing was decided, what was done not
}

// Rows returns the selected rows, oldest first, with what is not known of
// their outcome.
func (r *Reader) Rows(ctx context.Context, f Filter) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		query, args := f.query()
		rows, err := r.db.QueryContext(ctx, query, args...)
		if err != nil {
			yield(Row{}, r.unread(err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := r.scan(rows)
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Row{}, r.unread(err))
		}
	}
}

func (r *Reader) unread(err error) error {
	return fmt.Errorf("reading the record %s: %w", r.path, sentence(err))
}

func (r *Reader) scan(rows *sql.Rows) (row Row, err error) {
	var id int64
	var body sql.RawBytes
	var open bool
	if err = rows.Scan(&id, &body, &open); err == nil {
		err = decode(body, &row)
	}
	switch {
	case err != nil:
		return row, r.unreadable(id, err)
	case open && row.Kind == Asked:
		row.Outcome = Undecided
	case open:
		row.Outcome = Unknown
	}
	return row, nil
}

func (r *Reader) unreadable(id int64, err error) error {
	return fmt.Errorf("reading row %d of the record %s: %w; run `seawall log verify`", id, r.path, err)
}

// outcome is whether an action has no row that it should have: one asked for was
// not decided, one allowed was not done.
const outcome = `CASE kind
	WHEN 'asked' THEN NOT EXISTS (SELECT 1 FROM rows AS d WHERE d.asked = rows.id AND d.kind = 'decided')
	WHEN 'decided' THEN decision = 'allow' AND asked IS NOT NULL AND NOT EXISTS (SELECT 1 FROM rows AS d WHERE d.asked = rows.asked AND d.kind = 'done')
	ELSE 0 END`

// query makes the statement for a filter.
func (f Filter) query() (string, []any) {
	where, args := f.where()
	query := "SELECT id, body, " + outcome + " FROM rows WHERE " + strings.Join(where, " AND ") + " ORDER BY id"
	if f.Last > 0 {
		query = fmt.Sprintf("SELECT * FROM (%s DESC LIMIT %d) ORDER BY id", query, f.Last)
	}
	return query, args
}

// where is what a filter wants of each row. Times become IDs first: the rows
// between them are read in one go, and where the clock went back none is left
// out.
func (f Filter) where() (where []string, args []any) {
	where, args = []string{"id > ?"}, []any{f.After}
	add := func(cond string, arg ...any) { where, args = append(where, cond), append(args, arg...) }
	if !f.Since.IsZero() {
		// One bound, since SQLite begins at one; + keeps it from another index.
		where[0] = "id >= MAX(? + 1, (SELECT COALESCE(MIN(+id), 9223372036854775807) FROM rows INDEXED BY rows_time WHERE time >= ?))"
		args = append(args, f.Since.UnixMilli())
		add("+time >= ?", f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		add("+time < ?", f.Until.UnixMilli())
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
	if f.Brief {
		add("(kind IN ('decided', 'event') OR kind = 'asked' AND NOT EXISTS (SELECT 1 FROM rows AS d WHERE d.asked = rows.id AND d.kind = 'decided'))")
	}
	return where, args
}

// Action returns the rows of one action, oldest first, by the ID of any of
// them; a row that belongs to no action comes alone. No row is an error.
func (r *Reader) Action(ctx context.Context, id int64) ([]Row, error) {
	var first int64
	err := r.db.QueryRowContext(ctx, "SELECT COALESCE(asked, id) FROM rows WHERE id = ?", id).Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, r.missing(ctx, id)
	}
	if err != nil {
		return nil, r.unread(err)
	}
	rows, err := r.db.QueryContext(ctx, "SELECT id, body, "+outcome+" FROM rows WHERE id = ? UNION ALL SELECT id, body, "+outcome+" FROM rows WHERE asked = ? ORDER BY id", first, first)
	if err != nil {
		return nil, r.unread(err)
	}
	defer rows.Close()
	var all []Row
	for rows.Next() {
		row, err := r.scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		return nil, r.unread(err)
	}
	return all, nil
}

// ends are the first and the last ID, 1 and 0 without rows; in one SELECT SQLite
// would read all of them.
const ends = "SELECT COALESCE((SELECT MIN(id) FROM rows), 1), COALESCE((SELECT MAX(id) FROM rows), 0)"

// missing says why there is no row with an ID.
func (r *Reader) missing(ctx context.Context, id int64) error {
	var first, last int64
	if err := r.db.QueryRowContext(ctx, ends).Scan(&first, &last); err != nil {
		return r.unread(err)
	}
	switch {
	case id > 0 && id < first:
		return fmt.Errorf("what row %d said was pruned: the record holds the rows %d to %d", id, first, last)
	case last == 0:
		return errors.New("the record has no rows yet")
	}
	return fmt.Errorf("there is no row %d: the record holds the rows %d to %d", id, first, last)
}

// Checkpoint returns the signed head of the tree as it stands. A record without
// rows has none.
func (r *Reader) Checkpoint(ctx context.Context) ([]byte, error) {
	var msg []byte
	err := r.db.QueryRowContext(ctx, "SELECT checkpoint FROM head WHERE one = 1").Scan(&msg)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errors.New("the record has no rows yet, so there is nothing to have a checkpoint of: connect an agent first (seawall connect)")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint of %s: %w", r.path, sentence(err))
	}
	return msg, nil
}
