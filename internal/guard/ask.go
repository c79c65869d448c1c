package guard

import (
	"context"
	"fmt"
	"slices"

	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Names that stand in the row of a decision beside those of the policies.
const (
	Approved = "approved" // a person allowed exactly this
	Refused  = "refused"  // a person denied exactly this
)

// needed is what a decision that needs a person becomes: what a person has said
// about exactly this, or the question that is to be asked; nil when no answer
// could allow it. The policy is asked again as if it were approved: what any
// other rule stops stays stopped.
func (g *Guard) needed(a Action, in policy.Input, d Decision, row ledger.Row) (Decision, *ledger.Approval, *approval.Question) {
	sum, err := approval.Sum(a.Tool, a.Args)
	if g.Approvals == nil || err != nil {
		return d, nil, nil
	}
	in.Approved = true
	lifted := g.decide(in)
	lifted.Risk, lifted.Origins = d.Risk, d.Origins
	if lifted.Verdict != policy.Allow {
		return d, nil, nil
	}
	row = g.fill(a.Turn, d, row)
	q := approval.Question{Action: g.bound(a, sum, row), Args: row.Detail, Row: row, Reversible: in.Effects.Reversible()}
	said, ok := g.Approvals.Answered(q)
	switch {
	case !ok:
		return d, nil, &q
	case !said.Answer.Allow:
		return d.refused(said), said.Approval(), nil
	}
	return lifted.approved(said), said.Approval(), nil
}

// bound is what an answer is bound to.
func (g *Guard) bound(a Action, sum string, row ledger.Row) approval.Action {
	b := approval.Action{
		Sum: sum, Config: a.Config, Agent: row.Agent, Session: a.Conversation, Job: a.Speaker.Job.Instructions,
		Who: row.Speaker, Channel: row.Channel, Sender: row.Sender, Risk: approval.Risk(row),
	}
	if b.Session == "" {
		b.Session = row.Session
	}
	if job := a.Speaker.Job.ID; job != "" {
		b.Session = job
	}
	return b
}

func (d Decision) approved(q approval.Question) Decision {
	d.Policy = append(slices.Clone(d.Policy), Approved)
	d.Why, d.german = fmt.Sprintf("%s allowed it as question %d", by(q), q.N), ""
	return d
}

func (d Decision) refused(q approval.Question) Decision {
	d.Verdict, d.Policy = policy.Deny, append(slices.Clone(d.Policy), Refused)
	d.Why, d.german = denied, languages[operator.German].translated(denied)
	d.what = ""
	return d
}

// by is who answered a question.
func by(q approval.Question) string {
	if q.Answer.By == "" {
		return "you"
	}
	return q.Answer.By
}

// ask lists a question about a decision that stands in the record, and returns
// the decision with its number. Where nobody can be asked it says why.
func (g *Guard) ask(d Decision, q *approval.Question, args string) Decision {
	if q == nil || d.Verdict != policy.Ask {
		return d
	}
	// The row holds only its beginning.
	q.Row.ID, q.Row.Detail, q.Args = d.ID, "", args
	n, err := g.Approvals.Ask(*q)
	if err != nil {
		d.Why, d.german = "it needs approval, and you cannot be asked: "+err.Error(), ""
		return d
	}
	d.Question = n
	return d
}

// Await waits until somebody has answered the question that was asked about a
// call, or the context ends, and decides about the call with the answer. The call
// is a as the door that waits sees it.
func (g *Guard) Await(ctx context.Context, a Action, n int64) Decision {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer g.Operator.OnFreeze(stop)()
	q, ok := g.Approvals.Wait(ctx, n)
	for ok && q.Answer != nil && q.Answer.Allow && ctx.Err() == nil {
		taken, did := g.Approvals.Take(n)
		if did {
			return g.allow(ctx, a, taken)
		}
		// Another call of the same kind was first: this one asks for itself.
		again, err := g.Approvals.Ask(q)
		if err != nil {
			break
		}
		n = again
		q, ok = g.Approvals.Wait(ctx, n)
	}
	in, _ := Recorded(q.Row)
	d := Decision{Verdict: policy.Ask, Question: n, Policy: q.Row.Policy, Why: q.Row.Why, what: summary(a.Tool, in.Effects)}
	if halted, is := g.halt(); is {
		d.Verdict, d.Policy, d.Why, d.Question = halted.Verdict, halted.Policy, halted.Why, 0
	} else if ok && q.Answer != nil && !q.Answer.Allow {
		d = d.refused(q)
	}
	return g.waited(context.WithoutCancel(ctx), a, d, q)
}

// allow decides about a call that somebody has just allowed: by the policy as it
// is now, which may have become stricter.
func (g *Guard) allow(ctx context.Context, a Action, q approval.Question) Decision {
	in, _ := Recorded(q.Row)
	in.Approved, in.Unproven = true, g.Unproven(a.Config) != nil
	d, halted := g.halt()
	if !halted {
		d = g.decide(in)
	}
	if d.Verdict == policy.Allow {
		d = d.approved(q)
	} else {
		d.Verdict, d.what = policy.Deny, summary(a.Tool, in.Effects)
	}
	d = g.waited(ctx, a, d, q)
	if d.Verdict == policy.Allow {
		g.await(a, d.ID)
		g.tally(a, in.Effects)
	}
	return d
}

// waited records what became of a call that waited for an answer.
func (g *Guard) waited(ctx context.Context, a Action, d Decision, q approval.Question) Decision {
	return g.keep(ctx, a.Turn, d, ledger.Row{
		Act: string(policy.Call), Tool: a.Tool, Action: exactly(a), Detail: g.clean(unescaped(a.Args)),
		Effects: q.Row.Effects, Seen: seenApproved(q.Row.Seen, d), Origins: q.Row.Origins, Approval: q.Approval(),
	})
}

// seenApproved is what the policy saw, of which an approval is a part.
func seenApproved(seen *ledger.Seen, d Decision) *ledger.Seen {
	if seen == nil || d.Verdict != policy.Allow {
		return seen
	}
	approved := *seen
	approved.Approved = true
	return &approved
}
