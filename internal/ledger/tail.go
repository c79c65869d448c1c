package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/openseawall/seawall/internal/state"
)

// VerifyTail looks whether the end of the record is as it was signed: the last
// rows fit their hashes, and rows, tree and signed head end together. It takes a
// moment however long the record is; [Reader.Verify] reads all of it.
func (r *Reader) VerifyTail(ctx context.Context) error {
	// One transaction: a writer may add rows meanwhile.
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return r.unread(err)
	}
	defer tx.Rollback()
	s, err := r.stand(ctx, tx)
	if err != nil {
		return r.unread(err)
	}
	n := s.tree.tree().N
	if n == 0 {
		return nil
	}
	tile := (n - 1) >> tileHeight
	var hashes []byte
	if err := tx.QueryRowContext(ctx, "SELECT hashes FROM tiles WHERE id = ?", tileID(0, tile)).Scan(&hashes); err != nil {
		return r.unread(err)
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, body FROM rows WHERE id > ? ORDER BY id", tile<<tileHeight)
	if err != nil {
		return r.unread(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var body sql.RawBytes
		if err := rows.Scan(&id, &body); err != nil {
			return r.unread(err)
		}
		at := int((id-1)&(tileWidth-1)) * tlog.HashSize
		if len(hashes) < at+tlog.HashSize || tlog.RecordHash(body) != tlog.Hash(hashes[at:at+tlog.HashSize]) {
			return fmt.Errorf("row %d of the record %s was changed", id, r.path)
		}
	}
	if err := rows.Err(); err != nil {
		return r.unread(err)
	}
	return nil
}

// Behind says that the record has gone back behind the checkpoints in the
// operator's file, or is not the one they were made of; "" when it has not.
func (r *Reader) Behind(ctx context.Context, o Outside) (string, error) {
	outside, err := o.read()
	if err != nil || len(outside) == 0 {
		return "", err
	}
	var have tlog.Tree
	if head, err := r.Checkpoint(ctx); err == nil {
		if have, err = openCheckpoint(head, r.verifier); err != nil {
			return "", err
		}
	} else if !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	return behind(o.File, outside, r.verifier, have), nil
}

// Reached is how many rows the newest checkpoint in the operator's file tells
// of; 0 where there is none of this record.
func (r *Reader) Reached(o Outside) (rows int64, err error) {
	outside, err := o.read()
	for _, msg := range outside {
		if tree, err := openCheckpoint(msg, r.verifier); err == nil {
			rows = max(rows, tree.N)
		}
	}
	return rows, err
}

// read reads the checkpoints in the file; one that is not there holds none.
func (o Outside) read() ([][]byte, error) {
	if o.File == "" {
		return nil, nil
	}
	outside, err := ReadCheckpoints(o.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return outside, err
}

// behind compares a record of so many rows with checkpoints that had left.
func behind(path string, outside [][]byte, verifier note.Verifier, have tlog.Tree) string {
	for _, msg := range outside {
		tree, err := openCheckpoint(msg, verifier)
		switch {
		case err != nil:
			return fmt.Sprintf("%s holds checkpoints of another record: this one was started anew", path)
		case tree.N > have.N:
			return fmt.Sprintf("the record ends at row %d, but a checkpoint of %d rows had left the machine: it was put back from an older copy, or its end was cut off; what it told of the rows from %d on is lost", have.N, tree.N, have.N+1)
		}
	}
	return ""
}

// OutsideChosen reports whether anybody has said where checkpoints go, nowhere
// included.
func OutsideChosen(dir *state.Dir) bool {
	_, err := dir.Read(outsideFile)
	return err == nil
}
