package wire

// Say is an answer like [Request.Answer] whose text is written as it is: an
// agent may make a call of it.
func (q *Request) Say(text string) (contentType string, body []byte) {
	switch {
	case q.API == Responses && q.Stream:
		part := object("type", `"output_text"`, "text", str(text), "annotations", "[]", "logprobs", "[]")
		body = q.responsesItem(text, string(messageItem(q.name("msg_", text), "completed", string(part))))
	case q.API == Anthropic && q.Stream:
		body = q.anthropicBlock(text, `{"type":"text","text":""}`, object("type", `"text_delta"`, "text", str(text)), "end_turn")
	default:
		body = q.write(text, q.Stream)
	}
	return q.kind(), body
}

// Call is an answer by the door itself that calls a tool with arguments that are
// a JSON object.
func (q *Request) Call(id, tool, args string) (contentType string, body []byte) {
	switch {
	case q.API == Chat && q.Stream:
		body = q.chatCallStream(id, tool, args)
	case q.API == Chat:
		body = q.chatCall(id, tool, args)
	case q.API == Responses && q.Stream:
		body = q.responsesCallStream(id, tool, args)
	case q.API == Responses:
		body = q.response(id, "completed", string(q.callItem(id, tool, args, "completed")), responsesNoUsage)
	case q.Stream:
		body = q.anthropicCallStream(id, tool, args)
	default:
		body = q.anthropicMessage(id, "["+string(toolUse(id, tool, args))+"]", `"tool_use"`)
	}
	return q.kind(), body
}

func function(tool, args string) string {
	return string(object("name", str(tool), "arguments", str(args)))
}

func (q *Request) chatCallStream(id, tool, args string) []byte {
	c := newChat(&rewriter{req: q})
	c.envelope = append([]byte{','}, inside(q.chatEnvelope(id))...)
	ch := &choice{}
	call := object("index", "0", "id", str(id), "type", `"function"`, "function", function(tool, args))
	c.chunk(ch, object("role", `"assistant"`, "content", "null", "tool_calls", "["+string(call)+"]"), "null")
	return q.chatEnd(c, ch, "tool_calls")
}

func (q *Request) chatCall(id, tool, args string) []byte {
	call := object("id", str(id), "type", `"function"`, "function", function(tool, args))
	return q.chatCompletion(id, object("role", `"assistant"`, "content", "null", "refusal", "null", "tool_calls", "["+string(call)+"]"), "tool_calls")
}

func toolUse(id, tool, args string) []byte {
	return object("type", `"tool_use"`, "id", str(id), "name", str(tool), "input", args)
}

func (q *Request) anthropicCallStream(id, tool, args string) []byte {
	delta := object("type", `"input_json_delta"`, "partial_json", str(args))
	return q.anthropicBlock(id, string(toolUse(id, tool, "{}")), delta, "tool_use")
}

// anthropicBlock is a stream of one block, whose content is one delta.
func (q *Request) anthropicBlock(id, block string, delta []byte, reason string) []byte {
	a := newAnthropic(&rewriter{req: q})
	a.emit("message_start", "message", string(q.anthropicMessage(id, "[]", "null")))
	a.emit("content_block_start", "index", "0", "content_block", block)
	a.emit("content_block_delta", "index", "0", "delta", string(delta))
	a.emit("content_block_stop", "index", "0")
	a.emit("message_delta", "delta", `{"stop_reason":`+str(reason)+`,"stop_sequence":null}`, "usage", `{"output_tokens":0}`)
	a.emit("message_stop")
	return a.w.out.buf
}

func (q *Request) callItem(id, tool, args, status string) []byte {
	return object("type", `"function_call"`, "id", str(q.name("fc_", id)), "call_id", str(id), "name", str(tool), "arguments", str(args), "status", str(status))
}

func (q *Request) responsesCallStream(id, tool, args string) []byte {
	return q.responsesItem(id, string(q.callItem(id, tool, args, "completed")))
}

// responsesItem is a stream of one item, which is there at once.
func (q *Request) responsesItem(id, item string) []byte {
	r := newResponses(&rewriter{req: q})
	r.numbered, r.sequence = true, -1
	r.response = q.response(id, "in_progress", "", "null")
	r.emit("response.created", "response", string(r.response))
	r.emit("response.output_item.added", "output_index", "0", "item", item)
	r.emit("response.output_item.done", "output_index", "0", "item", item)
	r.emit("response.completed", "response", string(r.completed(item)))
	return r.w.out.buf
}
