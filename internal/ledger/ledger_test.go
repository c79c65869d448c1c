package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

func newDir(t testing.TB) *state.Dir {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

func open(t testing.TB, dir *state.Dir) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// filled returns a state directory with a closed record of n rows.
func filled(t testing.TB, n int) *state.Dir {
	t.Helper()
	dir := newDir(t)
	l := open(t, dir)
	defer l.Close()
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{Kind: "decided", Decision: "allow", Tool: fmt.Sprintf("tool%d", i+1)}
	}
	if _, err := l.Append(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
	return dir
}

func verify(t testing.TB, dir *state.Dir) Report {
	t.Helper()
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestRowsComeBackInOrder(t *testing.T) {
	dir := filled(t, 5)
	l := open(t, dir) // a second run goes on where the first ended
	defer l.Close()
	id, err := l.Append(t.Context(), Row{Kind: "decided", Decision: "deny", Tool: "exec", Why: "no"})
	if err != nil || id != 6 {
		t.Fatalf("Append returned %d, %v; want 6", id, err)
	}
	var got []string
	for row, err := range l.Rows(t.Context(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s", row.ID, row.Tool))
	}
	want := "1 tool1,2 tool2,3 tool3,4 tool4,5 tool5,6 exec"
	if s := strings.Join(got, ","); s != want {
		t.Errorf("rows are %q, want %q", s, want)
	}
	if r := verify(t, dir); !r.OK || r.Rows != 6 {
		t.Errorf("Verify says %+v", r)
	}
}

func TestFilter(t *testing.T) {
	dir := newDir(t)
	l := open(t, dir)
	defer l.Close()
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := start
	l.now = func() time.Time { return at }
	for i, r := range []Row{
		{Kind: "decided", Decision: "allow", Tool: "read", Session: "a"},
		{Kind: "decided", Decision: "deny", Tool: "exec", Session: "a"},
		{Kind: "decided", Decision: "deny", Tool: "read", Session: "b"},
	} {
		at = start.Add(time.Duration(i) * 500 * time.Millisecond)
		if _, err := l.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		filter Filter
		want   string
	}{
		{"all", Filter{}, "1 2 3"},
		{"after", Filter{After: 1}, "2 3"},
		{"tool", Filter{Tool: "read"}, "1 3"},
		{"decision", Filter{Decision: "deny"}, "2 3"},
		{"session", Filter{Session: "a", Decision: "deny"}, "2"},
		{"last", Filter{Last: 2}, "2 3"},
		{"since", Filter{Since: start.Add(500 * time.Millisecond)}, "2 3"},
		{"until", Filter{Until: start.Add(time.Second)}, "1 2"},
		{"none", Filter{Tool: "'; DROP TABLE rows; --"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var ids []string
			for row, err := range l.Rows(t.Context(), tt.filter) {
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, fmt.Sprint(row.ID))
			}
			if got := strings.Join(ids, " "); got != tt.want {
				t.Errorf("rows %q, want %q", got, tt.want)
			}
		})
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := newDir(t)
	l := open(t, dir)
	const writers, each = 16, 25
	var wg sync.WaitGroup
	ids := make(chan int64, writers*each)
	for range writers {
		wg.Go(func() {
			for range each {
				id, err := l.Append(context.Background(), Row{Kind: "decided", Tool: "exec"})
				if err != nil {
					t.Error(err)
					return
				}
				ids <- id
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	close(ids)
	seen := map[int64]bool{}
	for id := range ids {
		if seen[id] {
			t.Errorf("row %d was given to two", id)
		}
		seen[id] = true
	}
	if r := verify(t, dir); !r.OK || r.Rows != writers*each {
		t.Errorf("Verify says %+v", r)
	}
}

// TestVerifyNamesTheRow changes the database as someone would who can write it
// but has not got the signing key.
func TestVerifyNamesTheRow(t *testing.T) {
	for _, tt := range []struct {
		name, sql string
		row       int64
	}{
		{"a field of a row", `UPDATE rows SET body = CAST(replace(body, 'tool4', 'other') AS BLOB) WHERE id = 4`, 4},
		{"a row taken out", `DELETE FROM rows WHERE id = 5`, 5},
		{"the first row taken out", `DELETE FROM rows WHERE id = 1`, 1},
		{"the last rows taken out", `DELETE FROM rows WHERE id > 7`, 8},
		{"all rows taken out", `DELETE FROM rows`, 1},
		{"a row added", `INSERT INTO rows (id, time, kind, body) SELECT 11, time, kind, body FROM rows WHERE id = 10`, 11},
		{"two rows exchanged", `UPDATE rows SET id = CASE id WHEN 3 THEN -6 ELSE -3 END WHERE id IN (3, 6); UPDATE rows SET id = -id WHERE id < 0`, 3},
		{"a hash of the tree", `UPDATE tiles SET hashes = zeroblob(320) WHERE id = 0`, 1},
		{"what a row is found by", `UPDATE rows SET decision = 'deny' WHERE id = 4`, 4},
		{"when a row is found", `UPDATE rows SET time = 0 WHERE id = 4`, 4},
		{"the checkpoint removed", `DELETE FROM head`, 1},
		{"the checkpoint forged", `UPDATE head SET checkpoint = CAST(replace(CAST(checkpoint AS TEXT), char(10)||'10'||char(10), char(10)||'9'||char(10)) AS BLOB)`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filled(t, 10)
			tamper(t, dir, tt.sql)
			r := verify(t, dir)
			if r.OK || r.Row != tt.row || r.Problem == "" {
				t.Errorf("Verify says %+v, want row %d", r, tt.row)
			}
		})
	}
}

func TestVerifySeesARowChangedWithItsHash(t *testing.T) {
	for _, tt := range []struct {
		name      string
		rows, row int64
		problem   string
	}{
		{"in a full tile", 300, 4, "1 to 256"},
		{"in the last one", 300, 290, "rewritten together"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filled(t, int(tt.rows))
			tamper(t, dir, fmt.Sprintf(`UPDATE rows SET body = CAST(replace(body, 'tool%d"', 'other"') AS BLOB), tool = 'other' WHERE id = %d`, tt.row, tt.row))
			db, err := sql.Open("sqlite", dir.Path(state.Ledger))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			rehash(t, db, tt.row)
			r := verify(t, dir)
			if r.OK || r.Row != (tt.row-1)/256*256+1 || !strings.Contains(r.Problem, tt.problem) {
				t.Errorf("Verify says %+v, want %s", r, tt.problem)
			}
		})
	}
}

func TestOpenRefusesATreeThatDoesNotFit(t *testing.T) {
	for name, sql := range map[string]string{
		"shorter":       `DELETE FROM rows WHERE id = 10`,
		"no checkpoint": `DELETE FROM head`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t, 10)
			tamper(t, dir, sql)
			l, err := Open(t.Context(), dir)
			if err == nil {
				l.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), "seawall log verify") {
				t.Errorf("the error does not say what to do: %v", err)
			}
		})
	}
}

// TestFullDisk lets SQLite run out of pages, which is the error of a full disk.
func TestFullDisk(t *testing.T) {
	dir := filled(t, 3)
	l := open(t, dir)
	if _, err := l.write.Exec("PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	var failed error
	for i := 0; i < 200 && failed == nil; i++ {
		_, failed = l.Append(t.Context(), Row{Kind: "decided", Detail: strings.Repeat("x", 2000)})
	}
	if failed == nil || !strings.Contains(failed.Error(), "the disk is full") {
		t.Fatalf("Append on a full disk says %v", failed)
	}
	if _, err := l.write.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), Row{Kind: "decided"}); err != nil {
		t.Fatalf("after room was made: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, dir); !r.OK {
		t.Errorf("Verify says %+v", r)
	}
}

func TestBadFiles(t *testing.T) {
	for name, content := range map[string]string{
		"not a database": strings.Repeat("this is no database. ", 300),
		"truncated":      "SQLite format 3\x00",
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			if err := os.WriteFile(dir.Path(state.Ledger), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := Open(t.Context(), dir)
			if err == nil {
				l.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), dir.Path(state.Ledger)) {
				t.Errorf("the error does not name the file: %v", err)
			}
		})
	}
}

func TestNoRecordYet(t *testing.T) {
	_, err := OpenReader(newDir(t))
	if err == nil || !strings.Contains(err.Error(), "seawall up") {
		t.Errorf("OpenReader says %v", err)
	}
}

func TestNoCheckpointYet(t *testing.T) {
	r, err := OpenReader(filled(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if head, err := r.Checkpoint(t.Context()); err == nil || !strings.Contains(err.Error(), "no rows yet") {
		t.Errorf("the checkpoint is %q, %v", head, err)
	}
}

func TestAppendAfterClose(t *testing.T) {
	l := open(t, newDir(t))
	l.Close()
	if _, err := l.Append(t.Context(), Row{}); err != ErrClosed {
		t.Errorf("Append says %v", err)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	dir := newDir(t)
	l := open(t, dir)
	defer l.Close()
	if _, err := l.Append(t.Context(), Row{Detail: strings.Repeat("ä", 100_000), Tool: strings.Repeat("t", 100_000)}); err != nil {
		t.Fatal(err)
	}
	for row, err := range l.Rows(t.Context(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(row.Detail) > maxDetail || len(row.Tool) > maxName || !strings.HasSuffix(row.Detail, "…") {
			t.Errorf("kept %d bytes of detail and %d of tool", len(row.Detail), len(row.Tool))
		}
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := filled(t, 1)
	entries, err := os.ReadDir(dir.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", e.Name(), info.Mode().Perm())
		}
	}
}

func tamper(t *testing.T, dir *state.Dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", dir.Path(state.Ledger))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			l := open(b, newDir(b))
			defer l.Close()
			b.SetParallelism(writers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := l.Append(context.Background(), Row{Kind: "decided", Decision: "allow", Tool: "exec", Why: "nothing forbids it"}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
