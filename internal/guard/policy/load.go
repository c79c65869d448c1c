package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	xast "github.com/cedar-policy/cedar-go/x/exp/ast"
)

// maxSource bounds one policy document, in bytes.
const maxSource = 1 << 20

// verdicts are the values @decision may have.
var verdicts = map[string]Verdict{"deny": Deny, "ask": Ask, "redact": Redact}

// Policy is a set of rules that parsed, fits the schema and can be decided
// with. It is immutable and safe for concurrent use.
type Policy struct {
	forbids, permits rules
	exceptions       []exception
	meanings         map[cedar.PolicyID]meaning
	places           map[cedar.PolicyID]Place
	sources          []source
	version          string
}

// Place is where a rule stands, and its text.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"` // as it is written there
}

// rules are Cedar policies in the order of their documents.
type rules []namedRule

type namedRule struct {
	id     cedar.PolicyID
	policy *cedar.Policy
}

// All makes rules a cedar.PolicyIterator.
func (rs rules) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, r := range rs {
			if !yield(r.id, r.policy) {
				return
			}
		}
	}
}

// meaning is what a forbid means beyond Cedar's deny.
type meaning struct {
	verdict Verdict
	reason  Reason
}

// source is one policy document and the file it is from.
type source struct {
	file string
	text []byte
}

// Load parses and checks a policy document in Cedar. Every problem is in the
// error, one a line, with the line of the document and what to do about it.
func Load(src []byte) (*Policy, error) {
	return load(source{"policy.cedar", src})
}

func load(sources ...source) (*Policy, error) {
	p := &Policy{meanings: map[cedar.PolicyID]meaning{}, places: map[cedar.PolicyID]Place{}, sources: sources}
	var problems []error
	sum := sha256.New()
	for _, s := range sources {
		sum.Write(s.text)
		sum.Write([]byte{0})
		problems = append(problems, p.add(s)...)
	}
	for _, x := range p.exceptions {
		if err := p.check(x); err != nil {
			problems = append(problems, fmt.Errorf("%s, line %d: %w", x.place.File, x.place.Line, err))
		}
	}
	if len(problems) == 0 && len(p.permits) == 0 {
		problems = append(problems, errors.New("the policy permits nothing, so every action would be denied; "+
			"add `permit (principal, action, resource);` or narrower permits"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	p.version = hex.EncodeToString(sum.Sum(nil))[:12]
	return p, nil
}

// add checks and adds the rules of one document and returns what is wrong
// with it.
func (p *Policy) add(s source) []error {
	if len(s.text) > maxSource {
		return []error{fmt.Errorf("%s is %d bytes long; a policy file may have %d", s.file, len(s.text), maxSource)}
	}
	list, err := cedar.NewPolicyListFromBytes(s.file, s.text)
	if err != nil {
		return []error{fmt.Errorf("%s is not Cedar: %w; see docs.cedarpolicy.com for the syntax", s.file, err)}
	}
	var problems []error
	for i, c := range list {
		id, m, err := checked(c)
		var lifts []string
		if err == nil {
			lifts, err = excepts(c)
		}
		var until time.Time
		if err == nil {
			until, err = expires(c)
		}
		if _, known := p.meanings[id]; err == nil && known {
			err = fmt.Errorf("the @name %q is used twice; give each rule its own", id)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s, line %d: %w", s.file, c.Position().Line, err))
			continue
		}
		end := len(s.text)
		if i+1 < len(list) {
			end = list[i+1].Position().Offset
		}
		p.meanings[id] = m
		p.places[id] = Place{s.file, c.Position().Line, statement(string(s.text[c.Position().Offset:end]))}
		switch {
		case lifts != nil:
			p.exceptions = append(p.exceptions, exception{namedRule{id, c}, lifts, until, p.places[id]})
		case c.Effect() == cedar.Permit:
			p.permits = append(p.permits, namedRule{id, c})
		default:
			p.forbids = append(p.forbids, namedRule{id, c})
		}
	}
	return problems
}

// statement is a text that begins with a rule, without the comments behind it.
func statement(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for len(lines) > 1 {
		if last := strings.TrimSpace(lines[len(lines)-1]); last != "" && !strings.HasPrefix(last, "//") {
			break
		}
		lines = lines[:len(lines)-1]
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// checked validates one rule and reads its annotations.
func checked(c *cedar.Policy) (cedar.PolicyID, meaning, error) {
	pos, notes := c.Position(), c.Annotations()
	name := string(notes["name"])
	if name == "" {
		name = fmt.Sprintf("%s:%d:%d", pos.Filename, pos.Line, pos.Column)
	}
	id := cedar.PolicyID(name)
	if err := validator().Policy(name, (*xast.Policy)(c.AST())); err != nil {
		return id, meaning{}, fmt.Errorf("the rule %q does not fit the schema: %w; "+
			"`seawall policy schema` prints what a rule may speak of", name, err)
	}
	decision, has := notes["decision"]
	if c.Effect() == cedar.Permit {
		if has {
			return id, meaning{}, fmt.Errorf("the permit %q carries @decision(%q), which would have no effect; "+
				"write a forbid with that @decision", name, decision)
		}
		return id, meaning{}, nil
	}
	m := meaning{verdict: Deny, reason: Reason{Policy: name, Text: string(notes["reason"]), German: string(notes["reason_de"])}}
	if has {
		v, ok := verdicts[string(decision)]
		if !ok {
			return id, meaning{}, fmt.Errorf("the rule %q has @decision(%q); it may be \"deny\", \"ask\" or \"redact\"", name, decision)
		}
		m.verdict = v
	}
	if m.reason.Text == "" {
		m.reason.Text = "a rule of this machine forbids it"
	}
	return id, m, m.canEnd(c)
}

// exits names the flag that lifts a verdict when the action is decided again.
var exits = map[Verdict]string{Ask: "context.approved", Redact: "context.redacted"}

// canEnd refuses an ask that no approval could satisfy, and a redact that
// would redact for ever.
func (m meaning) canEnd(c *cedar.Policy) error {
	flag, needed := exits[m.verdict]
	if needed && !strings.Contains(string(c.MarshalCedar()), flag) {
		return fmt.Errorf("the rule %q decides %q but nothing lifts it; end it in `unless { %s }`", m.reason.Policy, m.verdict, flag)
	}
	return nil
}

// Version identifies the rules: the first twelve hex digits of the SHA-256 of
// their documents.
func (p *Policy) Version() string { return p.version }
