// Package why explains a decision that stands in the record: which policies
// decided, what they saw, and what would have allowed it.
//
//	row ──▶ what the policy saw ──▶ today's policy ──▶ Explanation
//	                                 └ with one line more ──▶ what else it lets through
//
// It reads the record and changes nothing but local.cedar, wrong.json and the
// cases, where the operator says so.
package why

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Explanation is what is known of one decision.
type Explanation struct {
	// Row is that of the decision; of an event or of what was never decided, the
	// row that was asked for.
	Row ledger.Row `json:"row"`
	// Said is one sentence for what no policy decided about.
	Said string `json:"said,omitempty"`
	// Policies decided, as they stand in the policy now. One that is gone has no
	// text.
	Policies []policy.Rule `json:"policies,omitempty"`
	// Kept tells that the row holds all that the policy saw.
	Kept bool `json:"kept"`
	// Changed tells that the policy is another by now, and Today what it would
	// decide.
	Changed bool   `json:"policy_changed"`
	Today   *Today `json:"today,omitempty"`
	// Allowing are the ways in which it would have been allowed, in sentences.
	Allowing []string `json:"allowing,omitempty"`
	// Line is the smallest piece of policy that would allow it, and NoLine why
	// there is none.
	Line   string `json:"line,omitempty"`
	NoLine string `json:"no_line,omitempty"`
}

// Today is what the policy that is in force now says.
type Today struct {
	Version  string   `json:"version"`
	Decision string   `json:"decision"`
	Policies []string `json:"policies,omitempty"`
	Why      string   `json:"why,omitempty"`
}

// Of explains the decision that a row belongs to. rules is the policy now; nil
// when it cannot be used.
func Of(ctx context.Context, record *ledger.Reader, rules *policy.Policy, id int64) (Explanation, error) {
	rows, err := record.Action(ctx, id)
	if err != nil {
		return Explanation{}, err
	}
	i := slices.IndexFunc(rows, func(r ledger.Row) bool { return r.Kind == ledger.Decided })
	if i < 0 {
		return undecided(rows[0]), nil
	}
	x := Explanation{Row: rows[i]}
	x.policies(rules)
	x.Said = spoken(x.Row)
	x.judge(rules)
	return x, nil
}

// undecided tells of a row that is no decision.
func undecided(r ledger.Row) Explanation {
	x := Explanation{Row: r}
	switch {
	case r.Kind == ledger.Event && r.Pruned > 0:
		x.Said = "Seawall removed old rows from the record: " + r.Why
	case r.Kind == ledger.Event:
		x.Said = "Nothing was decided here. It is a note of Seawall's own: " + r.Why
	case r.Kind == ledger.Asked:
		x.Said = "Nothing was decided about it, and so it was not handed on: Seawall ended before, or the record could not be written."
	default:
		x.Said = "The row of the decision is no longer in the record."
	}
	return x
}

// spoken says in a sentence what no policy decided.
func spoken(r ledger.Row) string {
	switch {
	case slices.Contains(r.Policy, guard.NoTicket):
		return "OpenClaw was about to run this call, and Seawall had never let it through: " + r.Why
	case slices.Contains(r.Policy, guard.Frozen):
		return "You had frozen the agent, and then nothing is allowed, whatever it is."
	case slices.Contains(r.Policy, guard.Refused):
		return "It needs approval, and you said no to exactly this."
	case r.Act == guard.Halting:
		return "A limit of yours was reached, so the model was not asked: " + r.Why
	case r.Act == "side":
		return "It carries no conversation, so there was nothing to judge."
	case slices.Contains(r.Policy, "policy-error"):
		return "A rule could not be evaluated, and what cannot be judged is denied."
	case slices.Contains(r.Policy, "no-permit"):
		return "No rule permits it, and what nothing permits is denied."
	case len(r.Policy) == 0 && r.Decision == "allow":
		return "No rule forbids it."
	}
	return ""
}

// policies finds the text of those that decided.
func (x *Explanation) policies(rules *policy.Policy) {
	if rules != nil {
		x.Changed = x.Row.Version != "" && x.Row.Version != rules.Version()
	}
	for _, name := range x.Row.Policy {
		r, ok := policy.Rule{Name: name}, false
		if rules != nil {
			r, ok = rules.Rule(name)
		}
		if !ok {
			r = policy.Rule{Name: name, Decision: x.Row.Decision, Reason: x.Row.Why}
		}
		if !slices.ContainsFunc(x.Policies, func(o policy.Rule) bool { return o.Name == name }) {
			x.Policies = append(x.Policies, r)
		}
	}
}

// judge decides again what the row tells of, and says what would have allowed it.
func (x *Explanation) judge(rules *policy.Policy) {
	var in policy.Input
	in, x.Kept = guard.Recorded(x.Row)
	if x.Kept && rules != nil && x.ruled() {
		d := rules.Decide(in)
		x.Today = &Today{Version: rules.Version(), Decision: outcome(in, d)}
		for i, r := range d.Reasons {
			x.Today.Policies = append(x.Today.Policies, r.Policy)
			if i == 0 {
				x.Today.Why = r.Text
			}
		}
	}
	if x.Row.Decision == "allow" {
		return
	}
	x.Allowing = x.allowing()
	switch {
	case !x.ruled():
	case rules == nil:
		x.NoLine = "the policy cannot be used as it stands: `seawall policy check` says why"
	case x.Row.Act == string(policy.Call) && !x.Kept:
		x.NoLine = "the record does not hold all that the policy saw"
	case x.Today != nil && x.Today.Decision == "allow":
		x.NoLine = "it is let through by now"
	default:
		var err error
		if x.Line, err = rules.Line(x.name(), in); err != nil {
			x.NoLine = err.Error()
		}
	}
}

// name is what the exception for a row is called.
func (x *Explanation) name() string { return fmt.Sprintf("allow-%d", x.Row.ID) }

// ruled reports whether it was the policy that decided.
func (x *Explanation) ruled() bool {
	return x.Row.Act != "side" && x.Row.Act != guard.Halting && !slices.Contains(x.Row.Policy, guard.NoTicket) && !slices.Contains(x.Row.Policy, guard.Frozen)
}

// outcome is a decision in the words of a row: a call cannot run with a hole in
// it.
func outcome(in policy.Input, d policy.Decision) string {
	if in.Act == policy.Call && d.Verdict == policy.Redact {
		return policy.Deny.String()
	}
	return d.Verdict.String()
}

// allowing says what would have let it through beside a line of the policy.
func (x *Explanation) allowing() (ways []string) {
	r := x.Row
	say := func(format string, args ...any) { ways = append(ways, fmt.Sprintf(format, args...)) }
	switch {
	case slices.Contains(r.Policy, guard.NoTicket):
		say("A model call that passes Seawall's door: the tool calls in its answer are judged there and can then run. `seawall status` says what goes past it.")
		return ways
	case slices.Contains(r.Policy, guard.Frozen):
		say("`seawall thaw`, and then the same again.")
		return ways
	case r.Act == guard.Halting:
		say("`seawall limits set`, and then the same again.")
		return ways
	case r.Act == "read" && r.Decision == "deny":
		say("`seawall pass %d` lets exactly this text through once.", r.ID)
	case r.Act == "call" && (r.Decision == "ask" || slices.Contains(r.Policy, guard.Refused)):
		say("A yes of yours to exactly this: `seawall approve` lists the question, for a day.")
	case r.Decision == "redact":
		say("Nothing was stopped: it went on without the secrets.")
	case slices.Contains(r.Policy, "placeholder"):
		say("The same into a file of the workspace: there the secret is put back in.")
	case r.Act == "call" && r.Effects != nil && len(r.Effects.Dangers) > 0:
		say("The same call without this: %s.", strings.Join(dangers(r.Effects), "; "))
	}
	if len(Wrongs(r)) > 0 {
		say("If the detector is wrong: `seawall why %d --wrong`, and it never finds that in exactly this content again.", r.ID)
	}
	return ways
}

// dangers names those of a call with the pieces that show them.
func dangers(e *ledger.Effects) (out []string) {
	for _, d := range e.Dangers {
		if piece := e.Evidence[d]; piece != "" {
			d += " (" + piece + ")"
		}
		out = append(out, d)
	}
	return out
}
