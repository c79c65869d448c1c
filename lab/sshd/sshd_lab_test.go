//go:build lab

package sshd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/lab/inside"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/sshd"
)

// TestSSHD logs in, and reads from inside what Seawall knows of this sshd.
func TestSSHD(t *testing.T) {
	if inside.Inner() {
		facts(t)
		return
	}
	net := netns.New(t)
	s := sshd.Start(t, net, "MaxAuthTries 5\nPasswordAuthentication yes")
	out, err := s.Login(t.Context(), "echo", "in")
	if err != nil || strings.TrimSpace(string(out)) != "in" {
		t.Fatalf("the login said %q, %v", out, err)
	}
	inside.Run(t, net)
}

// facts runs where the lab's sshd is the machine's.
func facts(t *testing.T) {
	f := host.Read(t.Context(), host.Live())
	if !f.SSHD.Ok() || !f.SSHD.Value.Running {
		t.Fatalf("sshd is not read: %+v", f.SSHD)
	}
	for option, want := range map[string]string{"maxauthtries": "5", "passwordauthentication": "yes"} {
		if got := f.SSHD.Value.Option(option); got != want {
			t.Errorf("%s is %q, want %q", option, got, want)
		}
	}
	if !slices.ContainsFunc(f.Sockets.Value, func(s host.Socket) bool {
		return s.Addr.String() == "127.0.0.1:22" && s.Process == "sshd"
	}) {
		t.Errorf("the socket is not in %+v", f.Sockets)
	}
}
