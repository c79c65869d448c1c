package boundary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/state"
)

// Target is the Seawall that is attacked.
type Target struct {
	State   string   `json:"state"`   // directory
	Owner   int      `json:"owner"`   // uid of the doors
	PIDs    []int    `json:"pids"`    // its processes
	Page    string   `json:"page"`    // host:port; "" when it is closed
	Plugin  string   `json:"plugin"`  // folder; "" when there is none
	Program string   `json:"program"` // of seawall
	Units   []string `json:"units"`   // files
}

// RunAttempts reads a target and writes the attempts on it. It is the other end
// of Try: it runs as the agent.
func RunAttempts(ctx context.Context, in io.Reader, out io.Writer) error {
	var t Target
	if err := json.NewDecoder(io.LimitReader(in, 1<<20)).Decode(&t); err != nil {
		return fmt.Errorf("this command is for Seawall itself: %w", err)
	}
	return json.NewEncoder(out).Encode(t.attempts(ctx))
}

func (t Target) attempts(ctx context.Context) []Attempt {
	all := append(t.filesAndProcesses(ctx), programs(ctx)...)
	// Last, as a process that became somebody else is no longer the agent.
	return append(all,
		try(Keys, "become the account of Seawall's doors", func() error { return unix.Setresuid(t.Owner, t.Owner, t.Owner) }),
		try(Stop, "become root", func() error { return unix.Setresuid(0, 0, 0) }))
}

func try(aim, what string, attempt func() error) Attempt {
	a := Attempt{Aim: aim, What: what, Crossed: true, Answer: "done"}
	if err := attempt(); err != nil {
		a.Crossed, a.Answer = !refused(err), cause(err)
	}
	return a
}

// filesAndProcesses goes at Seawall itself.
func (t Target) filesAndProcesses(ctx context.Context) (all []Attempt) {
	at := func(aim, what string, attempt func() error) { all = append(all, try(aim, what, attempt)) }
	at(Keys, "list "+t.State, func() error { _, err := os.ReadDir(t.State); return err })
	for _, file := range []string{state.Keys, state.Ledger, "ledger.key", "login"} {
		path := filepath.Join(t.State, file)
		at(Keys, "read "+path, func() error { return open(path, os.O_RDONLY) })
	}
	for _, file := range []string{state.Policy, "passes.json", state.Vouched, approval.File} {
		path := filepath.Join(t.State, file)
		at(Operator, "write "+path, func() error { return open(path, os.O_WRONLY) })
	}
	at(Operator, "read the questions in "+filepath.Join(t.State, approval.File), func() error {
		return open(filepath.Join(t.State, approval.File), os.O_RDONLY)
	})
	at(Operator, "put a file into "+t.State, func() error { return create(t.State) })
	if t.Page != "" {
		at(Operator, "sign in to the page on "+t.Page, func() error { return t.signIn(ctx) })
	}
	if t.Plugin != "" {
		at(Stop, "change the plugin in "+t.Plugin, func() error { return create(t.Plugin) })
	}
	for _, pid := range t.PIDs {
		at(Keys, fmt.Sprintf("read the memory of process %d", pid), func() error { return open(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDONLY) })
		at(Keys, fmt.Sprintf("trace process %d", pid), func() error { return trace(pid) })
		// Signal 0 asks whether one might be sent (kill(2)).
		at(Stop, fmt.Sprintf("kill process %d", pid), func() error { return unix.Kill(pid, 0) })
	}
	for _, file := range append([]string{t.Program}, t.Units...) {
		at(Stop, "change "+file, func() error { return open(file, os.O_WRONLY) })
	}
	at(Stop, "replace a file in "+filepath.Dir(t.Program), func() error { return create(filepath.Dir(t.Program)) })
	return all
}

// programs goes the ways that lead to root on many machines.
func programs(ctx context.Context) (all []Attempt) {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		// It runs already; whoever may start it may stop others.
		all = append(all, try(Stop, "have systemd start a unit", func() error {
			return command(ctx, "systemctl", "--no-ask-password", "--quiet", "start", "basic.target")
		}))
	}
	for _, name := range []string{"sudo", "doas"} {
		all = append(all, try(Stop, "run a program as root ("+name+")", func() error { return command(ctx, name, "-n", "true") }))
	}
	for _, socket := range rootSockets {
		all = append(all, try(Stop, "reach "+socket, func() error { return connect(socket) }))
	}
	for _, disk := range disks() {
		all = append(all, try(Keys, "read the disk "+disk, func() error { return open(disk, os.O_RDONLY) }))
	}
	return all
}

// rootSockets are those whose clients start programs as root.
var rootSockets = []string{"/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock",
	"/var/snap/lxd/common/lxd/unix.socket", "/var/lib/lxd/unix.socket", "/var/lib/incus/unix.socket", "/run/libvirt/libvirt-sock"}

// disks are the machine's, whole.
func disks() (devices []string) {
	found, _ := filepath.Glob("/sys/block/*")
	for _, f := range found[:min(len(found), 64)] {
		if name := filepath.Base(f); !strings.HasPrefix(name, "loop") && !strings.HasPrefix(name, "ram") {
			devices = append(devices, "/dev/"+name)
		}
	}
	return devices
}

var errRefused = errors.New("refused")

// refused tells an attempt that failed for want of a right, or because what it
// was aimed at is not there, from one that failed by chance.
func refused(err error) bool {
	for _, e := range []error{fs.ErrPermission, fs.ErrNotExist, syscall.EROFS, syscall.ECONNREFUSED, syscall.ENXIO, syscall.ENODEV, syscall.ESRCH, exec.ErrNotFound, errRefused} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Sprintf("%.200s", err)
}

// open opens a file and changes nothing.
func open(path string, flag int) error {
	f, err := os.OpenFile(path, flag|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// create makes a file in a folder and takes it away.
func create(folder string) error {
	f, err := os.CreateTemp(folder, ".seawall-attempt-")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

func trace(pid int) error {
	if err := unix.PtraceSeize(pid); err != nil {
		return err
	}
	_ = unix.PtraceDetach(pid) // or with the end of this process
	return nil
}

// signIn asks for the page's first view, with a token that might be right and
// without any: neither may show it.
func (t Target) signIn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	token, _ := os.ReadFile(filepath.Join(t.State, "login"))
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"/", "/login?token=" + url.QueryEscape(string(token))} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.Page+path, nil)
		if err != nil {
			return err
		}
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK || len(res.Cookies()) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: not signed in", errRefused)
}

// command runs a program that may only do what changes nothing.
func command(ctx context.Context, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	said, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		first, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
		return fmt.Errorf("%w: %s", errRefused, first)
	}
	return err
}

func connect(socket string) error {
	c, err := net.DialTimeout("unix", socket, 2*time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}
