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
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// schema keeps each row once, as the bytes that were hashed; what is filtered
// by is read out of them.
const schema = `
CREATE TABLE IF NOT EXISTS rows (
	id       INTEGER PRIMARY KEY,
	body     BLOB NOT NULL,
	time     REAL GENERATED ALWAYS AS (unixepoch(json_extract(body, '$.time'), 'subsec')) VIRTUAL,
	tool     TEXT GENERATED ALWAYS AS (json_extract(body, '$.tool')) VIRTUAL,
	decision TEXT GENERATED ALWAYS AS (json_extract(body, '$.decision')) VIRTUAL,
	session  TEXT GENERATED ALWAYS AS (json_extract(body, '$.session')) VIRTUAL
) STRICT;
CREATE INDEX IF NOT EXISTS rows_time ON rows(time);
CREATE TABLE IF NOT EXISTS hashes (
	idx  INTEGER PRIMARY KEY,
	hash BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS head (
	one        INTEGER PRIMARY KEY CHECK (one = 1),
	checkpoint BLOB NOT NULL
) STRICT;
`

// applicationID marks the file as a ledger of ours, version is its layout.
const (
	applicationID = 0x5ea3a11
	version       = 1
)

func openDB(path string, readOnly bool) (*sql.DB, error) {
	pragmas := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "trusted_schema(OFF)"}}
	if readOnly {
		pragmas = url.Values{"_pragma": {"busy_timeout(5000)", "query_only(ON)"}, "mode": {"ro"}}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("opening the record: %w", err)
		}
		if settled(path) {
			pragmas.Set("immutable", "1")
		}
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: pragmas.Encode()}).String())
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

// settled reports whether a record stands on a disk that is read-only, where
// SQLite cannot make the files that it shares with a writer, and none writes.
func settled(path string) bool {
	wal, err := os.Stat(path + "-wal")
	return errors.Is(unix.Access(path, unix.W_OK), unix.EROFS) && (err != nil || wal.Size() == 0)
}

func checkLayout(db *sql.DB, readOnly bool) error {
	var app, layout int
	if err := db.QueryRow("PRAGMA application_id").Scan(&app); err != nil {
		return err
	}
	if err := db.QueryRow("PRAGMA user_version").Scan(&layout); err != nil {
		return err
	}
	switch {
	case app == applicationID && layout == version:
		return nil
	case app == applicationID:
		return fmt.Errorf("it has layout %d and this Seawall knows %d: use the version of Seawall that wrote it", layout, version)
	case app != 0:
		return errors.New("it is a database of another program: move it away or name another state directory with --state DIR")
	case readOnly:
		return errors.New("it holds no record yet")
	}
	if _, err := db.Exec(schema); err != nil {
		return err
	}
	_, err := db.Exec(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, version))
	return err
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
		return fmt.Errorf("it is damaged or not a database: keep it aside for inspection (mv), a new one will be started (%w)", err)
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
func encode(r Row) ([]byte, error) { return json.Marshal(r) }

// queryer is what hashes are read through: the database, or one transaction.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// hashReader reads stored hashes for tlog.
func hashReader(ctx context.Context, q queryer) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, idx := range indexes {
			var b []byte
			if err := q.QueryRowContext(ctx, "SELECT hash FROM hashes WHERE idx = ?", idx).Scan(&b); err != nil {
				return nil, fmt.Errorf("reading tree hash %d: %w", idx, err)
			}
			if len(b) != tlog.HashSize {
				return nil, fmt.Errorf("tree hash %d has %d bytes instead of %d", idx, len(b), tlog.HashSize)
			}
			copy(hashes[i][:], b)
		}
		return hashes, nil
	}
}

// Origin is the first line of every checkpoint (C2SP tlog-checkpoint).
const Origin = "openseawall.github.io/seawall/ledger"

// keyName names the signing key inside a note.
const keyName = "seawall-ledger"

// newKey makes a signing key and the key that verifies it.
func newKey() (signing, verifying string, err error) {
	return note.GenerateKey(nil, keyName)
}
