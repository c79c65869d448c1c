//go:build lab

package netns_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
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
	if pids := n.Pids(); len(pids) != 2 {
		t.Errorf("inside run %v, want the shell and its child", pids)
	}
	if err := n.Delete(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the shell ended by itself")
	}
	if _, err := os.Stat(n.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the name is still there: %v", err)
	}
}
