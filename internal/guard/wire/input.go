package wire

import (
	"errors"
	"fmt"
	"strings"
)

// Input is the role of a text that is worked on and not obeyed: what is to be
// embedded, moderated, drawn or spoken.
const Input Role = "input"

var errTokens = errors.New("its input is numbers of tokens, which Seawall cannot read: have the client send text")

// ParseInput reads a request that carries texts but no conversation. Every
// string in it is a part, pictures and sound aside. It keeps body and does not
// change it; the caller bounds its size. An error is one sentence.
func ParseInput(body []byte) (*Request, error) {
	t := trees.Get().(*tree)
	defer t.release()
	root, err := t.parse(body)
	if err != nil {
		return nil, fmt.Errorf("read the request body as JSON: %w", err)
	}
	if root.kind() != '{' {
		return nil, fmt.Errorf("read the request body: it is not a JSON object")
	}
	if holdsNumbers(root.get("input")) {
		return nil, fmt.Errorf("read the request body: %w", errTokens)
	}
	r := &reading{Request: &Request{body: body}}
	r.Model = root.get("model").str()
	r.inputs(root)
	r.decode()
	return r.Request, nil
}

// inputs adds every string below v.
func (r *reading) inputs(v value) {
	switch v.kind() {
	case '"':
		if s := v.raw(); strings.HasPrefix(string(s[1:min(len(s), 16)]), "data:") && isMedia(string(s[6:min(len(s), 16)])) {
			r.media(Part{Role: Input})
			return
		}
		r.part(Part{Role: Input}, v)
	case '{', '[':
		c := v.first()
		if !c.ok() && len(v.raw()) > len("{}") {
			// Not looked into when it was parsed; what stands there cannot be
			// replaced.
			r.part(Part{Role: Input, Fixed: true, Text: string(v.raw())}, value{})
		}
		for ; c.ok(); c = c.next() {
			r.inputs(c)
		}
	}
}

// isMedia reports that a data URL, behind its scheme, holds what is no text.
func isMedia(rest string) bool {
	return strings.HasPrefix(rest, "image/") || strings.HasPrefix(rest, "audio/") || strings.HasPrefix(rest, "video/")
}

// holdsNumbers reports that v is a list of numbers, or of such lists.
func holdsNumbers(v value) bool {
	for c := v.items(); c.ok(); c = c.next() {
		if c.kind() == '0' || c.kind() == '[' && holdsNumbers(c) {
			return true
		}
	}
	return false
}
