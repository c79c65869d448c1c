package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"
)

// Report is what Verify can say of a record.
type Report struct {
	Rows    int64  `json:"rows"`              // that were checked
	OK      bool   `json:"ok"`                // rows, tree and signed head fit together, and the checkpoints that left
	Row     int64  `json:"row,omitempty"`     // the first row that does not fit
	Problem string `json:"problem,omitempty"` // one sentence
	Pruned  int64  `json:"pruned,omitempty"`  // rows whose bodies are gone, as the record says itself
	Outside int    `json:"outside,omitempty"` // checkpoints that left the machine and fit
	Newest  int64  `json:"newest,omitempty"`  // rows under the newest of these
}

// Verify reads the whole record and compares every row with its hash, every
// hash with the tree, and the tree with the signed head. It finds what was
// changed or removed by anyone without the signing key. against are signed
// checkpoints that left the machine: the record must still have what they were
// made of, which finds what was rewritten with the key, or replaced as a whole.
// An error means that the record could not be read.
func (r *Reader) Verify(ctx context.Context, against ...[]byte) (Report, error) {
	v := &verification{Reader: r}
	for _, msg := range against {
		tree, err := openCheckpoint(msg, r.verifier)
		if err != nil {
			return Report{Row: 1, Problem: fmt.Sprintf("a checkpoint that left the machine does not fit: %v; the record was started anew, or the checkpoint is of another machine", err)}, nil
		}
		if tree.N > 0 {
			v.against = append(v.against, tree)
		}
	}
	slices.SortFunc(v.against, func(a, b tlog.Tree) int { return cmp.Compare(a.N, b.N) })
	// One transaction: a writer may add rows meanwhile.
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		defer tx.Rollback()
		err = v.run(ctx, tx)
	}
	var wrong *mismatch
	switch {
	case errors.As(err, &wrong):
		v.report.Row, v.report.Problem = wrong.row, wrong.what
	case err != nil:
		return v.report, fmt.Errorf("reading the record %s: %w", r.path, sentence(err))
	default:
		v.report.OK = true
	}
	return v.report, nil
}

// mismatch is the first thing that does not fit.
type mismatch struct {
	row  int64
	what string
}

func (m *mismatch) Error() string { return m.what }

func wrong(row int64, format string, args ...any) error {
	return &mismatch{row, fmt.Sprintf(format, args...)}
}

// verification is one reading of a record.
type verification struct {
	*Reader
	report  Report
	against []tlog.Tree // by size
	tree    frontier
	made    []tlog.Hash
	leaves  tiles            // level 0
	upper   map[int64][]byte // the other levels
	pruned  int64            // what the rows themselves say of it
}

func (v *verification) run(ctx context.Context, tx *sql.Tx) error {
	var err error
	if v.upper, err = upperTiles(ctx, tx); err != nil {
		return err
	}
	leaves, err := tx.QueryContext(ctx, "SELECT hashes FROM tiles WHERE id >= 0 AND id < ? ORDER BY id", tileID(1, 0))
	if err != nil {
		return err
	}
	defer leaves.Close()
	v.leaves.rows = leaves
	rows, err := tx.QueryContext(ctx, "SELECT id, time, kind, asked, decision, tool, session, body FROM rows ORDER BY id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := v.row(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := v.head(ctx, tx); err != nil {
		return err
	}
	if v.report.Pruned > v.pruned {
		if v.report.Pruned == v.pruned+1 {
			return wrong(v.report.Pruned, "row %d was removed", v.report.Pruned)
		}
		return wrong(v.pruned+1, "the rows %d to %d were removed", v.pruned+1, v.report.Pruned)
	}
	return nil
}

// row checks the next row.
func (v *verification) row(rows *sql.Rows) error {
	var id int64
	var got searched
	var body sql.RawBytes
	if err := rows.Scan(&id, &got.time, &got.kind, &got.asked, &got.decision, &got.tool, &got.session, &body); err != nil {
		return err
	}
	if v.tree.n == 0 && id > 1 {
		if err := v.skip(id - 1); err != nil {
			return err
		}
	}
	if want := v.tree.n + 1; id != want {
		return wrong(want, "row %d was removed", want)
	}
	leaf := tlog.RecordHash(body)
	kept, err := v.leaves.next()
	switch {
	case err != nil:
		return err
	case kept != leaf:
		return wrong(id, "row %d was changed", id)
	}
	var row Row
	if err := decode(body, &row); err != nil {
		return wrong(id, "row %d is none: %v", id, err)
	}
	if got != searchedOf(row) || row.ID != id {
		return wrong(id, "what row %d is found by was changed", id)
	}
	v.pruned = max(v.pruned, row.Pruned)
	return v.add(leaf)
}

// skip takes the hashes of the rows whose bodies are gone.
func (v *verification) skip(n int64) error {
	for range n {
		leaf, err := v.leaves.next()
		if err != nil {
			return err
		}
		if leaf == (tlog.Hash{}) {
			return wrong(v.tree.n+1, "row %d was removed", v.tree.n+1)
		}
		if err := v.add(leaf); err != nil {
			return err
		}
	}
	v.report.Pruned = n
	return nil
}

// add adds a leaf, compares what it completes with the tiles, and the tree with
// a checkpoint that left the machine when it was as large.
func (v *verification) add(leaf tlog.Hash) error {
	at := v.tree.n
	v.made = v.tree.add(leaf, v.made)
	for i := tileHeight; i < len(v.made); i += tileHeight {
		n := at >> i
		tile, from := v.upper[tileID(i/tileHeight, n>>tileHeight)], int(n%tileWidth)*tlog.HashSize
		if len(tile) < from+tlog.HashSize || tlog.Hash(tile[from:from+tlog.HashSize]) != v.made[i] {
			return wrong(at+2-1<<i, "one of the rows %d to %d was changed, and its hash with it", at+2-1<<i, at+1)
		}
	}
	v.report.Rows = v.tree.n
	for len(v.against) > 0 && v.against[0].N == v.tree.n {
		if v.against[0].Hash != v.tree.root() {
			return wrong(v.report.Newest+1, "one of the rows %d to %d is not what it was when a checkpoint of %d rows left the machine: the record was rewritten", v.report.Newest+1, v.tree.n, v.tree.n)
		}
		v.report.Outside, v.report.Newest = v.report.Outside+1, v.tree.n
		v.against = v.against[1:]
	}
	return nil
}

// head compares the tree with the signed checkpoint.
func (v *verification) head(ctx context.Context, tx *sql.Tx) error {
	n := v.tree.n
	var msg []byte
	err := tx.QueryRowContext(ctx, "SELECT checkpoint FROM head WHERE one = 1").Scan(&msg)
	switch {
	case errors.Is(err, sql.ErrNoRows) && n > 0:
		return wrong(1, "the signed checkpoint was removed")
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case err == nil:
		head, err := openCheckpoint(msg, v.verifier)
		switch {
		case err != nil:
			return wrong(1, "%v", err)
		case head.N == n+1:
			return wrong(n+1, "row %d was removed", n+1)
		case head.N > n:
			return wrong(n+1, "row %d was removed, with all after it up to %d", n+1, head.N)
		case head.N < n:
			return wrong(head.N+1, "row %d was added without a signature", head.N+1)
		case head.Hash != v.tree.root():
			return wrong(n>>tileHeight<<tileHeight+1, "rows and tree were rewritten together: they do not fit the signed checkpoint")
		}
	}
	if len(v.against) > 0 {
		newest := v.against[len(v.against)-1].N
		return wrong(n+1, "a checkpoint of %d rows left the machine, but the record ends at row %d: it was put back from an older copy, or its end was cut off", newest, n)
	}
	return nil
}

// searched is what the database searches a row by.
type searched struct {
	time                    int64
	kind                    string
	asked                   sql.NullInt64
	decision, tool, session sql.NullString
}

func searchedOf(r Row) searched {
	return searched{r.Time.UnixMilli(), r.Kind, sql.NullInt64{Int64: r.Asked, Valid: r.Asked > 0}, text(r.Decision), text(r.Tool), text(r.Session)}
}

// decode reads the body of a row. json/v2 takes a third of the time of
// encoding/json, and no member twice.
func decode(body []byte, row *Row) error { return json.Unmarshal(body, row) }

// tiles gives the leaves' hashes one after the other.
type tiles struct {
	rows *sql.Rows
	rest []byte
}

// next returns the zero hash behind the last.
func (t *tiles) next() (h tlog.Hash, err error) {
	for len(t.rest) < tlog.HashSize {
		if !t.rows.Next() {
			return h, t.rows.Err()
		}
		if err := t.rows.Scan(&t.rest); err != nil {
			return h, err
		}
	}
	copy(h[:], t.rest)
	t.rest = t.rest[tlog.HashSize:]
	return h, nil
}

// upperTiles reads the levels above the leaves: one hash for 255 rows.
func upperTiles(ctx context.Context, tx *sql.Tx) (map[int64][]byte, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, hashes FROM tiles WHERE id >= ?", tileID(1, 0))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int64][]byte{}
	for rows.Next() {
		var id int64
		var tile []byte
		if err := rows.Scan(&id, &tile); err != nil {
			return nil, err
		}
		all[id] = tile
	}
	return all, rows.Err()
}
