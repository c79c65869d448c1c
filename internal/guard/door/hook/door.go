// Package hook is the door that OpenClaw's plugin asks before a tool runs, and
// tells of each call of a model. It checks the model door: a tool call that was
// not judged there is judged here, with unknown origins; a model call that did not
// pass there is a loud finding.
//
//	plugin ──before_tool_call───▶ ticket? ──▶ allow ── none ──▶ judged here
//	plugin ──before_agent_run───▶ whose words begin this run
//	plugin ──model_call_started─▶ span seen at the model door? ──▶ nothing, or a finding
//
// It listens where the model door does, below [Path]. Whatever runs as the
// agent can reach it and knows its token, and gains nothing by it: a ticket is
// earned at the model door alone, by being judged. docs/hook.md explains both
// doors.
package hook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/ticket"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

// Path is where the door is below the model door's address. No route has this
// name.
const Path = "/.hook"

// Endpoint is what the plugin is configured with, for a model door at addr
// ("127.0.0.1:4780").
func Endpoint(addr string) string { return "http://" + addr + Path }

const (
	maxBody    = 16 << 20         // bytes of one question: a file that is written is in it
	maxConfigs = 64               // OpenClaws whose last installing call is remembered
	patience   = 10 * time.Second // until it is read
)

// Door answers the plugin. It is safe for concurrent use and implements
// [model.Witness].
type Door struct {
	guard   *guard.Guard
	dir     *state.Dir
	agents  atomic.Pointer[[]Agent]
	tickets *ticket.Book
	watch   *watch
	runs    *runs
	through *lru.Cache[string, struct{}] // runs that the model door has seen
	// widening are the last calls that may install something, by config.
	widening *lru.Cache[string, installation]
	// Drill is told of each call. It is set before the door opens; nil knows none.
	Drill Drill
	// Loaded tells whether an OpenClaw, by the path of its config, is seen to load
	// the plugin. It is set before the door opens; nil sees nothing, and then no
	// call waits here.
	Loaded func(config string) bool
}

// Drill knows the runs in which OpenClaw is only tried. It is safe for concurrent
// use.
type Drill interface {
	// Asked tells of a call that OpenClaw asked about, in a run, with a ticket or
	// without, and returns whether the run is a drill, and why such a call does not
	// run in it.
	Asked(trace string, ticket bool) (why string, is bool)
}

// drilled tells the drill of a call.
func (d *Door) drilled(q question, ticket bool) (why string, is bool) {
	if d.Drill == nil {
		return "", false
	}
	return d.Drill.Asked(q.Trace, ticket)
}

// New returns a door for the agents of a state directory, which tells the time
// by now.
func New(g *guard.Guard, dir *state.Dir, now func() time.Time) (*Door, error) {
	past, err := LoadPast(dir)
	if err != nil {
		return nil, err
	}
	d := &Door{guard: g, dir: dir, tickets: ticket.New(now), watch: newWatch(now, past), runs: newRuns(now)}
	// An error of lru.New is for a size below one.
	d.through, _ = lru.New[string, struct{}](maxRuns)
	d.widening, _ = lru.New[string, installation](maxConfigs)
	return d, errors.Join(d.takeOver(), d.Reload())
}

// Reload reads the agents again. When that fails, those known stay.
func (d *Door) Reload() error {
	agents, err := LoadAgents(d.dir)
	if err != nil {
		return err
	}
	d.agents.Store(&agents)
	return nil
}

// Saw implements model.Witness.
func (d *Door) Saw(agent, trace, span string) {
	d.watch.saw(agent, span)
	d.through.Add(agent+"\x00"+trace, struct{}{})
}

// Released implements model.Witness. A call whose arguments have no certain
// reading gets no ticket.
func (d *Door) Released(agent, trace, tool string, args []byte, question int64) {
	if t, err := ticket.Of(agent, trace, tool, args); err == nil {
		d.tickets.IssuePending(t, question)
	}
}

// Beside returns a handler that answers the plugin at [Path] and gives
// everything else to another.
func (d *Door) Beside(other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == Path || strings.HasPrefix(r.URL.Path, Path+"/") {
			d.ServeHTTP(w, r)
			return
		}
		other.ServeHTTP(w, r)
	})
}

// answer is what the plugin gets. Anything else it takes for a block.
type answer struct {
	Allow  bool   `json:"allow,omitempty"`
	Block  bool   `json:"block,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Scan asks for the result of a call: nobody else would read it.
	Scan bool `json:"scan,omitempty"`
	// Texts are what may go on of those that were asked about, in their order.
	Texts []string `json:"texts,omitempty"`
	// Language is the operator's, for what the plugin says when the door is closed.
	Language operator.Language `json:"language,omitempty"`

	wait func(context.Context) answer // gives the answer, when a person has
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !model.Local(r) {
		say(w, http.StatusForbidden, d.refuse("the question came from a web page or another machine"))
		return
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	config, ok := d.whose(token)
	if !ok {
		say(w, http.StatusUnauthorized, d.refuse("Seawall does not know this plugin's token"))
		return
	}
	handle := map[string]func(context.Context, string, question) answer{
		Path + "/v1/tool-call":  d.toolCall,
		Path + "/v1/model-call": d.modelCall,
		Path + "/v1/run":        d.run,
		Path + "/v1/message":    d.message,
		Path + "/v1/result":     d.result,
		Path + "/v1/install":    d.install,
	}[r.URL.Path]
	if handle == nil || r.Method != http.MethodPost {
		say(w, http.StatusNotFound, d.refuse("the plugin asks what this Seawall does not know"))
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var q question
	if err == nil {
		err = json.Unmarshal(body, &q)
	}
	if err != nil {
		say(w, http.StatusBadRequest, d.refuse("Seawall could not read the plugin's question"))
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // or the wait below would end by it
	d.watch.heard(config)
	a := handle(r.Context(), config, q)
	if a.wait != nil {
		a = hold(w, r, a.wait)
	}
	a.Language = d.guard.Operator.Language()
	say(w, http.StatusOK, a)
}

// refuse answers a question that cannot be decided about.
func (d *Door) refuse(why string) answer {
	return answer{Block: true, Reason: d.guard.Told(guard.Turn{}, "", why, "seawall connect")}
}

// whose looks a token up; one that is not known is looked for on the disk:
// connect may have written it a moment ago.
func (d *Door) whose(token string) (config string, ok bool) {
	if token == "" {
		return "", false
	}
	if config, ok = whose(*d.agents.Load(), token); !ok && d.Reload() == nil {
		config, ok = whose(*d.agents.Load(), token)
	}
	return config, ok
}

func say(w http.ResponseWriter, status int, a answer) {
	body, _ := json.Marshal(a)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// question is what the plugin sends. All of it is what the agent says.
type question struct {
	Trace   string `json:"trace"`
	Session string `json:"sessionKey"`
	Agent   string `json:"agentId"`
	// SessionID names one conversation of the session.
	SessionID string `json:"sessionId"`

	Tool   string         `json:"tool"`
	Params jsontext.Value `json:"params"`
	ID     string         `json:"toolCallId"`
	Kind   string         `json:"toolKind"` // "code_mode_exec" when the call is a program

	Span     string `json:"span"`
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Aborted  bool   `json:"aborted"` // the call of a model was ended before its answer began

	Prompt    string `json:"prompt"` // the words that begin a run
	Owner     bool   `json:"senderIsOwner"`
	Channel   string `json:"channelId"`
	Sender    string `json:"senderId"`
	Workspace string `json:"workspaceDir"`

	Texts []string `json:"texts"` // of a message, of a call's result, of what is installed

	Install map[string]string `json:"install"` // action, kind, name, spec, source
}

func (q question) action() guard.Action {
	return guard.Action{Turn: q.turn(), Tool: openclaw.PolicyName(q.Tool), Args: q.Params}
}

func (q question) turn() guard.Turn {
	return guard.Turn{Door: "hook", Route: q.Provider, Agent: q.Agent, Session: q.Session, Trace: q.Trace, Conversation: cmp.Or(q.SessionID, q.Session)}
}

// vouchedFor is what OpenClaw says of a question, with what the plugin vouched
// for before the run.
func (d *Door) vouchedFor(config string, q question) guard.Action {
	a := q.action()
	a.Config = config
	a.Speaker, a.Workspace = d.Speaker(config, q.Trace)
	return a
}

// toolCall answers whether a call may run. What the model door let through runs,
// once for each time; all else is judged here, by what OpenClaw is about to run.
func (d *Door) toolCall(ctx context.Context, config string, q question) answer {
	a := d.vouchedFor(config, q)
	if notice, halted := d.guard.HaltCall(ctx, a); halted {
		return answer{Block: true, Reason: notice}
	}
	t, err := ticket.Of(config, q.Trace, q.Tool, q.Params)
	if err != nil {
		return answer{Block: true, Reason: d.guard.Unjudged(ctx, a, "its arguments have no certain reading")}
	}
	if question, used := d.tickets.Use(t); used {
		d.drilled(q, true)
		if question != 0 {
			return answer{wait: func(ctx context.Context) answer { return d.await(ctx, a, q, question) }}
		}
		d.installs(a)
		return answer{Allow: true}
	}
	if said, is := d.drilled(q, false); is {
		return answer{Block: true, Reason: said}
	}
	return d.judge(ctx, a, q)
}

// modelCall notes a call that OpenClaw says it makes, or has ended.
func (d *Door) modelCall(_ context.Context, config string, q question) answer {
	if q.Aborted {
		d.watch.aborted(config, q.Span)
	} else {
		d.watch.reported(config, q.Span, q.turn(), q.Model)
	}
	return answer{Allow: true}
}
