//go:build lab

package capture_test

import (
	"net/netip"
	"testing"

	"github.com/openseawall/seawall/lab/capture"
	"github.com/openseawall/seawall/lab/netns"
)

// TestCapture sees a datagram to the world, by either protocol, and a
// connection on loopback, which is not outward.
func TestCapture(t *testing.T) {
	space := netns.New(t)
	if err := space.Outward(); err != nil {
		t.Fatal(err)
	}
	c, err := capture.Start(space)
	if err != nil {
		t.Fatal(err)
	}
	l, err := space.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	worldly := []string{"203.0.113.9:53", "[2001:db8:9::9]:53"}
	for _, addr := range worldly {
		send(t, space, "udp", addr)
	}
	send(t, space, "tcp", l.Addr().String())

	flows, err := c.Stop()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[netip.AddrPort]bool{}
	for _, f := range flows {
		if f.Interface == "lo" && f.Protocol == "tcp" {
			seen[f.Dst] = true
		}
	}
	if !seen[netip.MustParseAddrPort(l.Addr().String())] {
		t.Errorf("the connection on loopback was not seen in %v", flows)
	}
	out := capture.Outward(flows)
	for _, addr := range worldly {
		found := false
		for _, f := range out {
			found = found || f.Protocol == "udp" && f.Dst == netip.MustParseAddrPort(addr)
		}
		if !found {
			t.Errorf("the datagram to %s was not seen in %v", addr, flows)
		}
	}
	t.Logf("outward: %v", out)
}

func send(t *testing.T, space *netns.Namespace, network, addr string) {
	t.Helper()
	c, err := space.Dial(t.Context(), network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
}
