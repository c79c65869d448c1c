package openclaw

import (
	"slices"
	"strings"
)

// OpenClaw cuts reasoning out of the text of chat completions: <think>…</think>
// and tags like it (packages/markdown-core/src/reasoning-tag-parser.ts). What
// stands behind such a tag may then be the beginning of the text, whatever stood
// in front. Which tags count depends on Markdown, on what other fields say and
// on where a stream is cut, so that every one is taken to be able to.

var reasoningTags = []string{
	"think", "thinking", "thought", "reasoning", "internal", "antthinking",
	"antml:think", "antml:thinking", "antml:thought", "antml:reasoning",
	"mm:think", "mm:thinking", "mm:thought", "mm:reasoning",
}

// ReasoningTags finds the ends of reasoning tags in a text as it comes. The zero
// value is at the beginning of a text. It holds few: another can begin within one
// only in its quotes.
type ReasoningTags struct {
	begun []reasoningTag
}

type reasoningTag struct {
	inside bool   // it began within something that was held
	name   []byte // so far
	slash  bool
	named  bool // the name is complete
	quote  rune
}

// Next reads a character; true when a tag ends with it. inside says whether the
// text before it is held.
func (t *ReasoningTags) Next(r rune, inside bool) bool {
	ends := false
	left := t.begun[:0]
	for _, tag := range t.begun {
		if tag.goesOn(r, &ends) {
			tag.read(r)
			left = append(left, tag)
		}
	}
	t.begun = left
	if r == '<' {
		t.begun = append(t.begun, reasoningTag{inside: inside})
	}
	return ends
}

// Inside reports whether a tag is begun that began within something held: it
// may yet cut it in two.
func (t *ReasoningTags) Inside() bool {
	return slices.ContainsFunc(t.begun, func(tag reasoningTag) bool { return tag.inside })
}

// Idle reports whether no tag is begun.
func (t *ReasoningTags) Idle() bool { return len(t.begun) == 0 }

// goesOn reports whether a tag that was begun goes on behind r.
func (tag *reasoningTag) goesOn(r rune, ends *bool) bool {
	switch {
	case tag.named && tag.quote != 0:
		return true
	case tag.named && r == '>':
		*ends = true
		return false
	case tag.named:
		return r != '<'
	case r == '/' && len(tag.name) == 0 && !tag.slash, IsSpace(r) && len(tag.name) == 0:
		return true
	case isTagRune(r):
		return isReasoning(string(tag.name)+string(fold(r)), true)
	case r == '>' && isReasoning(string(tag.name), false):
		*ends = true
		return false
	}
	return (IsSpace(r) || r == '/') && isReasoning(string(tag.name), false)
}

// read takes up a character of a tag that goes on.
func (tag *reasoningTag) read(r rune) {
	switch {
	case tag.quote != 0:
		if r == tag.quote {
			tag.quote = 0
		}
	case tag.named:
		if r == '"' || r == '\'' {
			tag.quote = r
		}
	case isTagRune(r):
		tag.name = append(tag.name, byte(fold(r)))
	case len(tag.name) > 0:
		tag.named = true
	case r == '/':
		tag.slash = true
	}
}

func isTagRune(r rune) bool {
	return r == ':' || r < 0x80 && isNameByte(byte(r)) && r != '-' && r != '_'
}

func isReasoning(name string, prefix bool) bool {
	return slices.ContainsFunc(reasoningTags, func(n string) bool {
		return n == name || prefix && strings.HasPrefix(n, name)
	})
}

// Outside tells that nothing is held any more.
func (t *ReasoningTags) Outside() {
	for i := range t.begun {
		t.begun[i].inside = false
	}
}
