package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/state"
)

// scarceBelow is the share of its disk that must be free before anybody is
// told: long before a row cannot be written, and with it nothing runs.
const scarceBelow = 0.10

// Space is what a record takes, and what is left for it.
type Space struct {
	Bytes  int64   `json:"bytes"`         // of its files
	Rows   int64   `json:"rows"`          // ever written
	Pruned int64   `json:"pruned"`        // of them, whose bodies are gone
	PerDay int64   `json:"bytes_per_day"` // by the last seven days, or since the start
	Free   float64 `json:"free"`          // share of the disk, 0 to 1, for whoever is not root
}

// Warning is a sentence for the operator, "" while there is room.
func (s Space) Warning() string {
	if s.Free >= scarceBelow {
		return ""
	}
	return fmt.Sprintf("only %.0f %% of the record's disk are free: make room; when it is full nothing that the agent wants to do is allowed", s.Free*100)
}

// Size looks at the record of a state directory. It takes a moment, however
// large the record is.
func Size(dir *state.Dir) (Space, error) {
	s, err := filesOf(dir.Path(state.Ledger))
	if err != nil {
		return s, err
	}
	r, err := OpenReader(dir)
	if err != nil {
		return s, err
	}
	defer r.Close()
	var first, last, begun, recent, grown int64
	week := time.Now().Add(-7 * 24 * time.Hour).UnixMilli()
	err = r.db.QueryRow(ends).Scan(&first, &last)
	if err == nil && last > 0 {
		err = r.db.QueryRow(`SELECT (SELECT time FROM rows WHERE id = ?), COALESCE((SELECT id FROM rows WHERE time >= ? ORDER BY time LIMIT 1), ?), (SELECT bodies FROM head)`, first, week, last).Scan(&begun, &recent, &grown)
	}
	if err != nil {
		return s, r.unread(err)
	}
	s.Rows, s.Pruned = last, first-1
	if kept := last - first + 1; last > 0 {
		days := max(float64(time.Now().UnixMilli()-max(begun, week))/float64(24*time.Hour/time.Millisecond), 1)
		s.PerDay = int64(float64(grown+100*kept) / float64(kept) * float64(last-recent+1) / days)
	}
	return s, nil
}

// filesOf adds up the files of a record and looks at the disk they are on.
func filesOf(path string) (s Space, err error) {
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if info, err := os.Stat(name); err == nil {
			s.Bytes += info.Size()
		}
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &disk); err != nil {
		return s, fmt.Errorf("looking how full the disk of %s is: %w", path, err)
	}
	if disk.Blocks > 0 {
		s.Free = float64(disk.Bavail) / float64(disk.Blocks)
	}
	return s, nil
}

// lookAtDisk returns what is to be told in the record: that the disk is nearly
// full, once.
func (l *Ledger) lookAtDisk() []Row {
	s, err := filesOf(l.path)
	if err != nil {
		return nil
	}
	said := l.scarce.Load()
	warning := s.Warning()
	if warning == "" {
		l.scarce.Store(nil)
		return nil
	}
	l.scarce.Store(&warning)
	if said != nil {
		return nil
	}
	return []Row{{Kind: Event, Why: warning}}
}
