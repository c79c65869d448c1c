package firewall

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// lived is a machine that is in use: sshd, a web server, a database on a private
// address, WireGuard, a helper for containers, and containers.
func lived() *posture.Facts {
	listens := func(proto, addr, process string, pid int) host.Socket {
		return host.Socket{Proto: proto, Addr: netip.MustParseAddrPort(addr), Process: process, PID: pid}
	}
	iface := func(name, kind, addr string) host.Interface {
		return host.Interface{Name: name, Up: true, Kind: kind, Addrs: []netip.Prefix{netip.MustParsePrefix(addr)}}
	}
	web := container.InspectResponse{Name: "/web", State: &container.State{Running: true}, NetworkSettings: &container.NetworkSettings{
		Ports: network.PortMap{network.MustParsePort("80/tcp"): {
			{HostIP: netip.MustParseAddr("0.0.0.0"), HostPort: "8080"}, {HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: "8081"}}},
		Networks: map[string]*network.EndpointSettings{"odd": {NetworkID: "0123456789abcdef", Gateway: netip.MustParseAddr("172.30.0.1")}},
	}}
	return &posture.Facts{Facts: &host.Facts{
		Sockets: host.Is([]host.Socket{
			listens("tcp", "0.0.0.0:22", "sshd", 1), listens("tcp", "[::]:443", "nginx", 2), listens("tcp", "0.0.0.0:443", "nginx", 2),
			listens("tcp", "10.0.0.5:5432", "postgres", 3), listens("tcp", "127.0.0.1:18789", "openclaw-gateway", 4),
			listens("tcp", "172.17.0.1:4780", "seawall", 5), listens("tcp", "10.8.0.1:9000", "metrics", 6),
			listens("udp", "0.0.0.0:51820", "", 0), listens("udp", "0.0.0.0:68", "dhclient", 7), listens("udp", "0.0.0.0:5353", "openclaw-gateway", 4),
			listens("udp", "0.0.0.0:40123", "openclaw-gateway", 4), listens("udp", "0.0.0.0:41641", "tailscaled", 8),
		}),
		Interfaces: host.Is([]host.Interface{
			iface("lo", "loopback", "127.0.0.1/8"), iface("eth0", "physical", "203.0.113.10/24"), iface("eth1", "physical", "10.0.0.5/24"),
			iface("docker0", "bridge", "172.17.0.1/16"), iface("odd", "bridge", "172.30.0.1/16"), iface("wg0", "wireguard", "10.8.0.1/24"),
		}),
		SSHD:       host.Is(host.SSHD{Running: true, Ports: []uint16{22}, Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:22")}}),
		Logins:     host.Is([]host.Session{{From: netip.MustParseAddr("198.51.100.7")}, {From: netip.MustParseAddr("2001:db8:1:2:3::4")}, {From: netip.MustParseAddr("127.0.0.1")}}),
		Containers: host.Is([]host.Container{{Inspect: web}}),
		Users:      host.Is([]host.User{{Name: "postfix", UID: 105}, {Name: "claw", UID: 1000}}),
		Processes:  host.Is([]host.Process{{Name: "master"}}),
	}, Aim: posture.Aim{From: netip.MustParseAddrPort("198.51.100.9:50000"), To: netip.MustParseAddrPort("203.0.113.10:22")}}
}

func names(list []Service) (words []string) {
	for _, s := range list {
		words = append(words, s.String())
	}
	return words
}

func TestFor(t *testing.T) {
	f := lived()
	config, err := openclaw.ParseConfig([]byte(`{channels: {irc: {host: "irc.example.com", nick: "x", accounts: {"a.b": {host: "192.0.2.6", tls: false}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	f.OpenClaw = host.Is([]openclaw.Install{{Config: config, Owner: "claw"}})
	f.Aim.Profile.Firewall = posture.FirewallProfile{Open: []change.Port{{Proto: "udp", Port: 3478}}, OutClosed: []uint16{25, 6667, 6697}, OutOpen: []posture.OutOpen{{User: "claw", To: netip.MustParsePrefix("192.0.2.25/32"), Port: 25}}}
	r, err := For(f)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ got, want []string }{
		"open":      {names(r.Open), []string{"443/tcp (nginx)", "5432/tcp at 10.0.0.5 (postgres)", "3478/udp (opened in the profile)", "41641/udp (tailscaled)", "51820/udp (kernel)"}},
		"published": {names(r.Published), []string{"8080/tcp (web)"}},
		"bridges":   {names(r.FromBridges)[:1], []string{"443/tcp (nginx)"}},
		"inner":     {r.Inner, []string{"br-*", "docker0", "odd"}},
		"tunnels":   {r.Tunnels, []string{"wg0"}},
		"operators": {v4(r.Operators), []string{"198.51.100.7", "198.51.100.9"}},
		"six":       {v6(r.Operators), []string{"2001:db8:1:2::/64"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s:\n%v, not\n%v", what, c.got, c.want)
		}
	}
	if !slices.ContainsFunc(r.FromBridges, func(s Service) bool { return s.Port == 4780 }) || slices.Contains(r.SSH, 443) || !slices.Equal(r.SSH, []uint16{22}) {
		t.Errorf("from bridges %v, SSH %v", names(r.FromBridges), r.SSH)
	}
	var exceptions []string
	for _, e := range r.Exceptions {
		exceptions = append(exceptions, e.Who+" "+to(e.To))
		if want := map[bool]uint32{true: 105, false: 1000}[strings.HasPrefix(e.Who, "postfix")]; e.UID != want {
			t.Errorf("%+v", e)
		}
	}
	if len(exceptions) != 6 || !slices.Contains(exceptions, "OpenClaw talks to 192.0.2.6 ip daddr 192.0.2.6 ") {
		t.Errorf("exceptions %q", exceptions)
	}
	if text, err := r.Text(); err != nil || text == "" {
		t.Error(err)
	}
}

// TestRefused: where rules could lock somebody out, or rule beside others, there
// are none, and a sentence says why.
func TestRefused(t *testing.T) {
	for what, c := range map[string]struct {
		edit func(*posture.Facts)
		says string
	}{
		"ufw":           {func(f *posture.Facts) { f.Firewall = host.Is(host.Firewall{UFW: true}) }, "ufw rules here"},
		"firewalld":     {func(f *posture.Facts) { f.Firewall = host.Is(host.Firewall{FirewallD: true}) }, "firewalld rules here"},
		"no sockets":    {func(f *posture.Facts) { f.Sockets = host.NotRead[[]host.Socket]("no") }, "nothing may be closed"},
		"no interfaces": {func(f *posture.Facts) { f.Interfaces = host.NotRead[[]host.Interface]("no") }, "nothing may be closed"},
		"no sshd":       {func(f *posture.Facts) { f.SSHD = host.NotRead[host.SSHD]("no") }, "lock you out"},
		"no containers": {func(f *posture.Facts) { f.Containers = host.NotRead[[]host.Container]("no") }, "nothing may be closed"},
		"nobody": {func(f *posture.Facts) {
			f.Aim.Profile.Firewall = posture.FirewallProfile{OutClosed: []uint16{25}, OutOpen: []posture.OutOpen{{User: "ghost", Port: 25}}}
		}, "does not have"},
		"another port": {func(f *posture.Facts) { f.Aim.To = netip.MustParseAddrPort("203.0.113.10:2222") }, "would close"},
		"another prefix": {func(f *posture.Facts) {
			f.Aim.Profile.Firewall.SSHFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		}, "lock yourself out"},
	} {
		f := lived()
		c.edit(f)
		_, err := Changes(f)
		var refusal *posture.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Whoever comes through the tunnel is not locked out by what holds outside.
	f := lived()
	f.Aim.From, f.Aim.To = netip.MustParseAddrPort("10.8.0.9:1234"), netip.MustParseAddrPort("10.8.0.1:2222")
	if _, err := For(f); err != nil {
		t.Error(err)
	}
}

// TestChanges: the same machine has the same changes; what is in use and closed
// is said.
func TestChanges(t *testing.T) {
	f := lived()
	f.Firewall = host.Is(host.Firewall{Chains: []host.Chain{{Family: "inet", Table: "crowdsec", Hook: "input", Policy: "drop"}, {Family: "ip", Table: "nat", Hook: "output"}}})
	f.Aim.Profile.Firewall = posture.FirewallProfile{Close: []change.Port{{Proto: "tcp", Port: 443}, {Proto: "tcp", Port: 8080}, {Proto: "tcp", Port: 9}}, OutClosed: []uint16{25}}
	one, err := Changes(f)
	if err != nil {
		t.Fatal(err)
	}
	two, _ := Changes(f)
	for i := range one {
		if a, ok := one[i].Edit.(change.Ruleset); ok {
			b := two[i].Edit.(change.Ruleset)
			if a != b || strings.Contains(a.Text, "dport 443") || strings.Contains(a.Text, "8080") {
				t.Errorf("the ruleset is\n%s", a.Text)
			}
			if !slices.Equal(one[i].Close, []change.Port{{Proto: "tcp", Port: 443}, {Proto: "tcp", Port: 8080}}) || !strings.Contains(one[i].What, "beside the tables that are there: inet crowdsec") || one[i].Risk != change.Lockout {
				t.Errorf("%q closes %v", one[i].What, one[i].Close)
			}
		}
	}
}
