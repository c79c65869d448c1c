//go:build lab

package state

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// doors is an account that owns a state directory as the doors do.
const doors = 65534

// theirs is a state directory of the doors, opened by root, in a folder of root's.
func theirs(t *testing.T) *Dir {
	t.Helper()
	d := open(t)
	check(t, d.Give(doors, doors))
	return d
}

func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Lstat(path)
	check(t, err)
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// TestGiveGivesOnlyWhatIsThere: a hard link, a link and a folder that leads back
// give nothing away that stands elsewhere.
func TestGiveGivesOnlyWhatIsThere(t *testing.T) {
	d := open(t)
	secret := filepath.Join(t.TempDir(), "shadow")
	check(t, os.WriteFile(secret, []byte("root's"), 0o600))
	check(t, d.Write(Policy, []byte("p")))
	sub, err := d.Folder("cases")
	check(t, err)
	check(t, sub.Write("1.json", []byte("{}")))
	check(t, os.Link(secret, d.Path("hard")))
	check(t, os.Link(secret, sub.Path("hard")))
	check(t, os.Symlink(secret, d.Path("soft")))
	check(t, os.Symlink(".", d.Path("loop")))
	check(t, unix.Mkfifo(d.Path("pipe"), 0o600))
	err = d.Give(doors, doors)
	for _, name := range []string{"hard", "soft", "loop", "pipe", "cases/hard"} {
		if err == nil || !strings.Contains(err.Error(), d.Path(name)) {
			t.Errorf("Give does not name %s: %v", name, err)
		}
	}
	if owner(t, secret) != 0 {
		t.Fatal("a file of root's was given away")
	}
	for _, name := range []string{"hard", "soft", "loop", "pipe", "cases/hard"} {
		check(t, os.Remove(d.Path(name)))
	}
	check(t, d.Give(doors, doors))
	for _, name := range []string{"", Policy, "cases", "cases/1.json"} {
		if owner(t, d.Path(name)) != doors {
			t.Errorf("%s was not given", d.Path(name))
		}
	}
	// Nobody can keep root from taking it back.
	check(t, os.Symlink(secret, d.Path("soft")))
	check(t, d.Give(0, 0))
	if owner(t, d.String()) != 0 || owner(t, d.Path(Policy)) != 0 {
		t.Error("root did not get it")
	}
}

// TestRootWritesGiveNothingAway: what root makes or replaces in the doors'
// directory is theirs, and nothing else becomes so.
func TestRootWritesGiveNothingAway(t *testing.T) {
	d := theirs(t)
	secret := filepath.Join(t.TempDir(), "shadow")
	check(t, os.WriteFile(secret, []byte("root's"), 0o600))
	for _, name := range []string{"lock", "change.lock", Ledger, Policy, Policy + ".new"} {
		check(t, os.Link(secret, d.Path(name)))
	}
	if _, err := d.Lock(); err == nil {
		t.Error("Lock took a file of root's")
	}
	if err := d.Private(Ledger); err == nil {
		t.Error("Private took a file of root's")
	}
	if content, err := d.Read(Policy); err == nil {
		t.Errorf("Read returned root's %q", content)
	}
	if err := d.Change(Policy, func([]byte) ([]byte, error) { return []byte("x"), nil }); err == nil {
		t.Error("Change took a file of root's")
	}
	for _, name := range []string{"lock", "change.lock", Ledger} {
		check(t, os.Remove(d.Path(name)))
	}
	check(t, d.Write(Policy, []byte("ours")))
	check(t, d.Change(Policy, func(old []byte) ([]byte, error) { return append(old, '!'), nil }))
	check(t, d.Private(Ledger))
	release, err := d.Lock()
	check(t, err)
	release()
	for _, name := range []string{"lock", "change.lock", Ledger, Policy} {
		if owner(t, d.Path(name)) != doors {
			t.Errorf("%s, which root made, is not the doors'", name)
		}
	}
	if content, err := os.ReadFile(secret); err != nil || string(content) != "root's" || owner(t, secret) != 0 {
		t.Errorf("the file of root's is now %q of %d", content, owner(t, secret))
	}
}

// TestRaces: while a file becomes a link and back again, nothing of root's is
// given away, changed or read.
func TestRaces(t *testing.T) {
	const group = 42
	secret := filepath.Join(t.TempDir(), "shadow")
	check(t, os.WriteFile(secret, []byte("root's"), 0o640))
	check(t, os.Chown(secret, 0, group))
	d := theirs(t)
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for path, away := d.Path(Policy), d.Path("away"); ; {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.WriteFile(path, []byte("ours"), 0o600)
			_ = os.Chown(path, doors, doors)
			_ = os.Rename(path, away)
			_ = os.Symlink(secret, path)
			_ = os.Remove(path)
			_ = os.Symlink("away", path)
			_ = os.Remove(path)
			_ = os.Link(secret, path)
			_ = os.Remove(path)
		}
	}()
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		if content, err := d.Read(Policy); err == nil && string(content) == "root's" {
			t.Error("root's file was read")
		}
		_ = d.Private(Policy)
		_ = d.Give(0, 0)
		check(t, os.Chown(d.String(), doors, doors))
		d.uid, d.gid = doors, doors
	}
	close(stop)
	<-done
	info, err := os.Stat(secret)
	check(t, err)
	if is := info.Sys().(*syscall.Stat_t); is.Uid != 0 || is.Gid != group || info.Mode().Perm() != 0o640 {
		t.Errorf("the file of root's is %d:%d, %v", is.Uid, is.Gid, info.Mode())
	}
}

// TestJournalsAreRoots: root's journals are out of the doors' reach, and one in
// the state is told from them.
func TestJournalsAreRoots(t *testing.T) {
	d := theirs(t)
	check(t, d.Write(Journal, []byte("forged")))
	if content, foreign, err := d.ReadJournal(Journal); err != nil || !foreign || string(content) != "forged" {
		t.Errorf("a journal of the state is %q, foreign %v, %v", content, foreign, err)
	}
	check(t, d.WriteJournal(Journal, []byte("root's")))
	if _, err := d.Read(Journal); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old one stays: %v", err)
	}
	check(t, d.Write(Journal, []byte("forged again")))
	if content, foreign, err := d.ReadJournal(Journal); err != nil || foreign || string(content) != "root's" {
		t.Errorf("root's journal is %q, foreign %v, %v", content, foreign, err)
	}
	for _, path := range []string{d.JournalPath(""), d.JournalPath(Journal)} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 || owner(t, path) != 0 {
			t.Errorf("%s is %v, %v", path, info, err)
		}
	}
	check(t, d.Give(0, 0)) // as remove does
	check(t, d.RemoveJournal(Journal))
	if _, err := os.Lstat(d.JournalPath("")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder stays: %v", err)
	}
	check(t, d.Write(Journal, []byte("planted before it was given back")))
	if _, foreign, err := d.ReadJournal(Journal); err != nil || !foreign {
		t.Errorf("in a directory that was given back it is foreign %v, %v", foreign, err)
	}
}

// TestAFolderOfSomebodyElses: a folder that stood there before is not used.
func TestAFolderOfSomebodyElses(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"theirs":   func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, doors, doors)) },
		"writable": func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777)) },
		"a link":   func(path string) error { return os.Symlink("/tmp", path) },
	} {
		t.Run(name, func(t *testing.T) {
			d := theirs(t)
			check(t, put(d.JournalPath("")))
			if err := d.WriteJournal(Journal, nil); err == nil || !strings.Contains(err.Error(), "is not root's alone") {
				t.Errorf("WriteJournal says %v", err)
			}
			if _, _, err := d.ReadJournal(Journal); err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("ReadJournal says %v", err)
			}
		})
	}
}

// TestOwnerCannotReadRoots: a process of root's that became the owner reads and
// writes nothing that the owner could not.
func TestOwnerCannotReadRoots(t *testing.T) {
	if path := os.Getenv("SEAWALL_TEST_STATE"); path != "" {
		d, err := Existing(path)
		check(t, err)
		check(t, d.BecomeOwner())
		if groups, err := os.Getgroups(); os.Geteuid() != doors || os.Getegid() != doors || err != nil || len(groups) > 0 {
			t.Fatalf("it is %d:%d in %v, %v", os.Geteuid(), os.Getegid(), groups, err)
		}
		if _, err := os.ReadFile("/etc/shadow"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("/etc/shadow: %v", err)
		}
		if err := syscall.Setuid(0); err == nil {
			t.Error("it became root again")
		}
		check(t, d.Write(Policy, []byte("ours")))
		return
	}
	// The test's own folders are root's alone.
	above, err := os.MkdirTemp("/tmp", "seawall-owner-")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(above) })
	check(t, os.Chmod(above, 0o755))
	d, err := Open(filepath.Join(above, "state"))
	check(t, err)
	defer d.Close()
	check(t, d.Give(doors, doors))
	cmd := exec.Command("/proc/self/exe", "-test.run", "^TestOwnerCannotReadRoots$")
	cmd.Env = append(os.Environ(), "SEAWALL_TEST_STATE="+d.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
