package controls

import (
	"net/netip"
	"testing"

	"github.com/openseawall/seawall/internal/host"
)

func chain(family, hook, policy string, rules ...host.Rule) host.Chain {
	return host.Chain{Family: family, Table: "filter", Name: hook, Hook: hook, Policy: policy, Rules: rules}
}

func plain(family, name string, rules ...host.Rule) host.Chain {
	return host.Chain{Family: family, Table: "filter", Name: name, Rules: rules}
}

func ports(from, to uint16) []host.PortRange { return []host.PortRange{{From: from, To: to}} }

func prefix(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

func TestJudge(t *testing.T) {
	ssh := host.Rule{Proto: "tcp", DPorts: ports(22, 22), Verdict: "accept"}
	drop := host.Rule{Verdict: "drop"}
	syn := host.Rule{Proto: "tcp", SynOnly: true, Limit: "30/second burst 60", Verdict: "accept"}
	tcp := func(port uint16) packet { return packet{proto: "tcp", port: port, in: "eth0"} }
	v6 := func(port uint16) packet { p := tcp(port); p.v6 = true; return p }
	for name, c := range map[string]struct {
		chains []host.Chain
		packet packet
		want   reach
	}{
		"no firewall":                        {nil, tcp(9999), open},
		"policy drop":                        {[]host.Chain{chain("ip", "input", "drop")}, tcp(9999), closed},
		"policy accept":                      {[]host.Chain{chain("ip", "input", "accept", ssh)}, tcp(9999), open},
		"an allowed port":                    {[]host.Chain{chain("ip", "input", "drop", ssh)}, tcp(22), open},
		"another port":                       {[]host.Chain{chain("ip", "input", "drop", ssh)}, tcp(23), closed},
		"UDP to an allowed TCP port":         {[]host.Chain{chain("ip", "input", "drop", ssh)}, packet{proto: "udp", port: 22, in: "eth0"}, closed},
		"a last rule that drops":             {[]host.Chain{chain("inet", "input", "accept", ssh, drop)}, tcp(9999), closed},
		"the guide's SYN rule":               {[]host.Chain{chain("ip", "input", "drop", ssh, syn)}, tcp(9999), open},
		"IPv4 rules and IPv6":                {[]host.Chain{chain("ip", "input", "drop", ssh)}, v6(9999), open},
		"an inet table and IPv6":             {[]host.Chain{chain("inet", "input", "drop", ssh)}, v6(9999), closed},
		"established only":                   {[]host.Chain{chain("ip", "input", "drop", host.Rule{CTState: []string{"established", "related"}, Verdict: "accept"})}, tcp(22), closed},
		"loopback only":                      {[]host.Chain{chain("ip", "input", "drop", host.Rule{InIface: "lo", Verdict: "accept"})}, tcp(22), closed},
		"any interface but one":              {[]host.Chain{chain("ip", "input", "drop", host.Rule{InIface: "!docker0", Verdict: "accept"})}, tcp(22), open},
		"interfaces by prefix":               {[]host.Chain{chain("ip", "input", "drop", host.Rule{InIface: "eth+", Verdict: "accept"})}, tcp(22), open},
		"interfaces by nft prefix":           {[]host.Chain{chain("ip", "input", "drop", host.Rule{InIface: "wg*", Verdict: "accept"})}, tcp(22), closed},
		"one source":                         {[]host.Chain{chain("ip", "input", "drop", host.Rule{Src: prefix("198.51.100.7/32"), Verdict: "accept"})}, tcp(22), limited},
		"half of the Internet":               {[]host.Chain{chain("ip", "input", "drop", host.Rule{Src: prefix("0.0.0.0/1"), Verdict: "accept"})}, tcp(22), open},
		"one source dropped, all accepted":   {[]host.Chain{chain("ip", "input", "drop", host.Rule{Src: prefix("198.51.100.7/32"), Verdict: "drop"}, ssh)}, tcp(22), open},
		"an IPv4 source and IPv6":            {[]host.Chain{chain("inet", "input", "drop", host.Rule{Src: prefix("0.0.0.0/0"), Verdict: "accept"})}, v6(22), closed},
		"an accept not understood":           {[]host.Chain{chain("ip", "input", "drop", host.Rule{Unparsed: true, Verdict: "accept"})}, tcp(22), perhaps},
		"a drop not understood":              {[]host.Chain{chain("ip", "input", "accept", host.Rule{Unparsed: true, Verdict: "drop"})}, tcp(22), open},
		"an accept of another port unparsed": {[]host.Chain{chain("ip", "input", "drop", host.Rule{Proto: "tcp", DPorts: ports(80, 90), Unparsed: true, Verdict: "accept"})}, tcp(22), closed},
		"a drop of what is too fast":         {[]host.Chain{chain("ip", "input", "accept", host.Rule{Limit: "over 30/second", Verdict: "drop"})}, tcp(22), open},
		"a drop of low source ports":         {[]host.Chain{chain("ip", "input", "accept", host.Rule{SPorts: ports(0, 1023), Verdict: "drop"})}, tcp(22), open},
		"counters and logs decide nothing":   {[]host.Chain{chain("ip", "input", "drop", host.Rule{}, ssh)}, tcp(22), open},
		"two tables, one of which drops":     {[]host.Chain{chain("inet", "input", "accept"), chain("ip", "input", "drop")}, tcp(22), closed},
		"an accept in another table":         {[]host.Chain{chain("inet", "input", "drop"), chain("ip", "input", "drop", ssh)}, tcp(22), closed},
		"nat drops nothing":                  {[]host.Chain{{Family: "ip", Table: "nat", Name: "INPUT", Hook: "input", Policy: "accept"}}, tcp(22), open},
		"a jump":                             {[]host.Chain{chain("ip", "input", "drop", host.Rule{Verdict: "jump user"}), plain("ip", "user", ssh)}, tcp(22), open},
		"a jump that comes back":             {[]host.Chain{chain("ip", "input", "accept", host.Rule{Verdict: "jump user"}, drop), plain("ip", "user", ssh)}, tcp(23), closed},
		"a jump to a drop":                   {[]host.Chain{chain("ip", "input", "accept", host.Rule{Verdict: "jump user"}), plain("ip", "user", drop)}, tcp(23), closed},
		"a jump for one source to a drop":    {[]host.Chain{chain("ip", "input", "accept", host.Rule{Src: prefix("198.51.100.0/24"), Verdict: "jump user"}), plain("ip", "user", drop)}, tcp(23), open},
		"a jump for one source to an accept": {[]host.Chain{chain("ip", "input", "drop", host.Rule{Src: prefix("198.51.100.0/24"), Verdict: "jump user"}), plain("ip", "user", host.Rule{Verdict: "accept"})}, tcp(23), limited},
		"a jump not understood, to a drop":   {[]host.Chain{chain("ip", "input", "accept", host.Rule{Unparsed: true, Verdict: "jump user"}), plain("ip", "user", drop)}, tcp(23), open},
		"a goto ends in the policy":          {[]host.Chain{chain("ip", "input", "drop", host.Rule{Verdict: "goto user"}, ssh), plain("ip", "user")}, tcp(22), closed},
		"a return ends in the policy":        {[]host.Chain{chain("ip", "input", "drop", host.Rule{Verdict: "return"}, ssh)}, tcp(22), closed},
		"a return for some":                  {[]host.Chain{chain("ip", "input", "accept", host.Rule{Src: prefix("198.51.100.0/24"), Verdict: "return"}, drop)}, tcp(22), open},
		"a missing chain":                    {[]host.Chain{chain("ip", "input", "drop", host.Rule{Verdict: "jump gone"}, ssh)}, tcp(22), open},
		"a circle":                           {[]host.Chain{chain("ip", "input", "drop", host.Rule{Verdict: "jump a"}), plain("ip", "a", host.Rule{Verdict: "jump a"})}, tcp(22), closed},
		"another hook":                       {[]host.Chain{chain("ip", "forward", "drop")}, tcp(22), open},
		"a bridge table":                     {[]host.Chain{chain("bridge", "input", "drop")}, tcp(22), open},
	} {
		if got := judge(host.Firewall{Chains: c.chains}, "input", c.packet); got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

// TestUnparsedNeverHelps marks each rule of a ruleset as not understood, one
// after the other: no packet may come out safer than before.
func TestUnparsedNeverHelps(t *testing.T) {
	for _, base := range []string{"base", "base-container"} {
		f := machine(t, read(t, base+".txtar"))
		fw := f.Firewall.Value
		for ci := range fw.Chains {
			for ri := range fw.Chains[ci].Rules {
				rule := &fw.Chains[ci].Rules[ri]
				before := everyWay(fw)
				was := rule.Unparsed
				rule.Unparsed = true
				for i, r := range everyWay(fw) {
					// An accept that was certain may become doubtful; both are findings.
					if r < before[i] && r < perhaps {
						t.Errorf("%s: %s unparsed: packet %d went from %v to %v", base, rule.Text, i, before[i], r)
					}
				}
				rule.Unparsed = was
			}
		}
	}
}

func everyWay(fw host.Firewall) (all []reach) {
	for _, hook := range []string{"input", "forward", "output"} {
		for _, v6 := range []bool{false, true} {
			for _, port := range []uint16{22, 25, 443, 6667, 18789, unusedPort} {
				for _, in := range []string{"eth0", "docker0", "br-0a1b2c3d4e5f", "lo"} {
					for _, out := range []string{"eth0", "br-0a1b2c3d4e5f"} {
						all = append(all, judge(fw, hook, packet{v6: v6, proto: "tcp", port: port, in: in, out: out}))
					}
				}
			}
		}
	}
	return all
}

func TestOutsideInterfaces(t *testing.T) {
	addr := prefix("203.0.113.10/24")
	f := &host.Facts{Interfaces: host.Is([]host.Interface{
		{Name: "lo", Up: true, Kind: "loopback", Addrs: prefix("127.0.0.1/8")},
		{Name: "docker0", Up: true, Kind: "bridge", Addrs: prefix("172.17.0.1/16")},
		{Name: "br-0a1b2c3d4e5f", Up: true, Kind: "bridge", Addrs: prefix("172.18.0.1/16")},
		{Name: "br0", Up: true, Kind: "bridge", Addrs: addr},
		{Name: "wg0", Up: true, Kind: "wireguard", Addrs: prefix("10.9.0.1/24")},
		{Name: "eth1", Kind: "physical", Addrs: addr},
		{Name: "eth0", Up: true, Kind: "physical"},
	})}
	if got := outside(f); len(got) != 1 || got[0] != "br0" {
		t.Errorf("strangers arrive at %v, not at br0 alone", got)
	}
	if got := outside(&host.Facts{}); len(got) != 1 || got[0] != "eth0" {
		t.Errorf("without interfaces: %v", got)
	}
}

func TestWeakSecret(t *testing.T) {
	for value, weak := range map[string]bool{
		"": true, "undefined": true, "NULL": true, "<your-token>": true, "replace-with-long-random-token": true, "short": true,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": true, "${OPENCLAW_GATEWAY_TOKEN}": false, "[redacted:token]": false,
		"3f9c1b7a5e2d4c6f8a0b1d3e5f7a9c2b": false,
	} {
		if got := weakSecret(value); (got != "") != weak {
			t.Errorf("%q: %q", value, got)
		}
	}
}

func TestMovingTag(t *testing.T) {
	for image, moves := range map[string]bool{
		"openclaw": true, "openclaw:latest": true, "ghcr.io/openclaw/openclaw:main": true, "localhost:5000/openclaw": true,
		"ghcr.io/openclaw/openclaw:2026.9.6": false, "openclaw@sha256:00": false, "localhost:5000/openclaw:1.2": false,
	} {
		if got := movingTag(image); got != moves {
			t.Errorf("%s: %v", image, got)
		}
	}
}

func TestTooWide(t *testing.T) {
	for dir, wide := range map[string]bool{
		"/": true, "/home": true, "/home/admin": true, "/home/admin/": true, "/etc": true, "/root": true, "/home/admin/.ssh": true, "/etc/ssh": true,
		"/home/admin/project": false, "/srv/openclaw/state": false, "/var/lib/claw/workspace": false, "/etc/timezone": false,
	} {
		if got := tooWide(dir); (got != "") != wide {
			t.Errorf("%s: %q", dir, got)
		}
	}
}
