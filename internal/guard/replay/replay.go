// Package replay judges recorded tool calls, without a model and without a door:
//
//	line {id, messages, tools, call} ─▶ wire ─▶ guard.Guard ─▶ Answer
//
// It is the guard that decides, by the policy it is given and with its detectors;
// nothing is decided here. Here, and only here, role user is the operator.
package replay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/ledger"
)

// Case is one recorded call, as a line of JSON has it.
type Case struct {
	ID    string `json:"id"`
	Group string `json:"group"` // calls of one task or attack
	Label string `json:"label"` // what a benchmark says of it

	// Messages and Tools are those of an OpenAI chat request: all that the model had
	// read when it made the call, and what it was offered.
	Messages json.RawMessage `json:"messages"`
	Tools    json.RawMessage `json:"tools"`
	Call     struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"` // an object, or a text that holds one
	} `json:"call"`
}

// Answer is what was decided about a case.
type Answer struct {
	ID       string              `json:"id"`
	Decision string              `json:"decision"` // allow, redact, ask, deny
	Risk     string              `json:"risk"`
	Reason   string              `json:"reason"`
	Policy   []string            `json:"policy"`
	Origins  map[string][]string `json:"origins"` // of each decisive argument
}

// maxLine bounds a line, in bytes.
const maxLine = 64 << 20

// Engine judges cases, one after the other.
type Engine struct {
	guard *guard.Guard
	cache *origin.Cache
	wire  wire.Conversations
}

// New returns an engine that decides by a policy.
func New(p *policy.Policy) *Engine {
	return &Engine{guard: guard.New(p, forgetful{}, nil, []byte("replay")), cache: origin.NewCache()}
}

// forgetful is a record that keeps nothing: a replay is no action.
type forgetful struct{}

func (forgetful) Append(context.Context, ...ledger.Row) (int64, error) { return 1, nil }
func (forgetful) Behind(ledger.Row) error                              { return nil }

// Parse reads one line.
func Parse(line []byte) (Case, error) {
	var c Case
	if err := json.Unmarshal(line, &c); err != nil {
		return c, fmt.Errorf("it is not a JSON object with id, messages and call: %w", err)
	}
	switch {
	case c.Call.Name == "":
		return c, errors.New("its call has no name")
	case len(c.Messages) == 0 || bytes.TrimSpace(c.Messages)[0] != '[':
		return c, errors.New("it has no list of messages")
	case len(c.Tools) > 0 && string(c.Tools) != "null" && bytes.TrimSpace(c.Tools)[0] != '[':
		return c, errors.New("its tools are not a list")
	}
	return c, nil
}

// Judge decides about a case.
func (e *Engine) Judge(ctx context.Context, c Case) (Answer, error) {
	q, err := e.wire.Parse(wire.Chat, c.request())
	if err != nil {
		return Answer{}, err
	}
	schemas := map[string]effect.Schema{}
	for _, t := range q.Tools {
		schemas[t.Name] = effect.Schema{Name: t.Name, Description: t.Description, Parameters: t.Schema}
	}
	parts := origin.Parts(q.Parts, func(p wire.Part) (origin.Label, string) { return origin.Operator, p.Text }, nil, schemas)
	e.mark(ctx, parts)
	d := e.guard.Judge(ctx, guard.Action{
		Turn:   guard.Turn{Door: "replay", Speaker: guard.Speaker{Who: guard.Owner}, Talk: origin.New(parts, "", e.cache)},
		Tool:   c.Call.Name,
		Args:   c.arguments(),
		Schema: schemas[c.Call.Name],
	})
	return Answer{
		ID: c.ID, Decision: d.Verdict.String(), Risk: d.Risk.String(), Reason: d.Why,
		Policy: list(d.Policy), Origins: origins(d.Origins),
	}, nil
}

// mark notes in which parts a detector finds an attack.
func (e *Engine) mark(ctx context.Context, parts []origin.Part) {
	reader := e.guard.Reader()
	for i := range parts {
		p := &parts[i]
		if p.Tool != "" {
			r := reader.Read(ctx, guard.Text{Source: guard.Tool, Tool: p.Tool, Text: p.Text, Sum: p.Sum})
			p.Marked = r.Verdict == policy.Deny
		}
	}
}

// request is the case as a request to a model.
func (c Case) request() []byte {
	var b bytes.Buffer
	b.WriteString(`{"tools":`)
	if len(c.Tools) == 0 {
		b.WriteString("[]")
	}
	b.Write(c.Tools)
	b.WriteString(`,"messages":`)
	b.Write(c.Messages)
	b.WriteByte('}')
	return b.Bytes()
}

// arguments are those of the call, as an object.
func (c Case) arguments() []byte {
	var text string
	switch {
	case len(c.Call.Arguments) == 0, string(c.Call.Arguments) == "null":
		return []byte("{}")
	case json.Unmarshal(c.Call.Arguments, &text) == nil:
		return []byte(text)
	}
	return c.Call.Arguments
}

func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func origins(o map[string][]string) map[string][]string {
	if o == nil {
		return map[string][]string{}
	}
	return o
}

// Lines judges each line of r and tells answer of it. A line that cannot be read
// is told of with its number, and the others go on; the error then says how many
// there were.
func (e *Engine) Lines(ctx context.Context, r io.Reader, answer func(Case, Answer) error, wrong func(line int, err error)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<20), maxLine)
	n, bad := 0, 0
	for lines.Scan() {
		n++
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		c, err := Parse(lines.Bytes())
		var a Answer
		if err == nil {
			a, err = e.Judge(ctx, c)
		}
		if err != nil {
			bad++
			wrong(n, err)
			continue
		}
		if err := answer(c, a); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d lines could not be read", bad, n)
	}
	return nil
}
