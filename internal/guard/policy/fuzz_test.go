package policy

import "testing"

// FuzzLoad: a policy is taken or refused with a sentence; one that is taken
// decides.
func FuzzLoad(f *testing.F) {
	f.Add(Default())
	f.Add([]byte(`permit (principal, action, resource);`))
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
