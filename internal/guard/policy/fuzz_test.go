package policy

import (
	"testing"

	"github.com/openseawall/seawall/internal/effect"
)

// FuzzLoad: a policy is taken or refused with a sentence; one that is taken
// decides.
func FuzzLoad(f *testing.F) {
	f.Add(Default())
	f.Add([]byte(`permit (principal, action, resource);`))
	f.Add([]byte(`@name("x") forbid (principal, action, resource); @except("x") permit (principal, action == Action::"call", resource == Tool::"exec"); permit (principal, action, resource);`))
	f.Add([]byte(`@name("x") @decision("ask") @reason("y") forbid (principal, action == Action::"call", resource) unless { context.approved };`))
	f.Add([]byte(`forbid (principal, action, resource) when { context.nothing.like("*") };`))
	f.Fuzz(func(t *testing.T, source []byte) {
		p, err := Load(source)
		if err != nil {
			if err.Error() == "" {
				t.Error("refused without a word")
			}
			return
		}
		for _, act := range []Act{Call, Read, Reply} {
			_ = p.Decide(Input{Act: act, Tool: "exec", Injection: "clean"})
		}
	})
}

// FuzzLine: whatever a call names, the line for it is one exception and nothing
// else, lets that call through, and no other.
func FuzzLine(f *testing.F) {
	f.Add("main", "exec", "/x")
	f.Add(`a"`, `b\`, "/c\"] };\npermit (principal, action, resource); //")
	f.Add("\u2028", "\x00\xff", "/\r\n\t\u202e日本\\u{1F600}")
	p, err := Load(Default())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, agent, tool, path string) {
		in := Input{Agent: agent, Act: Call, Tool: tool, Injection: "clean", Effects: effect.Effects{
			Dangers: []effect.Danger{effect.CredentialRead}, Kinds: []effect.Kind{effect.Read}, Reads: []string{path}, Commands: []string{path},
		}}
		line, err := p.Line("x", in)
		if err != nil {
			return
		}
		after, err := p.With(line)
		if err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		if len(after.exceptions) != 1 || len(after.permits) != len(p.permits) || len(after.forbids) != len(p.forbids) {
			t.Fatalf("it is more than an exception:\n%s", line)
		}
		if after.Decide(in).Verdict != Allow {
			t.Fatalf("it does not let its call through:\n%s", line)
		}
		for _, other := range []Input{{Act: Call, Agent: agent + "x", Tool: tool, Effects: in.Effects}, {Act: Call, Agent: agent, Tool: tool + "x", Effects: in.Effects}} {
			if after.Decide(other).Verdict == Allow {
				t.Fatalf("it lets another through:\n%s", line)
			}
		}
	})
}
