//go:build lab

package packets_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
	"github.com/openseawall/seawall/internal/posture/controls"
	"github.com/openseawall/seawall/internal/posture/firewall"
	"github.com/openseawall/seawall/lab/docker"
	"github.com/openseawall/seawall/lab/inside"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/packets"
	"github.com/openseawall/seawall/lab/sshd"
)

var (
	machine4, machine6   = netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8::10")
	stranger4, stranger6 = netip.MustParseAddr("203.0.113.99"), netip.MustParseAddr("2001:db8::99")
	cloud                = netip.MustParseAddr("169.254.169.254")
	blocked              = []uint16{25, 194, 465, 587, 2525, 6667, 6697}
)

// ends are a machine and a stranger on one wire.
func ends(t *testing.T) (machine, stranger *netns.Namespace) {
	t.Helper()
	machine, stranger = netns.New(t), netns.New(t)
	for _, step := range []struct {
		in   *netns.Namespace
		args string
	}{
		{machine, "link add eth0 type veth peer name s0 netns " + stranger.Name},
		{machine, "addr add " + machine4.String() + "/24 dev eth0"}, {machine, "addr add " + machine6.String() + "/64 dev eth0 nodad"},
		{stranger, "addr add " + stranger4.String() + "/24 dev s0"}, {stranger, "addr add " + stranger6.String() + "/64 dev s0 nodad"},
		{stranger, "addr add " + cloud.String() + "/32 dev s0"},
		{machine, "link set eth0 up"}, {stranger, "link set s0 up"},
		{machine, "route add default via " + stranger4.String()}, {machine, "-6 route add default via " + stranger6.String()},
		{stranger, "route add 172.16.0.0/12 via " + machine4.String()},
	} {
		if err := step.in.IP(strings.Fields(step.args)...); err != nil {
			t.Fatal(err)
		}
	}
	return machine, stranger
}

// listen keeps what comes in open, and says nothing.
func listen(t *testing.T, n *netns.Namespace, addr string) {
	t.Helper()
	l, err := n.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer func() { _ = c.Close() }()
		}
	}()
}

// rulesFile names the file into which the inner run writes the ruleset.
const rulesFile = "SEAWALL_LAB_RULES"

// write makes the ruleset of the machine that the test sees.
func write(t *testing.T, aim posture.Aim) {
	t.Helper()
	r, err := firewall.For(&posture.Facts{Facts: host.Read(t.Context(), host.Live()), Aim: aim})
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv(rulesFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// judge has the audit look at the loaded rules: it sees what the packets show.
func judge(t *testing.T) {
	t.Helper()
	f := &posture.Facts{Facts: host.Read(t.Context(), host.Live())}
	f.SSHD.Value.Listen = slices.DeleteFunc(f.SSHD.Value.Listen, func(a netip.AddrPort) bool { return a.Addr().IsLoopback() })
	found := map[string][]posture.Finding{}
	for _, c := range controls.All {
		if c.Family != posture.Firewall && c.ID != "ssh-no-connection-limit" || c.ID == "firewall-not-at-boot" {
			continue
		}
		if list := c.Check(f); len(list) > 0 {
			found[c.ID] = list
		}
	}
	for id, list := range found {
		for _, finding := range list {
			stays := regexp.MustCompile(`:(443|8080|8082)/tcp$`).MatchString(finding.Object) // because it is in use
			if !stays || id != "firewall-open-port" && id != "firewall-published-port" {
				t.Errorf("%s: %s %s", id, finding.Object, finding.Detail)
			}
		}
	}
	if len(found) != 2 {
		t.Errorf("it finds %v", found)
	}
}

// load has the inner run write the machine's ruleset, and loads it, twice.
func load(t *testing.T, n *netns.Namespace) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "firewall.nft")
	inside.Run(t, n, rulesFile+"="+file)
	for range 2 {
		run(t, n, "nft", "-f", file)
	}
}

func run(t *testing.T, n *netns.Namespace, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := n.Run(cmd); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out.String())
	}
	return out.String()
}

// table prints what was tried, one line a scan.
type table struct {
	t      *testing.T
	source uint16
	lines  []string
}

// scan tries all ports and wants exactly some to answer.
func (b *table) scan(what string, from packets.Place, to netip.Addr, wanted ...uint16) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	b.source++
	got, err := packets.Scan(ctx, from, to, packets.All(), wanted, 50000+b.source)
	if err != nil {
		b.t.Fatal(err)
	}
	var answered []uint16
	for port := range got {
		answered = append(answered, port)
	}
	slices.Sort(answered)
	slices.Sort(wanted)
	mark := "as intended"
	if !slices.Equal(answered, wanted) {
		mark = "NOT as intended"
		b.t.Errorf("%s: %s answer, and should: %s", what, some(answered), some(wanted))
	}
	b.lines = append(b.lines, fmt.Sprintf("%-51s %5d answer: %-43s %s", what, len(answered), some(answered), mark))
}

// some lists ports, or what is missing from all.
func some(ports []uint16) string {
	if len(ports) > 60000 {
		there := map[uint16]bool{}
		for _, p := range ports {
			there[p] = true
		}
		missing := slices.DeleteFunc(packets.All(), func(p uint16) bool { return there[p] })
		if len(missing) == 0 {
			return "all"
		}
		return "all but " + some(missing)
	}
	if len(ports) > 40 {
		return fmt.Sprintf("%d ports", len(ports))
	}
	return strings.Trim(fmt.Sprint(ports), "[]")
}

func but(closed ...uint16) []uint16 {
	return slices.DeleteFunc(packets.All(), func(p uint16) bool { return slices.Contains(closed, p) })
}

// TestEveryPort sends a SYN to every port there is, to a machine with sshd, a
// web server, a database that the operator closes and containers of a real
// Docker, from everywhere, before and after the ruleset is loaded.
func TestEveryPort(t *testing.T) {
	if inside.Inner() {
		if os.Getenv(rulesFile) == "" {
			judge(t)
			return
		}
		write(t, posture.Aim{Profile: posture.Profile{Firewall: posture.FirewallProfile{
			Close: []change.Port{{Proto: "tcp", Port: 3306}}, OutClosed: blocked,
		}}})
		return
	}
	machine, stranger := ends(t)
	outside, here := packets.Place{Namespace: stranger}, packets.Place{Namespace: machine}
	b := &table{t: t}
	b.scan("before: a stranger to the machine, IPv4", outside, machine4, packets.All()...)
	b.scan("before: a stranger to the machine, IPv6", outside, machine6, packets.All()...)

	e := docker.Start(t, machine)
	if err := machine.Do(func() error { return os.MkdirAll("/run/sshd", 0o755) }); err != nil {
		t.Fatal(err)
	}
	sshd.Start(t, machine, fmt.Sprintf("ListenAddress 127.0.0.1\nListenAddress %s\nListenAddress %s", machine4, machine6))
	listen(t, machine, ":443")
	listen(t, machine, ":3306")
	listen(t, machine, "127.0.0.1:5432")
	web := func(name string, args ...string) string {
		args = append([]string{"run", "-d", "--name", name}, append(args, docker.Image, "httpd", "-f", "-p", "80")...)
		if _, err := e.Docker(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
		said, err := e.Docker(t.Context(), "inspect", "-f", "{{.NetworkSettings.SandboxKey}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Gateway}}{{end}}", name)
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	if _, err := e.Docker(t.Context(), "network", "create", "apps"); err != nil {
		t.Fatal(err)
	}
	first := strings.Fields(web("web", "-p", "8080:80"))
	web("here", "-p", "127.0.0.1:8081:80")
	second := strings.Fields(web("app", "--network", "apps", "-p", "8082:80"))
	b.scan("before: a stranger to a container's own address", outside, netip.MustParseAddr(first[1]), 80)

	load(t, machine)
	inside.Run(t, machine)
	web("later", "-p", "9000:80")
	open := []uint16{22, 443, 8080, 8082}
	b.scan("a stranger to the machine, IPv4", outside, machine4, open...)
	b.scan("a stranger to the machine, IPv6", outside, machine6, open...)
	b.scan("a stranger to a container's own address", outside, netip.MustParseAddr(first[1]))
	b.scan("a stranger to one of a network of its own", outside, netip.MustParseAddr(second[1]))
	b.scan("the machine to the world, IPv4", here, stranger4, but(blocked...)...)
	b.scan("the machine to the world, IPv6", here, stranger6, but(blocked...)...)
	b.scan("the machine to the cloud's metadata", here, cloud, but(blocked...)...)
	for i, c := range [][]string{first, second} {
		inner := packets.Place{Namespace: machine, Net: c[0]}
		name := []string{"a container", "one of a network of its own"}[i]
		b.scan(name+" to the world", inner, stranger4, but(blocked...)...)
		b.scan(name+" to the cloud's metadata", inner, cloud, 53)
		b.scan(name+" to the machine", inner, netip.MustParseAddr(c[2]), 443, 8080, 8082)
	}
	for _, addr := range []string{"127.0.0.1:8081", "127.0.0.1:5432", "127.0.0.1:22", "127.0.0.1:9000"} {
		if c, err := machine.Dial(t.Context(), "tcp", addr); err != nil {
			t.Errorf("the machine itself does not reach %s: %v", addr, err)
		} else {
			_ = c.Close()
		}
	}
	t.Logf("every port of TCP, by its SYN:\n%s", strings.Join(b.lines, "\n"))
}

// listens is a port that something answers on, and that is to be closed.
var listens = []change.Port{{Proto: "tcp", Port: 3000}}

// TestOldSessions: what was connected before there was any firewall, and before
// the kernel watched connections, goes on, whoever speaks first.
func TestOldSessions(t *testing.T) {
	if inside.Inner() {
		write(t, posture.Aim{Profile: posture.Profile{Firewall: posture.FirewallProfile{Close: listens, OutClosed: blocked}}})
		return
	}
	machine, stranger := ends(t)
	in := connect(t, stranger, machine, netip.AddrPortFrom(machine4, 3000))
	out := connect(t, machine, stranger, netip.AddrPortFrom(stranger6, 3000))
	quiet := connect(t, machine, stranger, netip.AddrPortFrom(stranger4, 6667))
	load(t, machine)
	in.speak(t, "the one who came, first")
	out.answer(t, "the server that was called, first")
	out.speak(t, "the caller")
	in.answer(t, "the server")
	quiet.answer(t, "a chat that was open")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if c, err := stranger.Dial(ctx, "tcp", netip.AddrPortFrom(machine4, 3000).String()); err == nil {
		_ = c.Close()
		t.Error("a new connection comes in")
	}
}

// pair is both ends of a connection.
type pair struct{ caller, server net.Conn }

func connect(t *testing.T, from, to *netns.Namespace, addr netip.AddrPort) pair {
	t.Helper()
	l, err := to.Listen(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var p pair
	if p.caller, err = from.Dial(t.Context(), "tcp", addr.String()); err != nil {
		t.Fatal(err)
	}
	if p.server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.caller.Close(); _ = p.server.Close() })
	return p
}

func (p pair) speak(t *testing.T, what string)  { said(t, p.caller, p.server, what) }
func (p pair) answer(t *testing.T, what string) { said(t, p.server, p.caller, what) }

func said(t *testing.T, from, to net.Conn, what string) {
	t.Helper()
	if _, err := io.WriteString(from, what); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(what))
	_ = to.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != what {
		t.Errorf("%q did not arrive: %v", what, err)
	}
}
