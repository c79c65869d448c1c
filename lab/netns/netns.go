// Package netns makes places for tests to run real things in: a network with
// nothing in it but loopback, so that what runs there reaches what the test put
// there and nothing else; with it a view of processes that begins empty, so
// that what looks for processes finds the test's own; and mounts of its own, so
// that a test replaces folders without anybody else noticing.
//
// Inside, the test's own process listens and dials through [Namespace.Listen]
// and [Namespace.Dial]; other programs are started with [Namespace.Start].
// Needs root and iproute2.
package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// dir is where iproute2 keeps named namespaces.
const dir = "/run/netns"

// prefix begins the names of the lab's namespaces: swlab-<pid>-<n>.
const prefix = "swlab-"

// Namespace is one such place.
type Namespace struct {
	Name string

	init  *exec.Cmd   // waits for the first process inside
	first int         // that process; all others end with it
	work  chan func() // done by the one thread of ours that is inside
}

var made atomic.Int32

// New makes a namespace and removes it, with all that still runs in it, when
// the test ends.
func New(t testing.TB) *Namespace {
	t.Helper()
	n, err := Create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Delete(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// Create makes a namespace with a loopback interface that is up. It first
// removes those of lab processes that died without doing so.
func Create() (*Namespace, error) {
	sweep()
	n := &Namespace{Name: fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), made.Add(1))}
	if err := ip("netns", "add", n.Name); err != nil {
		return nil, fmt.Errorf("network namespace %s cannot be made (needs root and iproute2): %w", n.Name, err)
	}
	if err := errors.Join(n.IP("link", "set", "lo", "up"), n.enter()); err != nil {
		return nil, errors.Join(err, n.Delete())
	}
	return n, nil
}

// idle says when it is there, and then does nothing but bury the dead.
const idle = "echo; while :; do sleep 1000; done"

// enter starts the thread of ours, and on it the first process.
func (n *Namespace) enter() error {
	n.work = make(chan func())
	entered := make(chan error)
	go n.thread(entered)
	return <-entered
}

// begin starts the first process. It dies with the thread that it is called on.
func (n *Namespace) begin() error {
	n.init = exec.Command("nsenter", "--net="+n.Path(), "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", idle)
	n.init.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := n.init.StdoutPipe()
	if err != nil {
		return err
	}
	if err := n.init.Start(); err != nil {
		return err
	}
	if _, err := said.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("the first process in %s did not start: %w", n.Name, err)
	}
	children := fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", n.init.Process.Pid)
	child, err := os.ReadFile(children) // of unshare
	if err != nil {
		return err
	}
	n.first, err = strconv.Atoi(strings.TrimSpace(string(child)))
	return err
}

// thread does what it is asked to inside, on one thread that is never given
// back: processes that it started would be killed with it.
func (n *Namespace) thread(entered chan<- error) {
	runtime.LockOSThread()
	err := n.begin()
	if err == nil {
		err = unix.Unshare(unix.CLONE_FS) // else the mounts would have to change for all threads
	}
	for _, ns := range []struct {
		name string
		kind int
	}{{"net", unix.CLONE_NEWNET}, {"pid", unix.CLONE_NEWPID}, {"mnt", unix.CLONE_NEWNS}} { // from then on /proc is the inner one
		if err == nil {
			err = setns(fmt.Sprintf("/proc/%d/ns/%s", n.first, ns.name), ns.kind)
		}
	}
	entered <- err
	for f := range n.work {
		f()
	}
}

// Path is the file that stands for the namespace, as nsenter --net wants it.
func (n *Namespace) Path() string { return filepath.Join(dir, n.Name) }

// IP runs ip(8) inside.
func (n *Namespace) IP(args ...string) error {
	return ip(append([]string{"-n", n.Name}, args...)...)
}

// nextHop is a link-layer address that nobody has.
const nextHop = "02:00:00:00:00:01"

// Outward gives the namespace an interface "out" with default routes, IPv4 and
// IPv6, into nowhere: whatever is sent to the world is really sent, can be
// captured, and goes no further.
func (n *Namespace) Outward() error {
	for _, args := range [][]string{
		{"link", "add", "out", "type", "veth", "peer", "name", "nowhere"},
		{"link", "set", "nowhere", "addrgenmode", "none", "up"},
		{"addr", "add", "198.51.100.2/24", "dev", "out"},
		{"addr", "add", "2001:db8:100::2/64", "dev", "out", "nodad"},
		{"link", "set", "out", "up"},
		// The next hop is known, so that packets leave without anybody asking for it.
		{"neigh", "add", "198.51.100.1", "lladdr", nextHop, "dev", "out", "nud", "permanent"},
		{"neigh", "add", "2001:db8:100::1", "lladdr", nextHop, "dev", "out", "nud", "permanent"},
		{"route", "add", "default", "via", "198.51.100.1"},
		{"-6", "route", "add", "default", "via", "2001:db8:100::1"},
	} {
		if err := n.IP(args...); err != nil {
			return err
		}
	}
	return nil
}

func setns(path string, kind int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := unix.Setns(int(f.Fd()), kind); err != nil {
		return fmt.Errorf("entering %s: %w", path, err)
	}
	return nil
}

// Do runs f on the thread that is inside. Sockets and mounts that f makes, and
// processes that it starts, stay there; goroutines that it starts do not.
func (n *Namespace) Do(f func() error) error {
	done := make(chan error, 1)
	n.work <- func() { done <- f() }
	return <-done
}

// Bind makes a file or folder appear at another's place, inside.
func (n *Namespace) Bind(with, place string) error {
	return n.Do(func() error {
		if err := unix.Mount(with, place, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("%s cannot stand for %s: %w", with, place, err)
		}
		return nil
	})
}

// Empty makes a folder look empty, inside.
func (n *Namespace) Empty(place string) error {
	return n.Do(func() error {
		if err := unix.Mount("tmpfs", place, "tmpfs", 0, "mode=0755"); err != nil {
			return fmt.Errorf("%s cannot be emptied: %w", place, err)
		}
		return nil
	})
}

// Listen listens inside; addr is an address and port, "127.0.0.1:0".
func (n *Namespace) Listen(addr string) (l net.Listener, err error) {
	err = n.Do(func() error {
		l, err = net.Listen("tcp", addr)
		return err
	})
	return l, err
}

// Dial connects inside; addr is an IP address and port: names are not looked up
// there. It waits on a thread of its own, so that many can wait at once.
func (n *Namespace) Dial(ctx context.Context, network, addr string) (c net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err = setns(n.Path(), unix.CLONE_NEWNET); err == nil {
			var d net.Dialer
			c, err = d.DialContext(ctx, network, addr)
		}
	}()
	<-done
	return c, err
}

// Client is an HTTP client that talks inside.
func (n *Namespace) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: n.Dial, DisableCompression: true}}
}

// Start starts a command inside; a nil namespace starts it where the test is.
// The command is killed when the test process dies.
func (n *Namespace) Start(cmd *exec.Cmd) error {
	if n != nil {
		return n.Do(cmd.Start) // it ends with the first process
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return cmd.Start()
}

// Run starts a command inside and waits for it.
func (n *Namespace) Run(cmd *exec.Cmd) error {
	if err := n.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// Pids lists the processes inside.
func (n *Namespace) Pids() []int {
	out, err := exec.Command("ip", "netns", "pids", n.Name).Output()
	if err != nil {
		return nil
	}
	var pids []int
	for f := range strings.FieldsSeq(string(out)) {
		if pid, err := strconv.Atoi(f); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Delete kills what still runs inside and removes the namespace.
func (n *Namespace) Delete() error {
	if n.first != 0 {
		_ = syscall.Kill(n.first, syscall.SIGKILL) // and with it, by the kernel, all that runs inside
		go func() { _ = n.init.Wait() }()          // which ends when the last of them was waited for
	}
	if n.work != nil {
		close(n.work)
	}
	for range 50 {
		pids := n.Pids()
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			if pid != os.Getpid() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ip("netns", "del", n.Name)
}

// sweep removes namespaces whose maker is gone.
func sweep() {
	names, _ := filepath.Glob(filepath.Join(dir, prefix+"*-*"))
	for _, name := range names {
		var pid, i int
		if _, err := fmt.Sscanf(filepath.Base(name), prefix+"%d-%d", &pid, &i); err != nil {
			continue
		}
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = (&Namespace{Name: filepath.Base(name)}).Delete()
		}
	}
}

func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
