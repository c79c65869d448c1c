//go:build lab

package packets_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/lab/inside"
	"github.com/openseawall/seawall/lab/packets"
)

// TestReload: while the rules are loaded again and again, no packet slips
// through. A policy alone would let some: the kernel puts it in force after the
// rules.
func TestReload(t *testing.T) {
	if inside.Inner() {
		write(t, posture.Aim{Profile: posture.Profile{Firewall: posture.FirewallProfile{Close: listens, OutClosed: blocked}}})
		return
	}
	machine, stranger := ends(t)
	listen(t, machine, ":3000")
	file := filepath.Join(t.TempDir(), "firewall.nft")
	inside.Run(t, machine, rulesFile+"="+file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flushed := filepath.Join(filepath.Dir(file), "flushed.nft")
	if err := os.WriteFile(flushed, []byte("flush ruleset\n"+string(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, machine, "nft", "-f", file)
	done := make(chan []uint16)
	go func() {
		var through []uint16
		for source := uint16(50000); ; source++ {
			select {
			case done <- through:
				return
			default:
			}
			got, err := packets.Scan(t.Context(), packets.Place{Namespace: stranger}, machine4, slices.Repeat([]uint16{3000}, 5000), nil, source)
			if err != nil {
				t.Error(err)
			}
			if len(got) > 0 {
				through = append(through, source)
			}
		}
	}()
	for i := range 120 {
		cmd := exec.Command("nft", "-f", []string{file, flushed}[i%2])
		if out, err := runIn(machine, cmd); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	if through := <-done; len(through) > 0 {
		t.Errorf("while the rules were loaded, connections came in: %v", through)
	}
}
