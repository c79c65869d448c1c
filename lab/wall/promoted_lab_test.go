//go:build lab

package wall

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/model"
)

// calledInText are the ways in which OpenClaw takes text for a call.
var calledInText = map[string]func(command string) string{
	"tool bracket":  func(c string) string { return "[tool:exec]\n" + commandJSON(c) },
	"named bracket": func(c string) string { return "[exec]\n" + commandJSON(c) + "\n[/exec]" },
	"function": func(c string) string {
		return "<function=exec>\n<parameter=command>\n" + c + "\n</parameter>\n</function>"
	},
	"Harmony": func(c string) string {
		return "<|channel|>commentary to=exec code<|message|>" + commandJSON(c) + "<|call|>"
	},
	"behind reasoning": func(c string) string { return "<think>I need [exec].</think>\n[tool:Bash]" + commandJSON(c) },
}

// calledByName are names that OpenClaw repairs, and the ids that come with them.
var calledByName = map[string][2]string{
	"no name":     {"functions.exec:0", ""},
	"an alias":    {"call_1", "Bash"},
	"a long name": {"call_2", "x.y.EXEC"},
}

func commandJSON(command string) string {
	b, err := json.Marshal(map[string]string{"command": command})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// notByTheFormat has the model call tools in other ways than the formats
// provide: what steals does not run, and what is harmless runs.
func notByTheFormat(t *testing.T, w *wall) {
	for name, write := range calledInText {
		for _, api := range model.APIs {
			if api != model.Chat && name != "named bracket" {
				continue
			}
			t.Run(string(api)+", "+name, func(t *testing.T) {
				promotes(t, w, api, func(c string) model.Block { return model.Say(write(c)).In(9) })
			})
		}
	}
	for name, call := range calledByName {
		t.Run(name, func(t *testing.T) {
			promotes(t, w, model.Chat, func(c string) model.Block { return model.UseID(call[0], call[1], commandJSON(c)) })
		})
	}
	// OpenClaw cuts it off before its hooks, of a call in tool_call as well.
	const xml = "</arg_value>>"
	t.Run("a rest of XML", func(t *testing.T) {
		promotes(t, w, model.Chat, func(c string) model.Block { return model.Use("exec", commandJSON(c+xml)) })
	})
	t.Run("a rest of XML in tool_call", func(t *testing.T) {
		promotes(t, w, model.Chat, func(c string) model.Block {
			return model.Use("tool_call", `{"id":"exec","args":`+commandJSON(c+xml)+`}`)
		})
	})
	t.Run("text in front", func(t *testing.T) {
		text := "This is how: " + calledInText["tool bracket"](w.steal(w.file("front")))
		w.model.Play(model.Steps(model.Reply(model.Say(text).In(9))))
		if reply := say(t, w.session(t, model.Chat), "how do I call a tool?"); !strings.Contains(reply.Text, "This is how:") || strings.Contains(reply.Text, "Stopped") {
			t.Errorf("OpenClaw shows %q", reply.Text)
		}
		w.nothingRan(t, w.file("front"))
	})
}

// promotes lets the model call exec twice, in one way.
func promotes(t *testing.T, w *wall, api model.API, call func(command string) model.Block) {
	name := strings.NewReplacer("/", "-", " ", "-", ",", "").Replace(t.Name())
	harmless, marker, last := w.file(name+"-harmless"), w.file(name+"-stolen"), w.lastRow()
	w.model.Play(model.Steps(
		model.Reply(call(fmt.Sprintf("printf 'grüße' > %s", harmless))),
		model.Reply(model.Say("It ran.")),
		model.Reply(call(w.steal(marker))),
	))
	s := w.session(t, api)
	if reply := say(t, s, "write the file"); !strings.Contains(reply.Text, "It ran.") {
		t.Errorf("the agent answered %q", reply.Text)
	}
	if b, err := os.ReadFile(harmless); err != nil || string(b) != "grüße" {
		t.Errorf("the harmless command wrote %q, %v", b, err)
	}
	reply := say(t, s, "summarise my mail")
	w.nothingRan(t, marker)
	if !strings.Contains(reply.Text, "Stopped: exec") {
		t.Errorf("OpenClaw shows %q", reply.Text)
	}
	w.denied(t, last, "exec", "credentials-leave")
}
