package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/state"
)

// Doors are the doors and the page, running.
type Doors struct {
	done  chan struct{}
	err   error
	stop  func()
	Notes []string // what was done to the machine to start them
}

// Done is closed when they have ended; Err says why.
func (d *Doors) Done() <-chan struct{} { return d.done }

// Err returns why they ended, once they have.
func (d *Doors) Err() error { <-d.done; return d.err }

// Stop ends them and waits until what they wrote is on the disk.
func (d *Doors) Stop() error { d.stop(); return d.Err() }

// Start opens the doors on listeners that it takes over. Root starts them as
// the account seawall, to which the state directory is given; anyone else runs
// them in this process.
func Start(ctx context.Context, dir *state.Dir, door, page net.Listener, version string) (*Doors, error) {
	if os.Geteuid() == 0 {
		defer door.Close() // the child has its own
		defer page.Close()
		return startChild(ctx, dir, nil, door, page)
	}
	s, err := Open(ctx, dir, version)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, func(ctx context.Context) error { return s.Serve(ctx, door, page) }), nil
}

// start serves in this process.
func (s *Service) start(ctx context.Context, serve func(context.Context) error) *Doors {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	d := &Doors{done: make(chan struct{}), stop: stop}
	go func() {
		defer close(d.done)
		d.err = errors.Join(serve(ctx), s.Close())
	}()
	return d
}

// childFiles is the first of the descriptors that a child inherits after
// standard input, output and error: door, page unless the door is alone, and
// the pipe on which it says that it is ready.
const childFiles = 3

// startChild runs the doors as the account seawall, without capabilities.
func startChild(ctx context.Context, dir *state.Dir, alone *Alone, listeners ...net.Listener) (*Doors, error) {
	uid, gid, made, err := ensureAccount(ctx)
	if err != nil {
		return nil, err
	}
	if err := dir.Give(uid, gid); err != nil {
		return nil, err
	}
	files, closeFiles, err := inherit(listeners...)
	if err != nil {
		return nil, err
	}
	defer closeFiles()
	ready, readyChild, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the doors: %w", err)
	}
	defer ready.Close()
	// The link to the running program also works where the account may not
	// look: `go run` builds in a directory that only its user may enter.
	cmd := exec.Command("/proc/self/exe", append([]string{"doors", "--state", dir.String()}, alone.flags()...)...)
	cmd.Args[0] = os.Args[0]
	cmd.Dir = "/"
	cmd.Env = childEnvironment(os.Environ())
	// Not the terminal itself, to which it could type.
	cmd.Stdout = complaints{}
	cmd.Stderr = cmd.Stdout
	cmd.ExtraFiles = append(files, readyChild)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}},
		// Ctrl-C is this process's to handle: edits are taken back before the door
		// closes. And the terminal is not the child's.
		Setsid: true,
	}
	// As long as this process lives, so does the pipe: the child ends with it.
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the doors: %w", err)
	}
	err = startConfined(cmd)
	readyChild.Close()
	if err != nil {
		return nil, fmt.Errorf("starting the doors as user %q: %w", Account, err)
	}
	d := &Doors{done: make(chan struct{}), stop: func() { alive.Close() }}
	if made {
		d.Notes = append(d.Notes, fmt.Sprintf("made the system user %q, which runs the doors (undo: userdel %s)", Account, Account))
	}
	go func() {
		defer close(d.done)
		d.err = cmd.Wait()
	}()
	if err := awaitReady(ready); err != nil {
		d.stop()
		<-d.done
		return nil, err
	}
	return d, nil
}

// complaints is where a child says what goes wrong. That nobody reads it any more
// is no reason to end.
type complaints struct{}

func (complaints) Write(b []byte) (int, error) {
	_, _ = plain.Writer(os.Stderr).Write(b)
	return len(b), nil
}

// startConfined starts a program that can never gain privileges, by setuid
// programs or otherwise. That is given up by one thread, which starts it and
// ends with this goroutine: a thread that gave it up in the child would leave
// the child's others as they are.
func startConfined(cmd *exec.Cmd) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
	}()
	return <-started
}

// awaitReady reads the child's one line: "ready", or why it cannot start.
func awaitReady(r *os.File) error {
	_ = r.SetReadDeadline(time.Now().Add(30 * time.Second))
	line, err := bufio.NewReader(io.LimitReader(r, 4<<10)).ReadString('\n')
	line = strings.TrimSpace(line)
	switch {
	case line == "ready":
		return nil
	case line != "":
		return errors.New(line)
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("starting the doors: no answer within 30 seconds: %w", err)
	}
	return errors.New("starting the doors: they ended before they were open")
}

// RunChild is the other end of Start: it opens the doors on the descriptors it
// inherited and ends when its standard input does. reported tells that the
// starter knows of the error.
func RunChild(ctx context.Context, path string, alone *Alone, version string) (reported bool, err error) {
	names := []string{"door", "page"}
	if alone != nil {
		names = names[:1]
	}
	if !startedByUp(len(names)) {
		return false, errors.New("this command is for `seawall up` alone")
	}
	ready := os.NewFile(uintptr(childFiles+len(names)), "ready")
	if err := runChild(ctx, path, alone, version, names, ready); err != nil {
		_, told := fmt.Fprintln(ready, strings.ReplaceAll(err.Error(), "\n", " "))
		return told == nil, err
	}
	return false, nil
}

// startedByUp tells whether the inherited descriptors are those that Start
// hands over: a shell or a supervisor may leave others open at these numbers.
func startedByUp(listeners int) bool {
	for fd := childFiles; fd < childFiles+listeners; fd++ {
		if listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listening == 0 {
			return false
		}
	}
	var ready unix.Stat_t
	return unix.Fstat(childFiles+listeners, &ready) == nil && ready.Mode&unix.S_IFMT == unix.S_IFIFO
}

func runChild(ctx context.Context, path string, alone *Alone, version string, names []string, ready io.WriteCloser) error {
	var listeners []net.Listener
	for i, name := range names {
		l, err := net.FileListener(os.NewFile(uintptr(childFiles+i), name))
		if err != nil {
			return fmt.Errorf("taking over the %s: %w", name, err)
		}
		listeners = append(listeners, l)
	}
	dir, err := state.Existing(path)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the user %q, which runs the doors, may not enter the folders above %s: choose a state directory that it can reach, such as the default, or open the way with chmod o+x", Account, path)
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	s, serve, err := openChild(ctx, dir, alone, version)
	if err != nil {
		return err
	}
	fmt.Fprintln(ready, "ready")
	ready.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return errors.Join(serve(ctx, listeners), s.Close())
}

func openChild(ctx context.Context, dir *state.Dir, alone *Alone, version string) (*Service, func(context.Context, []net.Listener) error, error) {
	if alone != nil {
		s, err := OpenAlone(ctx, dir, *alone, version)
		return s, func(ctx context.Context, l []net.Listener) error { return s.ServeAlone(ctx, l[0]) }, err
	}
	s, err := Open(ctx, dir, version)
	return s, func(ctx context.Context, l []net.Listener) error { return s.Serve(ctx, l[0], l[1]) }, err
}

func inherit(listeners ...net.Listener) (files []*os.File, closeAll func(), err error) {
	closeAll = func() {
		for _, f := range files {
			f.Close()
		}
	}
	for _, l := range listeners {
		tcp, ok := l.(*net.TCPListener)
		if !ok {
			closeAll()
			return nil, nil, fmt.Errorf("starting the doors: %s is not a TCP listener", l.Addr())
		}
		f, err := tcp.File()
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("starting the doors: %w", err)
		}
		files = append(files, f)
	}
	return files, closeAll, nil
}

// childEnvironment passes on what the doors need of root's environment: how to
// reach the providers, and nothing that may be a secret.
func childEnvironment(environ []string) []string {
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		switch strings.ToUpper(name) {
		case "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "TZ", "GOTRACEBACK":
			env = append(env, pair)
		}
	}
	return env
}
