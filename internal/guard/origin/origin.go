// Package origin says where the values of a tool call come from: the operator's
// own words, or something that others could have written.
//
//	conversation ─▶ Conversation.Of(call) ─▶ Found (decided, private, origins)
//
// It assumes that the model does whatever an attacker says. Evidence for the
// operator is strict: a whole and specific value, in his own words, in the role
// that the call gives it, and the call is one that he asked for. Where his words
// name a record of a tool ("the participants of the kick-off"), a value may come
// out of a field of that record, never out of running text. Evidence against is
// lenient: pieces and other writings of a value count, and what is found nowhere
// may come from all that is untrusted in the conversation.
package origin

import (
	"crypto/sha256"
	"slices"

	"github.com/openseawall/seawall/internal/effect"
)

// Label says whose words a text is: one of these, or the class of the tool that
// brought it (effect.Class).
type Label string

const (
	Operator Label = "operator" // his own words
	Vouched  Label = "vouched"  // what he vouched for
	System   Label = "system"   // instructions of the agent's maker
	Quoted   Label = "quoted"   // what he pasted or forwarded
	Person   Label = "person"   // somebody else
	Unknown  Label = "unknown"
)

// order is the labels from the most to the least trusted.
var order = []Label{Operator, Vouched, System, Quoted, Label(effect.FromContacts), Label(effect.FromCalendar), Label(effect.FromFiles), Label(effect.FromMemory),
	Label(effect.FromCommands), Label(effect.FromOther), Label(effect.FromChat), Label(effect.FromMail), Label(effect.FromWeb), Person, Unknown}

// trusted reports whether what comes from there decides like the operator.
func (l Label) trusted() bool { return l == Operator || l == Vouched || l == System }

// Part is one piece of a conversation, in its order.
type Part struct {
	Label Label
	Text  string
	Sum   [sha256.Size]byte // of Text; the zero value is not known
	// Model says that the model wrote it: its words and calls are made of all that
	// came before, and so are no evidence.
	Model bool
	// Marked tells that a detector found an attack in it.
	Marked bool
	// Before tells that nobody known wrote it, and that it was there before: only a
	// value that stands in it comes from it.
	Before bool
	// Of the result of a call: the tool, its arguments, where its results come from,
	// and whether these are for the operator's eyes only.
	Tool    string
	Args    string
	Schema  effect.Schema
	Class   effect.Class
	Private bool
}

// Call is a tool call whose values are looked for.
type Call struct {
	Tool      string
	Command   string       // of a shell, what it runs
	Class     effect.Class // what its tool is about
	Arguments []effect.Argument
	Kinds     []effect.Kind
}

// Found is what is known of a call's values.
type Found struct {
	// Decided tells that the operator decided the call: all its decisive values are
	// his own or trusted, and he asked for a call of this kind.
	Decided bool
	// Private are the private sources whose content may go along, and Named tells
	// that the operator named all of it.
	Private []effect.Class
	Named   bool
	// Link tells that all it does is to fetch links as they stand in what was read.
	Link    bool
	Origins map[string][]Label // of each decisive value, by the path of its argument
	Labels  []Label            // all of them, the most trusted first
	Why     string             // the first thing that speaks against it, or ""
}

// Conversation is what a model has read when it makes a call. It is not changed
// by being asked, and is for one goroutine.
type Conversation struct {
	parts     []Part
	said      []*message // the operator's messages
	untrusted []Label    // what else stands in it
	before    []Part     // see Part.Before
	workspace string
	results   []result
	cache     *Cache
}

// New returns the conversation of some parts. Its cache, which may be nil, keeps
// what was read out of parts that come again. workspace is the folder that
// relative paths start from, or "".
func New(parts []Part, workspace string, cache *Cache) *Conversation {
	c := &Conversation{parts: parts, workspace: workspace, cache: cache, results: make([]result, 0, len(parts))}
	for _, p := range parts {
		switch {
		case p.Model:
		case p.Before:
			c.before = append(c.before, p)
		case p.Label == Operator:
			m := c.cache.message(p)
			c.said = append(c.said, m)
			if len(m.quoted) > 0 {
				c.note(Quoted)
			}
		case p.Tool != "":
			c.results = append(c.results, result{Part: p})
			c.note(p.Label)
		case !p.Label.trusted():
			c.note(p.Label)
		}
	}
	slices.SortFunc(c.untrusted, byTrust)
	return c
}

func (c *Conversation) note(l Label) {
	if !l.trusted() && !slices.Contains(c.untrusted, l) {
		c.untrusted = append(c.untrusted, l)
	}
}

// Untrusted is the join of what stands in it that does not decide like the operator:
// what the model writes is made of that. Of a conversation that nobody saw it is
// unknown.
func (c *Conversation) Untrusted() []Label {
	if c == nil {
		return []Label{Unknown}
	}
	return slices.Clone(c.untrusted)
}

// Worst is the least trusted of some labels, "" of none.
func Worst(labels []Label) (worst Label) {
	for i, l := range labels {
		if !slices.Contains(order, l) {
			l = Unknown
		}
		if i == 0 || byTrust(worst, l) < 0 {
			worst = l
		}
	}
	return worst
}

func byTrust(a, b Label) int { return slices.Index(order, a) - slices.Index(order, b) }

// Of says where the values of a call come from.
func (c *Conversation) Of(call Call) Found {
	if c == nil {
		return unseen(call)
	}
	f := Found{Decided: true, Origins: map[string][]Label{}}
	j := judgement{Conversation: c, Call: call, request: c.request()}
	bare := !slices.ContainsFunc(call.Arguments, func(a effect.Argument) bool { return a.Kind.Decides() && a.Kind != effect.Act })
	for _, a := range call.Arguments {
		switch {
		case a.Kind == effect.Act: // see asked
		case a.Kind.Decides():
			f.add(a, j.value(a))
		case a.Kind == effect.Content && bare && slices.ContainsFunc(call.Kinds, opens):
			if a.Kind = effect.Object; !j.ownWords(a.Value) { // a password, a schedule, a rule
				f.add(a, j.value(a))
			}
		case a.Kind == effect.Content:
			f.add(a, j.carried(a))
		}
	}
	if len(c.untrusted) > 0 && !j.asked() {
		f.unasked(call, c.untrusted)
	}
	f.Private, f.Named = j.private()
	f.Link = j.fetched
	slices.SortFunc(f.Labels, byTrust)
	return f
}

// unseen is what is known of a call without its conversation.
func unseen(call Call) Found {
	f := Found{Origins: map[string][]Label{}, Labels: []Label{Unknown}, Why: "nobody saw the conversation"}
	for _, a := range call.Arguments {
		if a.Kind.Decides() {
			f.Origins[a.Path] = []Label{Unknown}
		}
	}
	return f
}

// verdict is what is known of one value.
type verdict struct {
	labels []Label
	why    string // against it; "" where the operator decided it
}

// own is a value that the operator decided.
func own(l Label) verdict { return verdict{labels: []Label{l}} }

func (f *Found) add(a effect.Argument, v verdict) {
	if len(v.labels) == 0 {
		return
	}
	if v.why != "" {
		f.Decided = false
		if f.Why == "" {
			f.Why = v.why
		}
	}
	for _, l := range v.labels {
		if !slices.Contains(f.Origins[a.Path], l) {
			f.Origins[a.Path] = append(f.Origins[a.Path], l)
		}
		if !slices.Contains(f.Labels, l) {
			f.Labels = append(f.Labels, l)
		}
	}
}

func opens(k effect.Kind) bool { return k == effect.Widen || k == effect.Guard }

// unasked notes that the operator did not ask for such a call: whoever did is to be
// read of the call itself, where none of its values says it.
func (f *Found) unasked(call Call, by []Label) {
	at := effect.Argument{Path: call.Tool}
	if f.add(at, verdict{by, "you did not ask for it"}); len(f.Origins) > 1 {
		delete(f.Origins, call.Tool)
	}
}
