//go:build lab

package controls

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/lab/netns"
)

// network is a stranger, a host and a container behind the host's bridge,
// with the names and addresses of the recorded machines.
type network struct{ stranger, host, container *netns.Namespace }

const bridge = "br-0a1b2c3d4e5f"

func newNetwork(t *testing.T) network {
	t.Helper()
	n := network{netns.New(t), netns.New(t), netns.New(t)}
	for _, step := range []struct {
		in   *netns.Namespace
		args string
	}{
		{n.host, "link add eth0 type veth peer name s0 netns " + n.stranger.Name},
		{n.host, "link add " + bridge + " type bridge"},
		{n.host, "link add veth1 type veth peer name eth0 netns " + n.container.Name},
		{n.host, "link set veth1 master " + bridge},
		{n.host, "addr add 203.0.113.10/24 dev eth0"}, {n.host, "addr add 2001:db8::10/64 dev eth0 nodad"},
		{n.host, "addr add 172.18.0.1/16 dev " + bridge},
		{n.stranger, "addr add 203.0.113.99/24 dev s0"}, {n.stranger, "addr add 2001:db8::99/64 dev s0 nodad"},
		{n.container, "addr add 172.18.0.2/16 dev eth0"},
		{n.host, "link set eth0 up"}, {n.host, "link set " + bridge + " up"}, {n.host, "link set veth1 up"},
		{n.stranger, "link set s0 up"}, {n.container, "link set eth0 up"},
		{n.stranger, "route add 172.18.0.0/16 via 203.0.113.10"},
		{n.container, "route add default via 172.18.0.1"},
	} {
		if err := step.in.IP(strings.Fields(step.args)...); err != nil {
			t.Fatal(err)
		}
	}
	n.run(t, "", "sysctl", "-qw", "net.ipv4.ip_forward=1")
	for _, l := range []struct {
		in   *netns.Namespace
		addr string
	}{
		{n.host, ":22"}, {n.host, fmt.Sprintf(":%d", unusedPort)}, {n.host, ":3000"},
		{n.container, "0.0.0.0:18789"},
		{n.stranger, ":25"}, {n.stranger, ":6667"}, {n.stranger, ":8443"},
	} {
		listener, err := l.in.Listen(l.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
	}
	return n
}

// run runs a command in the host's namespace with text as its input.
func (n network) run(t *testing.T, text, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(text)
	if out, err := runIn(n.host, cmd); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func runIn(ns *netns.Namespace, cmd *exec.Cmd) (string, error) {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := ns.Run(cmd)
	return out.String(), err
}

var (
	handle  = regexp.MustCompile(` # handle \d+`)
	foreign = regexp.MustCompile(`(?ms)^table ip6? (filter|nat|raw|mangle) \{.*?^\}\n`)
)

// load puts a recorded machine's ruleset into the kernel.
func (n network) load(t *testing.T, archives ...[]byte) {
	t.Helper()
	n.run(t, "flush ruleset\n", "nft", "-f", "-")
	last := map[string]string{}
	for _, a := range archives {
		for _, f := range txtar.Parse(a).Files {
			last[f.Name] = string(f.Data)
		}
	}
	listing := foreign.ReplaceAllString(handle.ReplaceAllString(last["run nft -a list ruleset"], ""), "")
	n.run(t, listing, "nft", "-f", "-")
	for _, tool := range []string{"iptables-nft", "ip6tables-nft"} {
		name := strings.Replace(tool, "-nft", "", 1) + "-nft-save"
		if saved := last["run "+name]; strings.Contains(saved, "*") && foreign.MatchString(last["run nft -a list ruleset"]) {
			n.run(t, saved, tool+"-restore")
		}
	}
}

// probe is one attempt and what the evaluator says of it.
type probe struct {
	from *netns.Namespace
	to   string
	say  func(*posture.Facts) reach
}

func (n network) probes() []probe {
	c := endpoint{bridge, netip.MustParseAddr("172.18.0.2")}
	list := []probe{
		{n.stranger, "172.18.0.2:18789", func(f *posture.Facts) reach { return toContainer(f.Facts, c, "tcp", 18789, 0) }},
		{n.container, "172.18.0.1:22", func(f *posture.Facts) reach {
			return judge(f.Firewall.Value, "input", packet{proto: "tcp", port: 22, in: bridge, from: c.addr, to: netip.MustParseAddr("172.18.0.1")})
		}},
	}
	for _, port := range []uint16{22, 3000, unusedPort} {
		list = append(list,
			probe{n.stranger, fmt.Sprintf("203.0.113.10:%d", port), func(f *posture.Facts) reach { return fromOutside(f.Facts, "tcp", port, false) }},
			probe{n.stranger, fmt.Sprintf("[2001:db8::10]:%d", port), func(f *posture.Facts) reach { return fromOutside(f.Facts, "tcp", port, true) }})
	}
	for _, port := range []uint16{25, 6667, 8443} {
		list = append(list,
			probe{n.host, fmt.Sprintf("203.0.113.99:%d", port), func(f *posture.Facts) reach { return outbound(f.Facts, port, false) }},
			probe{n.host, fmt.Sprintf("[2001:db8::99]:%d", port), func(f *posture.Facts) reach { return outbound(f.Facts, port, true) }},
			probe{n.container, fmt.Sprintf("203.0.113.99:%d", port), func(f *posture.Facts) reach { return outboundFrom(f.Facts, c, port, netip.Addr{}) }})
	}
	return list
}

// connect says why no connection came about. A dropped packet is never answered:
// where none is expected the wait is short, and where one is, long enough for a
// busy machine.
func (p probe) connect(expected bool) error {
	patience := time.Second
	if expected {
		patience = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := p.from.Dial(ctx, "tcp", p.to)
	if err == nil {
		c.Close()
	}
	return err
}

// attempt is a probe that was tried: what was said, and nil or why no connection
// came about.
type attempt struct {
	probe
	said reach
	err  error
}

// try makes all attempts at once.
func (n network) try(f *posture.Facts) []attempt {
	var all []attempt
	for _, p := range n.probes() {
		all = append(all, attempt{probe: p, said: p.say(f)})
	}
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() { all[i].err = all[i].connect(all[i].said == open) })
	}
	group.Wait()
	return all
}

// TestRealPackets loads the ruleset of every recorded machine that is about
// the firewall and tries real connections: what the evaluator calls open is
// open, and what it calls closed is closed.
func TestRealPackets(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("network namespaces need root")
	}
	n := newNetwork(t)
	var files []string
	for _, pattern := range []string{"testdata/trips/firewall-*.txtar", "testdata/passes/firewall-*.txtar", "testdata/trips/ssh-no-connection-limit.txtar"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	tried, agreed, connected := 0, 0, 0
	for _, file := range files {
		dir, name := filepath.Base(filepath.Dir(file)), filepath.Base(file)
		o := readOverlay(t, dir, name)
		base := read(t, o.base+".txtar")
		if !strings.Contains(string(o.text), "run nft -j list ruleset") {
			continue
		}
		f := machine(t, base, o.text)
		n.load(t, base, o.text)
		left := n.try(f)
		// Silence alone does not show that a ruleset dropped something: what should
		// have come about is tried once more, with the ruleset loaded anew.
		if slices.ContainsFunc(left, func(a attempt) bool { return a.said == open && a.err != nil }) {
			n.load(t, base, o.text)
			again := n.try(f)
			for i, a := range left {
				if a.said == open && a.err != nil {
					t.Logf("%s/%s: %s from %s: tried again: %v, then %v", dir, name, a.to, a.from.Name, a.err, again[i].err)
					left[i] = again[i]
				}
			}
		}
		for _, a := range left {
			if a.said != open && a.said != closed {
				continue // it does not claim to know
			}
			tried++
			if a.err == nil {
				connected++
			}
			if (a.said == open) != (a.err == nil) {
				t.Errorf("%s/%s: %s from %s: the evaluator says %v; connecting: %v", dir, name, a.to, a.from.Name, a.said, a.err)
				continue
			}
			agreed++
		}
	}
	t.Logf("%d of %d attempts were as the evaluator said; %d connections came about", agreed, tried, connected)
	if tried < 200 || connected < 50 || connected > tried-50 {
		t.Errorf("%d attempts and %d connections show nothing", tried, connected)
	}
}
