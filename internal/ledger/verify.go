package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Report is what Verify can say of a record.
type Report struct {
	Rows    int64  `json:"rows"`              // that were checked
	OK      bool   `json:"ok"`                // rows, tree and signed head fit together
	Row     int64  `json:"row,omitempty"`     // the first row that does not fit
	Problem string `json:"problem,omitempty"` // one sentence
}

// Verify reads the whole record and compares every row with its hash, every
// hash with the tree, and the tree with the signed head. It finds what was
// changed or removed by anyone without the signing key; to detect a record
// that was replaced as a whole, compare its checkpoint with one that left the
// machine. An error means that the record could not be read.
func (r *Reader) Verify(ctx context.Context) (Report, error) {
	// One transaction: a writer may add rows meanwhile.
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Report{}, fmt.Errorf("reading the record %s: %w", r.path, sentence(err))
	}
	defer tx.Rollback()
	report, err := r.verify(ctx, tx)
	if err != nil {
		return report, fmt.Errorf("reading the record %s: %w", r.path, sentence(err))
	}
	return report, nil
}

func (r *Reader) verify(ctx context.Context, tx *sql.Tx) (Report, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, body FROM rows ORDER BY id")
	if err != nil {
		return Report{}, err
	}
	defer rows.Close()
	stored, closeStored, err := storedHashes(ctx, tx)
	if err != nil {
		return Report{}, err
	}
	defer closeStored()

	var n int64
	tree := &frontier{}
	for rows.Next() {
		var id int64
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return Report{}, err
		}
		if id != n+1 {
			return Report{Rows: n, Row: n + 1, Problem: fmt.Sprintf("row %d was removed", n+1)}, nil
		}
		for level, hash := range tree.add(tlog.RecordHash(body)) {
			kept, ok, err := stored()
			if err != nil {
				return Report{}, err
			}
			if !ok || kept != hash {
				return Report{Rows: n, Row: first(id, level), Problem: mismatch(id, level)}, nil
			}
		}
		n = id
	}
	if err := rows.Err(); err != nil {
		return Report{}, err
	}
	return r.verifyHead(ctx, tx, n, tree)
}

// verifyHead compares the tree of n rows with the signed checkpoint.
func (r *Reader) verifyHead(ctx context.Context, tx *sql.Tx, n int64, tree *frontier) (Report, error) {
	var msg []byte
	err := tx.QueryRowContext(ctx, "SELECT checkpoint FROM head WHERE one = 1").Scan(&msg)
	if errors.Is(err, sql.ErrNoRows) {
		if n == 0 {
			return Report{OK: true}, nil
		}
		return Report{Rows: n, Row: 1, Problem: "the signed checkpoint was removed"}, nil
	}
	if err != nil {
		return Report{}, err
	}
	head, err := openCheckpoint(msg, r.verifier)
	if err != nil {
		return Report{Rows: n, Row: 1, Problem: err.Error()}, nil
	}
	switch {
	case head.N > n:
		problem := fmt.Sprintf("row %d was removed", n+1)
		if head.N > n+1 {
			problem += fmt.Sprintf(", with all after it up to %d", head.N)
		}
		return Report{Rows: n, Row: n + 1, Problem: problem}, nil
	case head.N < n:
		return Report{Rows: n, Row: head.N + 1, Problem: fmt.Sprintf("row %d was added without a signature", head.N+1)}, nil
	case n > 0 && head.Hash != tree.root():
		return Report{Rows: n, Row: 1, Problem: "rows and tree were rewritten together: they do not fit the signed checkpoint"}, nil
	}
	return Report{Rows: n, OK: true}, nil
}

// storedHashes returns the tree's hashes one after the other, in the order in
// which tlog stores them.
func storedHashes(ctx context.Context, tx *sql.Tx) (next func() (tlog.Hash, bool, error), closeRows func(), err error) {
	rows, err := tx.QueryContext(ctx, "SELECT idx, hash FROM hashes ORDER BY idx")
	if err != nil {
		return nil, nil, err
	}
	var want int64
	next = func() (h tlog.Hash, ok bool, err error) {
		if !rows.Next() {
			return h, false, rows.Err()
		}
		var index int64
		var b []byte
		if err := rows.Scan(&index, &b); err != nil {
			return h, false, err
		}
		if index != want || len(b) != tlog.HashSize {
			return h, false, nil
		}
		want++
		return tlog.Hash(b), true, nil
	}
	return next, func() { rows.Close() }, nil
}

// frontier is a growing tree, kept as the hashes of its complete subtrees from
// the largest to the smallest.
type frontier struct {
	n      int64
	hashes []tlog.Hash
}

// add adds a leaf and returns the hashes that it completes, the leaf's first:
// what tlog stores for it.
func (f *frontier) add(leaf tlog.Hash) []tlog.Hash {
	made := []tlog.Hash{leaf}
	for range bits.TrailingZeros64(^uint64(f.n)) {
		last := len(f.hashes) - 1
		made = append(made, tlog.NodeHash(f.hashes[last], made[len(made)-1]))
		f.hashes = f.hashes[:last]
	}
	f.hashes = append(f.hashes, made[len(made)-1])
	f.n++
	return made
}

// root returns the hash of the whole tree (RFC 6962, 2.1).
func (f *frontier) root() tlog.Hash {
	root := f.hashes[len(f.hashes)-1]
	for i := len(f.hashes) - 2; i >= 0; i-- {
		root = tlog.NodeHash(f.hashes[i], root)
	}
	return root
}

// first returns the first of the rows under the node that row id completed at
// the given level.
func first(id int64, level int) int64 { return id - int64(1)<<level + 1 }

func mismatch(id int64, level int) string {
	if level == 0 {
		return fmt.Sprintf("row %d was changed", id)
	}
	return fmt.Sprintf("one of the rows %d to %d was changed, and its hash with it", first(id, level), id)
}
