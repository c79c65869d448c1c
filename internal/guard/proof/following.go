package proof

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// remember is for how long a connection to a provider stays a problem.
	remember = 24 * time.Hour
	// forget is when a connection elsewhere is no longer told of.
	forget  = time.Hour
	maxEnds = 32
)

// following is what is known of where a gateway's connections end.
type following struct {
	Ends
	ends
	door      netip.AddrPort
	providers map[netip.AddrPort]string
	sockets   map[socket]string // of the last look, with the name of their process
}

func newFollowing() following {
	return following{ends: ends{known: map[uint64]socket{}, waiting: map[uint64]int{}}}
}

// connected looks where the connections of this OpenClaw's processes end.
func (a *agent) connected(proc string, all map[int]process, door netip.AddrPort, providers func(names bool) map[netip.AddrPort]string, now time.Time) {
	e := &a.ends
	e.door, e.providers = door, providers(false)
	e.Provider = slices.DeleteFunc(e.Provider, func(end End) bool { return now.Sub(end.Last) >= remember })
	e.Outside = slices.DeleteFunc(e.Outside, func(end End) bool { return now.Sub(end.Last) >= forget })
	if a.gateway == nil {
		e.Unread, e.sockets, e.family = "the gateway is not running", nil, nil
		return
	}
	e.family = family(a.gateway.process, all, e.family)
	e.see(proc, a.gateway, now)
	if len(e.Outside) == 0 {
		return
	}
	// Some may be a provider's, by a name that was not looked up yet.
	e.providers = providers(true)
	for _, end := range slices.Clone(e.Outside) {
		if address, err := netip.ParseAddrPort(end.Address); err == nil && e.providers[address] != "" {
			e.Outside = slices.DeleteFunc(e.Outside, func(other End) bool { return other.Address == end.Address })
			end.Name = e.providers[address]
			e.Provider = noted(e.Provider, end)
		}
	}
}

// glance looks for connections that began since the last look.
func (a *agent) glance(proc string, now time.Time) {
	if a.gateway != nil && a.ends.stirred(proc) {
		a.ends.see(proc, a.gateway, now)
	}
}

// see takes in the sockets that there are now.
func (e *following) see(proc string, g *gateway, now time.Time) {
	found, err := e.look(proc, g)
	if err != nil {
		e.Unread, e.sockets = err.Error(), nil
		return
	}
	ports := listens(found)
	for s, process := range found {
		end := End{s.remote.String(), e.providers[s.remote], process, now.Truncate(time.Minute)}
		_, before := e.sockets[s]
		switch s.where(e.door, e.providers, ports) {
		case atDoor:
			e.Door += once(!before)
		case here:
			e.Here += once(!before)
		case provider:
			e.Provider = noted(e.Provider, end)
		case outside:
			e.Outside = noted(e.Outside, end)
		}
	}
	e.sockets, e.Unread = found, ""
}

func once(is bool) int {
	if is {
		return 1
	}
	return 0
}

// noted is a list with one more end, the newest first. Of too many the oldest
// goes.
func noted(list []End, end End) []End {
	list = slices.DeleteFunc(list, func(e End) bool { return e.Address == end.Address && e.Process == end.Process })
	list = append(list, end)
	slices.SortStableFunc(list, func(a, b End) int {
		if c := b.Last.Compare(a.Last); c != 0 {
			return c
		}
		return strings.Compare(a.Address, b.Address)
	})
	return list[:min(len(list), maxEnds)]
}
