package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math/big"
	"os"
	"strings"
	"testing"
)

const root = "../.."

func mutations(t *testing.T) []Mutation {
	t.Helper()
	all, err := Mutations()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSeawallMissesNone applies each mutation to the recorded machine: the
// control that is named speaks, which was silent before.
func TestSeawallMissesNone(t *testing.T) {
	for _, m := range mutations(t) {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			caught, err := m.Seawall(context.Background(), root)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range caught {
				if id == m.Control {
					return
				}
			}
			t.Errorf("%s: %s is silent; new are %v", m.What, m.Control, caught)
		})
	}
}

// TestList holds the list to what it is for.
func TestList(t *testing.T) {
	all := mutations(t)
	seen, cited := map[string]bool{}, 0
	for _, m := range all {
		if seen[m.Name] || m.Name == "" || m.What == "" || m.Control == "" {
			t.Errorf("%q is there twice, or says too little", m.Name)
		}
		seen[m.Name] = true
		if m.Source != "" {
			cited++
		}
	}
	if len(all) < 100 || cited*3 < len(all) {
		t.Errorf("%d mutations, %d with a source", len(all), cited)
	}
}

// TestHardenedMachinesAreSilent: what a mutation is told from.
func TestHardenedMachinesAreSilent(t *testing.T) {
	for _, name := range []string{"", "container"} {
		recorded, err := base(root, name)
		if err != nil {
			t.Fatal(err)
		}
		failed, err := failures(t.Context(), recorded)
		if err != nil || len(failed) > 0 {
			t.Errorf("base %q: %v, %v", name, failed, err)
		}
	}
}

// TestTable holds docs/mutations.md to the list.
func TestTable(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/mutations.md")
	if err != nil {
		t.Fatal(err)
	}
	all := mutations(t)
	for _, m := range all {
		if !bytes.Contains(text, []byte("| `"+m.Name+"` | "+m.What+" | [`"+m.Control+"`]")) {
			t.Errorf("docs/mutations.md does not have %s as it is: make mutations", m.Name)
		}
	}
	if rows := strings.Count(string(text), "\n| `"); rows != len(all) {
		t.Errorf("docs/mutations.md has %d rows, the list %d: make mutations", rows, len(all))
	}
}

// The key that mutations put into files has the shape of one and was never one.
func TestFakeKey(t *testing.T) {
	sum := sha256.Sum256([]byte("not a key"))
	if want := "ghp_" + new(big.Int).SetBytes(sum[:]).Text(62)[:36]; fakeKey() != want {
		t.Errorf("got %s", fakeKey())
	}
}
