// Package state is the one directory in which Seawall keeps what it must not
// lose: keys, policy, the record, and the journal of what it changed. Every
// file in it is 0600, every directory 0700, and all of it belongs to the user
// that runs the doors, also when root writes there.
//
// Root takes nothing in it on trust: a doors process that was taken over may put
// there what it likes, and must gain nothing by it. So all files are opened
// below one open directory and as plain files (plain.go), what root itself acts
// on stands beside the directory (journal.go), and a command that needs no more
// than the state becomes its owner first (owner.go).
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/whole"
)

// The files of a state directory.
const (
	Ledger  = "ledger.db"
	Policy  = "policy.cedar"
	Routes  = "routes.json"
	Keys    = "keys.json"
	Journal = "connect.json"
	Audit   = "audit.json"
	Running = "running.json"
	Install = "install.json"
	Frozen  = "frozen.json"
	// Accepted is what a person leaves as the audit found it.
	Accepted = "accepted.json"
	// Notify is where messages to the operator go.
	Notify = "notify.json"
	// Limits is how much the agents may use.
	Limits = "limits.json"
	// Vouched is what the operator vouches for.
	Vouched = "vouched.json"
	// OwnUser is the journal of an OpenClaw that was given a user of its own,
	// Boundary what came of the attempts to reach Seawall as that user.
	OwnUser  = "own-user.json"
	Boundary = "boundary.json"
)

// Dir is an open state directory.
type Dir struct {
	path string
	root *os.Root
	uid  int
	gid  int
}

// Default returns where state lives when nobody says otherwise:
// /var/lib/seawall for root, the XDG state folder for anyone else.
func Default() string {
	if os.Geteuid() == 0 {
		return "/var/lib/seawall"
	}
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "seawall")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "seawall-"+strconv.Itoa(os.Geteuid()))
	}
	return filepath.Join(home, ".local", "state", "seawall")
}

// Open opens the directory and makes it when it does not exist. It refuses a
// directory that belongs to somebody else, and takes away what group and
// others may do with one of its own. Root may open anybody's.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("making the state directory %s: %w; name another with --state DIR", path, err)
	}
	return Existing(path)
}

// Existing opens a directory that must be there; errors.Is(err,
// fs.ErrNotExist) tells that it is not.
func Existing(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding the state directory %s: %w", path, err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("opening the state directory: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("the state directory %s is not a directory: name another with --state DIR", path)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if euid := os.Geteuid(); euid != 0 && int(owner.Uid) != euid {
		return nil, fmt.Errorf("the state directory %s belongs to %s: run as that user (sudo -u %s seawall …) or name another with --state DIR",
			path, userName(int(owner.Uid)), userName(int(owner.Uid)))
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("opening the state directory %s: %w", path, err)
	}
	d := &Dir{path: path, root: root, uid: int(owner.Uid), gid: int(owner.Gid)}
	if err := d.enclose(info); err != nil {
		root.Close()
		return nil, err
	}
	return d, nil
}

// enclose makes sure that the open directory is the one that was looked at and a
// state directory, and closes it to others.
func (d *Dir) enclose(named fs.FileInfo) error {
	info, err := d.root.Stat(".")
	if err != nil {
		return fmt.Errorf("opening the state directory %s: %w", d.path, cause(err))
	}
	if !os.SameFile(info, named) {
		return fmt.Errorf("the state directory %s was exchanged while it was opened: look who may write in the folder above it", d.path)
	}
	if err := d.ours(); err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := d.root.Chmod(".", 0o700); err != nil {
			return fmt.Errorf("the state directory %s is open to other users (mode %04o) and could not be closed: %w", d.path, info.Mode().Perm(), cause(err))
		}
	}
	return nil
}

// ours refuses a directory that holds only what others put there, a home or the
// root of the machine: it would be closed to everybody else, and given away.
func (d *Dir) ours() error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("opening the state directory %s: %w", d.path, cause(err))
	}
	other := ""
	for _, e := range entries {
		// Whoever was killed as it wrote its first file left a new one.
		switch strings.TrimSuffix(e.Name(), ".new") {
		case Ledger, Policy, Routes, Keys, Journal, Audit, Running, Install, OwnUser, Boundary, Frozen, Accepted, Notify, Limits, Vouched, Layout:
			return nil
		case "lock", "change.lock", Frozen + ".lock", "lost+found":
		default:
			other = e.Name()
		}
	}
	if other != "" {
		return fmt.Errorf("%s is no state directory of Seawall: it holds other things (%s); name an empty or a new one with --state DIR", d.path, other)
	}
	return nil
}

// Close releases the directory.
func (d *Dir) Close() error { return d.root.Close() }

// String returns the directory's path.
func (d *Dir) String() string { return d.path }

// Path returns the path of a file in the directory.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Owner returns the user and group that the state belongs to.
func (d *Dir) Owner() (uid, gid int) { return d.uid, d.gid }

// Give hands the directory and all that is in it to another user; only root
// can. What is no plain file of the directory's own stays whose it is, and is
// named in the error; not where root takes the directory, which nobody else can
// enter then.
func (d *Dir) Give(uid, gid int) error {
	if uid == d.uid && gid == d.gid {
		return nil
	}
	if err := d.give(uid, gid, deepest); err != nil {
		return fmt.Errorf("giving the state directory %s to %s: %w", d.path, userName(uid), err)
	}
	return nil
}

// deepest is how many folders are in one another in a state directory, at most.
const deepest = 2

// give begins with what is in the directory, so that one which was given only in
// part is seen by its owner.
func (d *Dir) give(uid, gid, depth int) error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return err
	}
	var left error
	for _, e := range entries {
		if e.IsDir() && depth > 0 {
			err = d.giveFolder(e.Name(), uid, gid, depth-1)
		} else {
			err = d.giveFile(e.Name(), uid, gid)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			left = errors.Join(left, fmt.Errorf("%s: %w", d.Path(e.Name()), cause(err)))
		}
	}
	if left != nil && uid != 0 {
		return left
	}
	if err := d.root.Lchown(".", uid, gid); err != nil {
		return err
	}
	d.uid, d.gid = uid, gid
	return nil
}

func (d *Dir) giveFolder(name string, uid, gid, depth int) error {
	in, err := d.folder(name)
	if err != nil {
		return err
	}
	defer in.Close()
	return in.give(uid, gid, depth)
}

func (d *Dir) giveFile(name string, uid, gid int) error {
	f, err := d.open(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	switch is := ownerOf(info); {
	case is == uid:
		return nil
	case is != d.uid:
		return fmt.Errorf("it belongs to %s: delete it", userName(is))
	case is == 0 && info.Sys().(*syscall.Stat_t).Nlink > 1:
		// It was put there when the directory was somebody else's, and cannot go
		// away and come back while it is root's.
		return errors.New("it is root's, under a second name: delete it")
	}
	return f.Chown(uid, gid)
}

// Read returns a file of the directory; errors.Is(err, fs.ErrNotExist) tells
// that there is none. One that is no plain file, or larger than any of Seawall's,
// is an error.
func (d *Dir) Read(name string) ([]byte, error) {
	content, err := d.read(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.Path(name), cause(err))
	}
	return content, nil
}

// Load reads a file of JSON into v, and reports whether there is one. The error
// about one that cannot be read as that ends in what to do.
func (d *Dir) Load(name string, v any, remedy string) (found bool, err error) {
	content, err := d.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(content, v); err != nil {
		return false, fmt.Errorf("%s is damaged: %s", d.Path(name), remedy)
	}
	return true, nil
}

// Write replaces a file of the directory: readers and a crash see the old
// content or the new, never a part.
func (d *Dir) Write(name string, content []byte) error {
	if err := whole.Write(d.root, name, name+".new", content, 0o600, d.uid, d.gid); err != nil {
		return fmt.Errorf("writing %s: %w", d.Path(name), cause(err))
	}
	return nil
}

// Change replaces a file by what change makes of it; a file that is not there is
// empty. Whoever else changes a file of the directory by Change, in this process
// or another, waits.
func (d *Dir) Change(name string, change func(old []byte) ([]byte, error)) error {
	release, err := d.Await("change.lock")
	if err != nil {
		return fmt.Errorf("changing %s: %w", d.Path(name), err)
	}
	defer release()
	content, err := d.Read(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if content, err = change(content); err != nil {
		return err
	}
	return d.Write(name, content)
}

// Await takes a lock of the directory, a file of its own, as soon as nobody else
// has it, in this process or another. release gives it back, as does the end of
// the process.
func (d *Dir) Await(lock string) (release func(), err error) {
	f, err := d.owned(lock)
	if err != nil {
		return nil, cause(err)
	}
	if err := await(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// patience is how long whoever changes a file waits for another who does. A
// change takes milliseconds.
const patience = 10 * time.Second

// await takes the lock of an open file.
func await(f *os.File) error {
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return err
		}
		if time.Since(begun) > patience {
			return fmt.Errorf("another process has held %s for %s: fuser -v %[1]s says which", f.Name(), patience)
		}
	}
}

// Remove deletes a file of the directory; one that is not there is no error.
func (d *Dir) Remove(name string) error {
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", d.Path(name), cause(err))
	}
	return whole.Sync(d.root)
}

// Lock takes the directory for one running instance; release gives it back,
// as does the end of the process.
func (d *Dir) Lock() (release func(), err error) {
	f, err := d.owned("lock")
	if err != nil {
		return nil, fmt.Errorf("locking the state directory %s: its file lock: %w", d.path, cause(err))
	}
	// The lock belongs to the open file: it ends with the process, and others
	// can ask about it without taking it.
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		f.Close()
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			return nil, fmt.Errorf("another Seawall already runs on %s: stop it, or name another directory with --state DIR", d.path)
		}
		return nil, fmt.Errorf("locking the state directory %s: %w", d.path, err)
	}
	return func() { f.Close() }, nil
}

// Locked reports whether an instance runs on the directory.
func (d *Dir) Locked() bool {
	f, err := d.plain("lock", os.O_RDONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock)
	return err == nil && lock.Type != unix.F_UNLCK
}

// cause takes the path out of a file error: the sentence around it names the
// whole path already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(uid)
}

// Private makes sure that a file which another library will write exists and is
// private and the owner's, so that what it creates beside it is so too.
func (d *Dir) Private(name string) error {
	f, err := d.owned(name)
	if err == nil {
		err = errors.Join(f.Chmod(0o600), f.Close())
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", d.Path(name), cause(err))
	}
	return nil
}
