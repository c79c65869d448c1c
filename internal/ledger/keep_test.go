package ledger

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// all are the rows of a record.
func all(t *testing.T, r *Reader, f Filter) []Row {
	t.Helper()
	var rows []Row
	for row, err := range r.Rows(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// pause ends the writer, so that a test can do its work by hand.
func pause(t *testing.T, l *Ledger) {
	t.Helper()
	l.closing.Do(func() { close(l.stop) })
	<-l.done
}

func TestRowsOfOneActionStandTogether(t *testing.T) {
	dir := newDir(t)
	l := open(t, dir)
	defer l.Close()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			id, err := l.Append(t.Context(), Row{Kind: Asked, Tool: fmt.Sprint(i)}, Row{Kind: Decided, Tool: fmt.Sprint(i), Decision: "allow"})
			if err != nil {
				t.Error(err)
				return
			}
			rows, err := l.Action(t.Context(), id)
			if err != nil || len(rows) != 2 || rows[0].ID != id-1 || rows[1].Asked != id-1 || rows[0].Tool != fmt.Sprint(i) || rows[1].Outcome != Unknown {
				t.Errorf("the action of row %d is %+v, %v", id, rows, err)
			}
		})
	}
	wg.Wait()
	if _, err := l.Append(t.Context(), Row{Kind: Done, Asked: 1}); err != nil {
		t.Fatal(err)
	}
	if rows, err := l.Action(t.Context(), 2); err != nil || len(rows) != 3 || rows[1].Outcome != "" {
		t.Errorf("the action that was done is %+v, %v", rows, err)
	}
	if rows := all(t, l.Reader, Filter{Brief: true}); len(rows) != 50 {
		t.Errorf("in brief there are %d rows", len(rows))
	}
	if _, err := l.Action(t.Context(), 4711); err == nil || err.Error() != "there is no row 4711: the record holds the rows 1 to 101" {
		t.Errorf("a row that does not exist: %v", err)
	}
}

func TestBehind(t *testing.T) {
	dir := newDir(t)
	l := open(t, dir)
	for i := range 1000 {
		for l.Behind(Row{Kind: Decided, Tool: fmt.Sprint(i)}) != nil {
			time.Sleep(time.Millisecond) // it says so when the disk does not keep up
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Behind(Row{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if r := verify(t, dir); !r.OK || r.Rows != 1000 {
		t.Errorf("Verify says %+v", r)
	}
}

func TestARowThatWasLostBehindIsTold(t *testing.T) {
	l := open(t, newDir(t))
	defer l.Close()
	if _, err := l.write.Exec("PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	var err error
	for i := 0; i < 10_000 && err == nil; i++ {
		err = l.Behind(Row{Kind: Decided, Detail: strings.Repeat("x", 2000)})
		time.Sleep(100 * time.Microsecond)
	}
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("Behind says %v", err)
	}
}

func TestTheClockGoesBack(t *testing.T) {
	dir := newDir(t)
	l := open(t, dir)
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := start
	l.now = func() time.Time { return at }
	for _, back := range []time.Duration{0, -time.Hour, -time.Hour + time.Minute} {
		at = start.Add(back)
		if _, err := l.Append(t.Context(), Row{Kind: Decided}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, r := range all(t, l.Reader, Filter{}) {
		got = append(got, fmt.Sprintf("%d %s %s %s", r.ID, r.Time.Format("15:04"), r.Kind, r.Why))
	}
	want := "1 12:00 decided \n2 11:00 event the clock was set back by 1h0m0s: the order of the rows is that of their numbers, not of their times\n3 11:00 decided \n4 11:01 decided "
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("the record says\n%s\nwant\n%s", s, want)
	}
	if rows := all(t, l.Reader, Filter{Since: start.Add(-time.Hour), Until: start.Add(-time.Minute)}); len(rows) != 3 {
		t.Errorf("between the times are %d rows", len(rows))
	}
	l.Close()
	l = open(t, dir) // which knows what time it was
	defer l.Close()
	l.now = func() time.Time { return start.Add(-2 * time.Hour) }
	if id, err := l.Append(t.Context(), Row{Kind: Decided}); err != nil || id != 6 {
		t.Errorf("after a restart the row is %d, %v", id, err)
	}
}

func TestPruning(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		limits limits
		first  int64 // that is kept of a hundred
		why    string
	}{
		{"by age", limits{age: 60 * time.Hour, bytes: 1 << 30, rows: 10, step: 7, share: 50}, 40, "older than 2 days"},
		{"by size", limits{age: 1 << 62, bytes: 2000, rows: 10, step: 7, share: 50}, 0, "larger than 0 MB"},
		{"never the newest", limits{age: 0, bytes: 0, rows: 10, step: 7, share: 50}, 0, ""},
		{"nothing to do", limits{age: 1 << 62, bytes: 1 << 30, rows: 10, step: 7, share: 50}, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := newDir(t)
			l := open(t, dir)
			defer l.Close()
			at := now.Add(-100 * time.Hour)
			l.now = func() time.Time { return at }
			for range 100 {
				if _, err := l.Append(t.Context(), Row{Kind: Decided, Detail: strings.Repeat("x", 20)}); err != nil {
					t.Fatal(err)
				}
				at = at.Add(time.Hour)
			}
			before, err := l.Checkpoint(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pause(t, l)
			l.limits = tt.limits
			l.prune()
			rows := all(t, l.Reader, Filter{})
			if first := rows[0].ID; tt.first > 0 && first != tt.first+1 && first != tt.first {
				t.Errorf("row %d is the first that is kept", first)
			}
			if last := rows[len(rows)-1]; tt.why != "" && (last.Kind != Event || last.Pruned != rows[0].ID-1 || !strings.Contains(last.Why, tt.why)) {
				t.Errorf("the record says of it %+v", last)
			}
			if len(rows) < 10 || tt.limits.bytes == 2000 && l.at.bodies > 3000 {
				t.Errorf("%d rows of %d bytes are left", len(rows), l.at.bodies)
			}
			r, err := l.Verify(t.Context(), before)
			if err != nil || !r.OK || r.Pruned != rows[0].ID-1 || r.Outside != 1 || r.Rows < 100 {
				t.Errorf("Verify says %+v, %v", r, err)
			}
			if tt.first == 1 {
				return
			}
			if _, err := l.Action(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "what row 1 said was pruned") {
				t.Errorf("a pruned row: %v", err)
			}
			// What was taken out beyond that was removed.
			gone := rows[0].ID
			tamper(t, dir, fmt.Sprintf("DELETE FROM rows WHERE id = %d", gone))
			if r := verify(t, dir); r.OK || r.Problem != fmt.Sprintf("row %d was removed", gone) {
				t.Errorf("Verify says %+v", r)
			}
		})
	}
}

// drain waits until a record's publisher has sent what it has.
func drain(t *testing.T, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCheckpointsLeaveTheMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "checkpoints")
	var mu sync.Mutex
	var posted []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		posted = append(posted, string(body))
	}))
	defer server.Close()
	dir := newDir(t)
	if err := SaveOutside(dir, Outside{File: file, URL: server.URL}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l := open(t, dir)
		l.Publish(dir)
		for range 50 {
			if _, err := l.Append(t.Context(), Row{Kind: Decided}); err != nil {
				t.Fatal(err)
			}
		}
		drain(t, l)
		if s := l.Trouble(); s != "" {
			t.Errorf("Trouble says %q", s)
		}
	}
	left, err := ReadCheckpoints(file)
	if err != nil || len(left) != 3 || len(posted) != 3 {
		t.Fatalf("%d checkpoints are in the file, %d were posted, %v", len(left), len(posted), err)
	}
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if report, err := r.Verify(t.Context(), left...); err != nil || !report.OK || report.Outside != 3 || report.Newest != 150 {
		t.Errorf("Verify says %+v, %v", report, err)
	}
}

func TestCheckpointsThatDoNotLeaveAreTold(t *testing.T) {
	dir := newDir(t)
	place := filepath.Join(t.TempDir(), "not", "there")
	if err := SaveOutside(dir, Outside{File: place}); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	l.Publish(dir)
	if _, err := l.Append(t.Context(), Row{Kind: Decided}); err != nil {
		t.Fatal(err)
	}
	drain(t, l)
	if s := l.Trouble(); !strings.Contains(s, "a checkpoint could not be appended to "+place+": no such file or directory") {
		t.Errorf("Trouble says %q", s)
	}
	if rows := l.publisher.Load().take(); len(rows) != 1 || !strings.Contains(rows[0].Why, place) {
		t.Errorf("the record will say %+v", rows)
	}
	if why, since := Failing(dir); !strings.Contains(why, place) || since.IsZero() {
		t.Errorf("status will say %q since %s", why, since)
	}
	// After a restart it is known, until one leaves.
	l = open(t, dir)
	l.Publish(dir)
	if s := l.Trouble(); !strings.Contains(s, place) {
		t.Errorf("after a restart Trouble says %q", s)
	}
	if err := os.Mkdir(filepath.Dir(place), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), Row{Kind: Decided}); err != nil {
		t.Fatal(err)
	}
	drain(t, l)
	if why, _ := Failing(dir); why != "" || l.Trouble() != "" {
		t.Errorf("once one has left, status says %q, Trouble %q", why, l.Trouble())
	}
}

// TestARecordFromABackup opens a record behind which a checkpoint had left.
func TestARecordFromABackup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "checkpoints")
	dir := newDir(t)
	if err := SaveOutside(dir, Outside{File: file}); err != nil {
		t.Fatal(err)
	}
	var backup []byte
	for i := range 2 {
		l := open(t, dir)
		l.Publish(dir)
		for range 10 {
			if _, err := l.Append(t.Context(), Row{Kind: Decided}); err != nil {
				t.Fatal(err)
			}
		}
		drain(t, l)
		if i == 0 {
			var err error
			if backup, err = os.ReadFile(dir.Path(state.Ledger)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(dir.Path(state.Ledger), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	l.Publish(dir)
	if s := l.Trouble(); !strings.HasPrefix(s, "the record ends at row 10, but a checkpoint of 20 rows had left the machine") {
		t.Errorf("Trouble says %q", s)
	}
	pause(t, l)
	l.tend()
	if rows := all(t, l.Reader, Filter{Last: 1}); !strings.Contains(rows[0].Why, "rows from 11 on is lost") {
		t.Errorf("the record says %+v", rows)
	}
	l.Close()
	left, err := ReadCheckpoints(file)
	if err != nil {
		t.Fatal(err)
	}
	if r := verifyAgainst(t, dir, left...); r.OK || !strings.Contains(r.Problem, "a checkpoint of 20 rows left the machine, but the record ends at row 11") {
		t.Errorf("Verify says %+v", r)
	}
}

func verifyAgainst(t *testing.T, dir *state.Dir, checkpoints ...[]byte) Report {
	t.Helper()
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Verify(t.Context(), checkpoints...)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestARecordRewrittenWithItsKey has all that is inside, and only differs from
// what left.
func TestARecordRewrittenWithItsKey(t *testing.T) {
	dir := filled(t, 30)
	var left []byte
	func() {
		r, err := OpenReader(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if left, err = r.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
	}()
	if err := os.Remove(dir.Path(state.Ledger)); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir) // with the same key
	for range 40 {
		if _, err := l.Append(t.Context(), Row{Kind: Decided, Decision: "allow"}); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	if r := verify(t, dir); !r.OK {
		t.Errorf("by itself it is %+v", r)
	}
	if r := verifyAgainst(t, dir, left); r.OK || r.Row != 1 || !strings.Contains(r.Problem, "the record was rewritten") {
		t.Errorf("against what left it is %+v", r)
	}
}

func TestPastedCheckpoints(t *testing.T) {
	dir := filled(t, 3)
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	head, err := r.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := string(head)
	for name, pasted := range map[string]string{
		"as it is":             s,
		"from a terminal":      "  " + strings.ReplaceAll(s, "\n", "\r\n  "),
		"without its last end": strings.TrimSpace(s),
		"in a letter":          "Dear aunt,\n\n" + s + "\nyours",
	} {
		got, err := ReadCheckpoints(pasted)
		if err != nil || len(got) != 1 || string(got[0]) != s {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, pasted := range map[string]string{"a beginning": Origin, "cut off": s[:strings.Index(s, "—")]} {
		if got, err := ReadCheckpoints(pasted); err != nil || len(got) != 0 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestSize(t *testing.T) {
	dir := filled(t, 100)
	s, err := Size(dir)
	if err != nil || s.Rows != 100 || s.Pruned != 0 || s.Bytes < 10_000 || s.PerDay < 10_000 || s.PerDay > 2*s.Bytes || s.Free <= 0 || s.Free > 1 {
		t.Errorf("Size says %+v, %v", s, err)
	}
	if w := (Space{Free: 0.0523}).Warning(); !strings.HasPrefix(w, "only 5 % of the record's disk are free") {
		t.Errorf("the warning is %q", w)
	}
	if w := (Space{Free: 0.5}).Warning(); w != "" {
		t.Errorf("the warning is %q", w)
	}
}
