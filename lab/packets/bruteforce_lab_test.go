//go:build lab

package packets_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
	"github.com/openseawall/seawall/internal/posture/controls"
	"github.com/openseawall/seawall/lab/inside"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/sshd"
)

// operator is who logs in with a key while the attack goes on.
var operator = netip.MustParseAddr("203.0.113.77")

// attack is a brute force: so many addresses of so many networks, a fifth of
// them IPv6 (/48, each address of a /64 of its own), each trying so often.
type attack struct {
	Networks, Addresses, Tries int
	Rate                       int    // attempts a second, all together
	Key, Report                string // the operator's key; where to write the outcome
}

// outcome is what came of it.
type outcome struct {
	Attempts, Reached    int // at authentication
	Logins, In, Shut     int // of the operator; times that there was no connection
	Longest              time.Duration
	Unreached, Abandoned int // no connection; a connection that sshd gave up
}

// sources are the addresses, in the order in which they try: one of each
// network after the other.
func (a attack) sources() (list []netip.Addr) {
	for i := range a.Addresses / a.Networks {
		for n := range a.Networks {
			if n%5 == 4 {
				list = append(list, netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::1", 0x100+n, i)))
			} else {
				list = append(list, netip.MustParseAddr(fmt.Sprintf("198.%d.%d.%d", 18+n/256, n%256, 10+i)))
			}
		}
	}
	return list
}

// TestBruteForce attacks a real sshd from many addresses, without anything in
// front of it, behind fail2ban alone, and behind what Seawall installs, while
// the operator logs in. SEAWALL_BRUTEFORCE=full is the attack of the table in
// docs/firewall.md: 3,000 addresses of 200 networks.
func TestBruteForce(t *testing.T) {
	if inside.Inner() {
		if os.Getenv(rulesFile) != "" {
			write(t, posture.Aim{From: netip.AddrPortFrom(operator, 40000), To: netip.AddrPortFrom(machine4, 22)})
		} else {
			perform(t)
		}
		return
	}
	a := attack{Networks: 5, Addresses: 75, Tries: 3, Rate: 40}
	if os.Getenv("SEAWALL_BRUTEFORCE") == "full" {
		a = attack{Networks: 200, Addresses: 3000, Tries: 5, Rate: 40}
	}
	var lines []string
	for _, d := range []struct {
		name string
		set  func(*testing.T, *netns.Namespace, *sshd.Server)
		most float64 // of the attempts may reach authentication
	}{
		{"nothing", func(*testing.T, *netns.Namespace, *sshd.Server) {}, 1},
		{"fail2ban alone", ban, 1},
		{"Seawall (its firewall, and fail2ban)", func(t *testing.T, machine *netns.Namespace, s *sshd.Server) {
			ban(t, machine, s)
			load(t, machine)
		}, 14 * float64(a.Networks) / float64(a.Addresses*a.Tries)},
	} {
		got := a.run(t, d.set)
		share := float64(got.Reached) / float64(got.Attempts)
		lines = append(lines, fmt.Sprintf("%-38s %6d of %6d (%5.1f %%)   %3d of %3d, the slowest in %v", d.name, got.Reached, got.Attempts, 100*share, got.In, got.Logins, got.Longest.Round(time.Millisecond)))
		if share > d.most || got.Reached == 0 {
			t.Errorf("%s: %.1f %% of the attempts reached authentication, and %.1f %% may: %+v", d.name, 100*share, 100*d.most, got)
		}
		if strings.HasPrefix(d.name, "Seawall") && (got.In == 0 || got.Shut > 0) {
			t.Errorf("%s: of %d times the operator had no connection in %d, and got in %d times", d.name, got.Logins, got.Shut, got.In)
		}
	}
	t.Logf("%d addresses of %d networks, %d attempts each, %d a second:\n%-38s %-28s   the operator got in\n%s",
		a.Addresses, a.Networks, a.Tries, a.Rate, "in front of sshd", "reached authentication", strings.Join(lines, "\n"))
}

// run attacks one machine.
func (a attack) run(t *testing.T, defend func(*testing.T, *netns.Namespace, *sshd.Server)) outcome {
	t.Helper()
	machine, stranger := ends(t)
	var batch strings.Builder
	for _, addr := range append(a.sources(), operator) {
		if addr.Is4() {
			fmt.Fprintf(&batch, "addr add %s/32 dev s0\n", addr)
		} else {
			fmt.Fprintf(&batch, "addr add %s/128 dev s0 nodad\n", addr)
		}
	}
	file := filepath.Join(t.TempDir(), "addresses")
	if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := stranger.IP("-batch", file); err != nil {
		t.Fatal(err)
	}
	s := sshd.Start(t, machine, fmt.Sprintf("ListenAddress %s\nListenAddress %s\nPasswordAuthentication yes\nLogLevel INFO", machine4, machine6))
	defend(t, machine, s)
	a.Key, a.Report = s.Key, filepath.Join(t.TempDir(), "report")
	plan, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=30m")
	cmd.Env = append(os.Environ(), "SEAWALL_LAB_INSIDE=1", attackEnv+"="+string(plan))
	if out, err := runIn(stranger, cmd); err != nil {
		t.Fatalf("the attack failed: %v\n%s", err, out)
	}
	var got outcome
	report, err := os.ReadFile(a.Report)
	if err == nil {
		err = json.Unmarshal(report, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func runIn(n *netns.Namespace, cmd *exec.Cmd) (string, error) {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := n.Run(cmd)
	return out.String(), err
}

const attackEnv = "SEAWALL_LAB_ATTACK"

// perform is the attacker, and beside it the operator.
func perform(t *testing.T) {
	var a attack
	if err := json.Unmarshal([]byte(os.Getenv(attackEnv)), &a); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(a.Key)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var got outcome
	var own sync.WaitGroup
	own.Go(func() { operate(ctx, &got, signer) })
	a.perform(&got)
	stop()
	own.Wait()
	report, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.Report, report, 0o600); err != nil {
		t.Fatal(err)
	}
}

// perform tries from every address, again and again, and does not wait for one
// before the next: a packet that is dropped costs an attacker no more than that.
func (a attack) perform(got *outcome) {
	var reached, unreached, abandoned atomic.Int64
	var all sync.WaitGroup
	few := make(chan struct{}, 500)
	tick := time.NewTicker(time.Second / time.Duration(a.Rate))
	defer tick.Stop()
	for range a.Tries {
		for _, from := range a.sources() {
			<-tick.C
			few <- struct{}{}
			got.Attempts++
			all.Go(func() {
				defer func() { <-few }()
				switch in, authenticated, err := login(from, ssh.Password("123456")); {
				case authenticated:
					reached.Add(1)
				case in:
					abandoned.Add(1)
				case err != nil:
					unreached.Add(1)
				}
			})
		}
	}
	all.Wait()
	got.Reached, got.Unreached, got.Abandoned = int(reached.Load()), int(unreached.Load()), int(abandoned.Load())
}

// login tries once, and reports whether there was a connection, and whether
// sshd looked at what it was shown.
func login(from netip.Addr, method ssh.AuthMethod) (connected, authenticated bool, err error) {
	to := machine4
	if from.Is6() {
		to = machine6
	}
	patience := 5 * time.Second
	if from == operator {
		patience = 30 * time.Second
	}
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), Timeout: patience}
	c, err := d.Dial("tcp", netip.AddrPortFrom(to, 22).String())
	if err != nil {
		return false, false, err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	session, _, _, err := ssh.NewClientConn(c, "machine", &ssh.ClientConfig{User: "root", Auth: []ssh.AuthMethod{method}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err == nil {
		_ = session.Close()
		return true, true, nil
	}
	return true, strings.Contains(err.Error(), "unable to authenticate"), err
}

// operate logs in with a key, two seconds after the last time; his client
// offers two other keys first.
func operate(ctx context.Context, got *outcome, key ssh.Signer) {
	keys := []ssh.Signer{stray(), stray(), key}
	for ctx.Err() == nil {
		got.Logins++
		began := time.Now()
		switch connected, _, err := login(operator, ssh.PublicKeys(keys...)); {
		case err == nil:
			got.In++
			got.Longest = max(got.Longest, time.Since(began))
		case !connected:
			got.Shut++
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

func stray() ssh.Signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	signer, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		panic(err)
	}
	return signer
}

// ban runs a real fail2ban with the jail that Seawall writes, over sshd's log as
// a syslog would write it: there is no journal in a namespace.
func ban(t *testing.T, machine *netns.Namespace, s *sshd.Server) {
	t.Helper()
	dir := t.TempDir()
	conf, auth, socket := filepath.Join(dir, "conf"), filepath.Join(dir, "auth.log"), filepath.Join(dir, "sock")
	if out, err := exec.Command("cp", "-r", "/etc/fail2ban", conf).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	jail := strings.Replace(jailText(t), "backend = systemd", "backend = polling\nlogpath = "+auth, 1)
	settings := "[Definition]\nlogtarget = " + filepath.Join(dir, "log") + "\ndbfile = None\nallowipv6 = yes\n"
	err := errors.Join(os.RemoveAll(filepath.Join(conf, "jail.d")), os.Mkdir(filepath.Join(conf, "jail.d"), 0o755), os.WriteFile(auth, nil, 0o600),
		os.WriteFile(filepath.Join(conf, "jail.d", "seawall.local"), []byte(jail), 0o600), os.WriteFile(filepath.Join(conf, "fail2ban.local"), []byte(settings), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	// It asks for its own name; nobody answers, and that at once.
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "resolv.conf"), nil, 0o644), machine.Bind(filepath.Join(dir, "resolv.conf"), "/etc/resolv.conf")); err != nil {
		t.Fatal(err)
	}
	go syslog(t.Context(), filepath.Join(filepath.Dir(s.Dir), "log"), auth)
	client := func(args ...string) *exec.Cmd {
		return exec.Command("fail2ban-client", append([]string{"-c", conf, "-s", socket, "-p", filepath.Join(dir, "pid")}, args...)...)
	}
	server := exec.Command("fail2ban-server", "-c", conf, "-s", socket, "-p", filepath.Join(dir, "pid"), "-f", "start")
	if err := machine.Start(server); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		out, _ := runIn(machine, client("status", "sshd"))
		banned := regexp.MustCompile(`Total banned:\s+\d+`).FindString(out)
		t.Logf("fail2ban: %s", cmp.Or(banned, out))
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		out, err := runIn(machine, client("status", "sshd"))
		if err == nil {
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("fail2ban does not start: %v %s\n%s", err, out, log)
		}
	}
}

// jailText is the drop-in that harden writes for this machine.
func jailText(t *testing.T) string {
	t.Helper()
	for _, c := range controls.All {
		if c.ID != "ssh-no-ban" {
			continue
		}
		f := &posture.Facts{Facts: &host.Facts{}, Aim: posture.Aim{From: netip.AddrPortFrom(operator, 40000)}}
		list, err := c.Fix(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if file, ok := c.Edit.(change.File); ok {
				return file.Content
			}
		}
	}
	t.Fatal("no fix writes a jail")
	return ""
}

var clientPort = regexp.MustCompile(`port (\d+)`)

// syslog copies a log, each line with a time and a process, which is the
// client's port: sshd has one process a connection.
func syslog(ctx context.Context, from, to string) {
	in, err := os.Open(from)
	if err != nil {
		return
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	r := bufio.NewReader(in)
	part := ""
	for ctx.Err() == nil {
		line, err := r.ReadString('\n')
		part += line
		if err == io.EOF {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if err != nil {
			return
		}
		pid := "1"
		if m := clientPort.FindStringSubmatch(part); m != nil {
			pid = m[1]
		}
		fmt.Fprintf(out, "%s lab sshd[%s]: %s", time.Now().Format(time.Stamp), pid, strings.TrimRight(part, "\r\n")+"\n")
		part = ""
	}
}
