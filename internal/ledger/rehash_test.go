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
	tile, at := (id-1)/tileWidth, int((id-1)%tileWidth)*tlog.HashSize
	var hashes []byte
	if err := db.QueryRow("SELECT hashes FROM tiles WHERE id = ?", tile).Scan(&hashes); err != nil {
		t.Fatal(err)
	}
	copy(hashes[at:], h[:])
	if _, err := db.Exec("UPDATE tiles SET hashes = ? WHERE id = ?", hashes, tile); err != nil {
		t.Fatal(err)
	}
}
