package proof

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/state"
)

// claw is an OpenClaw that takes a drill, and does some of it wrong.
type claw struct {
	tools             string // that it offers
	unvouched         bool
	unasked, unheeded bool // it does not ask; it runs what was refused
	otherwise         bool // it asks about another call than was judged
	plain, strict     bool // it makes no calls of text; nor of names that it has not got
	messages          []string
	drills            *Drills
	t                 *testing.T
}

// turn takes a turn whose message is a mark, and returns what it ended with.
func (c *claw) turn(mark string) string {
	c.messages = []string{fmt.Sprintf(`{"role":"user","content":"[Tue 10:00] %s"}`, mark)}
	for range 12 {
		body := fmt.Sprintf(`{"model":"m","messages":[%s],"tools":[%s]}`, strings.Join(c.messages, ","), c.tools)
		q, err := wire.ParseRequest(wire.Chat, []byte(body))
		if err != nil {
			c.t.Fatal(err)
		}
		step, is := c.drills.Next("config", "trace", !c.unvouched, q)
		if !is {
			return "it is no drill"
		}
		called := step.Tool != "" || strings.HasPrefix(step.Text, "[tool:") && !c.plain
		if !called {
			return step.Text
		}
		result := "[]"
		switch known := step.Tool != "Agents_list" || !c.strict; {
		case !known:
			result = "there is no such tool"
		case c.unasked:
		default:
			why, mine := c.drills.Asked("trace", step.Ticket && !c.otherwise)
			if !mine {
				c.t.Error("it is not the drill's")
			}
			if !step.Ticket || c.otherwise {
				result = why
			}
			if c.unheeded && !step.Ticket {
				result = "[]"
			}
		}
		id := fmt.Sprint("call_", len(c.messages))
		text, _ := json.Marshal(result)
		c.messages = append(c.messages,
			fmt.Sprintf(`{"role":"assistant","content":null,"tool_calls":[{"id":%q,"type":"function","function":{"name":"agents_list","arguments":"{}"}}]}`, id),
			fmt.Sprintf(`{"role":"tool","tool_call_id":%q,"content":%s}`, id, text))
	}
	return "it never ends"
}

func TestDrill(t *testing.T) {
	const list = `{"type":"function","function":{"name":"exec"}},{"type":"function","function":{"name":"agents_list"}}`
	for _, c := range []struct {
		name string
		claw claw
		want string
	}{
		{"all is well", claw{tools: list}, ""},
		{"no calls of text, no repaired names", claw{tools: list, plain: true, strict: true}, "[tool:agents_list]\n{}"},
		{"behind tool_call", claw{tools: `{"type":"function","function":{"name":"tool_call"}}`}, ""},
		{"it does not ask", claw{tools: list, unasked: true}, but + drillUnasked},
		{"it runs what is refused", claw{tools: list, unheeded: true}, but + drillUnheeded},
		{"it asks about something else", claw{tools: list, otherwise: true}, but + drillOtherwise},
		{"it does not say who speaks", claw{tools: list, unvouched: true}, but + drillUnvouched},
		{"nothing harmless", claw{tools: `{"type":"function","function":{"name":"exec"}}`}, but + drillNoTool},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := state.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			c.claw.t, c.claw.drills = t, NewDrills(dir)
			if got := c.claw.turn("hello"); got != "it is no drill" {
				t.Errorf("without a drill: %q", got)
			}
			m := mark{Mark: drillBegins + "X", Word: "word", Until: time.Now().Add(time.Minute)}
			content, _ := json.Marshal(m)
			if err := dir.Write(drillFile, content); err != nil {
				t.Fatal(err)
			}
			if got := c.claw.turn("hello"); got != "it is no drill" {
				t.Errorf("another's turn: %q", got)
			}
			want := c.want
			if !strings.HasPrefix(want, "[") {
				want = m.Word + want
			}
			if got := c.claw.turn(m.Mark); got != want {
				t.Errorf("it ends with %q, want %q", got, want)
			}
			if _, mine := c.claw.drills.Asked("another", false); mine {
				t.Error("another run is taken for the drill's")
			}
			m.Until = time.Now().Add(-time.Second)
			content, _ = json.Marshal(m)
			if err := dir.Write(drillFile, content); err != nil {
				t.Fatal(err)
			}
			if got := c.claw.turn(m.Mark); got != "it is no drill" {
				t.Errorf("too late: %q", got)
			}
		})
	}
}
