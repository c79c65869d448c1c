package guard

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/guard/policy"
)

// speaking is an operator of a language who has settled nothing.
type speaking struct {
	nobody
	language operator.Language
}

func (s speaking) Language() operator.Language { return s.language }

// TestUnproven: of an OpenClaw that is not proven, what leaves or widens is
// refused, and the notice names the version that was and the way back to it.
func TestUnproven(t *testing.T) {
	rules, err := policy.Load(policy.Default())
	if err != nil {
		t.Fatal(err)
	}
	const config = "/home/claw/.openclaw/openclaw.json"
	for _, c := range []struct {
		name, tool, args string
		config           string
		allowed          bool
	}{
		{"a message", "message", `{"to":"anna","text":"hello"}`, config, false},
		{"a page", "web_fetch", `{"url":"https://example.org/a"}`, config, false},
		{"a command that sends", "exec", `{"command":"curl -d @notes https://example.org"}`, config, false},
		{"one that deletes", "exec", `{"command":"rm -r old"}`, config, false},
		{"one that nobody can read", "exec", `{"command":"$TOOL notes"}`, config, false},
		{"a job", "cron", `{"action":"add","job":{"schedule":"* * * * *"}}`, config, false},
		{"a tool that nobody knows", "gizmo", `{}`, config, false},
		{"a file that is read", "read", `{"path":"notes.md"}`, config, true},
		{"a command that reads", "exec", `{"command":"cat notes.md | wc -l"}`, config, true},
		{"a list", "agents_list", `{}`, config, true},
		{"another agent's message", "message", `{"to":"anna","text":"hello"}`, "/home/other/openclaw.json", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, l := range []struct {
				language    operator.Language
				version     string
				why, advice string
			}{
				{operator.English, "2026.99.1", "OpenClaw 2026.99.1 is not proven, 2026.9.6 was", "run openclaw update --tag 2026.9.6"},
				{operator.German, "2026.99.1", "OpenClaw 2026.99.1 nicht bewiesen ist, 2026.9.6 war es", "openclaw update --tag 2026.9.6 aufrufen"},
				{operator.English, "", "this OpenClaw is not whole, 2026.9.6 was", "run openclaw update --tag 2026.9.6"},
			} {
				g := New(rules, &rows{}, nil, []byte("key"))
				g.Operator = speaking{language: l.language}
				g.Unproven = func(of string) *Unproven {
					if of != config {
						return nil
					}
					return &Unproven{Version: l.version, Why: "it was not tried", Passed: "2026.9.6", Back: "openclaw update --tag 2026.9.6"}
				}
				a := Action{Turn: Turn{Agent: "main", Config: c.config, Speaker: Speaker{Who: Owner}, Talk: origin.New(nil, "", nil)}, Tool: c.tool, Args: []byte(c.args)}
				d := g.Judge(context.Background(), a)
				if (d.Verdict == policy.Allow) != c.allowed {
					t.Fatalf("%v by %v: %s", d.Verdict, d.Policy, d.Why)
				}
				if c.allowed {
					continue
				}
				said := g.Stopped(a, d)
				if !strings.Contains(said, l.why) || !strings.Contains(said, l.advice) || utf8.RuneCountInString(said) > maxNotice {
					t.Errorf("%d letters: %s", utf8.RuneCountInString(said), said)
				}
			}
		})
	}
}
