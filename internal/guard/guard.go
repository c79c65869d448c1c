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
	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/guard/limit"
	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Recorder keeps rows. Append returns the ID of the last once none can be lost;
// Behind does not wait, and fails when an earlier row was lost.
type Recorder interface {
	Append(ctx context.Context, rows ...ledger.Row) (int64, error)
	Behind(row ledger.Row) error
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
	// Conversation is what tells one conversation from another; "" is unknown.
	Conversation string
	// Workspace is the folder that the agent's relative paths start from; "" is
	// unknown.
	Workspace string
	// Config names the OpenClaw, by the path of its openclaw.json; "" is unknown.
	Config  string
	Speaker Speaker
	// Talk is the conversation in which it happens; nil is not known.
	Talk *origin.Conversation
	// Order is the standing order whose run it is, or nil.
	Order *operator.Order
}

// Decision is the answer to one action or text.
type Decision struct {
	Verdict policy.Verdict
	Policy  []string // names of the policies that decided
	Why     string   // one sentence, without the full stop
	ID      int64    // of its row in the record; 0 when it has none
	Unkept  bool     // it is deny because the record could not be kept
	// Restore tells that an allowed call was judged, and has to be handed on, with
	// its secrets put back (see Restore).
	Restore bool
	// Of a call: how bad it could get, and where each of its decisive values comes
	// from.
	Risk    effect.Risk
	Origins map[string][]string
	// Question is the number under which a person was asked, of an ask; 0 when
	// nobody was.
	Question int64

	german string // Why in German, where the policy has it
	back   string // the command that leads to a proven OpenClaw
	what   string // a call that was stopped, in a few words
}

// What is decided without a rule, in the words of a person.
const (
	unkept        = "the record cannot be kept, so nothing is allowed"
	unruled       = "the rules could not be applied, so nothing is allowed"
	unpermitted   = "no rule permits it"
	unforbidden   = "nothing forbids it"
	needsApproval = "it needs approval"
	denied        = "you said no to it"
)

// Operator is what the operator has settled while the doors are open; see
// package operator, whose Desk is one. It is safe for concurrent use.
type Operator interface {
	Language() operator.Language
	// Pass reports whether a text, by its SHA-256 in hex, may pass in a
	// conversation, and by which row's number it was let through.
	Pass(text, agent, conversation string) (id int64, ok bool)
	// Said returns the notice that was said in a place before, or says it.
	Said(place string, say func() string) string
	// Wrong are the contents in which a detector was wrong. It is not changed.
	Wrong() map[operator.Content]bool
	// Settled is what a tool does of which its name does not say it, or nil.
	Settled(tool string) []effect.Kind
	// Frozen is the freeze in force, or nil.
	Frozen() *operator.Frozen
	// OnFreeze calls f once there is one, until stop is called.
	OnFreeze(f func()) (stop func())
}

// nobody has settled anything.
type nobody struct{}

func (nobody) Language() operator.Language             { return operator.English }
func (nobody) Pass(_, _, _ string) (int64, bool)       { return 0, false }
func (nobody) Said(_ string, say func() string) string { return say() }
func (nobody) Wrong() map[operator.Content]bool        { return nil }
func (nobody) Settled(string) []effect.Kind            { return nil }
func (nobody) Frozen() *operator.Frozen                { return nil }
func (nobody) OnFreeze(func()) (stop func())           { return func() {} }

// Guard decides. It is safe for concurrent use.
type Guard struct {
	// Operator is set before the guard is used; New's has settled nothing.
	Operator Operator
	// Approvals is where a person is asked. It is set before the guard is used;
	// nil asks nobody, and what would ask is denied.
	Approvals *approval.Desk
	// Unproven says of an OpenClaw, by the path of its config, why it is not proven
	// that its calls pass Seawall as they must; nil when nothing speaks against it.
	// It is set before the guard is used, and safe for concurrent use.
	Unproven func(config string) *Unproven

	// Lineage is of what the agent's files, jobs and messages to itself were made. It
	// is set before the guard is used; nil knows nothing and keeps nothing.
	Lineage *lineage.Book
	// Order finds the standing order that a job is, by OpenClaw's id and the hash of
	// its text. It is set before the guard is used; nil has none.
	Order func(job, text string) *operator.Order
	// Limits count what is used. It is set before the guard is used; nil has none.
	Limits *limit.Book
	// Observes tells whether what would ask is only recorded. It is set before the
	// guard is used, and safe for concurrent use; nil never does.
	Observes func() bool

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
	out      *lru.Cache[callKey, ledger.Row] // calls that were let through, until their results come
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
	before [sha256.Size]byte // of a border, the text before it: see Join
	source Source
	edition
}

// edition is with what a text was read: another finds other things in it.
type edition struct {
	known  *detect.Known
	policy string // its version
}

// rowKey is what makes one row enough for a text that comes again: another
// conversation, decision or policy is another row.
type rowKey struct {
	sum            [sha256.Size]byte
	source         Source
	policy         string
	agent, session string
	verdict        policy.Verdict
	run            string // whose use of a pass it is; "" for all others
}

// New returns a guard. known are this machine's own secrets, found wherever
// they appear; markKey, which is secret too, makes the marks that stand in
// their place.
func New(p Decider, r Recorder, known *detect.Known, markKey []byte) *Guard {
	g := &Guard{Operator: nobody{}, Unproven: func(string) *Unproven { return nil }, policy: p, record: r, markKey: markKey}
	// The error of lru.New is for a size below one.
	g.found, _ = lru.New[textKey, findings](rememberTexts)
	g.recorded, _ = lru.New[rowKey, int64](rememberDecisions)
	g.out, _ = lru.New[callKey, ledger.Row](rememberCalls)
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
			out.Why, out.german = r.Text, r.German
		}
	}
	switch {
	case d.Err != nil:
		out.Why, out.german = unruled, ""
	case out.Why == "" && d.Verdict == policy.Deny:
		out.Why = unpermitted
	case out.Why == "":
		out.Why = unforbidden
	}
	if d.Verdict == policy.Ask {
		out.Why = needsApproval + ": " + out.Why
		if out.german != "" {
			out.german = languages[operator.German].translated(needsApproval) + ": " + out.german
		}
	}
	return out
}

// keep writes a decision into the record and returns it with its ID. What
// cannot be recorded is denied: no row, no action.
func (g *Guard) keep(ctx context.Context, t Turn, d Decision, row ledger.Row) Decision {
	row = g.fill(t, d, row)
	id, err := g.write(ctx, d.Verdict, row)
	if err != nil {
		d = Decision{Verdict: policy.Deny, Unkept: true, Why: unkept, Risk: d.Risk, Origins: d.Origins, what: d.what}
	}
	if ctx.Err() == nil {
		g.note(err)
	}
	d.ID = id
	g.counts[d.Verdict].Add(1)
	return d
}

// fill completes the row of a decision.
func (g *Guard) fill(t Turn, d Decision, row ledger.Row) ledger.Row {
	row.Kind, row.Decision = "decided", d.Verdict.String()
	row.Policy, row.Why, row.Version = d.Policy, d.Why, g.policy.Version()
	row.Door, row.Route, row.Agent, row.Session, row.Trace = t.Door, t.Route, t.Agent, t.Session, t.Trace
	row.Speaker, row.Channel, row.Sender = string(t.Speaker.Who), t.Speaker.Channel, t.Speaker.Sender
	// Whoever names a tool or a session may put a secret there.
	for _, field := range []*string{&row.Tool, &row.Agent, &row.Session, &row.Trace, &row.Channel, &row.Sender} {
		*field = g.clean(*field)
	}
	return row
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
