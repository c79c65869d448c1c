package wire

import (
	"strings"

	"github.com/openseawall/seawall/internal/openclaw"
)

// textSource is where a text of a chat's answer stands.
type textSource uint8

const (
	fromNowhere textSource = iota
	fromContent
	fromRefusal
	fromDetails
)

// chatText is one text of a delta.
type chatText struct {
	value   value
	source  textSource
	thought bool // reasoning, which nobody runs
}

// textsOf adds the texts of a delta or message in the order in which OpenClaw
// reads them (openai-transport-params: readOpenAICompletionsReasoningBatch,
// readOpenAICompletionsContentDeltas).
func textsOf(list []chatText, d value) []chatText {
	details, thinks := detailsOf(d)
	if thinks {
		list = append(list, details...)
	}
	list = contentOf(list, d.get("content"))
	if r := d.get("refusal"); r.kind() == '"' {
		list = append(list, chatText{value: r, source: fromRefusal})
	}
	if !thinks {
		list = append(list, details...)
	}
	return list
}

// detailsOf are the texts of reasoning_details, of which some providers show
// some to the person; thinks tells that there is reasoning.
func detailsOf(d value) (texts []chatText, thinks bool) {
	for p := d.get("reasoning_details").items(); p.ok(); p = p.next() {
		t := chatText{value: p.get("text"), source: fromDetails}
		if t.value.kind() != '"' || t.value.is("") {
			continue
		}
		t.thought = strings.HasPrefix(p.get("type").str(), "reasoning.")
		thinks = thinks || t.thought
		texts = append(texts, t)
	}
	for _, name := range []string{"reasoning_content", "reasoning", "reasoning_text"} {
		if v := d.get(name); v.kind() == '"' && !v.is("") && !thinks {
			thinks = true
			texts = append(texts, chatText{value: v, source: fromDetails, thought: true})
		}
	}
	return texts, thinks
}

// contentOf adds the texts of content: a string, an object with a type, or an
// array of them.
func contentOf(list []chatText, v value) []chatText {
	switch v.kind() {
	case '"':
		return append(list, chatText{value: v, source: fromContent})
	case '[':
		for p := v.items(); p.ok(); p = p.next() {
			list = contentOf(list, p)
		}
	case '{':
		kind := strings.ToLower(v.get("type").str())
		t := chatText{source: fromContent, thought: strings.Contains(kind, "thinking") || strings.Contains(kind, "reasoning")}
		if kind == "refusal" {
			t.source = fromRefusal
		}
		list = t.within(list, v)
	}
	return list
}

// within adds the texts of a piece of content, which may stand deeper in it.
func (t chatText) within(list []chatText, v value) []chatText {
	switch v.kind() {
	case '"':
		t.value = v
		return append(list, t)
	case '[':
		for p := v.items(); p.ok(); p = p.next() {
			list = t.within(list, p)
		}
	case '{':
		for _, name := range []string{"text", "content", "thinking", "refusal"} {
			if p := v.get(name); !p.null() {
				return t.within(list, p)
			}
		}
	}
	return list
}

// readText follows the texts of a delta.
func (ch *choice) readText(e *event, d value) error {
	var few [4]chatText
	for _, t := range textsOf(few[:0], d) {
		if t.value.is("") || t.source == ch.source && !t.thought && ch.watch.skips(t.value) {
			continue
		}
		if t.thought {
			ch.watch.part()
			continue
		}
		s := t.value.str()
		if err := ch.changeSource(t.source, s); err != nil {
			return err
		}
		if err := ch.watch.read(e, t.value, s, 0); err != nil {
			return err
		}
		if ch.mixed && ch.watch.held != nil {
			return errTextTwice
		}
	}
	return nil
}

// changeSource notes where a text comes from. OpenClaw puts texts of two fields
// together in an order that depends on more than the order in which they come:
// then neither of them may hold what could become a call.
func (ch *choice) changeSource(from textSource, s string) error {
	if ch.source == from || strings.TrimFunc(s, openclaw.IsSpace) == "" {
		return nil
	}
	ch.mixed = ch.mixed || ch.source != fromNowhere
	ch.source = from
	if !ch.mixed {
		return nil
	}
	if ch.watch.held != nil || ch.watch.released {
		return errTextTwice
	}
	ch.watch.restart()
	return nil
}
