//go:build lab

package change

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/netns"
)

// TestRuleset loads a ruleset into a real kernel beside another table, twice, and
// takes it back.
func TestRuleset(t *testing.T) {
	n := netns.New(t)
	inside := func(_ context.Context, stdin []byte, name string, args ...string) ([]byte, error) {
		cmd := exec.Command(name, args...)
		var out, complaint bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &complaint
		if err := n.Run(cmd); err != nil {
			return nil, fmt.Errorf("%w: %s", err, complaint.String())
		}
		return out.Bytes(), nil
	}
	ruleset := func() string {
		out, err := inside(t.Context(), nil, "nft", "list", "ruleset")
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	const mine = "table inet mine {\n\tchain c {\n\t\ttcp dport 1 drop\n\t}\n}\n"
	const old = "table inet seawall {\n\tset s {\n\t\ttype ipv4_addr\n\t\tflags dynamic,timeout\n\t\ttimeout 1h\n\t\telements = { 192.0.2.1 timeout 1h }\n\t}\n}\n"
	if _, err := inside(t.Context(), []byte(mine+old), "nft", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	y := newToy(t)
	w := y.work(t)
	w.Machine.Run = inside
	text := "table inet seawall\ndelete table inet seawall\ntable inet seawall {\n\tchain input {\n\t\ttype filter hook input priority filter - 10; policy accept;\n\t\ttcp dport 2 drop\n\t}\n}\n"
	wish := func(text string) []Wish {
		return []Wish{{"fire", []Change{{What: "load", Risk: Lockout, Edit: Ruleset{Path: "/etc/seawall/seawall.nft", Text: text}}}}}
	}
	for range 2 {
		if _, err := w.Apply(t.Context(), MakeChecked(t.Context(), w.Machine, wish(text))); err != nil {
			t.Fatal(err)
		}
		if s := ruleset(); strings.Count(s, "tcp dport 2 drop") != 1 || !strings.Contains(s, "tcp dport 1 drop") || strings.Contains(s, "192.0.2.1") {
			t.Errorf("loaded:\n%s", s)
		}
	}
	for _, number := range []int{2, 1} {
		if _, err := w.Rollback(t.Context(), number, false); err != nil {
			t.Fatal(err)
		}
	}
	if s := ruleset(); !strings.Contains(s, "192.0.2.1") || strings.Contains(s, "dport 2") || !strings.Contains(s, "tcp dport 1 drop") {
		t.Errorf("taken back:\n%s", s)
	}
	if p := MakeChecked(t.Context(), w.Machine, wish("table inet seawall { chain c { nonsense } }")); len(p.Steps) != 0 || len(p.Refused) != 1 || !strings.Contains(p.Refused[0].Why, "would not be taken") {
		t.Errorf("%+v %+v", p.Steps, p.Refused)
	}
}
