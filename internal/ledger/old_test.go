package ledger

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/openseawall/seawall/internal/state"
)

// layout1 makes a record as the first Seawall wrote it.
func layout1(t *testing.T, dir *state.Dir, n int64) {
	t.Helper()
	signer, err := signingKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Private(state.Ledger); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+dir.Path(state.Ledger)+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	statement := func(query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	statement(`CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL,
		time REAL GENERATED ALWAYS AS (unixepoch(json_extract(body, '$.time'), 'subsec')) VIRTUAL) STRICT;
		CREATE TABLE hashes (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
		CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), checkpoint BLOB NOT NULL) STRICT`)
	var tree frontier
	for id := range n {
		body, err := encode(Row{ID: id + 1, Time: time.Now().UTC(), Kind: Decided, Decision: "allow", Tool: fmt.Sprintf("tool%d", id+1)})
		if err != nil {
			t.Fatal(err)
		}
		statement("INSERT INTO rows (id, body) VALUES (?, ?)", id+1, body)
		tree.add(tlog.RecordHash(body), nil)
	}
	if n > 0 {
		head, err := checkpoint(tree.tree(), signer)
		if err != nil {
			t.Fatal(err)
		}
		statement("INSERT INTO head VALUES (1, ?)", head)
	}
	statement(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=1", applicationID))
}

func TestAnOlderRecordIsTakenOver(t *testing.T) {
	for _, n := range []int64{0, 1, 700} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir := newDir(t)
			layout1(t, dir, n)
			if _, err := OpenReader(dir); err == nil || !strings.Contains(err.Error(), "`seawall up` takes it over") {
				t.Errorf("a reader says %v", err)
			}
			l := open(t, dir)
			id, err := l.Append(t.Context(), Row{Kind: Event})
			if err != nil || id != n+1 {
				t.Errorf("the next row is %d, %v", id, err)
			}
			l.Close()
			if r := verify(t, dir); !r.OK || r.Rows != n+1 {
				t.Errorf("Verify says %+v", r)
			}
			var app, layout int
			var rows int64
			old, err := sql.Open("sqlite", dir.Path(oldRecord))
			if err != nil {
				t.Fatal(err)
			}
			defer old.Close()
			app, layout, err = layoutOf(old)
			if err == nil {
				err = old.QueryRow("SELECT COUNT(*) FROM rows").Scan(&rows)
			}
			if err != nil || app != applicationID || layout != 1 || rows != n {
				t.Errorf("the copy has layout %d and %d rows, %v", layout, rows, err)
			}
		})
	}
}

// TestAnOlderRecordThatIsNotWholeIsLeft, and so is what a crash on the way left.
func TestAnOlderRecordThatIsNotWholeIsLeft(t *testing.T) {
	for name, statement := range map[string]string{
		"a row taken out":    "DELETE FROM rows WHERE id = 3",
		"the last taken out": "DELETE FROM rows WHERE id = 9",
		"a row changed":      "UPDATE rows SET body = CAST(replace(body, 'tool4', 'tool5') AS BLOB) WHERE id = 4",
		"no checkpoint":      "DELETE FROM head",
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			layout1(t, dir, 9)
			tamper(t, dir, statement)
			l, err := Open(t.Context(), dir)
			if err == nil {
				l.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), "it was left as it is") {
				t.Errorf("Open says %v", err)
			}
			if _, err := OpenReader(dir); err == nil || !strings.Contains(err.Error(), "older Seawall") {
				t.Errorf("afterwards a reader says %v", err)
			}
		})
	}
	t.Run("half written", func(t *testing.T) {
		dir := newDir(t)
		layout1(t, dir, 9)
		if err := os.WriteFile(dir.Path(unfinished), []byte("half a record"), 0o600); err != nil {
			t.Fatal(err)
		}
		open(t, dir).Close()
		if r := verify(t, dir); !r.OK || r.Rows != 9 {
			t.Errorf("Verify says %+v", r)
		}
	})
}

func TestOtherVersionsAndHalfFiles(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(t *testing.T, dir *state.Dir)
		says   string
	}{
		{"newer", func(t *testing.T, dir *state.Dir) { tamper(t, dir, "PRAGMA user_version=99") }, "it was written by a newer Seawall (layout 99, this one knows 2)"},
		{"another program's", func(t *testing.T, dir *state.Dir) { tamper(t, dir, "PRAGMA application_id=77") }, "a database of another program"},
		{"cut off in the middle", func(t *testing.T, dir *state.Dir) {
			info, err := os.Stat(dir.Path(state.Ledger))
			if err == nil {
				err = os.Truncate(dir.Path(state.Ledger), info.Size()/2)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"cut off in a page", func(t *testing.T, dir *state.Dir) {
			info, err := os.Stat(dir.Path(state.Ledger))
			if err == nil {
				err = os.Truncate(dir.Path(state.Ledger), info.Size()-100)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "100 bytes are missing at its end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filled(t, 500)
			tt.damage(t, dir)
			for what, try := range map[string]func() error{
				"Open":       func() error { _, err := Open(t.Context(), dir); return err },
				"OpenReader": func() error { _, err := OpenReader(dir); return err },
			} {
				if err := try(); err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), dir.Path(state.Ledger)) {
					t.Errorf("%s says %v", what, err)
				}
			}
		})
	}
}
