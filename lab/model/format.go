package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A format knows one wire format.
type format interface {
	// read fills in the request and says what the real service would refuse in
	// it, or "".
	read(*Request, *given) (refusal string)
	// stream is the answer as events, the last one ending it.
	stream(*Request, Answer, *given) []event
	// whole is the answer as one JSON value.
	whole(*Request, Answer, *given) json.RawMessage
	// fail is an error's body.
	fail(status int, message string) json.RawMessage
}

var formats = map[API]format{Chat: chat{}, Responses: responses{}, Anthropic: anthropic{}}

// event is one server-sent event. A name is sent only where the format has it.
type event struct {
	name string
	data json.RawMessage
}

func (e event) bytes() []byte {
	var b bytes.Buffer
	if e.name != "" {
		fmt.Fprintf(&b, "event: %s\n", e.name)
	}
	fmt.Fprintf(&b, "data: %s\n\n", e.data)
	return b.Bytes()
}

// given is what one server gave out: ids that never repeat, the signatures
// under its reasoning, and which item came of which reasoning.
type given struct {
	mu         sync.Mutex
	count      int
	signatures map[string]string // of reasoning: signature to text
	reasoning  map[string]string // of responses: item to the reasoning before it
}

// id makes an identifier of n characters behind a prefix, as the service would
// form it.
func (s *given) id(prefix string, n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s%d", prefix, s.count))
	plain := strings.NewReplacer("-", "A", "_", "b").Replace(base64.RawURLEncoding.EncodeToString(sum[:]))
	return prefix + (plain + plain)[:n]
}

// callID is the id of a call: the script's, or one of the format's shape.
func (s *given) callID(c *Call, prefix string, n int) string {
	if c.ID != "" {
		return c.ID
	}
	return s.id(prefix, n)
}

// sign returns the signature that a piece of reasoning must come back with.
func (s *given) sign(thinking string) string {
	sum := sha256.Sum256([]byte("reasoning:" + thinking))
	sig := "Eq" + base64.StdEncoding.EncodeToString(append(sum[:], sum[:]...))
	s.put(sig, thinking)
	return sig
}

// put notes a signature that was given out for a piece of reasoning.
func (s *given) put(signature, thinking string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signatures == nil {
		s.signatures = map[string]string{}
	}
	s.signatures[signature] = thinking
}

// follow notes that an item came of a reasoning item.
func (s *given) follow(item, reasoning string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reasoning == nil {
		s.reasoning = map[string]string{}
	}
	s.reasoning[item] = reasoning
}

// reasoningOf is the reasoning item that an item must not come back without.
func (s *given) reasoningOf(item string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reasoning[item]
}

// signed reports whether this reasoning was given out with this signature.
func (s *given) signed(thinking, signature string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.signatures[signature]
	return ok && was == thinking
}

// issued reports whether this signature was given out at all.
func (s *given) issued(signature string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.signatures[signature]
	return ok
}

func now() int64 { return time.Now().Unix() }

// finish is the answer's finish reason: its own, or the one that fits.
func finish(a Answer, plain, calling string) string {
	switch {
	case a.Finish != "":
		return a.Finish
	case a.calls():
		return calling
	}
	return plain
}
