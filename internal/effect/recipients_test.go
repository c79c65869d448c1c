package effect

import (
	"strings"
	"testing"
)

func TestRecipients(t *testing.T) {
	for _, test := range []struct{ tool, args, want string }{
		{"message", `{"action":"send","to":"+49","message":"hello"}`, "+49"},
		{"message", `{"action":"send","target":"channel:C1","targets":["a","b","a",7]}`, "channel:C1 a b"},
		{"tool_call", `{"id":"message","args":{"to":"@anna"}}`, "@anna"},
		{"send_email", `{"to":["a@example.org"],"bcc":"b@example.org"}`, "b@example.org a@example.org"},
		{"sessions_send", `{"sessionKey":"agent:main:x","message":"hi"}`, "agent:main:x"},
		{"read", `{"path":"x","to":"y"}`, ""},
		{"message", `{"to":null}`, ""},
	} {
		if got := strings.Join(Of(test.tool, []byte(test.args)).To, " "); got != test.want {
			t.Errorf("%s %s: %q, not %q", test.tool, test.args, got, test.want)
		}
	}
}
