// Package sshd runs Debian's real OpenSSH server for tests, in a network
// namespace in which it is the machine's: with keys and a config of its own in
// /etc/ssh. The one outside is not touched.
package sshd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openseawall/seawall/lab/netns"
)

// Server is a running sshd.
type Server struct {
	Dir string // stands for /etc/ssh inside: sshd_config, sshd_config.d, host keys
	Key string // a client's private key that root's lab login accepts

	net *netns.Namespace
	cmd *exec.Cmd
	log string
}

// Start runs sshd on port 22 of the namespace until the test ends. config is
// put in front of the lab's own lines; the first value of an option wins.
func Start(t testing.TB, n *netns.Namespace, config string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "swlab-sshd-") // sshd wants no folder above it that others may write
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{Dir: filepath.Join(dir, "etc"), Key: filepath.Join(dir, "client"), net: n, log: filepath.Join(dir, "log")}
	if err := s.prepare(config); err != nil {
		t.Fatal(err)
	}
	if err := n.Bind(s.Dir, "/etc/ssh"); err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if log, err := os.ReadFile(s.log); err == nil && t.Failed() {
			t.Logf("sshd printed:\n%s", log)
		}
	})
	return s
}

// prepare writes keys and config.
func (s *Server) prepare(config string) error {
	for _, d := range []string{filepath.Join(s.Dir, "sshd_config.d"), "/run/sshd"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	host := filepath.Join(s.Dir, "ssh_host_ed25519_key")
	for _, key := range []string{host, s.Key} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
			return fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	lines := []string{config, "Port 22", "ListenAddress 127.0.0.1", "HostKey /etc/ssh/ssh_host_ed25519_key",
		"AuthorizedKeysFile " + s.Key + ".pub", "StrictModes no", "PidFile none", "UsePAM no"}
	return os.WriteFile(s.Config(), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// Config is the path of its sshd_config.
func (s *Server) Config() string { return filepath.Join(s.Dir, "sshd_config") }

// start runs sshd and waits until it listens.
func (s *Server) start(ctx context.Context) error {
	log, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	s.cmd = exec.Command("/usr/sbin/sshd", "-D", "-e")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.net.Start(s.cmd); err != nil {
		return fmt.Errorf("starting sshd: %w", err)
	}
	for range 100 {
		if c, err := s.net.Dial(ctx, "tcp", "127.0.0.1:22"); err == nil {
			return c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	printed, _ := os.ReadFile(s.log)
	s.Stop()
	return fmt.Errorf("sshd does not listen: %s", printed)
}

// Login runs a command over a real connection, as root with the client's key
// and no other way of proving who it is.
func (s *Server) Login(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "ssh", append([]string{"-F", "none", "-i", s.Key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "root@127.0.0.1"}, args...)...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := s.net.Run(cmd)
	return []byte(out.String()), err
}

// Stop ends sshd.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}
