package guard

import (
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard/policy"
)

// parts makes texts that follow on each other.
func parts(from Source, all ...string) []Text {
	texts := make([]Text, len(all))
	for i, s := range all {
		texts[i] = Text{Source: from, Text: s, Follows: i > 0}
	}
	return texts
}

// TestWhatIsCutOverABorderIsFound, in each text that has a piece of what was
// found.
func TestWhatIsCutOverABorderIsFound(t *testing.T) {
	calm := strings.Repeat("The report of the week is ready, and nothing else is in it. ", 40)
	const key = "sk-proj-Zk3vQ9xT7bLm2RnW8cYdJ4sHgPfA6uEe1oViX5MtBqKrNyCwSzDaGhUjL0pT"
	for _, test := range []struct {
		name  string
		texts []Text
		want  []policy.Verdict
	}{
		{"an order in two results", parts(Tool, calm+injection[:13], injection[13:]+calm), []policy.Verdict{policy.Deny, policy.Deny}},
		{"in short blocks", parts(Tool, injection[:13], injection[13:]), []policy.Verdict{policy.Allow, policy.Deny}},
		{"of a person", parts(Person, calm+injection[:31], injection[31:]), []policy.Verdict{policy.Deny, policy.Deny}},
		{"in three", parts(Tool, calm, injection[:9], injection[9:13], injection[13:], calm), []policy.Verdict{policy.Allow, policy.Deny, policy.Deny, policy.Deny, policy.Allow}},
		{"a key in two", parts(Tool, calm+key[:30], key[30:]+" "+calm), []policy.Verdict{policy.Redact, policy.Redact}},
		{"a key of this machine", parts(System, calm+known[:9], known[9:]+calm), []policy.Verdict{policy.Redact, policy.Redact}},
		{"a key in four", parts(Assistant, key[:9], key[9:20], key[20:40], key[40:]), []policy.Verdict{policy.Redact, policy.Redact, policy.Redact, policy.Redact}},
		{"nothing", parts(Tool, calm, calm, "", "x"), []policy.Verdict{policy.Allow, policy.Allow, policy.Allow, policy.Allow}},
		{"whole in one, beside others", parts(Tool, calm, injection, calm), []policy.Verdict{policy.Allow, policy.Deny, policy.Allow}},
		{"of another source", append(parts(Tool, calm+injection[:13]), Text{Source: Person, Text: injection[13:], Follows: true}), []policy.Verdict{policy.Allow, policy.Allow}},
		{"that do not follow", append(parts(Tool, calm+injection[:13]), parts(Tool, injection[13:])...), []policy.Verdict{policy.Allow, policy.Allow}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, _ := shipped(t)
			for range 2 { // from memory, too
				texts := append([]Text(nil), test.texts...)
				r := g.Reader()
				r.Join(texts)
				var left strings.Builder
				secrets := map[string]string{}
				for i, text := range texts {
					got := r.Read(t.Context(), text)
					if got.Verdict != test.want[i] {
						t.Errorf("text %d is %s, want %s (%v)", i, got.Verdict, test.want[i], got.Found)
					}
					if got.Verdict == policy.Redact {
						left.WriteString(got.Redacted)
					}
					for mark, secret := range got.Secrets {
						secrets[mark] = secret
					}
				}
				for _, piece := range []string{key[9:20], key[40:], known[9:]} {
					if strings.Contains(left.String(), piece) {
						t.Errorf("%q is left", piece)
					}
				}
				if len(secrets) > 0 {
					whole := left.String()
					for mark, secret := range secrets {
						whole = strings.ReplaceAll(whole, mark, secret)
					}
					if !strings.Contains(whole, key) && !strings.Contains(whole, known) {
						t.Errorf("put back it is %q", whole)
					}
				}
			}
		})
	}
}

// TestABorderIsReadOnce: the same neighbours are not read again, others are.
func TestABorderIsReadOnce(t *testing.T) {
	g, _ := shipped(t)
	long := strings.Repeat("a calm text ", 100)
	read := func(all ...string) int {
		r := g.Reader()
		texts := parts(Tool, all...)
		r.Join(texts)
		for _, text := range texts {
			r.Read(t.Context(), text)
		}
		return g.found.Len()
	}
	first := read(long, long+"b")
	if again := read(long, long+"b"); first != 3 || again != first {
		t.Errorf("%d things are remembered, then %d", first, again)
	}
	if n := read(long+"b", long); n != first+1 {
		t.Errorf("after the two in another order %d", n)
	}
}

// TestWhatWasFoundGoesWithWhatItWasFoundWith.
func TestWhatWasFoundGoesWithWhatItWasFoundWith(t *testing.T) {
	g, _ := shipped(t)
	text := Text{Source: Tool, Text: "the word is swordfish-swordfish-swordfish"}
	if r := g.Reader().Read(t.Context(), text); r.Verdict != policy.Allow {
		t.Fatalf("%+v", r)
	}
	g.SetKnown(detect.NewKnown([]string{"swordfish-swordfish-swordfish"}))
	if r := g.Reader().Read(t.Context(), text); r.Verdict != policy.Redact {
		t.Errorf("a secret that is known by now: %+v", r)
	}
}
