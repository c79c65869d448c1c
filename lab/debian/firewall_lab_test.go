//go:build lab

package debian

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
	"github.com/openseawall/seawall/internal/posture/firewall"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/packets"
)

// TestFirewallStays: what loads Seawall's rules loads them with the machine, and
// nftables.service, which empties the ruleset, does not leave the machine
// without them for the time of one packet.
func TestFirewallStays(t *testing.T) {
	n, stranger := netns.New(t), netns.New(t)
	for _, args := range []string{"link add eth0 type veth peer name s0 netns " + stranger.Name, "addr add 203.0.113.10/24 dev eth0", "link set eth0 up"} {
		if err := n.IP(strings.Fields(args)...); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{"addr add 203.0.113.99/24 dev s0", "link set s0 up"} {
		if err := stranger.IP(strings.Fields(args)...); err != nil {
			t.Fatal(err)
		}
	}
	l, err := n.Listen(":3000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	m := Start(t, n)
	m.install(t, "nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libgmp10", "libxtables12", "libedit2", "libbsd0", "libmd0")

	from, to, source := packets.Place{Namespace: stranger}, netip.MustParseAddr("203.0.113.10"), uint16(50000)
	tries := func(times int) int {
		source++
		got, err := packets.Scan(t.Context(), from, to, slices.Repeat([]uint16{3000}, times), nil, source)
		if err != nil {
			t.Fatal(err)
		}
		return len(got)
	}
	if tries(3) == 0 {
		t.Fatal("port 3000 does not answer before there is a firewall")
	}

	changes, err := firewall.Changes(facts())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		switch e := c.Edit.(type) {
		case change.Ruleset:
			m.Shell(t, "mkdir -p "+filepath.Dir(e.Path))
			m.Write(t, e.Path, []byte(e.Text), 0o600)
		case change.File:
			m.Shell(t, "mkdir -p "+filepath.Dir(e.Path))
			m.Write(t, e.Path, []byte(e.Content), 0o644)
		case change.Unit:
			m.Shell(t, "systemctl daemon-reload; systemctl enable --now "+e.Name)
		}
	}
	m.Shell(t, "systemctl enable --now nftables.service")
	closed := func(when string) {
		t.Helper()
		if tries(3) > 0 || !strings.Contains(m.Shell(t, "nft list tables"), "inet seawall") {
			t.Errorf("%s port 3000 answers: %s", when, m.Shell(t, "nft list tables; systemctl status --no-pager seawall-firewall nftables || true"))
		}
	}
	closed("with the rules loaded")

	// All the while somebody tries.
	done := make(chan int)
	go func() {
		answers := 0
		for {
			select {
			case done <- answers:
				return
			default:
				answers += tries(2000)
			}
		}
	}()
	m.Shell(t, "for i in 1 2 3 4 5; do systemctl reset-failed nftables.service; systemctl restart nftables.service; systemctl reload nftables.service; systemctl reload seawall-firewall.service; done")
	m.Shell(t, "systemctl stop nftables.service; systemctl start nftables.service; systemctl stop nftables.service")
	if answers := <-done; answers > 0 {
		t.Errorf("while nftables was restarted, port 3000 answered in %d rounds", answers)
	}
	closed("after nftables was stopped")
	contains(t, m.Shell(t, "nft list ruleset"), "chain input", "policy drop")

	m.Shell(t, "nft flush ruleset")
	m.Reboot(t)
	closed("after a reboot")
	contains(t, m.Shell(t, "systemctl is-active seawall-firewall.service nftables.service; systemctl show -P Before seawall-firewall.service"), "active", "network-pre.target")
	m.Shell(t, "systemctl stop seawall-firewall.service")
	if tries(3) == 0 {
		t.Error("a firewall that was stopped still drops")
	}
}

// facts are a machine's with sshd and nothing else.
func facts() *posture.Facts {
	return &posture.Facts{Facts: &host.Facts{
		Sockets:    host.Is([]host.Socket{}),
		Interfaces: host.Is([]host.Interface{{Name: "eth0", Up: true, Kind: "physical", Addrs: []netip.Prefix{netip.MustParsePrefix("203.0.113.10/24")}}}),
		SSHD:       host.Is(host.SSHD{Running: true, Ports: []uint16{22}}),
		Containers: host.Is([]host.Container{}),
	}}
}

// install copies packages of this machine's Debian onto it, file by file.
func (m *Machine) install(t *testing.T, packages ...string) {
	t.Helper()
	tar := filepath.Join(t.TempDir(), "packages.tar")
	script := `dpkg -L "$@" | sort -u | while read -r f; do [ -d "$f" ] && [ ! -L "$f" ] || echo "$f"; done | tar -cf ` + tar + ` -T -`
	if out, err := exec.Command("sh", append([]string{"-ec", script, "sh"}, packages...)...).CombinedOutput(); err != nil {
		t.Fatalf("taking %v from this machine: %v %s", packages, err, out)
	}
	m.Copy(t, tar, "/root/packages.tar")
	m.Shell(t, "tar -C / --keep-directory-symlink -xf /root/packages.tar; ldconfig; systemctl daemon-reload")
	_ = os.Remove(tar)
}
