//go:build lab

package netns_test

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/openseawall/seawall/lab/netns"
)

// TestNamespace has nothing but what the test put there.
func TestNamespace(t *testing.T) {
	n := netns.New(t)
	l, err := n.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	addr := l.Addr().String()

	c, err := n.Dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatalf("from inside: %v", err)
	}
	_ = c.Close()
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("it can be reached from outside")
	}
	if _, err := n.Dial(t.Context(), "tcp", "192.0.2.1:443"); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("the way out answers %v", err)
	}
}

// TestDelete leaves no process and no name behind.
func TestDelete(t *testing.T) {
	n, err := netns.Create()
	if err != nil {
		t.Fatal(err)
	}
	// A shell that has a child of its own.
	cmd := exec.Command("sh", "-c", "sleep 1000 & echo; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if pids := n.Pids(); !slices.Contains(pids, cmd.Process.Pid) {
		t.Errorf("the shell is not in %v", pids)
	}
	if err := n.Delete(); err != nil {
		t.Fatal(err)
	}
	// Its end of the pipe is closed when the child, too, is gone.
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the shell ended by itself")
	}
	if _, err := os.Stat(n.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the name is still there: %v", err)
	}
}

// TestView sees its own processes and what was put in place of the machine's
// files; outside nothing changes.
func TestView(t *testing.T) {
	n := netns.New(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "debian_version"), []byte("lab"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(n.Bind(filepath.Join(dir, "debian_version"), "/etc/debian_version"), n.Empty("/home")); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd := exec.Command("sh", "-c", "cat /etc/debian_version; ls /home; cat /proc/1/comm")
	cmd.Stdout = &out
	if err := n.Run(cmd); err != nil {
		t.Fatal(err)
	}
	if said := strings.TrimSpace(out.String()); said != "labsh" {
		t.Errorf("inside it is %q", said)
	}
	if b, err := os.ReadFile("/etc/debian_version"); err != nil || string(b) == "lab" {
		t.Errorf("outside it is %q, %v", b, err)
	}
}
