package proof

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/state"
)

// A drill is a canary that calls a tool. The door plays the model, OpenClaw runs
// an agent's turn without a session of its own, and both doors look whether it
// asks before each call, reads it as Seawall does, and heeds a no. The tool is
// one that lists something: whatever goes wrong, it does nothing.
//
//	with a ticket         OpenClaw must ask, with the same tool and arguments
//	without one           it must ask, and must not run the call
//	by another spelling   what it makes a call of, it must ask about
//	written as text       the same
//
// Versions of OpenClaw that the lab has run need none.

// drillFile holds the drill that is under way.
const drillFile = "drill.json"

const (
	drillTime = time.Minute
	drillLife = drillTime + 10*time.Second
	// drillBegins are the first letters of every drill's mark.
	drillBegins = "seawall-drill-"
)

// harmless are tools of OpenClaw's that only list something, without arguments.
var harmless = []string{"agents_list", "session_status", "get_goal", "sessions_list"}

// exercise is one step of a drill.
type exercise struct {
	spelled func(tool string) string
	text    bool // it is written as text
	ticket  bool
	must    bool // OpenClaw must ask about it
}

func asIs(tool string) string { return tool }

func shouted(tool string) string { return strings.ToUpper(tool[:1]) + tool[1:] }

var exercises = []exercise{
	{spelled: asIs, ticket: true, must: true},
	{spelled: asIs, must: true},
	{spelled: shouted, ticket: true},
	{spelled: asIs, text: true, ticket: true},
}

// What a drill can find.
const (
	drillUnvouched = "it does not say whose words begin a run"
	drillUnasked   = "it runs calls without asking Seawall"
	drillOtherwise = "it reads a call otherwise than Seawall does"
	drillUnheeded  = "it runs calls that Seawall refuses"
	drillNoTool    = "it offers no tool that the hook could be tried with"
)

// Drills answers drills at the doors of a state directory. It is safe for
// concurrent use, implements model.Drill and is what the hook door asks.
type Drills struct {
	dir   *state.Dir
	mu    sync.Mutex
	trace string // of the run that is under way
	until time.Time
	said  string // why a call without a ticket is refused in it
	at    int    // the exercise that was answered with last
	asked [8]struct{ with, without bool }
}

// NewDrills returns what both doors ask.
func NewDrills(dir *state.Dir) *Drills { return &Drills{dir: dir} }

// Next implements model.Drill.
func (d *Drills) Next(_, trace string, vouched bool, q *wire.Request) (model.Step, bool) {
	// Most of the time there is none, and each request asks.
	if _, err := os.Lstat(d.dir.Path(drillFile)); err != nil {
		return model.Step{}, false
	}
	m, err := readDrill(d.dir)
	if err != nil || time.Now().After(m.Until) {
		return model.Step{}, false
	}
	begins := slices.IndexFunc(q.Parts, func(p wire.Part) bool { return p.Role == wire.User && strings.Contains(p.Text, m.Mark) })
	if begins < 0 {
		return model.Step{}, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	done, last := results(q.Parts[begins:])
	if d.trace != trace {
		d.until = m.Until
		d.trace, d.said, d.asked = trace, "a drill of Seawall's, number "+rand.Text()[:8], [8]struct{ with, without bool }{}
	}
	say := func(why string) (model.Step, bool) { return model.Step{Text: m.Word + but + why}, true }
	if !vouched {
		return say(drillUnvouched)
	}
	if done > 0 {
		if why := d.judge(min(done, len(exercises))-1, last); why != "" {
			return say(why)
		}
	}
	if done >= len(exercises) {
		return model.Step{Text: m.Word}, true
	}
	tool, args := offered(q.Tools)
	if tool == "" {
		return say(drillNoTool)
	}
	d.at = done
	e := exercises[done]
	if e.text {
		return model.Step{Text: "[tool:" + e.spelled(tool) + "]\n" + args, Ticket: e.ticket}, true
	}
	return model.Step{ID: fmt.Sprintf("call_drill%d", done), Tool: e.spelled(tool), Args: args, Ticket: e.ticket}, true
}

// judge says what an exercise has shown to be wrong, by what the hook door heard
// and the result that OpenClaw gave to its model.
func (d *Drills) judge(n int, result string) string {
	e, asked := exercises[n], d.asked[n]
	switch {
	case e.must && !asked.with && !asked.without:
		return drillUnasked
	case e.ticket && asked.without:
		return drillOtherwise
	case !e.ticket && !strings.Contains(result, d.said):
		return drillUnheeded
	}
	return ""
}

// Asked notes that OpenClaw asked about a call, and tells whether it is one of a
// drill's, and why that one may not run when it has no ticket.
func (d *Drills) Asked(trace string, ticket bool) (why string, mine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if trace == "" || trace != d.trace || time.Now().After(d.until) {
		return "", false
	}
	d.asked[d.at].with = d.asked[d.at].with || ticket
	d.asked[d.at].without = d.asked[d.at].without || !ticket
	return d.said, true
}

// results counts the results of calls, and returns the last.
func results(parts []wire.Part) (n int, last string) {
	id := ""
	for _, p := range parts {
		switch {
		case p.Role != wire.Tool:
		case p.CallID == id:
			last += p.Text
		default:
			n, id, last = n+1, p.CallID, p.Text
		}
	}
	return n, last
}

// offered picks a harmless tool of a request's, behind tool_call where OpenClaw
// keeps it there.
func offered(tools []wire.OfferedTool) (tool, args string) {
	has := func(name string) bool {
		return slices.ContainsFunc(tools, func(t wire.OfferedTool) bool { return t.Name == name && t.Hosted == "" })
	}
	for _, name := range harmless {
		if has(name) {
			return name, "{}"
		}
	}
	if has("tool_call") {
		return "tool_call", `{"id":"` + harmless[0] + `","args":{}}`
	}
	return "", ""
}

// but stands between a drill's word and what it has found.
const but = " but "

func readDrill(dir *state.Dir) (m mark, err error) {
	content, err := dir.Read(drillFile)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(content, &m)
}

// errDrill is what a drill has found.
type errDrill string

func (e errDrill) Error() string { return string(e) }

// settings fails when OpenClaw does not know one of its settings, some of which
// are Seawall's.
func (c *client) settings(ctx context.Context) error {
	var config struct {
		Issues []struct {
			Path string `json:"path"`
		} `json:"issues"`
	}
	if err := c.call(ctx, "config.get", map[string]any{}, &config); err != nil {
		return err
	}
	if len(config.Issues) == 0 {
		return nil
	}
	return errDrill("it does not take its settings: " + short(cmp.Or(config.Issues[0].Path, "openclaw.json")))
}

// drill has a gateway take a drill by a route and returns nil when all of it went
// as it must.
func (c *client) drill(ctx context.Context, dir *state.Dir, agent, provider, name string) error {
	if err := c.settings(ctx); err != nil {
		return err
	}
	m := mark{drillBegins + rand.Text(), wordPrefix + rand.Text(), "", time.Now().Add(drillLife)}
	content, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("beginning a drill: %w", err)
	}
	if err := dir.Write(drillFile, content); err != nil {
		return err
	}
	defer func() { _ = dir.Remove(drillFile) }()
	run := "seawall-" + rand.Text()
	var accepted struct{}
	err = c.call(ctx, "agent", map[string]any{
		"message": m.Mark, "provider": provider, "model": name, "agentId": agent,
		"sessionKey": "agent:" + agent + ":seawall-drill", "lane": "seawall-proof",
		"sessionEffects": "internal", "suppressPromptPersistence": true, "disableMessageTool": true,
		"bootstrapContextMode": "lightweight", "deliver": false,
		"timeout": int(drillTime / time.Second), "idempotencyKey": run,
	}, &accepted)
	if err != nil {
		return err
	}
	end, err := c.wait(ctx, run, drillTime)
	if err != nil {
		return err
	}
	said := strings.TrimSpace(end.TerminalReply.Text)
	found, bad := strings.CutPrefix(said, m.Word+but)
	switch {
	case bad:
		return errDrill(short(found))
	case said == m.Word, strings.HasPrefix(said, "[tool:"):
		return nil // the last is the door's own, when OpenClaw makes no call of text
	case end.Status == "timeout":
		return errors.New("OpenClaw was busy and did not finish the drill in time")
	case end.Error != "":
		return fmt.Errorf("OpenClaw says: %s", short(end.Error))
	}
	return fmt.Errorf("the drill ended as %q with %q", short(end.Status), short(said))
}
