package openclaw

import "testing"

// To an agent that is not OpenClaw a name means itself, and tool_call is a tool
// like any; what has two readings has them for it, too.
func TestLiteral(t *testing.T) {
	for _, c := range []struct {
		name, args string
		ambiguous  bool
	}{
		{"bash", `{"command":"ls"}`, false},
		{" x.y.EXEC ", `{"command":"ls"}`, false},
		{"", `{}`, false},
		{"tool_call", `{"id":"exec","args":{"command":"ls"}}`, false},
		{"bash", `{"command":"ls","command":"date"}`, true},
	} {
		calls, ambiguous := Literal().Unwrap(c.name, "functions.exec:0", []byte(c.args))
		if len(calls) != 1 || calls[0].Tool != c.name || ambiguous != c.ambiguous {
			t.Errorf("%q %s: %+v, %v", c.name, c.args, calls, ambiguous)
		}
	}
}
