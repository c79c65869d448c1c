package guard

import (
	"encoding/hex"
	"fmt"

	"github.com/openseawall/seawall/internal/guard/policy"
)

// passed lets a text through that was stopped for what was found in it, where
// the operator said so for this conversation. The policy is asked again, with
// that approval: what any other rule stops stays stopped. lifts tells that an
// approval would let it through.
func (g *Guard) passed(t Text, f findings, stopped Decision) (d Decision, lifts, passes bool) {
	in := t.input(f)
	in.Approved = true
	if d = g.decide(in); d.Verdict >= policy.Ask {
		return stopped, false, false
	}
	id, ok := g.Operator.Pass(t.exact(), g.clean(t.Agent), t.Conversation)
	if !ok {
		return stopped, true, false
	}
	d.Policy = append(d.Policy, "passed")
	d.Why, d.german = fmt.Sprintf("you let #%d pass once", id), ""
	return d, true, true
}

// exact names the text that the operator lets through, in hex: by each of its
// bytes, but not by when it was sent.
func (t Text) exact() string {
	text := t.Text
	if t.Source == Person {
		text = bare(text)
	}
	s := sum(text)
	return hex.EncodeToString(s[:])
}

// place names where in which conversation a text stands.
func (t Text) place() string {
	return digest(t.Agent + "\x00" + t.Conversation + "\x00" + string(t.Source) + "\x00" + digest(t.Text))[:32]
}
