//go:build lab

package packets_test

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/firewall"
	"github.com/openseawall/seawall/lab/inside"
)

// TestBan lists, lifts and allows over the kernel's own sets.
func TestBan(t *testing.T) {
	if inside.Inner() {
		if os.Getenv(rulesFile) != "" {
			write(t, posture.Aim{From: netip.AddrPortFrom(operator, 40000), To: netip.AddrPortFrom(machine4, 22)})
		} else {
			bans(t)
		}
		return
	}
	machine, _ := ends(t)
	load(t, machine)
	for _, e := range []string{"banned4 { 198.51.100.7 }", "banned4 { 198.51.100.8 }", "banned_net4 { 198.51.100.0 }", "banned6 { 2001:db8:7:7:: }", "banned_net6 { 2001:db8:7:: }"} {
		run(t, machine, "nft", "add element inet seawall "+e)
	}
	inside.Run(t, machine)
}

func bans(t *testing.T) {
	g := firewall.Guard{Host: host.Live(), Root: t.TempDir(), Now: time.Now}
	banned := func() (list []string) {
		b, err := g.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range b.Banned {
			if left := time.Until(x.Until); left < 30*time.Minute || left > time.Hour {
				t.Errorf("%s is banned for %v", x.Address, left)
			}
			list = append(list, x.Address.String())
		}
		for _, p := range b.Allowed {
			list = append(list, "not "+p.String())
		}
		slices.Sort(list)
		return list
	}
	is := func(want ...string) {
		t.Helper()
		if got := banned(); !slices.Equal(got, want) {
			t.Errorf("banned are\n%v and not\n%v", got, want)
		}
	}
	is("198.51.100.0/24", "198.51.100.7/32", "198.51.100.8/32", "2001:db8:7:7::/64", "2001:db8:7::/48", "not 203.0.113.77/32")
	lifted, err := g.Remove(t.Context(), "198.51.100.7")
	if err != nil || len(lifted) != 2 {
		t.Errorf("lifted %v, %v", lifted, err)
	}
	is("198.51.100.8/32", "2001:db8:7:7::/64", "2001:db8:7::/48", "not 203.0.113.77/32")
	for range 2 {
		if _, err := g.Allow(t.Context(), "2001:db8:7:7::1"); err != nil {
			t.Fatal(err)
		}
	}
	is("198.51.100.8/32", "not 2001:db8:7:7::/64", "not 203.0.113.77/32")
	if _, err := g.Allow(t.Context(), "0.0.0.0/0"); err == nil {
		t.Error("everyone is allowed")
	}
	if _, err := g.Remove(t.Context(), "; flush ruleset"); err == nil {
		t.Error("that is an address")
	}
	// What was allowed is a ruleset, and is loaded again.
	kept, err := os.ReadFile(filepath.Join(g.Root, firewall.AllowPath))
	if err != nil || strings.Count(string(kept), "\n") != 1 {
		t.Fatalf("%v %q", err, kept)
	}
	if out, err := exec.Command("nft", "-f", filepath.Join(g.Root, firewall.AllowPath)).CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
}
