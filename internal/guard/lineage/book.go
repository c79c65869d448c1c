// Package lineage remembers where the content of files, memory, scheduled jobs and
// messages to itself came from that the agent wrote: the join of the origins of the
// turn that wrote it (DESIGN: what the agent writes keeps its origins). Whoever reads
// it in a later turn, session or after a restart gets them back.
//
//	allowed call ─▶ Left ─▶ Book.Keep ─▶ lineage.db
//	result, workspace file, job ─▶ Book.Read, Book.Context, Book.Said ─▶ labels
//
// It holds hashes and labels, never a text, a path or a secret. Evidence for is
// strict: only the very content that a turn wrote has that turn's origins alone.
// Evidence against is lenient: a place is as bad as anything ever written there, and
// as a folder above it, until the operator vouches for what it holds.
package lineage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	_ "modernc.org/sqlite" // the driver

	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/state"
)

// File is the database in the state directory.
const File = "lineage.db"

const (
	maxRows     = 65536 // kept; beyond it the oldest go
	maxContents = 4     // of one place that are known by their hash
)

// Left is what a call leaves behind: something at a place, or a text that is read
// by itself later.
type Left struct {
	Place Place
	// Sum is the hash of the whole content, where the call says it; "" is unknown.
	Sum string
}

// Place names where something is kept, by a hash.
type Place string

// Known is what was written at a place.
type Known struct {
	Labels []origin.Label // the join of all that was ever written there
	Last   time.Time      // of the last write
	// contents are the origins of those that are known by their hash.
	contents map[string][]origin.Label
	order    []string // of contents, the oldest first
}

// Book is what is remembered in one state directory. It is safe for concurrent use.
// A nil Book knows nothing and keeps nothing.
type Book struct {
	// Vouched returns the content at a place that the operator vouches for, "" for
	// none. It is set before the book is used; nil vouches for nothing.
	Vouched func(place Place) (sum string)

	now func() time.Time
	db  *sql.DB

	mu     sync.RWMutex
	places map[Place]*Known
	reads  *lru.Cache[[sha256.Size]byte, []string] // the paths that a command reads
}

// A row without a sum is the place itself, with the join of all.
const schema = `CREATE TABLE IF NOT EXISTS written (
	place  TEXT NOT NULL,    -- a hash
	sum    TEXT NOT NULL,    -- SHA-256 of a content, hex; '' is whatever is there
	labels TEXT NOT NULL,    -- with spaces between them
	time   INTEGER NOT NULL, -- Unix milliseconds
	PRIMARY KEY (place, sum)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS written_time ON written(time);`

// Open reads the book of a state directory, and makes it if there is none.
func Open(ctx context.Context, dir *state.Dir, now func() time.Time) (*Book, error) {
	return open(ctx, dir, now, url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "trusted_schema(OFF)"}}, true)
}

// Look reads the book without changing it, beside the doors that have it open.
func Look(ctx context.Context, dir *state.Dir) (*Book, error) {
	b, err := open(ctx, dir, time.Now, url.Values{"_pragma": {"busy_timeout(5000)", "query_only(ON)"}, "mode": {"ro"}}, false)
	if err == nil {
		err = b.Close()
	}
	return b, err
}

func open(ctx context.Context, dir *state.Dir, now func() time.Time, query url.Values, create bool) (*Book, error) {
	path := dir.Path(File)
	b := &Book{now: now, places: map[Place]*Known{}}
	b.reads, _ = lru.New[[sha256.Size]byte, []string](1024) // an error is for a size below one
	fail := func(err error) (*Book, error) {
		if b.db != nil {
			b.db.Close()
		}
		return nil, fmt.Errorf("opening %s, where it stands what the agent's files were made of: %w", path, err)
	}
	if create {
		if err := dir.Private(File); err != nil {
			return fail(err)
		}
	}
	var err error
	if b.db, err = sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()); err != nil {
		return fail(err)
	}
	b.db.SetMaxOpenConns(1)
	if create {
		if _, err := b.db.ExecContext(ctx, schema); err != nil {
			return fail(err)
		}
		if _, err := b.db.ExecContext(ctx, `DELETE FROM written WHERE time < (SELECT time FROM written ORDER BY time DESC LIMIT 1 OFFSET ?)`, maxRows-1); err != nil {
			return fail(err)
		}
	}
	if err := b.load(ctx); err != nil {
		return fail(err)
	}
	return b, nil
}

func (b *Book) load(ctx context.Context) error {
	rows, err := b.db.QueryContext(ctx, `SELECT place, sum, labels, time FROM written ORDER BY time`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var place, sum, labels string
		var at int64
		if err := rows.Scan(&place, &sum, &labels, &at); err != nil {
			return err
		}
		b.learn(Left{Place(place), sum}, parse(labels), time.UnixMilli(at))
	}
	return rows.Err()
}

// Close closes the database.
func (b *Book) Close() error {
	if b == nil || b.db == nil {
		return nil
	}
	return b.db.Close()
}

// Keep remembers what a call leaves behind, and of what: labels are the join of the
// turn's origins, none if nothing untrusted was in it. It is on the disk when Keep
// returns, and so before the call runs.
func (b *Book) Keep(ctx context.Context, left []Left, labels []origin.Label) error {
	if b == nil || len(left) == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, l := range left {
		k := b.places[l.Place]
		if k == nil {
			k = &Known{}
		}
		all := map[string][]origin.Label{l.Sum: join(k.contents[l.Sum], labels)}
		all[""] = join(k.Labels, labels)
		for sum, labels := range all {
			if _, err := tx.ExecContext(ctx, `INSERT INTO written VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET labels = excluded.labels, time = excluded.time`,
				string(l.Place), sum, format(labels), now.UnixMilli()); err != nil {
				return err
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, l := range left {
		b.learn(l, labels, now)
	}
	return nil
}

// learn notes a write in memory.
func (b *Book) learn(l Left, labels []origin.Label, at time.Time) {
	k := b.places[l.Place]
	if k == nil {
		if len(b.places) >= maxRows {
			b.forget()
		}
		k = &Known{contents: map[string][]origin.Label{}}
		b.places[l.Place] = k
	}
	k.Labels, k.Last = join(k.Labels, labels), at
	if l.Sum == "" {
		return
	}
	if _, ok := k.contents[l.Sum]; !ok {
		k.order = append(k.order, l.Sum)
	}
	if k.contents[l.Sum] = join(k.contents[l.Sum], labels); len(k.order) > maxContents {
		delete(k.contents, k.order[0])
		k.order = k.order[1:]
	}
}

// forget drops the place that was written the longest ago.
func (b *Book) forget() {
	var oldest Place
	for p, k := range b.places {
		if oldest == "" || k.Last.Before(b.places[oldest].Last) {
			oldest = p
		}
	}
	delete(b.places, oldest)
}

// At is what was written at a place.
func (b *Book) At(p Place) (Known, bool) {
	if b == nil {
		return Known{}, false
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	k, ok := b.places[p]
	if !ok {
		return Known{}, false
	}
	return *k, true
}

// content are the origins of one content at a place; ok is false for one that
// nobody wrote.
func (b *Book) content(p Place, sum string) (labels []origin.Label, ok bool) {
	if b == nil {
		return nil, false
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	if k := b.places[p]; k != nil {
		labels, ok = k.contents[sum]
	}
	return labels, ok
}

func join(a, b []origin.Label) []origin.Label {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func format(labels []origin.Label) string {
	all := make([]string, len(labels))
	for i, l := range labels {
		all[i] = string(l)
	}
	return strings.Join(all, " ")
}

// parse reads labels. One that is none of ours is as bad as any: it is kept, and is
// not trusted.
func parse(s string) (labels []origin.Label) {
	for l := range strings.FieldsSeq(s) {
		labels = append(labels, origin.Label(l))
	}
	return labels
}

// Sum names a content: its SHA-256 in hex, without the white space around it and
// without the blank lines that OpenClaw takes out of what it shows the model.
func Sum(content string) string {
	sum := sha256.Sum256([]byte(strings.TrimSpace(blank(content))))
	return hex.EncodeToString(sum[:])
}

func blank(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	for strings.Contains(s, "\n\n\n") {
		s = strings.ReplaceAll(s, "\n\n\n", "\n\n")
	}
	return s
}

func place(kind, name string) Place {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	return Place(hex.EncodeToString(sum[:]))
}
