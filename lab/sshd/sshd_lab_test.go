//go:build lab

package sshd_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/inside"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/sshd"
)

// TestSSHD logs in, and asks sshd from inside what it would do.
func TestSSHD(t *testing.T) {
	if inside.Inner() {
		effective(t)
		return
	}
	net := netns.New(t)
	s := sshd.Start(t, net, "MaxAuthTries 5\nPasswordAuthentication yes")
	out, err := s.Login(t.Context(), "echo", "in")
	if err != nil || strings.TrimSpace(string(out)) != "in" {
		t.Fatalf("the login said %q, %v", out, err)
	}
	inside.Run(t, net, s.Over())
}

// effective runs where the lab's sshd is the machine's.
func effective(t *testing.T) {
	out, err := exec.Command("/usr/sbin/sshd", "-T").CombinedOutput()
	if err != nil {
		t.Fatalf("sshd -T: %v: %s", err, out)
	}
	for _, want := range []string{"maxauthtries 5", "passwordauthentication yes", "listenaddress 127.0.0.1:22"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("sshd -T does not say %q", want)
		}
	}
}
