package host

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The states of a socket in /proc/net/tcp and udp (include/net/tcp_states.h):
// a TCP socket that listens, and a UDP socket that nobody connected.
const (
	stateListen      = "0A"
	stateUnconnected = "07"
)

var socketTables = []struct{ file, proto, state string }{
	{"tcp", "tcp", stateListen},
	{"tcp6", "tcp", stateListen},
	{"udp", "udp", stateUnconnected},
	{"udp6", "udp", stateUnconnected},
}

// readSockets reads the listening sockets of the reader's own network
// namespace below root ("/proc").
func readSockets(root string) ([]Socket, error) {
	var list []Socket
	for _, t := range socketTables {
		b, err := readBounded(filepath.Join(root, "net", t.file), outputLimit)
		if os.IsNotExist(err) && strings.HasSuffix(t.file, "6") {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, explain("reading", filepath.Join(root, "net", t.file), err)
		}
		sockets, err := parseSockets(b, t.proto, t.state)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", filepath.Join(root, "net", t.file), err)
		}
		list = append(list, sockets...)
	}
	held, _ := socketHolders(root)
	for i := range list {
		if h, ok := held[list[i].Inode]; ok {
			list[i].PID, list[i].Process = h.pid, h.name
		}
	}
	return list, nil
}

// parseSockets reads one table of /proc/net.
func parseSockets(b []byte, proto, state string) ([]Socket, error) {
	var list []Socket
	header := true
	for line := range bytes.Lines(b) {
		if header {
			header = false
			continue
		}
		f := strings.Fields(string(line))
		if len(f) < 10 || f[3] != state {
			continue
		}
		addr, err := SocketAddr(f[1])
		if err != nil {
			return nil, err
		}
		uid, _ := strconv.ParseUint(f[7], 10, 32)
		inode, _ := strconv.ParseUint(f[9], 10, 64)
		list = append(list, Socket{Proto: proto, Addr: addr, UID: uint32(uid), Inode: inode})
	}
	return list, nil
}

// SocketAddr reads "0100007F:1F90": 32-bit words in the machine's byte
// order, which is little endian wherever Seawall runs, and the port.
func SocketAddr(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	p, errPort := strconv.ParseUint(port, 16, 16)
	if err != nil || errPort != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address", s)
	}
	for i := 0; i < len(raw); i += 4 {
		raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(p)), nil
}
