//go:build lab

package debian

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/lab/netns"
)

// fortress is a Debian with an sshd that one key opens.
type fortress struct {
	*Machine
	n   *netns.Namespace
	dir string // of the client's key
}

func newFortress(t *testing.T) *fortress {
	t.Helper()
	n := netns.New(t)
	f := &fortress{Machine: Start(t, n), n: n, dir: t.TempDir()}
	f.open(t)
	return f
}

// open puts Seawall and the key onto the machine.
func (f *fortress) open(t *testing.T) {
	t.Helper()
	f.Copy(t, binary(t), "/usr/local/bin/seawall")
	key := filepath.Join(f.dir, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v %s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	f.Shell(t, "mkdir -p -m 700 /root/.ssh")
	f.Write(t, "/root/.ssh/authorized_keys", public, 0o600)
	f.Write(t, "/etc/ssh/sshd_config.d/50-cloud-init.conf", []byte("PasswordAuthentication yes\n"), 0o600)
	f.Shell(t, "chown root:root /root/.ssh/authorized_keys /etc/ssh/sshd_config.d/50-cloud-init.conf; systemctl reload ssh")
}

// ssh runs a command over a connection; with a master it goes over that one.
func (f *fortress) ssh(t *testing.T, master bool, command string) (string, error) {
	t.Helper()
	args := []string{"-i", filepath.Join(f.dir, "key"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=" + filepath.Join(f.dir, "known"),
		"-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"}
	if master {
		args = append(args, "-o", "ControlMaster=auto", "-o", "ControlPath="+filepath.Join(f.dir, "master"), "-o", "ControlPersist=300")
	} else {
		args = append(args, "-o", "ControlPath=none")
	}
	cmd := exec.CommandContext(t.Context(), "ssh", append(args, "root@127.0.0.1", command)...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := f.n.Start(cmd); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

// etc is what a plan changes: names, modes, owners, contents, units, parameters.
func (f *fortress) etc(t *testing.T) string {
	t.Helper()
	return f.Shell(t, `find /etc /usr/local /root/.ssh -printf '%p %M %U:%G %l\n' | sort; find /etc /root/.ssh -type f -exec sha256sum {} + | sort
systemctl list-unit-files --no-pager --no-legend | grep -v -e session- -e run- -e revert- | sort; sysctl -a 2>/dev/null | grep ^net.ipv4.conf | sort`)
}

// same fails when the machine is another than it was.
func (f *fortress) same(t *testing.T, before, when string) {
	t.Helper()
	if after := f.etc(t); after != before {
		t.Errorf("%s:\n%s", when, changed(before, after))
	}
}

// passwords reports whether sshd would take them.
func (f *fortress) passwords(t *testing.T) bool {
	t.Helper()
	return strings.Contains(f.Shell(t, "mkdir -p /run/sshd; sshd -T | grep -i ^passwordauth"), "yes")
}

// armed reports whether the watch still stands.
func (f *fortress) armed(t *testing.T) bool {
	t.Helper()
	return strings.Contains(f.Shell(t, "ls /etc/systemd/system"), "seawall-harden-revert")
}

// TestHarden applies a plan to a machine over SSH, confirms it, takes it back, and
// lets it go back by itself: by its timer, and at the boot after the power went.
// apt has no network here, so what needs a package fails and the rest is done.
func TestHarden(t *testing.T) {
	f := newFortress(t)
	before := f.etc(t)
	plan, err := f.ssh(t, true, "seawall harden")
	if err == nil {
		t.Error("a plan with steps has exit status 0")
	}
	contains(t, plan, "close password login over SSH", "+PasswordAuthentication no", "provider's console")
	f.same(t, before, "a plan changed the machine")

	t.Run("confirmed", func(t *testing.T) {
		said, _ := f.ssh(t, true, "seawall harden --apply --yes")
		contains(t, said, "seawall harden confirm")
		if f.passwords(t) {
			t.Errorf("sshd still takes passwords:\n%s", said)
		}
		if out, err := f.ssh(t, true, "seawall harden confirm"); err == nil || !strings.Contains(out, "was open before the change") {
			t.Errorf("confirmed from an old connection: %v %s", err, out)
		}
		if out, err := f.ssh(t, false, "seawall harden confirm"); err != nil {
			t.Errorf("not confirmed from a new connection: %v %s", err, out)
		}
		hardened := f.etc(t)
		if out, err := f.ssh(t, false, "seawall harden --apply --yes --only ssh-password-login,ssh-max-auth-tries"); err != nil || !strings.Contains(out, "Nothing to change") {
			t.Errorf("the second time: %v %s", err, out)
		}
		f.same(t, hardened, "the second time changed the machine")
		if out, err := f.ssh(t, false, "seawall harden rollback --yes --purge"); err != nil {
			t.Errorf("%v %s", err, out)
		}
		f.same(t, before, "after the rollback")
	})

	const narrow = "seawall harden --apply --yes --only ssh-password-login,ssh-max-auth-tries"
	t.Run("nobody confirms", func(t *testing.T) {
		if out, err := f.ssh(t, true, narrow+" --confirm-within 5s"); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(f.Shell(t, "cat /var/lib/seawall-root/harden/0002/progress.json"), `"reverted"`) || f.armed(t); time.Sleep(time.Second) {
			if time.Now().After(deadline) {
				t.Fatalf("it was not taken back:\n%s", f.Shell(t, "systemctl list-timers --all; journalctl --no-pager -n 30"))
			}
		}
		f.same(t, before, "after nobody confirmed")
	})

	t.Run("the power goes", func(t *testing.T) {
		if out, err := f.ssh(t, true, narrow+" --confirm-within 1h"); err != nil || f.passwords(t) {
			t.Fatalf("%v %s", err, out)
		}
		f.PowerCycle(t)
		if f.passwords(t) != true {
			t.Errorf("it was not taken back at the boot:\n%s", f.Journal(t.Context(), "seawall-harden-revert"))
		}
		f.same(t, before, "after the power went")
	})
}

// changed are the lines that differ.
func changed(a, b string) string {
	var out strings.Builder
	has := func(all, line string) bool {
		return strings.Contains("\n"+all+"\n", "\n"+strings.TrimSuffix(line, "\n")+"\n")
	}
	for line := range strings.Lines(a) {
		if !has(b, line) {
			out.WriteString("-" + line)
		}
	}
	for line := range strings.Lines(b) {
		if !has(a, line) {
			out.WriteString("+" + line)
		}
	}
	return out.String()
}
