package controls

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture/firewall"
)

// reach says how far a class of packets gets. It is judged from the
// attacker's side: what could not be read never makes a machine look safer.
type reach uint8

const (
	closed  reach = iota // every packet of the class is dropped
	limited              // accepted from, or to, some addresses only
	perhaps              // an accept rule that could not be read completely may match
	open                 // accepted
)

func (r reach) String() string {
	return [...]string{"closed", "limited", "perhaps open", "open"}[r]
}

// packet is a class of new packets: the first one of a connection nobody has
// seen before. An invalid From is "anyone", an invalid To "anywhere".
type packet struct {
	v6       bool
	proto    string // tcp or udp
	port     uint16 // destination
	before   uint16 // the destination port it had before DNAT; 0 where there was none
	in, out  string // interfaces; "" where the hook has none
	from, to netip.Addr
}

// judge asks every base chain of a hook: each must let the packet pass, since
// an accept in one table does not end evaluation in another. Chains that
// translate addresses are not asked: they drop nothing.
func judge(fw host.Firewall, hook string, p packet) reach {
	return judgeChains(fw, func(c host.Chain) bool { return c.Hook == hook && !strings.EqualFold(c.Table, "nat") }, p)
}

// judgeBeforeDNAT asks the prerouting chains that see a packet before Docker
// rewrites its destination (priority below dstnat, -100), where Docker 28 and
// later drops what is not for it.
func judgeBeforeDNAT(fw host.Firewall, p packet) reach {
	return judgeChains(fw, func(c host.Chain) bool {
		return c.Hook == "prerouting" && c.Priority < -100 && !strings.EqualFold(c.Table, "nat")
	}, p)
}

func judgeChains(fw host.Firewall, asked func(host.Chain) bool, p packet) reach {
	chains := make([]host.Chain, 0, 4)
	for _, c := range fw.Chains {
		if c.Hook != "" && sees(c.Family, p.v6) && asked(c) {
			chains = append(chains, c)
		}
	}
	sort.SliceStable(chains, func(i, j int) bool { return chains[i].Priority < chains[j].Priority })
	result := open
	for _, c := range chains {
		e := evaluation{fw: fw, p: p}
		if e.chain(c, 0) && c.Policy != "drop" {
			e.best = open
		}
		result = min(result, e.best)
	}
	return result
}

// sees reports whether a family's tables get IPv4 or IPv6 packets.
func sees(family string, v6 bool) bool {
	switch family {
	case "inet":
		return true
	case "ip6":
		return v6
	case "ip", "":
		return !v6
	}
	return false
}

// evaluation follows one packet through one base chain; best is the widest
// accept on its way.
type evaluation struct {
	fw   host.Firewall
	p    packet
	best reach
}

// maxJumps bounds a ruleset that jumps in circles; the kernel allows 16.
const maxJumps = 16

// chain walks the rules and reports whether some packet of the class leaves
// at the end, by falling off it or by return.
func (e *evaluation) chain(c host.Chain, depth int) (through bool) {
	if depth > maxJumps {
		return true
	}
	left := false // part of the class returned early
	for _, r := range c.Rules {
		m := match(r, e.p)
		if m == none {
			continue
		}
		verb, target, _ := strings.Cut(r.Verdict, " ")
		switch verb {
		case "accept":
			e.best = max(e.best, m.accepts())
			if m == all {
				return left
			}
		case "drop", "reject":
			// A limit drops only what exceeds it, and part of a class says
			// nothing about the rest.
			if m == all && r.Limit == "" {
				return left
			}
		case "return":
			left = true
			if m == all {
				return true
			}
		case "jump", "goto":
			next, ok := e.find(c, target)
			back := true
			if ok {
				before := e.best
				back = e.chain(next, depth+1)
				if m != all { // the jump itself is not for everyone
					e.best = max(before, min(e.best, m.accepts()))
				}
			}
			if m == all {
				if !back {
					return left
				}
				if verb == "goto" {
					return true
				}
			} else if verb == "goto" && back {
				left = true
			}
		}
	}
	return true
}

func (e *evaluation) find(from host.Chain, name string) (host.Chain, bool) {
	i := slices.IndexFunc(e.fw.Chains, func(c host.Chain) bool {
		return c.Family == from.Family && c.Table == from.Table && c.Name == name
	})
	if i < 0 {
		return host.Chain{}, false
	}
	return e.fw.Chains[i], true
}

// matching says how much of a class a rule takes.
type matching uint8

const (
	none    matching = iota
	unclear          // it has a match that was not understood
	some             // only some addresses
	all
)

func (m matching) accepts() reach {
	return [...]reach{none: closed, unclear: perhaps, some: limited, all: open}[m]
}

func match(r host.Rule, p packet) matching {
	m := all
	if r.Proto != "" && r.Proto != p.proto {
		return none
	}
	if r.SynOnly && p.proto != "tcp" {
		return none
	}
	if len(r.DPorts) > 0 && !inRanges(r.DPorts, p.port) {
		return none
	}
	if r.Late || r.DNAT && p.before == 0 || len(r.Before) > 0 && !inRanges(r.Before, cmp.Or(p.before, p.port)) {
		return none
	}
	if len(r.CTState) > 0 && !slices.Contains(r.CTState, "new") {
		return none
	}
	if !onInterface(r.InIface, p.in) || !onInterface(r.OutIface, p.out) {
		return none
	}
	for _, side := range []struct {
		prefixes []netip.Prefix
		addr     netip.Addr
	}{{r.Src, p.from}, {r.Dst, p.to}} {
		m = min(m, within(side.prefixes, side.addr, p.v6))
	}
	if len(r.SPorts) > 0 { // the sender chooses it: any accept is open, no drop holds
		if r.Verdict == "drop" || r.Verdict == "reject" {
			m = min(m, some)
		}
	}
	if r.Sender != "" {
		m = min(m, some)
	}
	if m != none && r.Unparsed {
		m = min(m, unclear)
	}
	return m
}

func inRanges(ranges []host.PortRange, port uint16) bool {
	return slices.ContainsFunc(ranges, func(r host.PortRange) bool { return r.From <= port && port <= r.To })
}

// onInterface matches an interface's name with the rule's, which may be
// negated and may end in + (iptables) or * (nft).
func onInterface(rule, name string) bool {
	if rule == "" {
		return true
	}
	rule, negated := strings.CutPrefix(rule, "!")
	hit := rule == name
	if prefix, ok := strings.CutSuffix(strings.TrimSuffix(rule, "*"), "+"); ok || strings.HasSuffix(rule, "*") {
		hit = name != "" && strings.HasPrefix(name, prefix)
	}
	return hit != negated
}

// within compares a rule's prefixes with an address, or with everyone's.
func within(prefixes []netip.Prefix, addr netip.Addr, v6 bool) matching {
	if len(prefixes) == 0 {
		return all
	}
	best := none
	for _, prefix := range prefixes {
		if prefix.Addr().Is6() != v6 {
			continue
		}
		switch {
		case addr.IsValid() && prefix.Contains(addr):
			return all
		case addr.IsValid():
		case everyone(prefix):
			return all
		default:
			best = some
		}
	}
	return best
}

// everyone reports whether a prefix holds so much of the Internet that it is
// no restriction: 0.0.0.0/1 and 2000::/3 are.
func everyone(p netip.Prefix) bool {
	if p.Addr().Is6() {
		return p.Bits() <= 8
	}
	return p.Bits() < 8
}

// outside returns the interfaces on which strangers arrive: up, with an
// address, and neither loopback, a manager's bridge, veth nor a tunnel. When
// none is known, a name that no rule is written for.
func outside(f *host.Facts) []string {
	var names []string
	for _, i := range f.Interfaces.Value {
		switch i.Kind {
		case "loopback", "veth", "tun", "wireguard":
			continue
		case "bridge":
			if firewall.Managers.MatchString(i.Name) {
				continue
			}
		}
		if i.Up && len(i.Addrs) > 0 {
			names = append(names, i.Name)
		}
	}
	if len(names) == 0 {
		names = []string{"eth0"}
	}
	return names
}

// addressOf returns an address of an interface in one family, so that a rule
// with a destination is judged against where the packet really goes.
func addressOf(f *host.Facts, name string, v6 bool) netip.Addr {
	for _, i := range f.Interfaces.Value {
		if i.Name != name {
			continue
		}
		for _, a := range i.Addrs {
			if a.Addr().Is6() == v6 && !a.Addr().IsLinkLocalUnicast() {
				return a.Addr()
			}
		}
	}
	return netip.Addr{}
}

// hasIPv6 reports whether strangers can speak IPv6 to this machine.
func hasIPv6(f *host.Facts) bool {
	return slices.ContainsFunc(outside(f), func(name string) bool { return addressOf(f, name, true).IsValid() })
}

// fromOutside judges a new packet from anyone to a port of the host itself.
func fromOutside(f *host.Facts, proto string, port uint16, v6 bool) reach {
	best := closed
	for _, name := range outside(f) {
		p := packet{v6: v6, proto: proto, port: port, in: name, to: addressOf(f, name, v6)}
		best = max(best, min(judgeBeforeDNAT(f.Firewall.Value, p), judge(f.Firewall.Value, "input", p)))
	}
	return best
}

// endpoint is a container's place in one network.
type endpoint struct {
	bridge string
	addr   netip.Addr
}

// endpoints returns where a container's packets leave it. Docker names the
// bridge of a user-defined network br- and twelve digits of its id.
func endpoints(c host.Container) []endpoint {
	var list []endpoint
	if c.Inspect.NetworkSettings == nil {
		return nil
	}
	for name, n := range c.Inspect.NetworkSettings.Networks {
		if n == nil || !n.IPAddress.IsValid() {
			continue
		}
		e := endpoint{bridge: "docker0", addr: n.IPAddress}
		if name != "bridge" && len(n.NetworkID) >= 12 {
			e.bridge = "br-" + n.NetworkID[:12]
		}
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].bridge < list[j].bridge })
	return list
}

// published is a port of a container that Docker forwards to.
type published struct {
	host      netip.Addr
	hostPort  string
	container uint16
	proto     string
}

func (p published) String() string {
	return fmt.Sprintf("%s/%s", netip.AddrPortFrom(p.host, 0).Addr().String()+":"+p.hostPort, p.proto)
}

// number is the port of the machine; 0 where Docker has not chosen it yet.
func (p published) number() uint16 {
	n, _ := strconv.ParseUint(p.hostPort, 10, 16)
	return uint16(n)
}

// loopback reports whether a port is published for this machine only.
func (p published) loopback() bool { return p.host.IsLoopback() }

// publishedPorts lists what a container publishes; an address that Docker
// left empty means all.
func publishedPorts(c host.Container) []published {
	if c.Inspect.NetworkSettings == nil {
		return nil
	}
	var list []published
	for port, bindings := range c.Inspect.NetworkSettings.Ports {
		for _, b := range bindings {
			addr := b.HostIP
			if !addr.IsValid() {
				addr = netip.IPv4Unspecified()
			}
			list = append(list, published{addr, b.HostPort, port.Num(), string(port.Proto())})
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].String() < list[j].String() })
	return list
}

// toContainer judges a new packet that a stranger sends to a container's own
// address: what Docker forwards after it rewrote a published port, and what a
// neighbour that routes the bridge's network here can send by itself.
//
// before is the port of the machine that is published, 0 for the neighbour.
func toContainer(f *host.Facts, e endpoint, proto string, port, before uint16) reach {
	best := closed
	for _, name := range outside(f) {
		p := packet{v6: e.addr.Is6(), proto: proto, port: port, before: before, in: name, out: e.bridge, to: e.addr}
		r := judge(f.Firewall.Value, "forward", p)
		if before == 0 { // a rewritten packet had the host's address before DNAT
			r = min(r, judgeBeforeDNAT(f.Firewall.Value, packet{v6: p.v6, proto: proto, port: port, in: name, to: e.addr}))
		}
		best = max(best, r)
	}
	return best
}

// outbound judges a new TCP connection to a port anywhere, from the host.
func outbound(f *host.Facts, port uint16, v6 bool) reach {
	best := closed
	for _, name := range outside(f) {
		best = max(best, judge(f.Firewall.Value, "output", packet{v6: v6, proto: "tcp", port: port, out: name}))
	}
	return best
}

// outboundFrom judges a new TCP connection from a container to a port
// anywhere, or to one address.
func outboundFrom(f *host.Facts, e endpoint, port uint16, to netip.Addr) reach {
	best := closed
	for _, name := range outside(f) {
		p := packet{v6: e.addr.Is6(), proto: "tcp", port: port, in: e.bridge, out: name, from: e.addr, to: to}
		best = max(best, judge(f.Firewall.Value, "forward", p))
	}
	return best
}
