package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// schema keeps each row as the bytes that were hashed, and beside them what is
// searched by; Verify compares the two. A row without a body does not exist:
// bodies are pruned from the oldest on, and their hashes stay in the tiles.
const schema = `
CREATE TABLE rows (
	id       INTEGER PRIMARY KEY,
	time     INTEGER NOT NULL, -- Unix milliseconds
	kind     TEXT NOT NULL,
	asked    INTEGER,          -- ID of the row asked of the same action
	decision TEXT,
	tool     TEXT,
	session  TEXT,
	body     BLOB NOT NULL     -- JSON, as it was hashed
) STRICT;
CREATE INDEX rows_time ON rows(time);
CREATE INDEX rows_asked ON rows(asked, kind) WHERE asked IS NOT NULL;
CREATE INDEX rows_decision ON rows(decision) WHERE decision IS NOT NULL;
CREATE TABLE tiles (
	id     INTEGER PRIMARY KEY, -- level * 2^56 + number
	hashes BLOB NOT NULL        -- up to 256, of 32 bytes each
) STRICT;
CREATE TABLE head (
	one        INTEGER PRIMARY KEY CHECK (one = 1),
	checkpoint BLOB NOT NULL,
	bodies     INTEGER NOT NULL -- bytes in rows.body
) STRICT;
`

// applicationID marks the file as a ledger of ours, version is its layout.
const (
	applicationID = 0x5ea3a11
	version       = 2
)

func openDB(path string, readOnly bool) (*sql.DB, error) {
	pragmas := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "trusted_schema(OFF)"}}
	if readOnly {
		pragmas = url.Values{"_pragma": {"busy_timeout(5000)", "query_only(ON)"}, "mode": {"ro"}}
		info, err := os.Stat(path)
		if err == nil && os.Geteuid() == 0 {
			info, err = os.Lstat(path) // root does not go where a link leads
		}
		if err != nil {
			return nil, fmt.Errorf("opening the record: %w", err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("opening the record %s: it is a link or no plain file", path)
		}
		if settled(path) {
			pragmas.Set("immutable", "1")
		}
	}
	db, err := sql.Open("sqlite", fileURL(path, pragmas))
	if err != nil {
		return nil, fmt.Errorf("opening the record %s: %w", path, err)
	}
	if !readOnly {
		db.SetMaxOpenConns(1)
	}
	if err := checkLayout(db, readOnly); err != nil {
		db.Close()
		return nil, fmt.Errorf("opening the record %s: %w", path, sentence(err))
	}
	return db, nil
}

func fileURL(path string, query url.Values) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// settled reports whether a record stands on a disk that is read-only, where
// SQLite cannot make the files that it shares with a writer, and none writes.
func settled(path string) bool {
	wal, err := os.Stat(path + "-wal")
	return errors.Is(unix.Access(path, unix.W_OK), unix.EROFS) && (err != nil || wal.Size() == 0)
}

// errLayout is that of a record of an older Seawall, which Open migrates.
var errLayout = errors.New("it was written by an older Seawall: `seawall up` takes it over and keeps a copy")

func checkLayout(db *sql.DB, readOnly bool) error {
	app, layout, err := layoutOf(db)
	switch {
	case err != nil:
		return err
	case app == applicationID && layout == version:
		return notCutOff(db)
	case app == applicationID && layout == 1:
		return errLayout
	case app == applicationID:
		return fmt.Errorf("it was written by a newer Seawall (layout %d, this one knows %d): install that version again, or put the copy back that it made before it changed the record", layout, version)
	case app != 0:
		return errors.New("it is a database of another program: move it away or name another state directory with --state DIR")
	case readOnly:
		return errors.New("it holds no record yet")
	}
	return create(db)
}

func layoutOf(db *sql.DB) (app, layout int, err error) {
	if err = db.QueryRow("PRAGMA application_id").Scan(&app); err == nil {
		err = db.QueryRow("PRAGMA user_version").Scan(&layout)
	}
	return app, layout, err
}

func create(db *sql.DB) error {
	_, err := db.Exec(fmt.Sprintf("BEGIN; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT", schema, applicationID, version))
	return err
}

// notCutOff refuses a file that is shorter than what it says of itself: SQLite
// would only notice when it comes to the missing piece.
func notCutOff(db *sql.DB) error {
	var pages, size, logged int64
	var path, name string
	var seq int
	for query, to := range map[string][]any{
		"PRAGMA page_count": {&pages}, "PRAGMA page_size": {&size}, "PRAGMA database_list": {&seq, &name, &path},
	} {
		if err := db.QueryRow(query).Scan(to...); err != nil {
			return err
		}
	}
	if wal, err := os.Stat(path + "-wal"); err == nil {
		logged = wal.Size() // pages that are not in the file yet
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if missing := pages*size - info.Size() - logged; missing > 0 {
		return fmt.Errorf("it is cut off, %d bytes are missing at its end: put a backup in its place, or keep it aside (mv) and a new one will be started", missing)
	}
	return nil
}

// sentence gives SQLite's errors words a person can act on.
func sentence(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk is full: make room, nothing runs until the record can be kept (%w)", err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("it is damaged or not a database: put a backup in its place, or keep it aside (mv) and a new one will be started (%w)", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("it cannot be written: check that the disk is not read-only and who owns the state directory (%w)", err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("another process holds it: stop the other Seawall (%w)", err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("the disk does not answer properly (%w)", err)
	}
	return err
}

// encode returns the bytes of a row that are stored and hashed.
func encode(r Row) ([]byte, error) {
	r.Outcome = ""
	return json.Marshal(r)
}

// queryer is what hashes are read through: the database, or one transaction.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Origin is the first line of every checkpoint (C2SP tlog-checkpoint).
const Origin = "openseawall.github.io/seawall/ledger"

// keyName names the signing key inside a note.
const keyName = "seawall-ledger"

// newKey makes a signing key and the key that verifies it.
func newKey() (signing, verifying string, err error) {
	return note.GenerateKey(nil, keyName)
}
