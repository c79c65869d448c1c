package controls

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/texts"
)

// fakeKey has the shape of a key and was never one. It is made here, so that
// no file of the repository looks as if it held a secret.
var fakeKey = func() string {
	sum := sha256.Sum256([]byte("not a key"))
	return "ghp_" + new(big.Int).SetBytes(sum[:]).Text(62)[:36]
}()

// machine reads a recorded host: a base and what an overlay changes in it.
func machine(t *testing.T, archives ...[]byte) *posture.Facts {
	t.Helper()
	for i := range archives {
		archives[i] = bytes.ReplaceAll(archives[i], []byte("@FAKE_KEY@"), []byte(fakeKey))
	}
	h, err := host.Parse(archives...)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	f := &posture.Facts{Facts: host.Read(ctx, h)}
	f.OpenClaw = openclaw.Discover(ctx, h, f.Facts, texts.Options()...)
	return f
}

func read(t *testing.T, parts ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// overlay is a trip or a near miss. Its comment may have the lines
// "base: base-container", "also: ID ID" and "passes: ID ID".
type overlay struct {
	base   string
	also   []string // other controls that speak
	passes []string // other controls that are silent
	text   []byte
}

func readOverlay(t *testing.T, parts ...string) overlay {
	t.Helper()
	o := overlay{base: "base", text: read(t, parts...)}
	for line := range strings.Lines(string(txtar.Parse(o.text).Comment)) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
		case "base":
			o.base = value
		case "also":
			o.also = append(o.also, strings.Fields(value)...)
		case "passes":
			o.passes = append(o.passes, strings.Fields(value)...)
		}
	}
	return o
}

func (o overlay) run(t *testing.T) map[string]posture.Result {
	t.Helper()
	return results(machine(t, read(t, o.base+".txtar"), o.text))
}

func results(f *posture.Facts) map[string]posture.Result {
	byID := map[string]posture.Result{}
	for _, r := range posture.Run(context.Background(), f, All).Results {
		byID[r.ID] = r
	}
	return byID
}

// unknowable are controls that no fact of any machine can answer.
var unknowable = []string{"firewall-provider-layer"}

func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All {
		if seen[c.ID] {
			t.Errorf("%s is there twice", c.ID)
		}
		seen[c.ID] = true
		if !strings.HasPrefix(c.ID, string(c.Family)+"-") {
			t.Errorf("%s does not begin with its family, %s", c.ID, c.Family)
		}
		for name, text := range map[string]string{"Title": c.Title, "Why": c.Why, "Advice": c.Advice, "Source": c.Source} {
			if text == "" {
				t.Errorf("%s has no %s", c.ID, name)
			}
		}
		if strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: a title has no full stop", c.ID)
		}
		if c.Check == nil || len(c.Needs) == 0 {
			t.Errorf("%s judges nothing", c.ID)
		}
	}
	if len(All) < 60 {
		t.Errorf("there are %d controls", len(All))
	}
}

// TestHardenedMachines holds every control against machines on which nothing
// is wrong and everything is known.
func TestHardenedMachines(t *testing.T) {
	applied := map[string]bool{}
	for _, base := range []string{"base", "base-container"} {
		f := machine(t, read(t, base+".txtar"))
		for id, r := range results(f) {
			switch {
			case r.Outcome == posture.NotApplicable, slices.Contains(unknowable, id) && r.Outcome == posture.Unknown:
			case r.Outcome != posture.Passed:
				t.Errorf("%s: %s: %s %v %v", base, id, r.Outcome, r.Reasons, details(r))
			default:
				applied[id] = true
			}
		}
	}
	for _, c := range All {
		if !applied[c.ID] && !slices.Contains(unknowable, c.ID) {
			t.Errorf("%s applies to no hardened machine, so nothing shows that it can pass", c.ID)
		}
	}
}

// TestTrips holds each control against a machine with its one weakness, and
// says which others speak about the same.
func TestTrips(t *testing.T) {
	for _, c := range All {
		if slices.Contains(unknowable, c.ID) {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			o := readOverlay(t, "trips", c.ID+".txtar")
			for id, r := range o.run(t) {
				expected := id == c.ID || slices.Contains(o.also, id)
				if failed := r.Outcome == posture.Failed; failed != expected {
					t.Errorf("%s: %s, expected to speak: %v; %v %v", id, r.Outcome, expected, r.Reasons, details(r))
				}
			}
		})
	}
}

// TestNearMisses holds controls against machines that look weak and are not.
func TestNearMisses(t *testing.T) {
	entries, err := os.ReadDir("testdata/passes")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			id, _, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".txtar"), "@") // ID@what.txtar
			o := readOverlay(t, "passes", e.Name())
			all := o.run(t)
			for _, id := range append(o.passes, id) {
				if r, ok := all[id]; !ok || r.Outcome != posture.Passed {
					t.Errorf("%s: %s %v %v", id, r.Outcome, r.Reasons, details(r))
				}
			}
		})
	}
}

func TestNoOrphanedFixtures(t *testing.T) {
	for _, dir := range []string{"trips", "passes"} {
		entries, err := os.ReadDir(filepath.Join("testdata", dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			id, _, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".txtar"), "@")
			if !slices.ContainsFunc(All, func(c posture.Control) bool { return c.ID == id }) {
				t.Errorf("testdata/%s/%s is for no control", dir, e.Name())
			}
		}
	}
}

func details(r posture.Result) []string {
	var list []string
	for _, f := range r.Findings {
		list = append(list, f.Object+": "+f.Detail)
	}
	return list
}
