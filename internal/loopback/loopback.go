// Package loopback tells requests that a program on this machine made from
// those that a web page made it make: after DNS rebinding a page reaches
// 127.0.0.1 under a name of its own, which stands in the Host header.
package loopback

import (
	"net"
	"net/netip"
	"strings"
)

// Host reports whether a Host header, with or without a port, names this
// machine itself.
func Host(header string) bool {
	host := header
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}
