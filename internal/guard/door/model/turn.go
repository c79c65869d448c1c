package model

import (
	"cmp"
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/openclaw"
)

// turn is one request and its answer in the eyes of the guard. It implements
// wire.Judge.
type turn struct {
	guard.Turn
	guard   *guard.Guard
	request *wire.Request
	tools   *openclaw.Toolset
	secrets map[string]string // mark to the secret the model was not shown
	reply   *guard.Reply
	witness Witness
	config  string // the agent's, by whose route it came
	origins *origin.Tracker
	meter   meter
	past    past
}

func newTurn(g *guard.Guard, x *exchange, header string) *turn {
	trace, _ := traceparent(header)
	x.request.Literal = x.route.Literal
	t := &turn{
		Turn:    guard.Turn{Door: "model", Route: x.route.ID, Config: x.route.Agent, Trace: trace},
		guard:   g,
		request: x.request,
		tools:   toolset(x.request, x.route.Literal),
		secrets: map[string]string{},
		witness: x.door.Witness,
		config:  x.route.Agent,
		origins: x.door.origins,
		meter:   meter{door: x.door, route: x.route},
	}
	t.Speaker, t.Workspace = x.door.Witness.Speaker(t.config, trace)
	for _, p := range slices.Backward(x.request.Parts) {
		// OpenClaw writes it as the user; a page or the model may write it too.
		if p.Role != wire.User && p.Role != wire.System {
			continue
		}
		if r, ok := openclaw.ParseRuntime(p.Text); ok {
			t.Agent, t.Session, t.Conversation = r.Agent, r.Session, cmp.Or(r.SessionID, r.Session)
			break
		}
	}
	if t.Conversation == "" {
		t.Conversation = t.opening()
	}
	if t.Workspace == "" {
		t.Workspace = t.folder()
	}
	// An answer is told whole, whoever stopped listening.
	t.reply = g.Reply(context.Background(), t.Turn)
	return t
}

// opening names a conversation that has no name by how it began: it is only
// ever added to.
func (t *turn) opening() string {
	for _, p := range t.request.Parts {
		if p.Role == wire.User && p.Text != "" {
			sum := guard.WordsOf(p.Text).Sum
			return "opened by " + hex.EncodeToString(sum[:8])
		}
	}
	return ""
}

// folder is the working directory that OpenClaw names in its instructions.
func (t *turn) folder() string {
	for _, p := range t.request.Parts {
		if p.Role == wire.System {
			return openclaw.ParseWorkspace(p.Text)
		}
	}
	return ""
}

// Tell implements wire.Teller.
func (t *turn) Tell(f wire.Failure) string {
	if f == wire.Halted {
		return t.guard.HaltAnswer(context.Background(), t.Turn)
	}
	return t.guard.Broken(t.Turn, string(f))
}

// traceparent takes trace id and span id out of a W3C traceparent header.
func traceparent(header string) (trace, span string) {
	if parts := strings.Split(header, "-"); len(parts) == 4 && len(parts[1]) == 32 && len(parts[2]) == 16 {
		return parts[1], parts[2]
	}
	return "", ""
}

var sources = map[wire.Role]guard.Source{
	wire.User: guard.Person, wire.Tool: guard.Tool, wire.System: guard.System, wire.Assistant: guard.Assistant,
}

// read looks at all the model would read. It returns the texts to replace, or
// the answer to give when nothing may be passed on: a new message was denied,
// something cannot be taken out, or the record cannot be kept.
func (t *turn) read(ctx context.Context) (replaced map[int]string, answer string) {
	t.results()
	if notice, halted := t.guard.HaltTurn(ctx, t.Turn); halted {
		return nil, notice
	}
	if notice, over := t.guard.OverTurn(ctx, t.Turn, !t.begins()); over {
		return nil, notice
	}
	if t.request.Previous != "" {
		if d := t.guard.Unseen(ctx, t.Turn); d.Verdict != policy.Allow {
			return nil, t.guard.Halted(t.Turn, d)
		}
	}
	replaced, marked := map[int]string{}, map[int]bool{}
	fresh := t.firstNewPart()
	reader := t.guard.Reader()
	texts := t.texts()
	reader.Join(texts)
	for i, p := range t.request.Parts {
		text := texts[i]
		if text.Text == "" {
			continue
		}
		r := reader.Read(ctx, text)
		switch {
		case r.Verdict == policy.Allow:
		case r.Unkept || p.Fixed || r.Verdict != policy.Redact && p.Role == wire.System:
			// Without its instructions an agent is not the one that was set up.
			return nil, t.guard.Halted(t.Turn, r.Decision)
		case r.Verdict == policy.Redact:
			replaced[i] = r.Redacted
			maps.Copy(t.secrets, r.Secrets)
		case p.Role == wire.User && i >= fresh:
			return nil, t.guard.Refused(t.Turn, r)
		default:
			replaced[i] = t.guard.Removed(text, r)
			marked[i] = true
		}
	}
	t.hear(marked)
	return replaced, ""
}

// texts are what the guard reads of each part; nothing of some.
func (t *turn) texts() []guard.Text {
	texts := make([]guard.Text, len(t.request.Parts))
	for i, p := range t.request.Parts {
		texts[i] = guard.Text{Turn: t.Turn, Source: sources[p.Role], Tool: p.Tool}
		// What the provider signed comes from the model and cannot be changed.
		if signed := p.Fixed && p.Role == wire.Assistant; !p.Media && !signed {
			texts[i].Text, texts[i].Sum = p.Text, p.Sum
		}
		if i > 0 {
			before := t.request.Parts[i-1]
			texts[i].Follows = p.Role == before.Role && !p.Call && !before.Call
		}
	}
	return texts
}

// begins reports whether the request begins a turn: the last thing in it is what
// somebody said, and not what came back for a call.
func (t *turn) begins() bool {
	parts := t.request.Parts
	return len(parts) == 0 || parts[len(parts)-1].Role != wire.Tool
}

// firstNewPart returns the index of the first part after the last answer of
// the model: what was written since.
func (t *turn) firstNewPart() int {
	for i, p := range slices.Backward(t.request.Parts) {
		if p.Role == wire.Assistant {
			return i + 1
		}
	}
	return 0
}

// Call implements wire.Judge.
func (t *turn) Call(ctx context.Context, c wire.Call) wire.Verdict {
	t.meter.said += len(c.Args)
	a, strict := t.action(c)
	a.Secrets = t.secrets
	d := t.guard.Judge(ctx, a)
	v := wire.Verdict{Allow: true, Args: strict}
	if d.Restore {
		v.Args = guard.Restore(cmp.Or(strict, c.Args), t.secrets)
	}
	switch {
	case d.Verdict == policy.Allow, d.Question != 0 && t.witness.Waits(t.config, t.Trace):
		t.release(c, cmp.Or(v.Args, c.Args), d.Question)
		return v
	case d.Question == 0:
		return wire.Verdict{Notice: t.guard.Stopped(a, d)}
	}
	return wire.Verdict{Notice: t.guard.Stopped(a, d), Wait: func(ctx context.Context) wire.Verdict {
		ctx, stop := context.WithTimeout(ctx, held)
		defer stop()
		if d := t.guard.Await(ctx, a, d.Question); d.Verdict != policy.Allow {
			return wire.Verdict{Notice: t.guard.Stopped(a, d)}
		}
		t.release(c, cmp.Or(v.Args, c.Args), 0)
		return v
	}}
}

// held is how long an answer is held for a person. OpenClaw ends a session in
// which nothing goes on for five minutes (docs/concepts/agent-loop.md, stuck
// session diagnostics); its shorter watchdogs count the events that go out
// meanwhile.
const held = 4*time.Minute + 30*time.Second

// release tells the witness of an allowed call with the arguments it is handed
// on with, and of the call within it: OpenClaw's hooks see both. The one within
// is the one that waits for an answer.
func (t *turn) release(c wire.Call, args string, question int64) {
	calls, _ := t.tools.Unwrap(c.Name, c.ID, []byte(args))
	for i, call := range calls {
		waits := question
		if i < len(calls)-1 {
			waits = 0
		}
		t.witness.Released(t.config, t.Trace, call.Tool, call.Args, waits)
	}
}

// Text implements wire.Judge.
func (t *turn) Text(block int, s string, final bool) string {
	t.meter.said += len(s)
	return t.reply.Text(block, s, final)
}
