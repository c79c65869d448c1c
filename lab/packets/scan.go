// Package packets tries a firewall with real packets: bare SYNs to any number of
// ports, from any network namespace, IPv4 and IPv6.
//
// An answer is a SYN-ACK or a reset; a packet that a firewall drops has none.
package packets

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/lab/netns"
)

// Answer is what came back for a SYN.
type Answer byte

const (
	Nothing Answer = iota
	Reset          // nobody listens, and nothing stood in the way
	Opened         // a connection begins
)

func (a Answer) String() string { return [...]string{"nothing", "a reset", "a connection"}[a] }

// Scanner sends SYNs from one place to one address.
type Scanner struct {
	fd       int
	from, to netip.Addr
	source   uint16
	answers  map[uint16]Answer
}

// Place is where a scanner sends from: a namespace, or, where Net is set, the
// network that is a file there (a container's sandbox).
type Place struct {
	*netns.Namespace
	Net string
}

// Do runs f on a thread in the place.
func (p Place) Do(f func() error) error {
	if p.Net == "" {
		return p.Namespace.Do(f)
	}
	back, err := os.Open(p.Path())
	if err != nil {
		return err
	}
	defer func() { _ = back.Close() }()
	return p.Namespace.Do(func() error {
		there, err := os.Open(p.Net)
		if err != nil {
			return err
		}
		defer func() { _ = there.Close() }()
		if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering %s: %w", p.Net, err)
		}
		failed := f()
		if err := unix.Setns(int(back.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("leaving %s: %w", p.Net, err)
		}
		return failed
	})
}

// Scan sends a SYN to each port of an address and returns what came back. It
// sends again to those of wanted that have not answered, and waits for them; for
// what comes unasked it waits a moment.
func Scan(ctx context.Context, from Place, to netip.Addr, ports, wanted []uint16, source uint16) (map[uint16]Answer, error) {
	s := &Scanner{to: to, source: source, answers: map[uint16]Answer{}}
	if err := from.Do(s.open); err != nil {
		return nil, fmt.Errorf("scanning %s: %w", to, err)
	}
	defer func() { _ = unix.Close(s.fd) }()
	if err := s.round(ports); err != nil {
		return nil, err
	}
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		s.collect(pause)
		missing := s.missing(wanted)
		if len(missing) == 0 {
			break
		}
		if err := ctx.Err(); err != nil {
			return s.answers, nil // what is missing is the caller's to judge
		}
		if err := s.round(missing); err != nil {
			return nil, err
		}
	}
	s.collect(300 * time.Millisecond)
	return s.answers, nil
}

// open makes the socket and learns the address that it sends from.
func (s *Scanner) open() (err error) {
	udp, err := net.Dial("udp", netip.AddrPortFrom(s.to, 9).String())
	if err != nil {
		return err
	}
	s.from = udp.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	_ = udp.Close()
	family := unix.AF_INET6
	if s.to.Is4() {
		family = unix.AF_INET
	}
	s.fd, err = unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err == nil {
		err = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	}
	return err
}

// batch is how many SYNs go out before answers are read.
const batch = 512

func (s *Scanner) round(ports []uint16) error {
	for i, port := range ports {
		if err := s.send(port); err != nil {
			return fmt.Errorf("a SYN to %s port %d: %w", s.to, port, err)
		}
		if i%batch == batch-1 {
			s.collect(0)
		}
	}
	return nil
}

func (s *Scanner) missing(wanted []uint16) (ports []uint16) {
	for _, p := range wanted {
		if s.answers[p] == Nothing {
			ports = append(ports, p)
		}
	}
	return ports
}

// send sends one SYN (RFC 9293, 3.1).
func (s *Scanner) send(port uint16) error {
	h := make([]byte, 20)
	binary.BigEndian.PutUint16(h[0:], s.source)
	binary.BigEndian.PutUint16(h[2:], port)
	binary.BigEndian.PutUint32(h[4:], 0x5ea0a11)
	h[12], h[13] = 5<<4, 0x02
	binary.BigEndian.PutUint16(h[14:], 64240)
	binary.BigEndian.PutUint16(h[16:], s.checksum(h))
	var to unix.Sockaddr = &unix.SockaddrInet6{Addr: s.to.As16()}
	if s.to.Is4() {
		to = &unix.SockaddrInet4{Addr: s.to.As4()}
	}
	for {
		err := unix.Sendto(s.fd, h, 0, to)
		switch err {
		case unix.EAGAIN, unix.ENOBUFS:
			s.collect(time.Millisecond)
		case unix.EPERM: // an output rule dropped it
			return nil
		default:
			return err
		}
	}
}

func (s *Scanner) checksum(h []byte) uint16 {
	pseudo := append(s.from.AsSlice(), s.to.AsSlice()...)
	pseudo = append(pseudo, 0, unix.IPPROTO_TCP, 0, byte(len(h)))
	var sum uint32
	for _, part := range [][]byte{pseudo, h} {
		for i := 0; i+1 < len(part); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(part[i:]))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// collect reads answers until none came for so long.
func (s *Scanner) collect(patience time.Duration) {
	buf := make([]byte, 2048)
	for {
		n, _, err := unix.Recvfrom(s.fd, buf, 0)
		if err == unix.EAGAIN {
			ready, _ := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
			if ready <= 0 {
				return
			}
			continue
		}
		if err != nil {
			continue
		}
		s.note(buf[:n])
	}
}

// note takes an answer in; IPv4 packets come with their header.
func (s *Scanner) note(b []byte) {
	if s.to.Is4() {
		if len(b) < 20 || netip.AddrFrom4([4]byte(b[12:16])) != s.to {
			return
		}
		b = b[int(b[0]&0xf)*4:]
	}
	if len(b) < 20 || binary.BigEndian.Uint16(b[2:]) != s.source {
		return
	}
	port := binary.BigEndian.Uint16(b)
	switch flags := b[13]; {
	case flags&0x12 == 0x12:
		s.answers[port] = Opened
	case flags&0x04 != 0 && s.answers[port] == Nothing:
		s.answers[port] = Reset
	}
}

// All are all ports of TCP.
func All() []uint16 {
	ports := make([]uint16, 65535)
	for i := range ports {
		ports[i] = uint16(i + 1)
	}
	return ports
}
