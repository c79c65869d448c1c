//go:build lab

package host

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const insideNamespace = "SEAWALL_HOST_LAB"

// TestLabNamespace runs the tests below as root in network, mount and process
// namespaces of their own, so that they can start a real sshd and load real
// rulesets.
func TestLabNamespace(t *testing.T) {
	if os.Getenv(insideNamespace) != "" {
		return
	}
	cmd := exec.Command("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		"sh", "-c", `mount -t tmpfs tmpfs /run && mkdir -p /run/sshd && ip link set lo up && exec "$0" -test.v -test.run '^TestLab(Sshd|Rulesets|Iptables|Legacy|NonRoot)$'`, os.Args[0])
	cmd.Env = append(os.Environ(), insideNamespace+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "--- PASS"); n != 5 {
		t.Fatalf("%d tests passed, want 5\n%s", n, out)
	}
}

// inside keeps a test from touching the machine itself.
func inside(t *testing.T) bool {
	t.Helper()
	return os.Getenv(insideNamespace) != ""
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// A real sshd with a file of its own, whose drop-in wins over what stands below.
func TestLabSshd(t *testing.T) {
	if !inside(t) {
		return
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	dropIn, config := filepath.Join(dir, "50-cloud.conf"), filepath.Join(dir, "sshd_config")
	text := fmt.Sprintf("Include %s\nPort 2222\nListenAddress 127.0.0.1\nHostKey %s\nPidFile none\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nMatch User root\n  PermitRootLogin yes\n", dropIn, key)
	for name, content := range map[string]string{dropIn: "PasswordAuthentication yes\n", config: text} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sshd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", config)
	if err := sshd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sshd.Process.Kill(); _ = sshd.Wait() })
	for range 100 {
		if c, err := net.Dial("tcp", "127.0.0.1:2222"); err == nil {
			c.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	f := Read(t.Context(), Live())
	s := f.SSHD.Value
	if !f.SSHD.Ok() || !s.Running || fmt.Sprint(s.Ports, s.Listen) != "[2222] [127.0.0.1:2222]" {
		t.Fatalf("sshd is %+v %s", s, f.SSHD.Reason)
	}
	if s.Option("passwordauthentication") != "yes" || s.Option("permitrootlogin") != "without-password" || s.Permitted != "yes" {
		t.Errorf("passwords %s, root %s, with Match %s", s.Option("passwordauthentication"), s.Option("permitrootlogin"), s.Permitted)
	}
	i := slices.IndexFunc(f.Sockets.Value, func(s Socket) bool { return s.Addr.Port() == 2222 })
	if i < 0 || f.Sockets.Value[i].PID != sshd.Process.Pid || f.Sockets.Value[i].Process != "sshd" {
		t.Errorf("sockets are %+v", f.Sockets.Value)
	}
}

func load(t *testing.T, ruleset string) {
	t.Helper()
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader("flush ruleset\n" + ruleset)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func chain(t *testing.T, f Fact[Firewall], table, name string) Chain {
	t.Helper()
	i := slices.IndexFunc(f.Value.Chains, func(c Chain) bool { return c.Table == table && c.Name == name })
	if i < 0 {
		t.Fatalf("no chain %s %s in %+v", table, name, f)
	}
	return f.Value.Chains[i]
}

// The ruleset that keeps a machine closed, as the kernel gives it back.
func TestLabRulesets(t *testing.T) {
	if !inside(t) {
		return
	}
	load(t, `table inet seawall {
  set blocked_out { type inet_service; elements = { 25, 465, 587 } }
  chain input { type filter hook input priority filter - 10; policy drop;
    iif lo accept
    ct state established,related accept
    ct state invalid drop
    meta l4proto icmp icmp type { echo-request } limit rate 20/second accept
    tcp dport 22 tcp flags syn / syn,ack,fin,rst limit rate 30/second burst 60 packets accept
  }
  chain forward { type filter hook forward priority filter - 10; policy accept;
    tcp dport @blocked_out drop
    oifname "docker0" iifname != "docker0" drop
  }
}`)
	f := Read(t.Context(), Live()).Firewall
	input := chain(t, f, "seawall", "input")
	if input.Priority != -10 || input.Policy != "drop" || input.Hook != "input" {
		t.Errorf("input is %+v", input)
	}
	compareRules(t, input.Rules, []string{
		"in=lo -> accept",
		"state=[established related] -> accept",
		"state=[invalid] -> drop",
		"proto=icmp limit=20/second burst 5 -> accept ?",
		"proto=tcp dport=[{22 22}] limit=30/second burst 60 syn -> accept",
	})
	compareRules(t, chain(t, f, "seawall", "forward").Rules, []string{
		"proto=tcp dport=[{25 25} {465 465} {587 587}] -> drop",
		"in=!docker0 out=docker0 -> drop",
	})
	for _, c := range f.Value.Chains {
		for _, r := range c.Rules {
			if r.Text == "" {
				t.Errorf("a rule of %s has no text", c.Name)
			}
		}
	}
}

// The recipe that opens what it means to close, written by iptables-nft.
func TestLabIptables(t *testing.T) {
	if !inside(t) {
		return
	}
	load(t, "")
	for _, rule := range []string{
		"-A INPUT -i lo -j ACCEPT",
		"-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
		"-A INPUT -p tcp --dport 22 -j ACCEPT",
		"-A INPUT -p tcp --syn -m limit --limit 30/s --limit-burst 60 -j ACCEPT",
		"-A OUTPUT -p tcp -m multiport --dports 25,465,587 -m comment --comment no\\mail -j DROP",
		"-P INPUT DROP",
	} {
		run(t, "iptables", strings.Fields(rule)...)
	}
	f := Read(t.Context(), Live()).Firewall
	if f.Value.Tool != "nft" || chain(t, f, "filter", "INPUT").Policy != "drop" {
		t.Errorf("%+v", f)
	}
	compareRules(t, chain(t, f, "filter", "INPUT").Rules, []string{
		"in=lo -> accept",
		"state=[related established] -> accept",
		"proto=tcp dport=[{22 22}] -> accept",
		"proto=tcp limit=30/second burst 60 syn -> accept",
	})
	compareRules(t, chain(t, f, "filter", "OUTPUT").Rules, []string{"proto=tcp dport=[{25 25} {465 465} {587 587}] -> drop"})
	run(t, "iptables", "-P", "INPUT", "ACCEPT")
}

// Rules of the older ip_tables stand beside those of nf_tables, and both count.
func TestLabLegacy(t *testing.T) {
	if !inside(t) {
		return
	}
	load(t, "table inet x {\n chain y { type filter hook input priority 0; policy accept; }\n}")
	run(t, "iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "99", "-j", "DROP")
	f := Read(t.Context(), Live()).Firewall
	compareRules(t, chain(t, f, "filter", "INPUT").Rules, []string{"proto=tcp dport=[{99 99}] -> drop"})
	_ = chain(t, f, "x", "y")
	if f.Value.Tool != "nft" {
		t.Errorf("the tool is %s", f.Value.Tool)
	}
	run(t, "iptables-legacy", "-F", "INPUT")
}

// Without root, what needs it is unknown and says so.
func TestLabNonRoot(t *testing.T) {
	if !inside(t) {
		return
	}
	dir, err := os.MkdirTemp("/tmp", "host-lab")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "host.test")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/", binary, "-test.run", "^TestLabAsNobody$", "-test.v")
}

// TestLabAsNobody is run by TestLabNonRoot.
func TestLabAsNobody(t *testing.T) {
	if !inside(t) || os.Geteuid() == 0 {
		return
	}
	f := Read(t.Context(), Live())
	for family, got := range map[string]struct {
		status Status
		reason string
	}{
		"sshd":     {f.SSHD.Status, f.SSHD.Reason},
		"firewall": {f.Firewall.Status, f.Firewall.Reason},
		"keys":     {f.AuthorizedKey.Status, f.AuthorizedKey.Reason},
	} {
		if got.status != Unknown || !strings.Contains(got.reason, "needs root") {
			t.Errorf("%s: status %d, %q", family, got.status, got.reason)
		}
	}
	if !f.Users.Ok() || !f.Sockets.Ok() || !f.Processes.Ok() {
		t.Error("what anyone may read was not read")
	}
}
