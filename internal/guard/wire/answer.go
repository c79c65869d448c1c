package wire

import (
	"crypto/sha256"
	"encoding/hex"
)

// Answer is a whole answer that the door gives itself, as the assistant, in
// the format and mode the request asks for. It used no tokens.
func (q *Request) Answer(text string) (contentType string, body []byte) {
	return q.kind(), q.answer(text, q.Stream)
}

// kind is the content type of an answer.
func (q *Request) kind() string {
	if q.Stream {
		return "text/event-stream; charset=utf-8"
	}
	return "application/json"
}

func (q *Request) answer(text string, stream bool) []byte { return q.write(inert(text), stream) }

func (q *Request) write(text string, stream bool) []byte {
	switch {
	case q.API == Chat && stream:
		return q.chatStream(text)
	case q.API == Chat:
		return q.chatAnswer(text)
	case q.API == Responses && stream:
		return q.responsesStream(text)
	case q.API == Responses:
		return q.responsesAnswer(text)
	case stream:
		return q.anthropicStream(text)
	}
	return q.anthropicAnswer(text)
}

// name makes an id that is the same for the same answer to the same request
// and differs from all others.
func (q *Request) name(prefix, text string) string {
	h := sha256.New()
	h.Write(q.body)
	h.Write(q.instead)
	h.Write([]byte(text))
	return prefix + hex.EncodeToString(h.Sum(nil)[:12])
}

// object writes a JSON object of alternating names and raw values.
func object(pairs ...string) []byte {
	b := []byte{'{'}
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(b, pairs[i])
		b = append(append(b, ':'), pairs[i+1]...)
	}
	return append(b, '}')
}

// str is s as raw JSON.
func str(s string) string { return string(quote(nil, s)) }
