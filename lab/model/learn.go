package model

import (
	"bytes"
	"encoding/json"
)

// learn notes what an answer in the script's own bytes gives out: signatures
// under reasoning and the items that came of it, streamed or whole.
func (s *given) learn(api API, raw []byte) {
	var l learned
	l.given, l.thinking = s, map[int]*anthropicBlock{}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		l.event(api, raw)
	}
	for line := range bytes.Lines(raw) {
		if data, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("data:")); ok {
			l.event(api, data)
		}
	}
	for _, b := range l.thinking {
		s.put(b.Signature, b.Thinking)
	}
}

// learned is what was seen of one answer.
type learned struct {
	given    *given
	thinking map[int]*anthropicBlock // by index
	before   string                  // the reasoning item that ended last
}

func (l *learned) event(api API, data []byte) {
	var e struct {
		Type  string
		Index int
		Block *anthropicBlock  `json:"content_block"`
		Whole []anthropicBlock `json:"content"`
		Delta struct{ Thinking, Signature string }

		Item     *responsesItem
		Response struct{ Output []responsesItem }
		Output   []responsesItem
	}
	if json.Unmarshal(data, &e) != nil {
		return
	}
	switch {
	case api == Anthropic:
		for i := range e.Whole {
			l.block(-1-i, &e.Whole[i])
		}
		l.block(e.Index, e.Block)
		if b := l.thinking[e.Index]; b != nil {
			b.Thinking += e.Delta.Thinking
			b.Signature += e.Delta.Signature
		}
	case e.Type == "response.output_item.done" && e.Item != nil:
		l.item(*e.Item)
	default:
		for _, it := range append(e.Output, e.Response.Output...) {
			l.item(it)
		}
	}
}

func (l *learned) block(index int, b *anthropicBlock) {
	switch {
	case b == nil:
	case b.Type == "thinking":
		l.thinking[index] = b
	case b.Type == "redacted_thinking":
		l.given.put(b.Data, "")
	}
}

func (l *learned) item(it responsesItem) {
	if it.Type == "reasoning" {
		l.before = it.ID
		if it.Encrypted != nil {
			l.given.put(*it.Encrypted, "")
		}
		return
	}
	if l.before != "" {
		l.given.follow(it.ID, l.before)
		l.before = ""
	}
}
