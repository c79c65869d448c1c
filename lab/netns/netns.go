// Package netns makes network namespaces for tests: a machine's network with
// nothing in it but loopback, so that what runs there reaches what the test
// put there and nothing else.
//
// Inside a namespace the test's own process listens and dials through
// [Namespace.Listen] and [Namespace.Dial]; other programs are started with
// [Namespace.Start]. Needs root and iproute2.
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

// Namespace is one network namespace of the lab.
type Namespace struct {
	Name string
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
	if err := n.IP("link", "set", "lo", "up"); err != nil {
		return nil, errors.Join(err, n.Delete())
	}
	return n, nil
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

// Do runs f on a thread that is inside the namespace. Sockets that f makes, and
// processes that it starts, stay there; goroutines that it starts do not.
func (n *Namespace) Do(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- n.do(f) }()
	return <-done
}

func (n *Namespace) do(f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer func() { _ = home.Close() }()
	there, err := os.Open(n.Path())
	if err != nil {
		return err
	}
	defer func() { _ = there.Close() }()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering network namespace %s: %w", n.Name, err)
	}
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, back) // the thread stays locked and dies with this goroutine
	}
	runtime.UnlockOSThread()
	return err
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
// there.
func (n *Namespace) Dial(ctx context.Context, network, addr string) (c net.Conn, err error) {
	err = n.Do(func() error {
		var d net.Dialer
		c, err = d.DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

// Client is an HTTP client that talks inside.
func (n *Namespace) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: n.Dial, DisableCompression: true}}
}

// Start starts a command inside. A nil namespace starts it where the test is.
// The command is killed when the test process dies.
func (n *Namespace) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if n == nil {
		return cmd.Start()
	}
	return n.Do(cmd.Start)
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
