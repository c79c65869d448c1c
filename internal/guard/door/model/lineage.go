package model

import (
	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/openclaw"
)

// lineage keeps the files of the workspace that stand in the instructions, and finds
// the standing order whose run it is.
func (t *turn) lineage() {
	for _, p := range t.request.Parts {
		if p.Role == wire.System {
			t.past.files = append(t.past.files, t.guard.Lineage.Context(p.Text, t.Workspace)...)
		}
		if p.Index == t.past.spoken && t.Speaker.Job.ID != "" && t.guard.Order != nil {
			for _, text := range openclaw.JobTexts(t.Speaker.Job.ID, p.Text) {
				if t.Order == nil {
					t.Order = t.guard.Order(t.Speaker.Job.ID, lineage.Sum(text))
				}
			}
		}
	}
}

// ordered says whose the instructions of a scheduled job are, which stand in a part:
// the operator's, if it is a standing order or a turn made it in which there was
// nothing untrusted.
func (t *turn) ordered(p wire.Part) (origin.Label, string) {
	for _, text := range openclaw.JobTexts(t.Speaker.Job.ID, p.Text) {
		if t.Order != nil && t.Order.Sum == lineage.Sum(text) {
			return origin.Operator, text
		}
		switch labels, ok := t.guard.Lineage.Said(text, t.Speaker.Job.ID); {
		case ok && len(labels) == 0:
			return origin.Operator, text
		case ok:
			return origin.Worst(labels), p.Text
		}
	}
	return origin.Unknown, p.Text
}

// descended gives what was read out of files the origins of who wrote them, and adds
// the files of the workspace that the instructions hold.
func (t *turn) descended(parts []origin.Part) []origin.Part {
	for i := range parts {
		p := &parts[i]
		if p.Tool == "" || p.Model {
			continue
		}
		switch labels, vouched := t.guard.Lineage.Result(p.Tool, p.Args, p.Text, t.Workspace); {
		case vouched:
			p.Label = origin.Vouched
		case len(labels) > 0:
			p.Label = origin.Worst(append(labels, p.Label))
		}
	}
	for _, f := range t.past.files {
		p := origin.Part{Label: origin.Unknown, Text: f.Text, Before: true}
		if len(f.Labels) > 0 {
			p.Label, p.Before = origin.Worst(f.Labels), false
		}
		parts = append(parts, p)
	}
	return parts
}
