package policy

import (
	"errors"
	"slices"

	"github.com/cedar-policy/cedar-go"
)

// Rule is a forbid that applies to something.
type Rule struct {
	Name     string `json:"name"`
	Decision string `json:"decision"` // deny, ask, redact
	Reason   string `json:"reason"`
	Place
	// Excepted is the exception that lifts it from this, or "".
	Excepted string `json:"excepted,omitempty"`
}

// Explain returns all forbids that apply to an input, the strictest first, also
// those that decide nothing because another is stricter or an exception lifts
// them; permitted tells whether a permit applies. An error is one for which
// Decide denies.
func (p *Policy) Explain(in Input) (all []Rule, permitted bool, err error) {
	if d := p.Decide(in); d.Err != nil {
		return nil, false, d.Err
	}
	req, err := in.request()
	if err != nil {
		return nil, false, err
	}
	allowed, _ := cedar.Authorize(p.permits, nil, req)
	_, forbids := cedar.Authorize(p.forbids, nil, req)
	by, err := p.lifted(req)
	if err != nil {
		return nil, false, err
	}
	for _, f := range forbids.Reasons {
		r, _ := p.Rule(string(f.PolicyID))
		r.Excepted = string(by[f.PolicyID])
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b Rule) int { return int(verdicts[b.Decision]) - int(verdicts[a.Decision]) })
	return all, allowed == cedar.Allow, nil
}

// Rule returns the rule of that name, if there is one.
func (p *Policy) Rule(name string) (Rule, bool) {
	place, ok := p.places[cedar.PolicyID(name)]
	if !ok {
		return Rule{}, false
	}
	m := p.meanings[cedar.PolicyID(name)]
	return Rule{Name: name, Decision: m.verdict.String(), Reason: m.reason.Text, Place: place}, true
}

// With returns the policy as it would be with some lines at the end of
// local.cedar.
func (p *Policy) With(lines string) (*Policy, error) {
	if p == nil {
		return nil, errors.New("there is no policy")
	}
	sources := slices.Clone(p.sources)
	i := slices.IndexFunc(sources, func(s source) bool { return s.file == LocalFile })
	if i < 0 {
		i = len(sources)
		sources = append(sources, source{file: LocalFile})
	}
	sources[i].text = slices.Concat(sources[i].text, []byte("\n"), []byte(lines))
	return load(sources...)
}
