package model

import (
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/wire"
	lab "github.com/openseawall/seawall/lab/model"
)

// Arguments that readers would read differently run nowhere, as a call of the
// format or in text.
func TestCallsWithTwoReadingsDoNotRun(t *testing.T) {
	for _, api := range apis {
		for _, args := range []string{
			`{"command":"ls","command":"date"}`, `{"command":"ls","\u0063ommand":"date"}`, `{"command":"\ud800"}`,
			`{command:'ls', command:'date'}`, `{"command":"ls"}{"command":"date"}`, `ls -l`, `["ls"]`,
		} {
			for _, b := range []lab.Block{lab.Use("exec", args).In(3), lab.Say("[tool:exec]" + args).In(3)} {
				s, _ := behind(t, options{}, lab.Reply(b))
				h := hear(s.ask(api, true, user("list the files")).body)
				text := b.Text != "" && !strings.HasPrefix(args, `{"command":"ls","`) && !strings.HasPrefix(args, `{"command":"\u`)
				switch {
				case text && h.text != b.Text: // OpenClaw makes no call of it
					t.Errorf("%s: the text %q came out as %q", api, b.Text, h.text)
				case !text && (len(h.calls) > 0 || !strings.HasPrefix(h.text, "Stopped: ") || strings.Contains(h.text, "ls\"")):
					t.Errorf("%s: %s (%q) came out as %q, %q", api, args, b.Text, h.calls, h.text)
				}
				if rows := s.record.all(); !text && (len(rows) != 1 || rows[0].Decision != "deny" || rows[0].Tool != "exec") {
					t.Errorf("%s: %s (%q) is recorded as %+v", api, args, b.Text, rows)
				}
			}
		}
	}
}

// What has one reading goes on as it was judged, strictly written.
func TestLenientArgumentsGoOnStrictly(t *testing.T) {
	for _, api := range apis {
		for args, want := range map[string]string{
			`{'command':'ls',}`:               `exec {"command":"ls"}`,
			"{\"command\":\"ls\n-l\"}":        `exec {"command":"ls\n-l"}`,
			`functions.exec:{"command":"ls"}`: `exec {"command":"ls"}`,
			`{"command": "ls"}`:               `exec {"command": "ls"}`,
		} {
			s, _ := behind(t, options{}, lab.Reply(lab.Use("exec", args).In(3)))
			if h := hear(s.ask(api, true, user("list the files")).body); len(h.calls) != 1 || h.calls[0] != want {
				t.Errorf("%s: %s came out as %q, %q", api, args, h.calls, h.text)
			}
		}
	}
}

// A mark in a file that a call in text writes is the secret again.
func TestCallsInTextWriteSecrets(t *testing.T) {
	inEach(t, func(t *testing.T, api wire.API, stream bool) {
		s, p := behind(t, options{}, lab.Reply(lab.Say("ok")))
		mark := marked(t, s, p, api, stream)
		p.model.Play(lab.Steps(lab.Reply(lab.Say(`[tool:write]{"path":".env","content":"KEY=` + mark + `"}`))))
		want := "[tool:write]\n" + `{"path":".env","content":"KEY=` + openAIKey + "\"}\n"
		if h := hear(s.ask(api, stream, user("keep "+openAIKey)).body); h.text != want {
			t.Errorf("it came out as %q", h.text)
		}
	})
}
