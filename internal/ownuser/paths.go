package ownuser

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// Paths are folders that moved: where they were, and where they are.
type Paths [][2]string

// sorted puts the longest first, as one may be in another.
func (p Paths) sorted() Paths {
	slices.SortStableFunc(p, func(a, b [2]string) int { return cmp.Compare(len(b[0]), len(a[0])) })
	return p
}

// back are the same the other way.
func (p Paths) back() Paths {
	var b Paths
	for _, one := range p {
		b = append(b, [2]string{one[1], one[0]})
	}
	return b.sorted()
}

// of is a path at its new place.
func (p Paths) of(path string) string {
	for _, one := range p {
		if rest, ok := strings.CutPrefix(path, one[0]); ok && (rest == "" || rest[0] == '/') {
			return one[1] + rest
		}
	}
	return path
}

// In replaces the paths that stand in a text. "/root/.openclaw" is one in
// "/root/.openclaw/x" and at the end of a sentence, and none in
// "/root/.openclaw-dev" or "/mnt/root/.openclaw".
func (p Paths) In(text []byte) []byte {
	for _, one := range p {
		text = replace(text, []byte(one[0]), []byte(one[1]))
	}
	return text
}

func replace(text, from, to []byte) []byte {
	if !bytes.Contains(text, from) {
		return text
	}
	var out []byte
	for at := 0; ; {
		i := bytes.Index(text[at:], from)
		if i < 0 {
			return append(out, text[at:]...)
		}
		start, end := at+i, at+i+len(from)
		out = append(out, text[at:start]...)
		if begins(text[:start]) && ends(text[end:]) {
			out = append(out, to...)
		} else {
			out = append(out, from...)
		}
		at = end
	}
}

func begins(before []byte) bool {
	if len(before) == 0 || bytes.HasSuffix(before, []byte("file://")) {
		return true
	}
	last := before[len(before)-1]
	return !ofName(last) && last != '/' && last != '.'
}

func ends(after []byte) bool {
	if len(after) > 0 && after[0] == '.' { // a full stop, or a longer name
		after = after[1:]
	}
	return len(after) == 0 || !ofName(after[0])
}

func ofName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c >= 0x80
}

const sqliteHeader = "SQLite format 3\x00"

// repath is Paths.In as SQL: repath(text, paths as JSON).
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("seawall_repath", 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, ok := args[0].(string)
		encoded, also := args[1].(string)
		var p Paths
		if !ok || !also || json.Unmarshal([]byte(encoded), &p) != nil {
			return args[0], nil
		}
		return string(p.In([]byte(text))), nil
	})
}

// inDatabase replaces the paths in all texts of a database, in one transaction.
// Tables that other tables are made of (full text, vectors) change with those.
func (p Paths) inDatabase(ctx context.Context, path string) (err error) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no plain file: %w", path, err)
	}
	encoded, err := json.Marshal(p)
	if err != nil {
		return err
	}
	query := url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_pragma": {"busy_timeout(2000)", "trusted_schema(0)", "foreign_keys(0)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return err
	}
	defer func() {
		if e := db.Close(); err == nil {
			err = e
		}
	}()
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	columns, err := textColumns(ctx, tx)
	if err != nil {
		return err
	}
	for _, c := range columns {
		table, column := quoted(c[0]), quoted(c[1])
		for _, one := range p {
			set := fmt.Sprintf(`UPDATE OR IGNORE main.%[1]s SET %[2]s = seawall_repath(%[2]s, ?1)
				WHERE typeof(%[2]s) = 'text' AND instr(%[2]s, ?2) > 0 AND seawall_repath(%[2]s, ?1) <> %[2]s`, table, column)
			if _, err := tx.ExecContext(ctx, set, string(encoded), one[0]); err != nil {
				return fmt.Errorf("table %s: %w", c[0], err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, _ = db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return nil
}

// textColumns are those that can be written, of tables of a database's own.
func textColumns(ctx context.Context, tx *sql.Tx) (columns [][2]string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT t.name, c.name FROM pragma_table_list t, pragma_table_xinfo(t.name) c
		WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND c.hidden = 0`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c [2]string
		if err := rows.Scan(&c[0], &c[1]); err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
