package model

import (
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/openclaw"
)

// talk is the conversation as the model reads it, by whose words its parts are:
// where the values of the calls come from that it makes. marked are the parts in
// which a detector found an attack.
func (t *turn) talk(tracker *origin.Tracker, marked map[int]bool) *origin.Conversation {
	t.schemas = make(map[string]effect.Schema, len(t.request.Tools))
	for _, o := range t.request.Tools {
		if effect.Known(o.Name) {
			continue // what it does is known without
		}
		t.schemas[o.Name] = effect.Schema{Name: o.Name, Description: o.Description, Parameters: slices.Clone([]byte(o.Schema))}
	}
	spoken, by := t.spoken(tracker), t.tools.Sum()
	parts := origin.Parts(t.request.Parts, func(p wire.Part) (origin.Label, string) {
		if words, ok := tracker.Vouched(t.in(), guard.Message(p.Text)); ok {
			return origin.Operator, words
		}
		switch {
		case p.Index == spoken && t.Speaker.Who == guard.Visitor:
			return origin.Person, p.Text
		case openclaw.IsRuntime(p.Text):
			return origin.System, p.Text
		}
		return origin.Unknown, p.Text
	}, func(p wire.Part) (tool, args string) { return tracker.Cache.Behind(p, by, t.behind) }, t.schemas)
	for i := range parts {
		parts[i].Marked = marked[i]
	}
	compact(parts)
	return origin.New(parts, t.Workspace, tracker.Cache)
}

// in names the conversation for what is remembered of it.
func (t *turn) in() string { return t.config + "\x00" + t.Conversation }

// spoken is the part that holds the words by which the run began, as the plugin
// vouches for them, or -1. If they are the operator's, that is remembered: the
// message comes again in later runs. What a schedule says, nobody says.
func (t *turn) spoken(tracker *origin.Tracker) int {
	for i, p := range slices.Backward(t.request.Parts) {
		if p.Role != wire.User {
			continue
		}
		if words, ok := t.Speaker.Words.In(p.Text); ok {
			if t.Speaker.Who == guard.Owner && t.Speaker.Job == (guard.Job{}) {
				tracker.Vouch(t.in(), guard.Message(p.Text), len(words))
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

// compact leaves only texts that values are looked for in.
func compact(parts []origin.Part) {
	size := 0
	for i := range parts {
		if p := &parts[i]; p.Model || p.Label == origin.System {
			p.Text = ""
		}
		size += len(parts[i].Text) + len(parts[i].Args)
	}
	if size > fewTexts {
		return
	}
	for i := range parts {
		parts[i].Text, parts[i].Args = strings.Clone(parts[i].Text), strings.Clone(parts[i].Args)
	}
}
