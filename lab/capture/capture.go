// Package capture sees every packet in a network namespace, so that a test can
// show where a program talked to. See [netns.Namespace.Outward] for a network
// that programs try to leave.
package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/lab/netns"
)

// Flow is what went from one address to another.
type Flow struct {
	Interface string // "lo", "out", …
	Protocol  string // tcp, udp, icmp, arp, …
	Src, Dst  netip.AddrPort
	Asked     string // the name a DNS query asks for
	Packets   int
	Bytes     int
}

// String is "out: tcp 198.51.100.2:40000 > 203.0.113.9:443, 3 packets".
func (f Flow) String() string {
	s := fmt.Sprintf("%s: %s %s > %s, %d packets", f.Interface, f.Protocol, f.Src, f.Dst, f.Packets)
	if f.Asked != "" {
		s += ", asking for " + f.Asked
	}
	return s
}

// Capture is a running capture.
type Capture struct {
	socket int
	names  map[int]string // of interfaces, by index
	done   chan struct{}

	mu    sync.Mutex
	flows map[Flow]*Flow // by a Flow without counts
	order []*Flow
	err   error
}

// Start sees what leaves through every interface of the namespace from now on.
func Start(n *netns.Namespace) (*Capture, error) {
	c := &Capture{names: map[int]string{}, done: make(chan struct{}), flows: map[Flow]*Flow{}}
	err := n.Do(func() (err error) {
		ifaces, err := net.Interfaces()
		if err != nil {
			return err
		}
		for _, i := range ifaces {
			c.names[i.Index] = i.Name
		}
		c.socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(bigEndian(unix.ETH_P_ALL)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("capturing in %s: %w", n.Name, err)
	}
	// Reads come back now and then, to see whether the capture has ended.
	wait := unix.NsecToTimeval((50 * time.Millisecond).Nanoseconds())
	if err := errors.Join(
		unix.SetsockoptTimeval(c.socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
		unix.SetsockoptInt(c.socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20),
	); err != nil {
		return nil, errors.Join(err, unix.Close(c.socket))
	}
	go c.read()
	return c, nil
}

func bigEndian(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

// Stop ends the capture and returns what was seen, in order of appearance. It
// fails when packets were lost, for then it proves nothing.
func (c *Capture) Stop() ([]Flow, error) {
	time.Sleep(100 * time.Millisecond) // what was sent is in the socket, not yet read
	close(c.done)
	c.mu.Lock() // held by read until it has ended
	defer c.mu.Unlock()
	stats, err := unix.GetsockoptTpacketStats(c.socket, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	err = errors.Join(c.err, err, unix.Close(c.socket))
	if err == nil && stats.Drops > 0 {
		err = fmt.Errorf("the capture lost %d packets", stats.Drops)
	}
	flows := make([]Flow, len(c.order))
	for i, f := range c.order {
		flows[i] = *f
	}
	return flows, err
}

// read counts packets until the capture ends.
func (c *Capture) read() {
	c.mu.Lock()
	defer c.mu.Unlock()
	buf := make([]byte, 1<<17)
	for {
		n, from, err := unix.Recvfrom(c.socket, buf, 0)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			select {
			case <-c.done:
				return
			default:
				continue
			}
		}
		if err != nil {
			c.err = os.NewSyscallError("recvfrom", err)
			return
		}
		ll, ok := from.(*unix.SockaddrLinklayer)
		if !ok || ll.Pkttype != unix.PACKET_OUTGOING {
			continue
		}
		c.count(c.names[ll.Ifindex], bigEndian(ll.Protocol), buf[:n])
	}
}

// count adds one packet to its flow.
func (c *Capture) count(iface string, protocol uint16, packet []byte) {
	key := read(protocol, packet)
	key.Interface = iface
	f := c.flows[key]
	if f == nil {
		seen := key
		f = &seen
		c.flows[key] = f
		c.order = append(c.order, f)
	}
	f.Packets++
	f.Bytes += len(packet)
}

// protocols are the names of what the lab's programs may send.
var protocols = map[int]string{unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_ICMP: "icmp", unix.IPPROTO_ICMPV6: "icmp6"}

// read says between whom a packet goes.
func read(protocol uint16, packet []byte) Flow {
	var src, dst net.IP
	var next int
	var rest []byte
	switch protocol {
	case unix.ETH_P_IP:
		h, err := ipv4.ParseHeader(packet)
		if err != nil || h.Len > len(packet) {
			return Flow{Protocol: "malformed"}
		}
		src, dst, next, rest = h.Src, h.Dst, h.Protocol, packet[h.Len:]
	case unix.ETH_P_IPV6:
		h, err := ipv6.ParseHeader(packet)
		if err != nil {
			return Flow{Protocol: "malformed"}
		}
		src, dst, next, rest = h.Src, h.Dst, h.NextHeader, packet[ipv6.HeaderLen:]
	case unix.ETH_P_ARP:
		return Flow{Protocol: "arp"}
	default:
		return Flow{Protocol: fmt.Sprintf("ethertype 0x%04x", protocol)}
	}
	name, ok := protocols[next]
	if !ok {
		name = fmt.Sprintf("protocol %d", next)
	}
	var ports [2]uint16
	if (name == "tcp" || name == "udp") && len(rest) >= 4 {
		ports = [2]uint16{binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:])}
	}
	s, _ := netip.AddrFromSlice(src)
	d, _ := netip.AddrFromSlice(dst)
	f := Flow{Protocol: name, Src: netip.AddrPortFrom(s.Unmap(), ports[0]), Dst: netip.AddrPortFrom(d.Unmap(), ports[1])}
	if name == "udp" && ports[1] == 53 && len(rest) > 8 {
		f.Asked = question(rest[8:])
	}
	return f
}

// question is the name that a DNS query asks for.
func question(query []byte) string {
	var p dnsmessage.Parser
	if _, err := p.Start(query); err != nil {
		return ""
	}
	q, err := p.Question()
	if err != nil {
		return ""
	}
	return q.Name.String()
}

// Outward are the flows that left through anything but loopback, without the
// kernel's own neighbour discovery and multicast listener reports.
func Outward(flows []Flow) []Flow {
	var out []Flow
	for _, f := range flows {
		if f.Interface != "lo" && f.Protocol != "icmp6" && f.Protocol != "protocol 0" {
			out = append(out, f)
		}
	}
	return out
}
