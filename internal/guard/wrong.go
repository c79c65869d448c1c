package guard

import (
	"slices"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard/operator"
)

// right leaves out of what was found in a text that in which the operator said
// that a detector was wrong: an order by exactly this text, a secret by exactly
// its value. What was found across its borders is not this text alone.
func (g *Guard) right(t *Text, f findings) findings {
	if len(f.all) == 0 || len(g.Operator.Wrong()) == 0 {
		return f
	}
	exact := t.exact()
	var kept findings
	for _, x := range f.all {
		if g.wrong(x, t.Text[x.Start:x.End], exact) {
			continue
		}
		kept.all = append(kept.all, x)
		if x.Kind == detect.Secret {
			kept.secrets = append(kept.secrets, x)
		} else {
			kept.injection = max(kept.injection, x.Verdict)
		}
	}
	return kept
}

// unless leaves out of the secrets of a text those that are none.
func (g *Guard) unless(found []detect.Finding, text string) []detect.Finding {
	if len(found) == 0 {
		return nil
	}
	return slices.DeleteFunc(found, func(f detect.Finding) bool { return g.wrong(f, text[f.Start:f.End], "") })
}

// wrong reports whether the operator said that a finding is wrong. text is what
// stands there, exact the name of the text that it stands in. A secret of this
// machine always is one.
func (g *Guard) wrong(f detect.Finding, text, exact string) bool {
	all := g.Operator.Wrong()
	if len(all) == 0 {
		return false
	}
	if f.Kind == detect.Secret {
		return all[operator.Content{Rule: f.Rule, Sum: g.tell(text)}] && len(g.known.Load().Find(text)) == 0
	}
	return exact != "" && all[operator.Content{Rule: f.Rule, Sum: exact}]
}
