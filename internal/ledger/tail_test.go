package ledger

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestVerifyTail(t *testing.T) {
	for _, rows := range []int{1, 255, 256, 257, 600} {
		dir := filled(t, rows)
		tail := func() error {
			r, err := OpenReader(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			return r.VerifyTail(t.Context())
		}
		if err := tail(); err != nil {
			t.Errorf("%d rows: %v", rows, err)
		}
		tamper(t, dir, fmt.Sprintf("UPDATE rows SET body = CAST(replace(body, ':', ' :') AS BLOB) WHERE id = %d", rows))
		if err := tail(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("row %d of the record", rows)) {
			t.Errorf("%d rows, the last was changed: %v", rows, err)
		}
		tamper(t, dir, fmt.Sprintf("DELETE FROM rows WHERE id = %d", rows))
		if err := tail(); err == nil {
			t.Errorf("%d rows, the last was removed: nothing is said", rows)
		}
	}
}

func TestBehindAndReached(t *testing.T) {
	dir := newDir(t)
	l := open(t, dir)
	place := Outside{File: filepath.Join(t.TempDir(), "checkpoints")}
	look := func(want string, reached int64) {
		t.Helper()
		r, err := OpenReader(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		older, err := r.Behind(t.Context(), place)
		if err != nil || !strings.Contains(older, want) || want == "" && older != "" {
			t.Errorf("it says %q, %v", older, err)
		}
		if n, err := r.Reached(place); err != nil || n != reached {
			t.Errorf("%d rows reached it, %v", n, err)
		}
	}
	look("", 0)
	if OutsideChosen(dir) {
		t.Error("nobody has chosen yet")
	}
	send := func() {
		t.Helper()
		if _, err := l.Append(t.Context(), Row{Kind: Event, Why: "x"}); err != nil {
			t.Fatal(err)
		}
		head, err := l.Checkpoint(t.Context())
		if err == nil {
			err = place.Send(t.Context(), head)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	send()
	send()
	look("", 2)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir = filled(t, 1) // another one
	look("another record", 0)
	if err := SaveOutside(dir, Outside{}); err != nil || !OutsideChosen(dir) {
		t.Errorf("nowhere is a choice as well: %v", err)
	}
}
