package change

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/whole"
)

// Machine is what a plan is made for and applied to: its files, its commands.
type Machine struct {
	Root string // "/"; a test's is a folder
	// Run runs a command with LC_ALL=C and what it may read on standard input. The
	// error holds the first of what it complained of; a program that is not there
	// is exec.ErrNotFound.
	Run func(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error)
}

// This is the machine that this program runs on.
func This() Machine { return Machine{"/", run} }

// commandPath is where programs are looked for, whatever PATH the caller has.
const commandPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is what commands run with: apt and dpkg ask nothing.
var environment = []string{"LC_ALL=C", "PATH=" + commandPath, "HOME=/root", "SYSTEMD_PAGER=", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=l"}

func run(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error) {
	program, err := find(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Dir = environment, "/"
	cmd.Stdin = bytes.NewReader(stdin)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	// A terminal's Ctrl-C ends Seawall's step by step, not dpkg in the middle.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(complaint.String())
		if said == "" {
			said = strings.TrimSpace(out.String())
		}
		return out.Bytes(), &commandError{name + " " + strings.Join(args, " "), err, fmt.Sprintf("%.300s", firstLines(said, 3))}
	}
	return out.Bytes(), nil
}

// commandError is a command that ran and failed.
type commandError struct {
	command string
	err     error
	said    string // the first of what it complained of
}

func (e *commandError) Error() string { return fmt.Sprintf("%s: %v: %s", e.command, e.err, e.said) }

func (e *commandError) Unwrap() error { return e.err }

func find(name string) (string, error) {
	for dir := range strings.SplitSeq(commandPath, ":") {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return filepath.Join(dir, name), nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

func firstLines(s string, n int) string {
	lines := strings.SplitN(s, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "; ")
}

// has reports whether a program is there.
func (m Machine) has(name string) bool {
	for dir := range strings.SplitSeq(commandPath, ":") {
		if _, err := os.Stat(filepath.Join(m.Root, dir, name)); err == nil {
			return true
		}
	}
	return false
}

// owner is whose the machine is: root's, for which a test's folder has its own.
func (m Machine) owner() (uid, gid uint32) {
	info, err := os.Stat(m.Root)
	if err != nil {
		return 0, 0
	}
	is := info.Sys().(*syscall.Stat_t)
	return is.Uid, is.Gid
}

func (m Machine) systemd() bool {
	info, err := os.Stat(filepath.Join(m.Root, "run/systemd/system"))
	return err == nil && info.IsDir()
}

// largest is the size of a file above which none is edited.
const largest = 4 << 20

// errLink says that a path is not edited.
var errLink = errors.New("it is a link, or no plain file: Seawall edits neither")

// folder opens the folder of a path, and returns the name in it. On the way it
// follows links that only root can have laid, and no others: root writes below
// folders of the agent's, too.
func (m Machine) folder(name string) (*os.Root, string, error) {
	clean := path.Clean("/" + name)
	for range maxLinks {
		root, instead, err := m.walk(path.Dir(clean))
		if instead == "" {
			return root, path.Base(clean), err
		}
		clean = path.Join(instead, path.Base(clean))
	}
	return nil, "", errors.New("its folders are links in a circle")
}

const maxLinks = 8

// walk opens a folder step by step. A link of root's on the way ends it: instead
// is the path that it stands for.
func (m Machine) walk(name string) (root *os.Root, instead string, err error) {
	fd, err := unix.Open(m.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", err
	}
	defer func() { unix.Close(fd) }()
	parts := strings.Split(strings.Trim(name, "/"), "/")
	for i, part := range parts {
		if part == "" {
			continue
		}
		next, err := unix.Openat(fd, part, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			if target := rootsLink(fd, part); target != "" {
				if !path.IsAbs(target) {
					target = path.Join("/", path.Join(parts[:i]...), target)
				}
				return nil, path.Join(append([]string{target}, parts[i+1:]...)...), nil
			}
			return nil, "", fmt.Errorf("/%s is a link that others than root may have laid", path.Join(parts[:i+1]...))
		}
		if err != nil {
			return nil, "", &fs.PathError{Op: "open", Path: "/" + path.Join(parts[:i+1]...), Err: err}
		}
		unix.Close(fd)
		fd = next
	}
	root, err = os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", fd))
	return root, "", err
}

// rootsLink is where a link leads that is root's, in a folder where only root
// makes links; "" for any other.
func rootsLink(dir int, name string) string {
	var folder, link unix.Stat_t
	if unix.Fstat(dir, &folder) != nil || unix.Fstatat(dir, name, &link, unix.AT_SYMLINK_NOFOLLOW) != nil ||
		link.Uid != 0 || folder.Uid != 0 || folder.Mode&0o022 != 0 {
		return ""
	}
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, target)
	if err != nil {
		return ""
	}
	return string(target[:n])
}

// read says what stands at a path.
func (m Machine) read(name string) (State, error) {
	root, base, err := m.folder(name)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("reading %s: %w", name, cause(err))
	}
	defer root.Close()
	s, err := readIn(root, base)
	if err != nil {
		return State{}, fmt.Errorf("reading %s: %w", name, cause(err))
	}
	return s, nil
}

func readIn(root *os.Root, base string) (State, error) {
	info, err := root.Lstat(base)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	s := stateOf(info)
	if s.Folder {
		return s, nil
	}
	if !info.Mode().IsRegular() {
		return State{}, errLink
	}
	f, err := root.OpenFile(base, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return State{}, err
	}
	defer f.Close()
	if s.Content, err = io.ReadAll(io.LimitReader(f, largest+1)); err == nil && len(s.Content) > largest {
		err = fmt.Errorf("it is larger than %d MB", largest>>20)
	}
	s.sum()
	return s, err
}

func stateOf(info fs.FileInfo) State {
	is := info.Sys().(*syscall.Stat_t)
	return State{There: true, Folder: info.IsDir(), Mode: info.Mode() & modeBits, UID: is.Uid, GID: is.Gid, ModTime: info.ModTime()}
}

// modeBits are those that Seawall sets and keeps.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// write brings a path into a state, as a whole and for good.
func (m Machine) write(name string, was, s State) error {
	root, base, err := m.folder(name)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, cause(err))
	}
	defer root.Close()
	if err := writeIn(root, base, was, s); err != nil {
		return fmt.Errorf("writing %s: %w", name, cause(err))
	}
	return nil
}

func writeIn(root *os.Root, base string, was, s State) error {
	switch {
	case !s.There:
		if err := root.Remove(base); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return whole.Sync(root)
	case s.Folder && !was.There:
		if err := root.Mkdir(base, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return errors.Join(setPerm(root, base, s), whole.Sync(root))
	case s.Folder, was.There && bytes.Equal(was.Content, s.Content):
		if err := setPerm(root, base, s); err != nil {
			return err
		}
	default:
		attributes := extended(root, base)
		if err := whole.Write(root, base, "."+base+".seawall", s.Content, s.Mode, int(s.UID), int(s.GID)); err != nil {
			return err
		}
		setExtended(root, base, attributes)
	}
	if !s.Folder && !s.ModTime.IsZero() {
		return root.Chtimes(base, time.Time{}, s.ModTime)
	}
	return nil
}

// readPerm is the mode and owner of what stands at a path, whatever it is, but
// for links, which have none.
func (m Machine) readPerm(name string) (State, error) {
	root, base, err := m.folder(name)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("looking at %s: %w", name, cause(err))
	}
	defer root.Close()
	info, err := root.Lstat(base)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		err = errors.New("it is a link, which has no mode of its own")
	}
	if err != nil {
		return State{}, fmt.Errorf("looking at %s: %w", name, cause(err))
	}
	s := stateOf(info)
	s.ModTime = time.Time{}
	return s, nil
}

func (m Machine) writePerm(name string, s State) error {
	root, base, err := m.folder(name)
	if err == nil {
		defer root.Close()
		err = setPerm(root, base, s)
	}
	if err != nil {
		return fmt.Errorf("setting mode and owner of %s: %w", name, cause(err))
	}
	return nil
}

// setPerm sets mode and owner of what is there, and of nothing behind a link.
func setPerm(root *os.Root, base string, s State) error {
	f, err := root.OpenFile(base, unix.O_PATH|unix.O_NOFOLLOW, 0) // sockets, too
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	is := stateOf(info)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return errLink
	case info.Mode().IsRegular() && info.Sys().(*syscall.Stat_t).Nlink > 1:
		return errors.New("it has a second name (a hard link): look at it yourself")
	}
	at := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if is.UID != s.UID || is.GID != s.GID {
		if err := os.Chown(at, int(s.UID), int(s.GID)); err != nil {
			return err
		}
	}
	return os.Chmod(at, s.Mode) // after chown, which takes setuid away
}

// extended are the extended attributes (ACLs among them) of a file, which a
// replaced one would lose.
func extended(root *os.Root, base string) map[string][]byte {
	f, err := root.OpenFile(base, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, value := make([]byte, 4096), make([]byte, 65536)
	n, err := unix.Flistxattr(int(f.Fd()), names)
	if err != nil || n == 0 {
		return nil
	}
	all := map[string][]byte{}
	for name := range strings.SplitSeq(strings.TrimRight(string(names[:n]), "\x00"), "\x00") {
		if n, err := unix.Fgetxattr(int(f.Fd()), name, value); err == nil {
			all[name] = bytes.Clone(value[:n])
		}
	}
	return all
}

func setExtended(root *os.Root, base string, all map[string][]byte) {
	if len(all) == 0 {
		return
	}
	f, err := root.OpenFile(base, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	for name, value := range all {
		_ = unix.Fsetxattr(int(f.Fd()), name, value, 0)
	}
}

// cause takes the path out of a file error: the sentence around it names it.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		if errors.Is(p.Err, unix.EROFS) {
			return errors.New("the file system is read-only")
		}
		if errors.Is(p.Err, unix.ENOSPC) {
			return errors.New("the disk is full")
		}
		return p.Err
	}
	return err
}
