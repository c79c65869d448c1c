package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	fileLimit    = 4 << 20
	outputLimit  = 8 << 20
	dirLimit     = 1 << 16
	commandLimit = 5 * time.Second
)

// commandPath is where commands are looked for, whatever PATH the caller has:
// a folder someone else may write to never decides what runs as root.
var commandPath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// Option changes how a host is read.
type Option func(*options)

type options struct {
	secret func(name, value string) bool
}

// WithSecret replaces the judgement which environment variables hold a
// credential. It sees values, and only its answer leaves the reader. The
// default is [LooksSecret].
func WithSecret(secret func(name, value string) bool) Option {
	return func(o *options) { o.secret = secret }
}

func withDefaults(opts []Option) options {
	o := options{secret: LooksSecret}
	for _, set := range opts {
		set(&o)
	}
	return o
}

// live is this machine.
type live struct {
	options
	engine   *http.Client
	socket   string       // of the Docker Engine
	asleep   func() error // why Docker is not asked
	commands sync.Map     // PIDs of commands that run for the reader
}

// started reports whether a process is a command of the reader's own.
func (l *live) started(pid int) bool {
	_, ok := l.commands.Load(pid)
	return ok
}

// Live returns this machine. It never writes, and sends nothing off it.
//
// Beside real commands its Run answers the reader's own questions, each with
// JSON: seawall:processes ([]Process), seawall:sockets ([]Socket),
// seawall:interfaces ([]Interface), seawall:disks ([]Disk), seawall:tables
// ([]string, the tables of the kernel's packet filter), seawall:engine
// ([]string, the path of Docker's socket), [AskProfiles] and [AskDevices]. A
// recorded machine holds them as `run` sections like any command.
func Live(opts ...Option) Host {
	socket := dockerSocket(os.Getenv("DOCKER_HOST"), os.Getenv("XDG_RUNTIME_DIR"))
	return &live{
		options: withDefaults(opts),
		socket:  socket,
		engine:  engineClient(socket),
		asleep:  sync.OnceValue(func() error { return checkAsleep("/proc", systemdRuns, socket, defaultDockerSocket) }),
	}
}

// ReadFile follows a final symlink only when it belongs to root, to the reader
// or to the owner of what it points to: a user's link must not make root read
// someone else's file. Password hashes in /etc/shadow never leave it.
func (l *live) ReadFile(ctx context.Context, path string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := openChecked(path)
	if err != nil {
		return nil, explain("reading", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, explain("reading", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: it is not a regular file", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, fileLimit))
	if err != nil {
		return nil, explain("reading", path, err)
	}
	return maskFile(path, b), nil
}

// openChecked opens a file without waiting for anyone (a FIFO, a terminal),
// and follows a final symlink only when no stranger can have laid it.
func openChecked(path string) (*os.File, error) {
	const flags = os.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	link, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if link.Mode()&fs.ModeSymlink == 0 {
		// NOFOLLOW, for it may have become a link since.
		return os.OpenFile(path, flags|unix.O_NOFOLLOW, 0)
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	target, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	// What was opened is judged, whatever the link says by now.
	by, of := owner(link), owner(target)
	if by == 0 || by == of || by == uint32(os.Geteuid()) {
		return f, nil
	}
	f.Close()
	return nil, fmt.Errorf("it is a link of uid %d to a file of uid %d, which is not followed", by, of)
}

func owner(info fs.FileInfo) uint32 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Uid
	}
	return 0
}

func (l *live) Stat(ctx context.Context, path string) (FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return FileInfo{}, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return FileInfo{}, explain("looking at", path, err)
	}
	return fileInfo(path, info), nil
}

func (l *live) ReadDir(ctx context.Context, path string) ([]FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, explain("listing", path, err)
	}
	defer d.Close()
	infos, err := d.Readdir(dirLimit)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, explain("listing", path, err)
	}
	if len(infos) == dirLimit {
		return nil, fmt.Errorf("listing %s: it holds more than %d entries", path, dirLimit-1)
	}
	list := make([]FileInfo, 0, len(infos))
	for _, info := range infos {
		list = append(list, fileInfo(filepath.Join(path, info.Name()), info))
	}
	sortByPath(list)
	return list, nil
}

func fileInfo(path string, info fs.FileInfo) FileInfo {
	f := FileInfo{Path: path, Mode: info.Mode(), Size: info.Size(), ModTime: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		f.UID, f.GID = st.Uid, st.Gid
	}
	if f.Mode&fs.ModeSymlink != 0 {
		f.Target, _ = os.Readlink(path)
	}
	return f
}

func (l *live) Self(context.Context) (Self, error) {
	return Self{UID: uint32(os.Geteuid()), Time: time.Now()}, nil
}

func (l *live) Run(ctx context.Context, name string, args ...string) (Output, error) {
	if answer, ok := l.own(name, args); ok {
		return answer(ctx)
	}
	path, err := lookCommand(name)
	if err != nil {
		return Output{}, err
	}
	limited, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()

	var stdout, stderr bounded
	cmd := exec.CommandContext(limited, path, args...)
	cmd.Env = []string{"PATH=" + strings.Join(commandPath, ":"), "LC_ALL=C", "TZ=UTC", "HOME=/", "TERM=dumb"}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	// The whole group goes with it, or a child would keep the pipe open.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

	if err = cmd.Start(); err == nil {
		l.commands.Store(cmd.Process.Pid, true)
		err = cmd.Wait()
		l.commands.Delete(cmd.Process.Pid)
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return Output{}, fmt.Errorf("%s: %w", name, ctx.Err())
	case limited.Err() != nil:
		return Output{}, fmt.Errorf("%s: no answer within %s", name, commandLimit)
	case stdout.over || stderr.over:
		return Output{}, fmt.Errorf("%s: it said more than %d MiB", name, outputLimit>>20)
	case errors.As(err, &exit):
		if exit.ExitCode() < 0 {
			return Output{}, fmt.Errorf("%s: %w", name, err)
		}
	case err != nil:
		return Output{}, explain("running", name, err)
	}
	return Output{Stdout: stdout.text.Bytes(), Stderr: stderr.text.Bytes(), Exit: cmd.ProcessState.ExitCode()}, nil
}

// lookCommand finds a command in [commandPath]; an absolute path stands for itself.
func lookCommand(name string) (string, error) {
	dirs := commandPath
	if filepath.IsAbs(name) {
		dirs = []string{""}
	}
	for _, dir := range dirs {
		path := dir + "/" + strings.TrimPrefix(name, "/")
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: %w", name, ErrAbsent)
}

// bounded keeps what a command says, up to outputLimit.
type bounded struct {
	text bytes.Buffer // not embedded: its ReadFrom would read without a bound
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := outputLimit - b.text.Len(); len(p) > room {
		b.over = true
		b.text.Write(p[:room])
		return len(p), nil
	}
	return b.text.Write(p)
}

// explain turns a failed system call into an error a person understands.
func explain(doing, what string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s %s: %w", doing, what, ErrAbsent)
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return fmt.Errorf("%s %s: needs root", doing, what)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s %s: %w", doing, what, err)
}
