package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T) *Dir {
	t.Helper()
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestEverythingIsPrivate(t *testing.T) {
	d := open(t)
	if err := d.Write(Keys, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{d.String(): 0o700, d.Path(Keys): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", path, got, want)
		}
	}
}

func TestOpenClosesADirectoryThatStoodOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	info, _ := os.Stat(path)
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("mode is %04o, want 0700", got)
	}
}

func TestWriteReplacesWhole(t *testing.T) {
	d := open(t)
	for _, content := range []string{"first, which is longer", "second"} {
		if err := d.Write(Routes, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := d.Read(Routes)
		if err != nil || string(got) != content {
			t.Errorf("read %q, %v; want %q", got, err, content)
		}
	}
	if err := d.Remove(Routes); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Read(Routes); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Remove, Read says %v", err)
	}
}

func TestWriteLeavesASymlinksTargetAlone(t *testing.T) {
	d := open(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{Routes, Routes + ".new"} {
		if err := os.Symlink(outside, d.Path(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Write(Routes, []byte("ours")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(outside); string(got) != "theirs" {
		t.Errorf("writing followed a symlink out of the directory: %q", got)
	}
}

func TestOneInstance(t *testing.T) {
	d := open(t)
	release, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock(); err == nil || !strings.Contains(err.Error(), "another Seawall already runs") {
		t.Errorf("second Lock says %v", err)
	}
	release()
	if d.Locked() {
		t.Error("still locked after release")
	}
}

func TestSomebodyElsesFolderStaysAsItIs(t *testing.T) {
	path := t.TempDir()
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "letter.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "lock"} {
		if name != "" {
			if err := os.WriteFile(filepath.Join(path, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), "letter.txt") || !strings.Contains(err.Error(), "--state") {
			t.Errorf("Open says %v", err)
		}
		if info, _ := os.Stat(path); info.Mode().Perm() != 0o755 {
			t.Errorf("its mode is now %04o", info.Mode().Perm())
		}
	}
	// A state directory may have something else in it, too.
	if err := os.WriteFile(filepath.Join(path, Policy), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

func TestARelativePathIsMadeWhole(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, open := range []func(string) (*Dir, error){Open, Existing} {
		d, err := open("state")
		if err != nil {
			t.Fatal(err)
		}
		if !filepath.IsAbs(d.String()) {
			t.Errorf("the path is %s", d)
		}
		d.Close()
	}
}

func TestLockedAsksWithoutTaking(t *testing.T) {
	d := open(t)
	if d.Locked() {
		t.Error("locked before anybody ran")
	}
	release, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if !d.Locked() {
			t.Error("not locked while somebody runs")
		}
	}
	release()
	if d.Locked() {
		t.Error("locked after that")
	}
	if release, err = d.Lock(); err != nil {
		t.Fatal(err)
	}
	release()
}

func TestAFileIsNoDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a file was opened as a state directory")
	}
}

// TestKilledAtItsFirstFile: who begins again needs no hand.
func TestKilledAtItsFirstFile(t *testing.T) {
	path := t.TempDir()
	for _, left := range []string{"lock", Layout + ".new"} {
		if err := os.WriteFile(filepath.Join(path, left), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	dir.Close()
}
