package state

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What whoever owns the directory may put there for others to stumble over.
var obstacles = map[string]func(t *testing.T, path string){
	"link outside": func(t *testing.T, path string) {
		outside := filepath.Join(t.TempDir(), "outside")
		check(t, os.WriteFile(outside, []byte("theirs"), 0o600))
		check(t, os.Symlink(outside, path))
	},
	"link inside": func(t *testing.T, path string) {
		check(t, os.WriteFile(filepath.Join(filepath.Dir(path), "inside"), []byte("theirs"), 0o600))
		check(t, os.Symlink("inside", path))
	},
	"pipe":   func(t *testing.T, path string) { check(t, unix.Mkfifo(path, 0o600)) },
	"folder": func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) },
	"huge file": func(t *testing.T, path string) {
		check(t, os.WriteFile(path, nil, 0o600))
		check(t, os.Truncate(path, most+1))
	},
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestObstaclesAreErrors: nothing is followed, read without end or waited for,
// and a file can be written in its place.
func TestObstaclesAreErrors(t *testing.T) {
	for name, put := range obstacles {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			put(t, d.Path(Routes))
			if content, err := d.Read(Routes); err == nil {
				t.Errorf("Read returned %d bytes", len(content))
			} else if !strings.Contains(err.Error(), d.Path(Routes)) {
				t.Errorf("Read says %v", err)
			}
			if err := d.Write(Routes, []byte("ours")); (err == nil) == (name == "folder") {
				t.Errorf("Write says %v", err)
			}
		})
	}
}

// TestLocksAreNotFollowed: neither is a lock file that leads elsewhere made or
// changed there, nor is a pipe in its place waited for.
func TestLocksAreNotFollowed(t *testing.T) {
	for name, put := range obstacles {
		if name == "huge file" {
			continue // of which nothing is read
		}
		t.Run(name, func(t *testing.T) {
			d := open(t)
			put(t, d.Path("lock"))
			put2 := put
			if name == "link inside" {
				put2 = func(t *testing.T, path string) { check(t, os.Symlink("inside", path)) }
			}
			put2(t, d.Path("change.lock"))
			put2(t, d.Path(Ledger))
			if d.Locked() {
				t.Error("it counts as locked")
			}
			if _, err := d.Lock(); err == nil {
				t.Error("it was locked")
			}
			if err := d.Change(Policy, func([]byte) ([]byte, error) { return []byte("x"), nil }); err == nil {
				t.Error("a file was changed")
			}
			if err := d.Private(Ledger); err == nil {
				t.Error("it was made private")
			}
		})
	}
}

// TestAFolderIsNoLink: what is written into a folder stays in it.
func TestAFolderIsNoLink(t *testing.T) {
	d := open(t)
	check(t, os.Mkdir(d.Path("other"), 0o755))
	check(t, os.Symlink("other", d.Path("cases")))
	if _, err := d.Folder("cases"); err == nil || !strings.Contains(err.Error(), "link") {
		t.Errorf("Folder says %v", err)
	}
}

// TestALayoutsCopyIsOfPlainFiles: what is copied before the layout changes is
// read as everything else.
func TestALayoutsCopyIsOfPlainFiles(t *testing.T) {
	d := open(t)
	check(t, d.Write(Policy, []byte("old policy")))
	check(t, os.WriteFile(d.Path("huge"), nil, 0o600))
	check(t, os.Truncate(d.Path("huge"), most+1))
	if err := d.upgrade(2, "v2"); err == nil || !strings.Contains(err.Error(), "larger than 32 MB") {
		t.Errorf("upgrade says %v", err)
	}
}
