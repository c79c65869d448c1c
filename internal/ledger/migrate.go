package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/openseawall/seawall/internal/state"
)

// oldRecord is where the record of layout 1 stays when it was taken over: under
// its own name again, the Seawall that wrote it goes on with it.
const oldRecord = "ledger.layout1.db"

const unfinished = state.Ledger + ".new"

// migrate takes over a record of layout 1. The rows keep their bytes, so that
// the tree over them must come out as it was signed. At each moment one whole
// record has the name of the record.
func migrate(ctx context.Context, dir *state.Dir) error {
	err := takeOver(ctx, dir)
	if err != nil {
		return fmt.Errorf("taking over the record %s of an older Seawall: %w; it was left as it is", dir.Path(state.Ledger), sentence(err))
	}
	return nil
}

func takeOver(ctx context.Context, dir *state.Dir) error {
	old, err := sql.Open("sqlite", fileURL(dir.Path(state.Ledger), url.Values{"_pragma": {"busy_timeout(5000)"}}))
	if err != nil {
		return err
	}
	defer old.Close()
	old.SetMaxOpenConns(1)
	// What stands in the WAL belongs to the file that is kept.
	if _, err := old.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE"); err != nil {
		return err
	}
	var head []byte
	err = old.QueryRowContext(ctx, "SELECT checkpoint FROM head WHERE one = 1").Scan(&head)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var failed error
	tree, err := fill(ctx, dir, unfinished, oldBodies(ctx, old, &failed), func(tlog.Tree) ([]byte, error) { return head, nil })
	if err = errors.Join(failed, err); err != nil {
		return err
	}
	if err := fits(dir, head, tree); err != nil {
		return err
	}
	if err := old.Close(); err != nil {
		return err
	}
	return exchange(dir)
}

// fits makes sure that the rows are those that were signed.
func fits(dir *state.Dir, head []byte, tree tlog.Tree) error {
	if head == nil && tree.N == 0 {
		return nil
	}
	verifier, err := verifyingKey(dir)
	if err != nil {
		return err
	}
	signed, err := openCheckpoint(head, verifier)
	if err == nil && signed != tree {
		err = errors.New("its rows do not fit its signed checkpoint: put a backup in its place, or move the file aside to start a new one")
	}
	return err
}

func oldBodies(ctx context.Context, old *sql.DB, failed *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		rows, err := old.QueryContext(ctx, "SELECT body FROM rows ORDER BY id")
		if err != nil {
			*failed = err
			return
		}
		defer rows.Close()
		for rows.Next() {
			var body []byte
			if *failed = rows.Scan(&body); *failed != nil || !yield(body) {
				return
			}
		}
		*failed = rows.Err()
	}
}

// exchange puts the new record in the place of the old one, which stays under
// another name.
func exchange(dir *state.Dir) error {
	if err := dir.Remove(oldRecord); err != nil {
		return err
	}
	if err := os.Link(dir.Path(state.Ledger), dir.Path(oldRecord)); err != nil {
		return err
	}
	if err := os.Rename(dir.Path(unfinished), dir.Path(state.Ledger)); err != nil {
		return err
	}
	return syncDir(dir.String())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Fill writes a whole record at once into a state directory that has none, for
// who has the rows already: many times faster than Append, and nothing is there
// before the end. IDs are set here, times are the rows' own.
func Fill(ctx context.Context, dir *state.Dir, rows iter.Seq[Row]) error {
	signer, err := signingKey(dir)
	if err != nil {
		return err
	}
	var failed error
	bodies := func(yield func([]byte) bool) {
		var id int64
		for row := range rows {
			id++
			row = bounded(row)
			row.ID = id
			var body []byte
			if body, failed = encode(row); failed != nil || !yield(body) {
				return
			}
		}
	}
	_, err = fill(ctx, dir, unfinished, bodies, func(tree tlog.Tree) ([]byte, error) { return checkpoint(tree, signer) })
	if err = errors.Join(failed, err); err != nil {
		return fmt.Errorf("writing the record %s: %w", dir.Path(state.Ledger), sentence(err))
	}
	if err := os.Link(dir.Path(unfinished), dir.Path(state.Ledger)); err != nil {
		return err
	}
	return errors.Join(os.Remove(dir.Path(unfinished)), syncDir(dir.String()))
}

// fill makes a record of bodies under another name. It is synced as a whole at
// the end: until then nobody needs it.
func fill(ctx context.Context, dir *state.Dir, name string, bodies iter.Seq[[]byte], sign func(tlog.Tree) ([]byte, error)) (tree tlog.Tree, err error) {
	if err := dir.Remove(name); err != nil {
		return tree, err
	}
	if err := dir.Private(name); err != nil {
		return tree, err
	}
	db, err := sql.Open("sqlite", fileURL(dir.Path(name), url.Values{"_pragma": {"journal_mode(OFF)", "synchronous(OFF)", "locking_mode(EXCLUSIVE)", "cache_size(-65536)"}}))
	if err != nil {
		return tree, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := create(db); err != nil {
		return tree, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return tree, err
	}
	defer tx.Rollback()
	f := &filler{ctx: ctx, tx: tx}
	if err := f.addAll(bodies); err != nil {
		return tree, err
	}
	tree = f.tree.tree()
	head, err := sign(tree)
	if err == nil && tree.N > 0 {
		_, err = tx.ExecContext(ctx, "INSERT INTO head (one, checkpoint, bodies) VALUES (1, ?, ?)", head, f.bytes)
	}
	if err = errors.Join(err, tx.Commit(), db.Close()); err != nil {
		return tree, err
	}
	return tree, syncFile(dir.Path(name))
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// filler writes bodies into an empty record.
type filler struct {
	ctx   context.Context
	tx    *sql.Tx
	tree  grown
	bytes int64
}

func (f *filler) addAll(bodies iter.Seq[[]byte]) error {
	insert, err := f.tx.PrepareContext(f.ctx, insertRow)
	if err != nil {
		return err
	}
	defer insert.Close()
	for body := range bodies {
		var row Row
		if err := decode(body, &row); err != nil {
			return fmt.Errorf("row %d is none: %w", f.tree.n+1, err)
		}
		if row.ID != f.tree.n+1 {
			return fmt.Errorf("row %d was removed", f.tree.n+1)
		}
		if _, err := insert.ExecContext(f.ctx, columns(row, body)...); err != nil {
			return err
		}
		f.bytes += int64(len(body))
		f.tree.add(tlog.RecordHash(body))
		if len(f.tree.fresh) > 64 {
			if err := storeTiles(f.ctx, f.tx, &f.tree); err != nil {
				return err
			}
		}
	}
	return storeTiles(f.ctx, f.tx, &f.tree)
}
