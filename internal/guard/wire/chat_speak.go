package wire

const chatNoUsage = `{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`

// chatEnvelope is what all chunks of an answer by the door have in common.
func (q *Request) chatEnvelope(text string) []byte {
	return object("id", str(q.name("chatcmpl-", text)), "object", `"chat.completion.chunk"`, "created", "0", "model", str(q.Model))
}

func (q *Request) chatStream(text string) []byte {
	c := newChat(&rewriter{req: q})
	c.envelope = append([]byte{','}, inside(q.chatEnvelope(text))...)
	ch := &choice{}
	c.chunk(ch, object("role", `"assistant"`, "content", `""`), "null")
	ch.role = true
	c.speak(ch, text)
	return q.chatEnd(c, ch, "stop")
}

// chatEnd ends a stream for a reason.
func (q *Request) chatEnd(c *chat, ch *choice, reason string) []byte {
	c.chunk(ch, []byte(`{}`), str(reason))
	b := c.w.out.buf
	if q.usage {
		b = append(append(b, `data: {`...), c.envelope[1:]...)
		b = append(b, `,"choices":[],"usage":`+chatNoUsage+"}\n\n"...)
	}
	return append(b, "data: [DONE]\n\n"...)
}

func (q *Request) chatAnswer(text string) []byte {
	return q.chatCompletion(text, object("role", `"assistant"`, "content", str(text), "refusal", "null"), "stop")
}

func (q *Request) chatCompletion(text string, message []byte, reason string) []byte {
	choice := object("index", "0", "message", string(message), "logprobs", "null", "finish_reason", str(reason))
	return object("id", str(q.name("chatcmpl-", text)), "object", `"chat.completion"`, "created", "0", "model", str(q.Model),
		"choices", "["+string(choice)+"]", "usage", chatNoUsage)
}

// inside is an object without its braces.
func inside(object []byte) []byte { return object[1 : len(object)-1] }
