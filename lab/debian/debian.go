// Package debian boots a real Debian 12 for tests: systemd as the first process
// of a container, in a network of the lab's that leads nowhere. It has what a
// minimal Debian has and no more, so that what a package needs is seen.
//
// The image is bootstrapped once into the lab's cache; needs mmdebstrap.
package debian

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/lab/cache"
	"github.com/openseawall/seawall/lab/docker"
	"github.com/openseawall/seawall/lab/netns"
)

// packages are what the machine has beside the essential ones; libatomic1 is for
// the Node.js of an OpenClaw that is mounted.
var packages = []string{"systemd", "systemd-sysv", "dbus", "libpam-systemd", "dbus-user-session", "openssh-server", "libatomic1"}

// excluded is what no test reads.
var excluded = []string{"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/var/lib/apt/lists/*", "/var/cache/apt/*"}

const (
	image       = "lab/debian:12"
	bootTimeout = 4 * time.Minute
)

// Machine is a booted Debian.
type Machine struct {
	Engine *docker.Engine
	id     string
}

// Start boots a machine that shares the network of n, until the test ends. Each
// of mounts is "FOLDER:PLACE", with ":ro" where nobody may write.
func Start(t testing.TB, n *netns.Namespace, mounts ...string) *Machine {
	t.Helper()
	return StartOn(t, docker.Start(t, n), mounts...)
}

// StartOn boots a machine on an engine.
func StartOn(t testing.TB, e *docker.Engine, mounts ...string) *Machine {
	t.Helper()
	tar, err := bootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{Engine: e}
	if _, err := m.Engine.Docker(t.Context(), "import", tar, image); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "-d", "--network", "host", "--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"-v", "/sys/fs/cgroup:/sys/fs/cgroup", "--cgroupns=host",
		"--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp", "-e", "container=docker", "--stop-signal", "SIGRTMIN+3"}
	for _, mount := range mounts {
		args = append(args, "-v", mount)
	}
	if m.id, err = m.Engine.Docker(t.Context(), append(args, image, "/sbin/init")...); err != nil {
		t.Fatal(err)
	}
	m.booted(t)
	return m
}

// bootstrap returns the image's tar, made once for a list of packages.
func bootstrap(ctx context.Context) (string, error) {
	recipe := sha256.Sum256(fmt.Appendf(nil, "bookworm %q %q", packages, excluded))
	dir, err := cache.Entry(ctx, "debian-12-"+hex.EncodeToString(recipe[:6]), func(dir string) error {
		args := []string{"--quiet", "--variant=minbase", "--include=" + strings.Join(packages, ",")}
		for _, path := range excluded {
			args = append(args, "--dpkgopt=path-exclude="+path)
		}
		cmd := exec.CommandContext(ctx, "mmdebstrap", append(args, "bookworm", filepath.Join(dir, "image.tar"))...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("mmdebstrap: %w: %s", err, out)
		}
		return nil
	})
	return filepath.Join(dir, "image.tar"), err
}

// booted waits until systemd has started what it starts.
func (m *Machine) booted(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(bootTimeout); ; time.Sleep(50 * time.Millisecond) {
		// Its exit status says whether all units are well; that is for tests.
		out, err := m.Run(t.Context(), "systemctl", "is-system-running")
		if state := strings.TrimSpace(out); state == "running" || state == "degraded" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the machine does not boot: %s %v", out, err)
		}
	}
}

// Run runs a command on the machine as root and returns what it printed.
func (m *Machine) Run(ctx context.Context, args ...string) (string, error) {
	return m.Engine.Docker(ctx, append([]string{"exec", m.id}, args...)...)
}

// Shell runs a shell script on the machine and fails the test when it fails.
func (m *Machine) Shell(t testing.TB, script string) string {
	t.Helper()
	out, err := m.Run(t.Context(), "sh", "-ec", script)
	if err != nil {
		t.Fatalf("%s\n%v", script, err)
	}
	return out
}

// Write puts a file on the machine.
func (m *Machine) Write(t testing.TB, path string, content []byte, mode os.FileMode) {
	t.Helper()
	local := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(local, content, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(local, mode); err != nil {
		t.Fatal(err)
	}
	m.Copy(t, local, path)
}

// Copy copies a file from here onto the machine.
func (m *Machine) Copy(t testing.TB, local, path string) {
	t.Helper()
	if _, err := m.Engine.Docker(t.Context(), "cp", local, m.id+":"+path); err != nil {
		t.Fatal(err)
	}
}

// Reboot shuts the machine down as `reboot` does and boots it again.
func (m *Machine) Reboot(t testing.TB) {
	t.Helper()
	if _, err := m.Engine.Docker(t.Context(), "restart", "-t", "60", m.id); err != nil {
		t.Fatal(err)
	}
	m.booted(t)
}

// PowerCycle takes the machine's power away and boots it again.
func (m *Machine) PowerCycle(t testing.TB) {
	t.Helper()
	for _, verb := range [][]string{{"kill", "-s", "KILL"}, {"start"}} {
		if _, err := m.Engine.Docker(t.Context(), append(verb, m.id)...); err != nil {
			t.Fatal(err)
		}
	}
	m.booted(t)
}

// Journal is what a unit has said.
func (m *Machine) Journal(ctx context.Context, unit string) string {
	out, err := m.Run(ctx, "journalctl", "--no-pager", "-o", "cat", "-u", unit, "-n", "60")
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace([]byte(out)))
}
