package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openseawall/seawall/internal/effect"
)

// Case is something that could happen, and what the policy has to say of it. What a
// case leaves out is as it is on an ordinary day: the agent main calls a tool, the
// operator began the turn, nothing was found, and nobody knows who chose the values.
type Case struct {
	Name   string `yaml:"name"`
	Expect string `yaml:"expect"` // allow, redact, ask, deny
	By     string `yaml:"by"`     // a rule that has to be one of those that decide; "" is any

	Agent string `yaml:"agent"` // main
	Act   Act    `yaml:"act"`   // call

	Tool        string         `yaml:"tool"`
	Description string         `yaml:"description"` // of the tool, as the model is offered it
	Args        map[string]any `yaml:"args"`

	Source    string   `yaml:"source"`    // of a text: person, tool, …
	Injection string   `yaml:"injection"` // clean, suspicious, malicious
	Secrets   []string `yaml:"secrets"`   // rules
	Workspace bool     `yaml:"workspace"`
	Approved  bool     `yaml:"approved"`
	Redacted  bool     `yaml:"redacted"`

	Origins     []string `yaml:"origins"`
	Decided     bool     `yaml:"decided"`
	Quoted      bool     `yaml:"quoted"`
	Private     []string `yaml:"private"`
	Named       bool     `yaml:"named"`
	Audience    string   `yaml:"audience"`
	Asker       string   `yaml:"asker"`
	Link        bool     `yaml:"link"`
	Own         bool     `yaml:"own"`
	Recoverable bool     `yaml:"recoverable"`

	Line int `yaml:"-"` // of the file
}

// expected are the decisions that a case may name.
var expected = []string{"allow", "redact", "ask", "deny"}

// ReadCases reads cases, a YAML list. An error names the line.
func ReadCases(text []byte) ([]Case, error) {
	var lines []yaml.Node
	if err := yaml.Unmarshal(text, &lines); err != nil {
		return nil, fmt.Errorf("it is not a list of cases in YAML: %w", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var cases []Case
	if err := d.Decode(&cases); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("a case has what none may have: %s", misfit(err))
	}
	for i := range cases {
		c := &cases[i]
		c.Line = lines[i].Line
		switch {
		case !slices.Contains(expected, c.Expect):
			return nil, fmt.Errorf("line %d: expect is %q; it may be allow, redact, ask or deny", c.Line, c.Expect)
		case c.Act == "" && c.Tool == "":
			return nil, fmt.Errorf("line %d: it names no tool; write one, or act: read or reply", c.Line)
		case !slices.Contains([]Act{"", Call, Read, Reply, Keep}, c.Act):
			return nil, fmt.Errorf("line %d: act is %q; it may be call, read, reply or keep", c.Line, c.Act)
		}
	}
	return cases, nil
}

// misfit is what does not fit, in one line and without Go's names.
func misfit(err error) string {
	var misfits *yaml.TypeError
	if !errors.As(err, &misfits) {
		return err.Error()
	}
	return strings.ReplaceAll(strings.Join(misfits.Errors, "; "), " in type policy.Case", "")
}

// Input is what the policy sees of a case.
func (c Case) Input() Input {
	in := Input{
		Agent: c.Agent, Act: c.Act, Tool: c.Tool, Source: c.Source, Injection: c.Injection, Secrets: c.Secrets,
		Workspace: c.Workspace, Approved: c.Approved, Redacted: c.Redacted,
		Origin: Origin{
			Values: c.Origins, Decided: c.Decided, Quoted: c.Quoted, Private: c.Private, Named: c.Named,
			Audience: c.Audience, Asker: c.Asker, Link: c.Link, Own: c.Own, Recoverable: c.Recoverable,
		},
	}
	for _, ordinary := range []struct {
		field *string
		value string
	}{{&in.Agent, "main"}, {(*string)(&in.Act), string(Call)}, {&in.Injection, "clean"}} {
		if *ordinary.field == "" {
			*ordinary.field = ordinary.value
		}
	}
	if in.Act == Call || in.Act == Keep {
		schema := effect.Schema{Name: c.Tool, Description: c.Description}
		args, _ := json.Marshal(c.Args) // YAML's keys are strings here, or Args would not have been read
		in.Effects = effect.OfCall(c.Tool, args, schema)
		if in.Source == "" {
			from, private := effect.Source(c.Tool, schema)
			in.Source, in.Confidential = string(from), private
		}
	}
	return in
}

// Try decides a case and says in what it is not as expected; "" is as expected.
func (p *Policy) Try(c Case) (d Decision, wrong string) {
	d = p.Decide(c.Input())
	by := slices.ContainsFunc(d.Reasons, func(r Reason) bool { return r.Policy == c.By })
	switch {
	case d.Verdict.String() != c.Expect:
		return d, fmt.Sprintf("it is %s, not %s", d.Verdict, c.Expect)
	case c.By != "" && !by:
		return d, fmt.Sprintf("the rule %s does not decide it", c.By)
	}
	return d, ""
}
