package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/openseawall/seawall/internal/state"
)

// maxBatch bounds how many rows share one commit and one signature.
const maxBatch = 256

// ErrClosed is returned by Append after Close.
var ErrClosed = errors.New("the record is closed")

// Ledger is the record, open for writing. One process writes at a time; any
// number may read.
type Ledger struct {
	*Reader // on connections of its own, so that a long look holds up nobody
	write   *sql.DB
	signer  note.Signer
	queue   chan request
	stop    chan struct{}
	done    chan struct{}
	now     func() time.Time
}

type request struct {
	row    Row
	result chan<- result
}

type result struct {
	id  int64
	err error
}

// Open opens the record in a state directory for writing, and starts a new one
// with a new signing key when there is none. It refuses a record whose head
// does not fit its tree: run `seawall log verify` to learn which row.
func Open(ctx context.Context, dir *state.Dir) (*Ledger, error) {
	signer, err := signingKey(dir)
	if err != nil {
		return nil, err
	}
	if err := dir.Private(state.Ledger); err != nil {
		return nil, err
	}
	db, err := openDB(dir.Path(state.Ledger), false)
	if err != nil {
		return nil, err
	}
	reader, err := OpenReader(dir)
	if err != nil {
		db.Close()
		return nil, err
	}
	l := &Ledger{
		Reader: reader,
		write:  db,
		signer: signer,
		queue:  make(chan request, maxBatch),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
		now:    time.Now,
	}
	if _, err := l.head(ctx, db); err != nil {
		db.Close()
		reader.Close()
		return nil, fmt.Errorf("opening the record %s: %w; run `seawall log verify`, then move the file aside to start a new one", l.path, err)
	}
	go l.run()
	return l, nil
}

// Close writes what waits and releases the record.
func (l *Ledger) Close() error {
	close(l.stop)
	<-l.done
	// The writer last: it brings what stands in the WAL into the file.
	return errors.Join(l.Reader.Close(), l.write.Close())
}

// Append adds one row and returns its ID once it is on the disk, under the
// tree and under a signed checkpoint. ID and Time are set here. An error means
// that the row is not in the record, and so that what it tells of must not
// happen.
func (l *Ledger) Append(ctx context.Context, row Row) (int64, error) {
	answer := make(chan result, 1)
	select {
	case l.queue <- request{bounded(row), answer}:
	case <-l.stop:
		return 0, ErrClosed
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	select {
	case r := <-answer:
		return r.id, r.err
	case <-l.done:
		select {
		case r := <-answer:
			return r.id, r.err
		default:
			return 0, ErrClosed
		}
	}
}

// run is the one writer: it takes what waits, commits it as one batch, and
// wakes those who wait.
func (l *Ledger) run() {
	defer close(l.done)
	for {
		select {
		case first := <-l.queue:
			l.commit(l.gather(first))
		case <-l.stop:
			select {
			case first := <-l.queue:
				l.commit(l.gather(first))
			default:
				return
			}
		}
	}
}

func (l *Ledger) gather(first request) []request {
	batch := []request{first}
	for len(batch) < maxBatch {
		select {
		case r := <-l.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

func (l *Ledger) commit(batch []request) {
	first, err := l.store(batch)
	for i, r := range batch {
		if err != nil {
			r.result <- result{err: fmt.Errorf("writing the record %s: %w", l.path, sentence(err))}
		} else {
			r.result <- result{id: first + int64(i)}
		}
	}
}

// store writes one batch, its tree hashes and the new head in one transaction
// and returns the first row's ID.
func (l *Ledger) store(batch []request) (first int64, err error) {
	// A batch that was taken is finished, whoever stopped waiting for it.
	ctx := context.Background()
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	tree, err := l.head(ctx, tx)
	if err != nil {
		return 0, err
	}
	size := tree.N
	reader := &recent{stored: hashReader(ctx, tx)}
	for _, r := range batch {
		if err := l.insert(ctx, tx, size, r.row, reader); err != nil {
			return 0, err
		}
		size++
	}
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		return 0, err
	}
	head, err := checkpoint(tlog.Tree{N: size, Hash: root}, l.signer)
	if err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO head (one, checkpoint) VALUES (1, ?)", head); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	return tree.N + 1, nil
}

func (l *Ledger) insert(ctx context.Context, tx *sql.Tx, index int64, row Row, reader *recent) error {
	row.ID = index + 1
	row.Time = l.now().UTC()
	body, err := encode(row)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO rows (id, body) VALUES (?, ?)", row.ID, body); err != nil {
		return err
	}
	hashes, err := tlog.StoredHashes(index, body, reader)
	if err != nil {
		return err
	}
	at := tlog.StoredHashIndex(0, index)
	for i, h := range hashes {
		if _, err := tx.ExecContext(ctx, "INSERT INTO hashes (idx, hash) VALUES (?, ?)", at+int64(i), h[:]); err != nil {
			return err
		}
		reader.add(at+int64(i), h)
	}
	return nil
}

// recent answers hashes of this batch from memory and older ones from the
// database.
type recent struct {
	stored tlog.HashReader
	fresh  map[int64]tlog.Hash
}

func (r *recent) add(index int64, h tlog.Hash) {
	if r.fresh == nil {
		r.fresh = make(map[int64]tlog.Hash)
	}
	r.fresh[index] = h
}

// ReadHashes implements tlog.HashReader.
func (r *recent) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := r.fresh[index]
		if !ok {
			old, err := r.stored.ReadHashes([]int64{index})
			if err != nil {
				return nil, err
			}
			h = old[0]
			r.add(index, h)
		}
		hashes[i] = h
	}
	return hashes, nil
}
