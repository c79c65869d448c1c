package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/openseawall/seawall/internal/state"
)

// maxBatch bounds how many requests share one commit and one signature, and
// how many may wait to be written behind.
const maxBatch = 256

// ErrClosed is returned by Append after Close.
var ErrClosed = errors.New("the record is closed")

// Ledger is the record, open for writing. One process writes at a time; any
// number may read.
type Ledger struct {
	*Reader // on connections of its own, so that a long look holds up nobody
	write   *sql.DB
	insert  *sql.Stmt
	signer  note.Signer
	limits  limits
	queue   chan request
	behind  chan struct{} // one token for each row that may still be written behind
	stop    chan struct{}
	done    chan struct{}
	opened  tlog.Tree // as it was found
	now     func() time.Time

	// The writer's own: what the database holds, nil when that has to be read.
	at *standing

	closing   sync.Once
	lost      atomic.Pointer[error]     // why a row was not written behind
	scarce    atomic.Pointer[string]    // that the disk is nearly full
	publisher atomic.Pointer[publisher] // nil: checkpoints stay here
}

// standing is the record as it stands after the last commit.
type standing struct {
	tree   *grown
	head   []byte // the signed checkpoint; nil without rows
	bodies int64  // bytes
	last   time.Time
}

type request struct {
	rows   []Row
	result chan<- result // nil: nobody waits
	token  bool          // it took one of those for rows behind
}

type result struct {
	id  int64
	err error
}

// Open opens the record in a state directory for writing, and starts a new one
// with a new signing key when there is none. One of an older layout is copied
// and taken over. It refuses a record whose head does not fit its tree: run
// `seawall log verify` to learn which row.
func Open(ctx context.Context, dir *state.Dir) (*Ledger, error) {
	signer, err := signingKey(dir)
	if err != nil {
		return nil, err
	}
	if err := dir.Private(state.Ledger); err != nil {
		return nil, err
	}
	db, err := openDB(dir.Path(state.Ledger), false)
	if errors.Is(err, errLayout) {
		if err = migrate(ctx, dir); err == nil {
			db, err = openDB(dir.Path(state.Ledger), false)
		}
	}
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		write:  db,
		signer: signer,
		limits: defaultLimits,
		queue:  make(chan request, maxBatch),
		behind: make(chan struct{}, maxBatch),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
		now:    time.Now,
	}
	if err := l.begin(ctx, dir); err != nil {
		if l.Reader != nil {
			l.Reader.Close()
		}
		db.Close()
		return nil, err
	}
	go l.run()
	return l, nil
}

func (l *Ledger) begin(ctx context.Context, dir *state.Dir) (err error) {
	if l.Reader, err = OpenReader(dir); err != nil {
		return err
	}
	if l.at, err = l.stand(ctx, l.write); err != nil {
		return fmt.Errorf("opening the record %s: %w; run `seawall log verify`, then put a backup in its place or move the file aside to start a new one", l.path, sentence(err))
	}
	if l.insert, err = l.write.PrepareContext(ctx, insertRow); err != nil {
		return fmt.Errorf("opening the record %s: %w", l.path, sentence(err))
	}
	l.opened = l.at.tree.tree()
	return nil
}

// Close writes what waits and releases the record.
func (l *Ledger) Close() error {
	l.closing.Do(func() { close(l.stop) })
	<-l.done
	if p := l.publisher.Load(); p != nil {
		if l.at != nil {
			p.send(l.at.head, l.at.tree.n)
		}
		p.close()
	}
	// The writer last: it brings what stands in the WAL into the file.
	return errors.Join(l.Reader.Close(), l.insert.Close(), l.write.Close())
}

// Append adds rows, all or none and next to each other, and returns the ID of
// the last once they are on the disk, under the tree and under a signed
// checkpoint. ID and Time are set here, and those after a row asked belong to
// it. An error means that the rows are not in the record, and so that what they
// tell of must not happen.
func (l *Ledger) Append(ctx context.Context, rows ...Row) (int64, error) {
	answer := make(chan result, 1)
	select {
	case l.queue <- request{rows: bound(rows), result: answer}:
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

// Behind adds a row on which no action depends, without waiting for the disk.
// An error means that this row, or one written behind earlier, is not in the
// record.
func (l *Ledger) Behind(row Row) error {
	if err := l.lost.Swap(nil); err != nil {
		return *err
	}
	select {
	case <-l.stop:
		return ErrClosed
	default:
	}
	select {
	case l.behind <- struct{}{}:
	default:
		return fmt.Errorf("writing the record %s: the disk does not keep up", l.path)
	}
	select {
	case l.queue <- request{rows: bound([]Row{row}), token: true}:
		return nil
	case <-l.stop:
		<-l.behind
		return ErrClosed
	}
}

// Flush waits until what was written behind before is on the disk.
func (l *Ledger) Flush(ctx context.Context) error {
	_, err := l.Append(ctx)
	return err
}

func bound(rows []Row) []Row {
	out := make([]Row, len(rows))
	for i, r := range rows {
		out[i] = bounded(r)
	}
	return out
}

// run is the one writer: it takes what waits, commits it as one batch, and
// wakes those who wait.
func (l *Ledger) run() {
	defer close(l.done)
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case first := <-l.queue:
			l.commit(l.gather(first))
		case <-tick.C:
			l.tend()
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

// tend is what is done once a minute, between two batches.
func (l *Ledger) tend() {
	var news []Row
	if p := l.publisher.Load(); p != nil {
		if l.at != nil {
			p.send(l.at.head, l.at.tree.n)
		}
		news = p.take()
	}
	news = append(news, l.lookAtDisk()...)
	if len(news) > 0 {
		l.commit([]request{{rows: news}})
	}
	l.prune()
}

// Trouble is what an operator should know of the record as it is now, in
// sentences: checkpoints that do not leave the machine, a disk that is nearly
// full, a record that was put back from an older copy; "" when all is well.
func (l *Ledger) Trouble() string {
	var all []string
	if p := l.publisher.Load(); p != nil {
		all = p.problems()
	}
	if s := l.scarce.Load(); s != nil {
		all = append(all, *s)
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	return strings.Join(all, "; ")
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
	ids, err := l.store(batch)
	if err != nil {
		// What the database holds now is for it to say.
		l.at = nil
		err = fmt.Errorf("writing the record %s: %w", l.path, sentence(err))
	}
	for i, r := range batch {
		switch {
		case r.result == nil:
			if err != nil {
				l.lost.Store(&err)
			}
			if r.token {
				<-l.behind
			}
		case err != nil:
			r.result <- result{err: err}
		default:
			r.result <- result{id: ids[i]}
		}
	}
	if p := l.publisher.Load(); p != nil && err == nil && l.at != nil && p.due(l.at.tree.n) {
		p.send(l.at.head, l.at.tree.n)
	}
}

// store writes one batch, its hashes and the new head in one transaction and
// returns the ID of the last row of each request.
func (l *Ledger) store(batch []request) (ids []int64, err error) {
	// A batch that was taken is finished, whoever stopped waiting for it.
	ctx := context.Background()
	if !slices.ContainsFunc(batch, func(r request) bool { return len(r.rows) > 0 }) {
		return make([]int64, len(batch)), nil
	}
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	if l.at == nil {
		if l.at, err = l.stand(ctx, tx); err != nil {
			return nil, err
		}
	}
	w := &batchWriter{Ledger: l, ctx: ctx, tx: tx, insert: tx.StmtContext(ctx, l.insert), at: l.at, now: l.now().UTC()}
	if err := w.noteClock(); err != nil {
		return nil, err
	}
	for _, r := range batch {
		if err := w.addAll(r.rows); err != nil {
			return nil, err
		}
		ids = append(ids, w.at.tree.n)
	}
	if err := w.seal(); err != nil {
		return nil, err
	}
	return ids, tx.Commit()
}

// batchWriter writes the rows of one transaction. What it changes in at holds
// only if that is committed.
type batchWriter struct {
	*Ledger
	ctx    context.Context
	tx     *sql.Tx
	insert *sql.Stmt
	at     *standing
	now    time.Time
}

// noteClock adds a row when the clock went back: the rows before it then tell
// of a later time than those behind it.
func (w *batchWriter) noteClock() error {
	if back := w.at.last.Sub(w.now); back > time.Second {
		return w.add(Row{Kind: Event, Why: fmt.Sprintf("the clock was set back by %s: the order of the rows is that of their numbers, not of their times", back.Round(time.Second))})
	}
	return nil
}

func (w *batchWriter) addAll(rows []Row) error {
	var asked int64
	for _, r := range rows {
		if r.Kind != Asked && r.Asked == 0 {
			r.Asked = asked
		}
		if err := w.add(r); err != nil {
			return err
		}
		if r.Kind == Asked {
			asked = w.at.tree.n
		}
	}
	return nil
}

func (w *batchWriter) add(row Row) error {
	row.ID, row.Time = w.at.tree.n+1, w.now
	body, err := encode(row)
	if err != nil {
		return err
	}
	if _, err := w.insert.ExecContext(w.ctx, columns(row, body)...); err != nil {
		return err
	}
	w.at.tree.add(tlog.RecordHash(body))
	w.at.bodies += int64(len(body))
	w.at.last = w.now
	return nil
}

const insertRow = "INSERT INTO rows (id, time, kind, asked, decision, tool, session, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

// columns are the values of one row of the database.
func columns(r Row, body []byte) []any {
	return []any{r.ID, r.Time.UnixMilli(), r.Kind, sql.NullInt64{Int64: r.Asked, Valid: r.Asked > 0},
		text(r.Decision), text(r.Tool), text(r.Session), body}
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// seal writes the hashes and signs the head. Nobody else may have done so since
// the last batch.
func (w *batchWriter) seal() error {
	if err := storeTiles(w.ctx, w.tx, w.at.tree); err != nil {
		return err
	}
	head, err := checkpoint(w.at.tree.tree(), w.signer)
	if err != nil {
		return err
	}
	query, args := "INSERT INTO head (one, checkpoint, bodies) VALUES (1, ?, ?)", []any{head, w.at.bodies}
	if w.at.head != nil {
		query, args = "UPDATE head SET checkpoint = ?, bodies = ? WHERE one = 1 AND checkpoint = ?", append(args, w.at.head)
	}
	res, err := w.tx.ExecContext(w.ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errors.New("another program has written into it"), err)
	}
	w.at.head = head
	return nil
}

func storeTiles(ctx context.Context, tx *sql.Tx, tree *grown) error {
	for id, tile := range tree.fresh {
		if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO tiles (id, hashes) VALUES (?, ?)", id, bytes.Clone(tile)); err != nil {
			return err
		}
	}
	clear(tree.fresh)
	return nil
}
