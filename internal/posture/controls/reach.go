package controls

import (
	"net/netip"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
)

// Listening is something that listens on the machine, or that Docker publishes,
// and who reaches it.
type Listening struct {
	Proto   string
	Port    uint16
	Address netip.Addr
	Program string // process, or container
	Reach   string // "this machine", "some addresses", "perhaps everyone", "everyone"
}

// who says a reach from outside as a plan does.
var who = [...]string{closed: "this machine", limited: "some addresses", perhaps: "perhaps everyone", open: "everyone"}

// Exposure lists everything that listens or is published, with who reaches it
// past the ruleset in the facts. What the ruleset does not say is "not known".
func Exposure(f *posture.Facts) (list []Listening) {
	for _, s := range f.Sockets.Value {
		if s.Process == "docker-proxy" {
			continue // the container it stands for is below
		}
		addr := s.Addr.Addr().Unmap()
		l := Listening{Proto: s.Proto, Port: s.Addr.Port(), Address: addr, Program: named(s.Process), Reach: who[closed]}
		switch {
		case addr.IsLoopback():
		case f.Firewall.Status == host.Unknown:
			l.Reach = "not known"
		default:
			l.Reach = who[socketReach(f, s.Proto, s.Addr)]
		}
		list = append(list, l)
	}
	eachPublished(f, func(c host.Container, p published, e endpoint) {
		l := Listening{Proto: p.proto, Port: p.number(), Address: p.host, Program: "container " + c.Name(), Reach: who[closed]}
		switch {
		case p.loopback():
		case f.Firewall.Status == host.Unknown:
			l.Reach = "not known"
		default:
			l.Reach = who[toContainer(f.Facts, e, p.proto, p.container, p.number())]
		}
		list = append(list, l)
	})
	return list
}

// socketReach is the widest reach of a socket from outside, in the families it
// answers. Linux binds [::] for both unless told otherwise.
func socketReach(f *posture.Facts, proto string, at netip.AddrPort) reach {
	addr := at.Addr()
	best := closed
	if addr.Unmap().Is4() || addr.IsUnspecified() {
		best = max(best, fromOutside(f.Facts, proto, at.Port(), false))
	}
	if addr.Is6() && !addr.Is4In6() && hasIPv6(f.Facts) {
		best = max(best, fromOutside(f.Facts, proto, at.Port(), true))
	}
	return best
}
