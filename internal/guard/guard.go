// Package guard decides what the agent may do, whichever door asks: the one
// place where an action meets its effects, the detectors, the policy and the
// record.
//
//	call of the model ─▶ Action ─▶ effect ─┐
//	text, either way  ────────▶ detect ────┴▶ policy ─▶ ledger ─▶ Decision
package guard

import (
	"context"
	"crypto/sha256"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Recorder keeps a row and returns its ID once it cannot be lost.
type Recorder interface {
	Append(ctx context.Context, row ledger.Row) (int64, error)
}

// Decider is the policy in force.
type Decider interface {
	Decide(policy.Input) policy.Decision
	Version() string
}

// Turn says in which conversation something happens. Its fields are what the
// wire says, and so claims, not proof.
type Turn struct {
	Door    string // "model"
	Route   string // provider
	Agent   string
	Session string
	Trace   string // W3C trace id of the run
}

// Decision is the answer to one action or text.
type Decision struct {
	Verdict policy.Verdict
	Policy  []string // names of the policies that decided
	Why     string   // one sentence, without the full stop
	ID      int64    // of its row in the record; 0 when it has none
	Unkept  bool     // it is deny because the record could not be kept
}

// Guard decides. It is safe for concurrent use.
type Guard struct {
	policy Decider
	record Recorder
	// markKey turns a secret into its mark; it stays the same over restarts.
	markKey []byte
	known   atomic.Pointer[detect.Known]
	// found holds what the detectors said of a text, and recorded the texts
	// whose decision stands in the record: the whole conversation comes again
	// with every turn. A decision is never kept.
	found    *lru.Cache[textKey, findings]
	recorded *lru.Cache[rowKey, int64]
	counts   [policy.Deny + 1]atomic.Int64
	problem  atomic.Pointer[string]
}

// Texts that are remembered: a conversation has hundreds of parts, a machine a
// few conversations at a time.
const (
	rememberTexts     = 8192
	rememberDecisions = 8192
)

type textKey struct {
	sum    [sha256.Size]byte
	source Source
}

// rowKey is what makes one row enough for a text that comes again: another
// conversation, decision or policy is another row.
type rowKey struct {
	textKey
	agent, session string
	verdict        policy.Verdict
	version        string
}

// New returns a guard. known are this machine's own secrets, found wherever
// they appear; markKey, which is secret too, makes the marks that stand in
// their place.
func New(p Decider, r Recorder, known *detect.Known, markKey []byte) *Guard {
	g := &Guard{policy: p, record: r, markKey: markKey}
	// The error of lru.New is for a size below one.
	g.found, _ = lru.New[textKey, findings](rememberTexts)
	g.recorded, _ = lru.New[rowKey, int64](rememberDecisions)
	g.SetKnown(known)
	return g
}

// SetKnown replaces this machine's own secrets.
func (g *Guard) SetKnown(known *detect.Known) {
	g.known.Store(known)
	g.found.Purge()
}

// Counts returns how many decisions of each kind were recorded since the start.
func (g *Guard) Counts() map[string]int64 {
	counts := map[string]int64{}
	for v := policy.Allow; v <= policy.Deny; v++ {
		counts[v.String()] = g.counts[v].Load()
	}
	return counts
}

// decide asks the policy and puts its answer into a person's words.
func (g *Guard) decide(in policy.Input) Decision {
	d := g.policy.Decide(in)
	out := Decision{Verdict: d.Verdict}
	for _, r := range d.Reasons {
		out.Policy = append(out.Policy, r.Policy)
		if out.Why == "" {
			out.Why = r.Text
		}
	}
	switch {
	case d.Err != nil:
		out.Why = "the policy could not be applied, so nothing is allowed"
	case out.Why == "" && d.Verdict == policy.Deny:
		out.Why = "no policy permits it"
	case out.Why == "":
		out.Why = "nothing forbids it"
	}
	if d.Verdict == policy.Ask {
		out.Why = "it needs approval: " + out.Why
	}
	return out
}

// keep writes a decision into the record and returns it with its ID. What
// cannot be recorded is denied: no row, no action.
func (g *Guard) keep(ctx context.Context, t Turn, d Decision, row ledger.Row) Decision {
	row.Kind, row.Decision = "decided", d.Verdict.String()
	row.Policy, row.Why, row.Version = d.Policy, d.Why, g.policy.Version()
	row.Door, row.Route, row.Agent, row.Session, row.Trace = t.Door, t.Route, t.Agent, t.Session, t.Trace
	// Whoever names a tool or a session may put a secret there.
	for _, field := range []*string{&row.Tool, &row.Agent, &row.Session, &row.Trace} {
		*field = g.clean(*field)
	}
	id, err := g.record.Append(ctx, row)
	if err != nil {
		d = Decision{Verdict: policy.Deny, Unkept: true, Why: "the record cannot be kept, so nothing is allowed"}
	}
	if ctx.Err() == nil {
		g.note(err)
	}
	d.ID = id
	g.counts[d.Verdict].Add(1)
	return d
}

// note remembers whether the record can be kept.
func (g *Guard) note(err error) {
	if err == nil {
		g.problem.Store(nil)
		return
	}
	sentence := err.Error()
	g.problem.Store(&sentence)
}

// Problem is the sentence about a record that could not be kept the last time,
// or "" when it could.
func (g *Guard) Problem() string {
	if p := g.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// clean takes out of a text all that is or may be a secret.
func (g *Guard) clean(s string) string {
	return detect.Redact(s, merge(g.secrets(s), detect.Secrets(s)), detect.DefaultMark)
}
