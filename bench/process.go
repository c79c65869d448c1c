package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/limit"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

// stage is where everything happens: a temporary directory with a seawall that
// was built for it, a provider, and a door between the two.
type stage struct {
	dir      string
	seawall  string // the program
	origin   string // of the provider: "http://127.0.0.1:1234"
	plain    string // of a proxy that reads nothing
	door     string // of Seawall
	token    string
	pid      int // of the door
	plainPID int
	state    *state.Dir
	children []*child
	rows     int64 // of the large record
}

const routeID = "bench"

// nobody runs what must not run as root, when root measures.
const nobody = 65534

func openStage(ctx context.Context) (*stage, error) {
	dir, err := os.MkdirTemp("", "seawall-bench-")
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir, seawall: filepath.Join(dir, "seawall"), token: model.NewToken()}
	if err := errors.Join(os.Chmod(dir, 0o755), build(ctx, s.seawall)); err != nil {
		return s, err
	}
	return s, s.open()
}

// build makes the program as `make build` does.
func build(ctx context.Context, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", to, "github.com/openseawall/seawall/cmd/seawall")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building seawall: %w\n%s", err, out)
	}
	return nil
}

// open starts provider and door.
func (s *stage) open() error {
	provider, err := s.serve("provider")
	if err != nil {
		return fmt.Errorf("starting the provider: %w", err)
	}
	proxy, err := s.serve("proxy", provider)
	if err != nil {
		return fmt.Errorf("starting the plain proxy: %w", err)
	}
	s.origin, s.plain = "http://"+provider, "http://"+proxy
	s.plainPID = s.children[len(s.children)-1].cmd.Process.Pid
	dir, err := s.newState("state")
	if err != nil {
		return err
	}
	keys, err := vault.Open(dir)
	if err != nil {
		return err
	}
	if err := keys.Set(map[string]string{routeID: "the-real-key-of-the-bench"}); err != nil {
		return err
	}
	route := model.Route{ID: routeID, Provider: routeID, API: wire.Chat, Upstream: s.origin + "/v1", Key: routeID, Token: s.token}
	if err := model.SaveRoutes(dir, []model.Route{route}); err != nil {
		return err
	}
	s.state = dir
	return s.startDoor()
}

// newState makes a state directory that the door's user owns.
func (s *stage) newState(name string) (*state.Dir, error) {
	path := filepath.Join(s.dir, name)
	dir, err := state.Open(path)
	if err == nil {
		err = limit.Lift(dir)
	}
	if err != nil || os.Geteuid() != 0 {
		return dir, err
	}
	return dir, dir.Give(nobody, nobody)
}

// close ends what was started and removes what was written.
func (s *stage) close() {
	for _, c := range s.children {
		c.end()
	}
	_ = os.RemoveAll(s.dir)
}

// child is a process that ends when its standard input does.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

func (s *stage) start(cmd *exec.Cmd) error {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.children = append(s.children, &child{cmd, stdin})
	return nil
}

func (c *child) end() {
	c.stdin.Close()
	timer := time.AfterFunc(5*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	_ = c.cmd.Wait()
}

// serve starts this program as one of its servers.
func (s *stage) serve(args ...string) (addr string, err error) {
	cmd := exec.Command("/proc/self/exe", append([]string{serveCommand}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := s.start(cmd); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	return strings.TrimSpace(line), err
}

// startDoor starts the process that `seawall up` runs the doors in, as it does:
// with the sockets and a pipe for its "ready". One that ran before is ended.
func (s *stage) startDoor() error {
	if s.pid != 0 {
		s.children[len(s.children)-1].end()
		s.children = s.children[:len(s.children)-1]
	}
	door, err := inherited()
	if err != nil {
		return err
	}
	defer door.Close()
	page, err := inherited()
	if err != nil {
		return err
	}
	defer page.Close()
	ready, readyChild, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	cmd := s.command("doors", "--state", s.state.String())
	cmd.ExtraFiles = []*os.File{door.File, page.File, readyChild}
	err = s.start(cmd)
	readyChild.Close()
	if err != nil {
		return fmt.Errorf("starting the door: %w", err)
	}
	if line, err := bufio.NewReader(ready).ReadString('\n'); err != nil || line != "ready\n" {
		return fmt.Errorf("the door did not open: %s", strings.TrimSpace(line))
	}
	s.door, s.pid = "http://"+door.addr, cmd.Process.Pid
	return nil
}

// command runs seawall with no more rights and no more environment than the
// service has.
func (s *stage) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.seawall, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent"}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{}}}
	}
	return cmd
}

// socket is a listener for a child to inherit.
type socket struct {
	*os.File
	addr string
}

func inherited() (*socket, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	return &socket{f, l.Addr().String()}, err
}

// resident is the memory of a process in bytes, and what of it is its own, not
// the program's file.
func resident(pid int) (all, own float64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range bytes.Lines(status) {
		fields := strings.Fields(string(line))
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			all = kb * 1024
		case "RssAnon:":
			own = kb * 1024
		}
	}
	return all, own
}

// processorOf is the time that another process has used.
func processorOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name before may hold anything; utime and stime are fields 14 and 15,
	// in ticks of which Linux shows 100 a second.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// firstByte is how long a command takes from its start to the first byte that
// it prints. It is ended then.
func (s *stage) firstByte(args ...string) (time.Duration, error) {
	cmd := s.command(args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, err = io.ReadFull(out, make([]byte, 1))
	took := time.Since(start)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		return 0, fmt.Errorf("seawall %s printed nothing: %w", strings.Join(args, " "), err)
	}
	return took, nil
}
