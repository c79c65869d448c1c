package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

// judged has the guard of a state directory decide about each line of a file, and
// prints the decisions: a command for exec, or a text behind "person:" or "tool:".
func judged(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := state.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer dir.Close()
	rules, err := policy.OpenStore(dir.Path(state.Policy))
	ts.Check(err)
	record, err := ledger.Open(context.Background(), dir)
	ts.Check(err)
	g := guard.New(rules, record, detect.NewKnown(nil), []byte("marks"))
	g.Operator = operator.Open(dir, time.Now)
	turn := guard.Turn{Door: "model", Route: "openai", Agent: "main", Session: "agent:main:main",
		Speaker: guard.Speaker{Who: guard.Owner, Channel: "telegram", Sender: "4711"}}
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		line = strings.TrimSpace(line)
		source, text, ok := strings.Cut(line, ": ")
		var d guard.Decision
		if ok {
			d = g.Reader().Read(context.Background(), guard.Text{Turn: turn, Source: guard.Source(source), Text: text}).Decision
		} else {
			content, err := json.Marshal(map[string]string{"command": line})
			ts.Check(err)
			d = g.Judge(context.Background(), guard.Action{Turn: turn, Tool: "exec", Args: content})
		}
		ts.Check(record.Flush(context.Background()))
		_, err := ts.Stdout().Write([]byte(d.Verdict.String() + " " + line + "\n"))
		ts.Check(err)
	}
	ts.Check(record.Close())
}
