package guard

import (
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/policy"
)

func TestWhileFrozenEverythingIsDenied(t *testing.T) {
	for language, want := range map[operator.Language][3]string{
		operator.English: {
			"Stopped: exec. Because: the agent is frozen. You can: run seawall thaw. (#1)",
			"Stopped: nothing was passed on to the model. Because: the agent is frozen. You can: run seawall thaw. (#2)",
			"Stopped: the rest of this answer. Because: the agent is frozen. You can: run seawall thaw. (#3)",
		},
		operator.German: {
			"Gestoppt: exec. Weil: der Agent eingefroren ist. Du kannst: seawall thaw aufrufen. (#1)",
			"Gestoppt: an das Modell wurde nichts weitergegeben. Weil: der Agent eingefroren ist. Du kannst: seawall thaw aufrufen. (#2)",
			"Gestoppt: der Rest dieser Antwort. Weil: der Agent eingefroren ist. Du kannst: seawall thaw aufrufen. (#3)",
		},
	} {
		g, record := shipped(t)
		g.Operator = settled{language: language, frozen: &operator.Frozen{Since: time.Now(), By: "anna"}}
		a := Action{Tool: "exec", Args: []byte(`{"command":"ls"}`)}
		d := g.Judge(t.Context(), a)
		call := g.Stopped(a, d)
		turn, ok := g.HaltTurn(t.Context(), Turn{})
		for i, got := range []string{call, turn, g.HaltAnswer(t.Context(), Turn{})} {
			if got != want[i] {
				t.Errorf("%q\nand not %q", got, want[i])
			}
		}
		if again, halted := g.HaltCall(t.Context(), a); !halted || !ok || !strings.HasSuffix(again, "(#4)") || d.Verdict != policy.Deny {
			t.Errorf("%v %v %q %v", halted, ok, again, d)
		}
		if d := g.Side(t.Context(), Turn{}, "GET /models"); d.Verdict != policy.Deny || d.Unkept {
			t.Errorf("a side route: %+v", d)
		}
		for _, r := range record.all {
			if r.Decision != "deny" || strings.Join(r.Policy, "") != Frozen {
				t.Errorf("%+v", r)
			}
		}
		visitor := Turn{Speaker: Speaker{Who: Visitor}}
		if said, _ := g.HaltTurn(t.Context(), visitor); strings.Contains(said, "thaw") || strings.Contains(said, "#") || strings.Count(said, ".") != 1 {
			t.Errorf("a visitor reads %q", said)
		}
	}
}

func TestWithoutAFreezeNothingIsHalted(t *testing.T) {
	g, record := shipped(t)
	if d := g.Judge(t.Context(), Action{Tool: "exec", Args: []byte(`{"command":"ls"}`)}); d.Verdict != policy.Allow {
		t.Errorf("%+v", d)
	}
	_, turn := g.HaltTurn(t.Context(), Turn{})
	_, call := g.HaltCall(t.Context(), Action{Tool: "exec"})
	if turn || call || len(record.all) != 1 {
		t.Errorf("%v %v, %d rows", turn, call, len(record.all))
	}
}

func TestAVisitorsRunIsRecorded(t *testing.T) {
	g, record := shipped(t)
	g.Visited(Turn{Speaker: Speaker{Who: Owner}})
	g.Visited(Turn{})
	if len(record.all) != 0 {
		t.Errorf("%+v", record.all)
	}
	g.Visited(Turn{Agent: "main", Speaker: Speaker{Who: Visitor, Channel: "telegram", Sender: known}})
	if r := record.all; len(r) != 1 || r[0].Speaker != "visitor" || r[0].Channel != "telegram" || strings.Contains(r[0].Sender, known) {
		t.Errorf("%+v", record.all)
	}
}
