package hook

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
)

// installing is how long after a call that installs what it installs is not asked
// about again.
const installing = 2 * time.Minute

// installation is a call that may run and widens access: it may install something.
type installation struct {
	args []byte
	at   time.Time
}

// install answers whether a skill or plugin may be installed, before OpenClaw does
// it: on a page, a shell or by a program of the agent. What is in it is read like a
// page; then it is judged like a call that installs it, unless it was one.
func (d *Door) install(ctx context.Context, config string, q question) answer {
	a := d.vouchedFor(config, q)
	if notice, halted := d.guard.HaltCall(ctx, a); halted {
		return answer{Block: true, Reason: notice}
	}
	reader := d.guard.Reader()
	for _, text := range q.Texts {
		if r := reader.Read(ctx, guard.Text{Turn: a.Turn, Source: guard.Tool, Tool: "install", Text: text}); r.Verdict >= policy.Ask {
			return answer{Block: true, Reason: d.guard.Stopped(a, r.Decision)}
		}
	}
	if d.asked(config, q.Install) {
		return answer{Allow: true}
	}
	args, err := json.Marshal(q.Install, json.Deterministic(true))
	if err != nil {
		return answer{Block: true, Reason: d.guard.Unjudged(ctx, a, "its arguments have no certain reading")}
	}
	q.Tool, q.Params = "plugins", args
	a.Tool, a.Args = q.Tool, args
	return d.judge(ctx, a, q)
}

// installs notes a call that may run.
func (d *Door) installs(a guard.Action) {
	if slices.Contains(effect.OfCall(a.Tool, a.Args, a.Schema).Kinds, effect.Widen) {
		d.widening.Add(a.Config, installation{a.Args, d.watch.now()})
	}
}

// asked reports whether a call that was just let through names what is installed,
// once.
func (d *Door) asked(config string, what map[string]string) bool {
	call, ok := d.widening.Get(config)
	if !ok || d.watch.now().Sub(call.at) > installing {
		return false
	}
	for _, name := range []string{"spec", "name"} {
		if named := strings.TrimSpace(what[name]); len(named) > 2 && bytes.Contains(call.args, []byte(named)) {
			return d.widening.Remove(config)
		}
	}
	return false
}
