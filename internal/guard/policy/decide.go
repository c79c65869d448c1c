package policy

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/cedar-policy/cedar-go"

	"github.com/openseawall/seawall/internal/effect"
)

// noPermit is the reason when no rule allows an action.
var noPermit = Reason{Policy: "no-permit", Text: "no rule permits it"}

// broken is the reason when a rule could not be evaluated.
var broken = Reason{Policy: "policy-error", Text: "the policy could not be evaluated"}

// attributes are the context's attributes, as the schema lists them.
var attributes = []cedar.String{
	"tool", "source", "kinds", "dangers", "reads", "writes", "hosts", "urls", "commands",
	"opaque", "unparsed", "injection", "secrets", "ambiguous",
	"workspace", "placeholders", "approved", "redacted", "unproven",
	"recipients", "unseen", "risk", "reversible", "confidential",
	"origins", "decided", "quoted", "private", "named", "audience", "asker", "link", "own", "overLimit",
}

// Decide answers one input. It never fails open: an error is a deny, with the
// error in Decision.Err.
func (p *Policy) Decide(in Input) Decision {
	if p == nil {
		return failed(errors.New("there is no policy"))
	}
	req, err := in.request()
	if err != nil {
		return failed(err)
	}
	return p.authorize(req)
}

// authorize evaluates a request as it is. Forbids and permits are evaluated
// apart, so that a redaction never hides that nothing permits the action.
func (p *Policy) authorize(req cedar.Request) Decision {
	for _, a := range attributes {
		if _, ok := req.Context.Get(a); !ok {
			return failed(fmt.Errorf("the attribute context.%s is missing", a))
		}
	}
	return p.evaluate(req)
}

func (p *Policy) evaluate(req cedar.Request) Decision {
	allowed, permits := cedar.Authorize(p.permits, nil, req)
	_, forbids := cedar.Authorize(p.forbids, nil, req)
	for _, e := range slices.Concat(permits.Errors, forbids.Errors) {
		return failed(fmt.Errorf("the rule %q could not be evaluated: %s", e.PolicyID, e.Message))
	}
	d := Decision{Verdict: Allow}
	if allowed != cedar.Allow {
		d = Decision{Verdict: Deny, Reasons: []Reason{noPermit}}
	}
	var by map[cedar.PolicyID]cedar.PolicyID
	if len(forbids.Reasons) > 0 {
		var err error
		if by, err = p.lifted(req); err != nil {
			return failed(err)
		}
	}
	for _, f := range forbids.Reasons {
		if exception, ok := by[f.PolicyID]; ok {
			d.lifted(exception, f.PolicyID)
			continue
		}
		d.add(p.meanings[f.PolicyID])
	}
	return d
}

// lifted counts a rule that an exception lifts: it is told where nothing stricter
// decides.
func (d *Decision) lifted(exception, rule cedar.PolicyID) {
	if d.Verdict == Allow {
		d.Reasons = append(d.Reasons, Reason{Policy: string(exception), Text: fmt.Sprintf("your exception to the rule %s lets it through", rule)})
	}
}

// add counts one determining rule: only those with the strictest verdict stay.
func (d *Decision) add(m meaning) {
	switch {
	case m.verdict > d.Verdict:
		d.Verdict, d.Reasons = m.verdict, []Reason{m.reason}
	case m.verdict == d.Verdict:
		d.Reasons = append(d.Reasons, m.reason)
	}
}

func failed(err error) Decision {
	return Decision{Verdict: Deny, Reasons: []Reason{broken}, Err: err}
}

// request puts an input into Cedar's terms, with every attribute.
func (in Input) request() (cedar.Request, error) {
	resource := cedar.NewEntityUID("Tool", cedar.String(in.Tool))
	switch in.Act {
	case Call, Keep:
	case Read:
		resource = cedar.NewEntityUID("Text", cedar.String(in.Source))
	case Reply:
		resource = cedar.NewEntityUID("Text", "assistant")
	default:
		return cedar.Request{}, fmt.Errorf("nobody knows the act %q", in.Act)
	}
	return cedar.Request{
		Principal: cedar.NewEntityUID("Agent", cedar.String(in.Agent)),
		Action:    cedar.NewEntityUID("Action", cedar.String(in.Act)),
		Resource:  resource,
		Context:   in.context(),
	}, nil
}

// plain are the contexts of texts without anything to note. Most are: a request
// has hundreds, and putting one into Cedar's terms takes longer than deciding.
var plain = struct {
	sync.RWMutex
	contexts map[plainText]cedar.Record
}{contexts: map[plainText]cedar.Record{}}

type plainText struct{ source, injection string }

// mostPlain is more than there are sources and verdicts.
const mostPlain = 64

func (in Input) context() cedar.Record {
	key := plainText{in.Source, in.Injection}
	if !reflect.DeepEqual(in, Input{Agent: in.Agent, Act: in.Act, Source: in.Source, Injection: in.Injection}) {
		return in.record()
	}
	plain.RLock()
	c, ok := plain.contexts[key]
	plain.RUnlock()
	if ok {
		return c
	}
	c = in.record()
	plain.Lock()
	defer plain.Unlock()
	if len(plain.contexts) < mostPlain {
		plain.contexts[key] = c
	}
	return c
}

// record is the context with every attribute.
func (in Input) record() cedar.Record {
	e, o := in.Effects, in.Origin
	return cedar.NewRecord(cedar.RecordMap{
		"tool":         cedar.String(in.Tool),
		"source":       cedar.String(in.Source),
		"kinds":        set(e.Kinds),
		"dangers":      set(e.Dangers),
		"reads":        set(e.Reads),
		"writes":       set(e.Writes),
		"hosts":        set(e.Hosts),
		"urls":         set(e.URLs),
		"commands":     set(e.Commands),
		"opaque":       cedar.Boolean(e.Opaque),
		"unparsed":     cedar.Boolean(e.ParseError != ""),
		"injection":    cedar.String(in.Injection),
		"secrets":      set(in.Secrets),
		"ambiguous":    cedar.Boolean(in.Ambiguous),
		"workspace":    cedar.Boolean(in.Workspace),
		"placeholders": cedar.Boolean(in.Placeholders),
		"approved":     cedar.Boolean(in.Approved),
		"redacted":     cedar.Boolean(in.Redacted),
		"unproven":     cedar.Boolean(in.Unproven),
		"recipients":   set(e.To),
		"unseen":       cedar.Boolean(e.Unseen),
		"risk":         cedar.String(e.Risk().String()),
		"reversible":   cedar.Boolean(in.reversible()),
		"confidential": cedar.Boolean(in.Confidential),
		"origins":      set(o.Values),
		"decided":      cedar.Boolean(o.Decided),
		"quoted":       cedar.Boolean(o.Quoted),
		"private":      set(o.Private),
		"named":        cedar.Boolean(o.Named),
		"audience":     cedar.String(o.Audience),
		"asker":        cedar.String(o.Asker),
		"link":         cedar.Boolean(o.Link),
		"own":          cedar.Boolean(o.Own),
		"overLimit":    cedar.String(in.OverLimit),
	})
}

// reversible reports whether what a call does can be taken back: by its effects, or
// because what it deletes is the agent's own, or in git.
func (in Input) reversible() bool {
	e := in.Effects
	if in.Origin.Own || in.Origin.Recoverable {
		e.Kinds = slices.DeleteFunc(slices.Clone(e.Kinds), func(k effect.Kind) bool { return k == effect.Destroy })
	}
	return e.Reversible()
}

func set[S ~string](values []S) cedar.Set {
	if len(values) == 0 {
		return cedar.Set{}
	}
	vs := make([]cedar.Value, len(values))
	for i, v := range values {
		vs[i] = cedar.String(v)
	}
	return cedar.NewSet(vs...)
}
