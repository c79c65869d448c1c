package proof

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/host"
)

// listening is the state of a socket in /proc/net/tcp that waits for others
// (include/net/tcp_states.h).
const listening = 0x0A

// socket is one row of /proc/net/tcp or tcp6. Models are not called over UDP.
type socket struct {
	local, remote netip.AddrPort
	state         uint64
}

// ends follows the sockets of one gateway's processes. What costs is only done
// when something has changed: the links of descriptors are read when there are
// other descriptors, and the kernel's tables, which it makes by walking through
// all that a machine has room for, when there are sockets not seen before.
type ends struct {
	family  []process
	numbers string            // the descriptors that were open
	known   map[uint64]socket // by inode
	waiting map[uint64]int    // sockets that are in no table, and for how many looks
}

// patience is for how many looks a socket may be in no table: it is not
// connected yet, or of another kind.
const patience = 3

// stirred reports whether the processes have other descriptors open than they
// had. One that was closed and another opened under its number goes unseen until
// the next look.
func (e *ends) stirred(proc string) bool {
	var now strings.Builder
	for _, p := range e.family {
		d, err := os.Open(descriptors(proc, p))
		if err != nil {
			continue
		}
		names, _ := d.Readdirnames(-1)
		d.Close()
		fmt.Fprint(&now, p.pid, names)
	}
	changed := now.String() != e.numbers
	e.numbers = now.String()
	return changed
}

func descriptors(proc string, p process) string {
	return filepath.Join(proc, strconv.Itoa(p.pid), "fd")
}

// look returns the sockets that the processes of a gateway hold, each with the
// name of its process.
func (e *ends) look(proc string, g *gateway) (map[socket]string, error) {
	held, fresh := map[uint64]string{}, false
	for _, p := range e.family {
		for _, target := range links(descriptors(proc, p)) {
			number, ok := strings.CutPrefix(target, "socket:[")
			if !ok {
				continue
			}
			inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
			if err != nil {
				continue
			}
			held[inode] = p.name
			_, known := e.known[inode]
			fresh = fresh || !known && e.waiting[inode] < patience
		}
	}
	if len(held) == 0 {
		return nil, fmt.Errorf("the sockets of the gateway (process %d) cannot be read: needs root", g.pid)
	}
	if fresh {
		table, err := sockets(filepath.Join(proc, strconv.Itoa(g.pid), "net"))
		if err != nil {
			return nil, err
		}
		e.learn(held, table)
	}
	found := map[socket]string{}
	for inode, name := range held {
		if s, ok := e.known[inode]; ok {
			found[s] = name
		}
	}
	return found, nil
}

// learn takes over what the tables say of the sockets that are held.
func (e *ends) learn(held map[uint64]string, table map[uint64]socket) {
	known, waiting := map[uint64]socket{}, map[uint64]int{}
	for inode := range held {
		if s, ok := table[inode]; ok {
			known[inode] = s
		} else {
			waiting[inode] = e.waiting[inode] + 1
		}
	}
	e.known, e.waiting = known, waiting
}

// sockets reads the tables of one network by inode.
func sockets(dir string) (map[uint64]socket, error) {
	all := map[uint64]socket{}
	for _, name := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) && strings.HasSuffix(name, "6") {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("reading the gateway's connections: %w", err)
		}
		for line := range bytes.Lines(text) {
			if inode, s, ok := parseSocket(string(line)); ok {
				all[inode] = s
			}
		}
	}
	return all, nil
}

// parseSocket reads one row; the first is a heading.
func parseSocket(line string) (inode uint64, s socket, ok bool) {
	f := strings.Fields(line)
	if len(f) < 10 {
		return 0, s, false
	}
	local, err1 := host.SocketAddr(f[1])
	remote, err2 := host.SocketAddr(f[2])
	state, err3 := strconv.ParseUint(f[3], 16, 8)
	inode, err4 := strconv.ParseUint(f[9], 10, 64)
	ok = err1 == nil && err2 == nil && err3 == nil && err4 == nil && inode != 0
	return inode, socket{local, remote, state}, ok
}

// place is where a connection ends.
type place uint8

const (
	nowhere  place = iota // it listens, is not connected, or somebody else began it
	atDoor                // at a door of Seawall's
	here                  // on this machine
	provider              // at the address of a provider
	outside               // anywhere else
)

// where says where a socket ends. Providers may be on loopback themselves.
func (s socket) where(door netip.AddrPort, providers map[netip.AddrPort]string, ports map[uint16]bool) place {
	far, near := s.remote.Addr(), s.local.Addr()
	switch {
	case s.state == listening, s.remote.Port() == 0, ports[s.local.Port()]:
		return nowhere
	case s.remote == door:
		return atDoor
	case providers[s.remote] != "":
		return provider
	case far.IsLoopback(), far == near:
		return here
	}
	return outside
}

// listens are the ports on which a gateway's processes wait for others.
func listens(all map[socket]string) map[uint16]bool {
	ports := map[uint16]bool{}
	for s := range all {
		if s.state == listening {
			ports[s.local.Port()] = true
		}
	}
	return ports
}

// upstreams knows at which addresses providers are.
type upstreams struct {
	names map[string]named // "host:port" to what it was last
	look  func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

type named struct {
	at    time.Time
	addrs []netip.Addr
}

const (
	keepName = 10 * time.Minute // until a name is looked up again
	maxAddrs = 64               // of one name
)

// addresses returns the addresses of providers by their base URLs. Names are
// only looked up when asked to: nobody need learn what nobody goes to. One that
// is not answered keeps the addresses that it had.
func (u *upstreams) addresses(ctx context.Context, baseURLs []string, names bool, now time.Time) map[netip.AddrPort]string {
	found := map[netip.AddrPort]string{}
	for _, base := range baseURLs {
		address, err := url.Parse(base)
		if err != nil || address.Hostname() == "" {
			continue
		}
		port := address.Port()
		if port == "" {
			port = map[string]string{"https": "443", "wss": "443"}[address.Scheme]
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			number = 80
		}
		for _, addr := range u.resolve(ctx, address.Hostname(), names, now) {
			found[netip.AddrPortFrom(addr.Unmap(), uint16(number))] = address.Hostname()
		}
	}
	return found
}

func (u *upstreams) resolve(ctx context.Context, name string, ask bool, now time.Time) []netip.Addr {
	if addr, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{addr}
	}
	last := u.names[name]
	if !ask || now.Sub(last.at) < keepName {
		return last.addrs
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	addrs, err := u.look(ctx, "ip", name)
	if err != nil {
		addrs = last.addrs
	}
	u.names[name] = named{now, addrs[:min(len(addrs), maxAddrs)]}
	return u.names[name].addrs
}

func newUpstreams() *upstreams {
	return &upstreams{map[string]named{}, net.DefaultResolver.LookupNetIP}
}
