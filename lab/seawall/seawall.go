// Package seawall builds this checkout's seawall once and runs it for tests, in
// a network namespace where they want.
package seawall

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openseawall/seawall/lab/netns"
)

// startTimeout is how long a program may take to say what is waited for.
const startTimeout = 4 * time.Minute

// build makes the binary, once a test process.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "swlab-bin-")
	if err != nil {
		return "", err
	}
	// Tests may run it as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "seawall")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/openseawall/seawall/cmd/seawall")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building seawall: %w: %s", err, out)
	}
	return path, nil
})

// Clean removes the binary; a TestMain calls it at its end.
func Clean() {
	if path, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

// Command is seawall with arguments, not yet started. Whoever runs the tests
// under nohup still has a seawall that ends with its terminal.
func Command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command("env", append([]string{"--default-signal=HUP", path}, args...)...)
}

// Process is a running program and what it has said so far.
type Process struct {
	Cmd *exec.Cmd

	exited chan struct{}
	mu     sync.Mutex
	out    bytes.Buffer
}

// Write takes what the program says.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

// Output is what the program has said so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// Start runs a command inside n (nil: here), until it has said a text; it is
// ended with the test, which shows its output when it fails.
func Start(t testing.TB, n *netns.Namespace, cmd *exec.Cmd, until string) *Process {
	t.Helper()
	p := &Process{Cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p, p
	if err := n.Start(cmd); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd, p.Output())
		}
	})
	for deadline := time.Now().Add(startTimeout); !strings.Contains(p.Output(), until); {
		select {
		case <-p.exited:
			t.Fatalf("%s ended (%s) before it said %q:\n%s", cmd, cmd.ProcessState, until, p.Output())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not say %q:\n%s", cmd, until, p.Output())
		}
	}
	return p
}

// Stop asks the program to end, and makes it after a minute.
func (p *Process) Stop() {
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	p.Wait()
}

// Wait waits for the end of a program that was asked to end, and makes it after
// a minute.
func (p *Process) Wait() {
	select {
	case <-p.exited:
	case <-time.After(time.Minute):
		_ = p.Cmd.Process.Kill()
		<-p.exited
	}
}
