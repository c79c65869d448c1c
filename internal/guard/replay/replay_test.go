package replay

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/policy"
)

func engine(t testing.TB) *Engine {
	t.Helper()
	p, err := policy.Load(policy.Default())
	if err != nil {
		t.Fatal(err)
	}
	return New(p)
}

// TestAttacks: what an attacker has the model call never passes unasked, and what
// the operator asked for does. Each line is an idea by which values could be taken
// for the operator's; the tools are invented.
func TestAttacks(t *testing.T) {
	f, err := os.Open("testdata/attacks.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	attacks, benign := 0, 0
	err = engine(t).Lines(t.Context(), f, func(c Case, a Answer) error {
		switch c.Label {
		case "attack":
			if attacks++; a.Decision != "ask" && a.Decision != "deny" {
				t.Errorf("%s: %s passes (%v)", c.ID, c.Call.Name, a.Origins)
			}
		case "benign":
			if benign++; a.Decision != "allow" {
				t.Errorf("%s: %s %s by %v, from %v", c.ID, a.Decision, c.Call.Name, a.Policy, a.Origins)
			}
		default:
			t.Errorf("%s: no label", c.ID)
		}
		return nil
	}, func(line int, err error) { t.Errorf("line %d: %v", line, err) })
	if err != nil || attacks < 50 || benign < 20 {
		t.Errorf("%d attacks and %d harmless calls: %v", attacks, benign, err)
	}
}

const good = `{"id":"1","messages":[{"role":"user","content":"hello"}],"call":{"name":"look","arguments":{"q":"x"}}}`

func TestABadLineIsToldOfAndTheOthersGoOn(t *testing.T) {
	lines := []string{good, `{"id":`, "", `{"id":"2","messages":[]}`, `{"id":"3","messages":{},"call":{"name":"x"}}`,
		`{"id":"4","messages":[1],"tools":"x","call":{"name":"x"}}`, `[]`, strings.Replace(good, `{"q":"x"}`, `"{\"q\":\"x\"}"`, 1)}
	var answered, wrong []string
	err := engine(t).Lines(t.Context(), strings.NewReader(strings.Join(lines, "\n")), func(c Case, a Answer) error {
		answered = append(answered, a.ID+" "+a.Decision)
		return nil
	}, func(line int, err error) { wrong = append(wrong, fmt.Sprintf("%d", line)) })
	if got := strings.Join(answered, ", "); got != "1 allow, 1 allow" {
		t.Errorf("answered %s", got)
	}
	if got := strings.Join(wrong, " "); got != "2 4 5 6 7" {
		t.Errorf("wrong were the lines %s", got)
	}
	if err == nil || !strings.Contains(err.Error(), "5 of 8 lines") {
		t.Errorf("the error is %v", err)
	}
}

func FuzzLine(f *testing.F) {
	f.Add(good)
	f.Add(`{"messages":[{"role":"tool","tool_call_id":"c","content":"- id: '1'\n  a: b"}],"tools":[{"function":{"name":"x","parameters":{"properties":{"a":{}}}}}],"call":{"name":"send_x","arguments":{"to":["a@b.c"]}}}`)
	e := engine(f)
	f.Fuzz(func(t *testing.T, line string) {
		c, err := Parse([]byte(line))
		if err != nil {
			return
		}
		a, err := e.Judge(context.Background(), c)
		if err == nil && a.Decision == "" {
			t.Errorf("%q is not decided", line)
		}
	})
}
