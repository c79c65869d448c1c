package ledger

import (
	"database/sql"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// rehash gives a changed row the leaf hash that fits it.
func rehash(t *testing.T, db *sql.DB, id int64) {
	t.Helper()
	var body []byte
	if err := db.QueryRow("SELECT body FROM rows WHERE id = ?", id).Scan(&body); err != nil {
		t.Fatal(err)
	}
	h := tlog.RecordHash(body)
	if _, err := db.Exec("UPDATE hashes SET hash = ? WHERE idx = ?", h[:], tlog.StoredHashIndex(0, id-1)); err != nil {
		t.Fatal(err)
	}
}
