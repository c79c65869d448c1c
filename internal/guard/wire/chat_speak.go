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
	c.chunk(ch, []byte(`{}`), `"stop"`)
	b := c.w.out.buf
	if q.usage {
		b = append(append(b, `data: {`...), c.envelope[1:]...)
		b = append(b, `,"choices":[],"usage":`+chatNoUsage+"}\n\n"...)
	}
	return append(b, "data: [DONE]\n\n"...)
}

func (q *Request) chatAnswer(text string) []byte {
	message := object("role", `"assistant"`, "content", str(text), "refusal", "null")
	choice := object("index", "0", "message", string(message), "logprobs", "null", "finish_reason", `"stop"`)
	return object("id", str(q.name("chatcmpl-", text)), "object", `"chat.completion"`, "created", "0", "model", str(q.Model),
		"choices", "["+string(choice)+"]", "usage", chatNoUsage)
}

// inside is an object without its braces.
func inside(object []byte) []byte { return object[1 : len(object)-1] }
