package model

import (
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/openclaw"
)

// past is what is kept of a conversation while its answer comes, which may take
// long: all that calls are judged by, should there be any.
type past struct {
	parts   []wire.Part              // but those that no value is looked for in
	marked  map[int]bool             // in which a detector found an attack, by their index
	spoken  int                      // the part with the words by which the run began, or -1
	schemas map[string]effect.Schema // of the tools that are offered
	files   []lineage.Piece          // of the workspace, in the instructions
}

// hear keeps what calls are judged by. marked are the parts in which a detector
// found an attack.
func (t *turn) hear(marked map[int]bool) {
	t.past = past{parts: compact(t.request.Parts), marked: marked, spoken: t.spoken(), schemas: map[string]effect.Schema{}}
	t.lineage()
	for _, o := range t.request.Tools {
		if effect.Known(o.Name) {
			continue // what it does is known without
		}
		t.past.schemas[o.Name] = effect.Schema{Name: o.Name, Description: o.Description, Parameters: slices.Clone([]byte(o.Schema))}
	}
}

// here is the turn with the conversation as the model reads it, by whose words its
// parts are: where the values of the calls come from that it makes. Most answers
// make none: it is worked out for the first one.
func (t *turn) here() guard.Turn {
	if t.Talk == nil {
		t.Talk = t.talk()
	}
	return t.Turn
}

func (t *turn) talk() *origin.Conversation {
	by, cache := t.tools.Sum(), t.origins.Cache
	parts := origin.Parts(t.past.parts, t.whose, func(p wire.Part) (tool, args string) { return cache.Behind(p, by, t.behind) }, t.past.schemas)
	for i, p := range t.past.parts {
		parts[i].Marked = t.past.marked[p.Index]
	}
	parts = t.descended(parts)
	return origin.New(parts, t.Workspace, cache)
}

// whose says of a user's part whose it is, and what of it are his words.
func (t *turn) whose(p wire.Part) (origin.Label, string) {
	if words, ok := t.origins.Vouched(t.in(), guard.Message(p.Text)); ok {
		return origin.Operator, words
	}
	switch {
	case p.Index == t.past.spoken && t.Speaker.Who == guard.Visitor:
		return origin.Person, p.Text
	case p.Index == t.past.spoken && t.Speaker.Job != (guard.Job{}):
		return t.ordered(p)
	case openclaw.IsRuntime(p.Text):
		return origin.System, p.Text
	}
	return origin.Unknown, p.Text
}

// in names the conversation for what is remembered of it.
func (t *turn) in() string { return t.config + "\x00" + t.Conversation }

// spoken is the part that holds the words by which the run began, as the plugin
// vouches for them, or -1. If they are the operator's, that is remembered: the
// message comes again in later runs. What a schedule says, nobody says.
func (t *turn) spoken() int {
	if t.Speaker.Words.Len == 0 {
		return -1
	}
	for i, p := range slices.Backward(t.request.Parts) {
		if p.Role != wire.User {
			continue
		}
		if words, ok := t.Speaker.Words.In(p.Text); ok {
			if t.Speaker.Who == guard.Owner && t.Speaker.Job == (guard.Job{}) {
				t.origins.Vouch(t.in(), guard.Message(p.Text), len(words))
			}
			return i
		}
	}
	return -1
}

// behind is the tool that a call of the conversation really was.
func (t *turn) behind(p wire.Part) (tool, args string) {
	calls, _ := t.tools.Unwrap(p.Tool, p.CallID, []byte(p.Text))
	inner := calls[len(calls)-1]
	return inner.Tool, string(inner.Args)
}

// fewTexts is how much of a conversation is copied, in bytes, so that an open
// answer does not keep all of its request.
const fewTexts = 256 << 10

// compact leaves only parts that values are looked for in, in memory of their own.
func compact(all []wire.Part) []wire.Part {
	parts, size := make([]wire.Part, 0, len(all)), 0
	for _, p := range all {
		if p.Role == wire.System || p.Role == wire.Assistant && !p.Call {
			continue
		}
		parts = append(parts, p)
		size += len(p.Text)
	}
	if size > fewTexts {
		return parts
	}
	var texts strings.Builder
	texts.Grow(size)
	for i, p := range parts {
		begin := texts.Len()
		texts.WriteString(p.Text)
		parts[i].Text = texts.String()[begin:]
	}
	return parts
}
