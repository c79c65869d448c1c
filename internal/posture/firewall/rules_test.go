package firewall

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// wide has something of everything.
var wide = Rules{
	Blocked:      []uint16{25, 465, 587, 2525, 194, 6667, 6697},
	Operators:    []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32"), netip.MustParsePrefix("2001:db8:1:2::/64")},
	SSH:          []uint16{22, 2222},
	SSHFrom:      []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
	Open:         []Service{{"tcp", 443, netip.Addr{}, "nginx"}, {"tcp", 5432, netip.MustParseAddr("10.0.0.5"), `pg"; flush ruleset`}, {"udp", 51820, netip.Addr{}, "kernel"}},
	Published:    []Service{{"tcp", 8080, netip.Addr{}, "web"}, {"udp", 53, netip.MustParseAddr("2001:db8::10"), "dns"}},
	FromBridges:  []Service{{"tcp", 4780, netip.MustParseAddr("172.17.0.1"), "seawall"}},
	Inner:        []string{"br-*", "docker0"},
	Tunnels:      []string{"tailscale0", "wg0"},
	Exceptions:   []Exception{{UID: 105, Port: 25, Who: "postfix sends mail"}, {Bridge: "docker0", To: netip.MustParsePrefix("192.0.2.6/32"), Port: 6697, Who: "OpenClaw talks to 192.0.2.6"}},
	AddressTries: addressTries, NetworkTries: networkTries, AllTries: allTries, AddressesKept: addressesKept, NetworksKept: networksKept,
}

// TestText compares with a text that was read line by line.
func TestText(t *testing.T) {
	for name, r := range map[string]Rules{"wide": wide, "narrow": {SSH: []uint16{22}, Inner: []string{"docker0"}, AddressTries: addressTries, NetworkTries: networkTries, AllTries: allTries, AddressesKept: 1, NetworksKept: 1}} {
		got, err := r.Text()
		if err != nil {
			t.Fatal(err)
		}
		file := "testdata/" + name + ".nft"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || got != string(want) {
			t.Errorf("%s is another (%v); look at it, then go test -update\n%s", file, err, got)
		}
	}
}

// TestNames: what a machine calls itself does not become a rule.
func TestNames(t *testing.T) {
	text, err := wide.Text()
	if err != nil || strings.Contains(text, "flush") && strings.Contains(text, `pg"`) {
		t.Errorf("%v\n%s", err, text)
	}
	for _, name := range []string{`a"b`, "a b", "", "0123456789abcdef", "a;b"} {
		if _, err := (Rules{Tunnels: []string{name}}).Text(); err == nil {
			t.Errorf("%q becomes the name of an interface", name)
		}
	}
}
