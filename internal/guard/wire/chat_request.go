package wire

// readChatRequest reads a request for a chat completion.
//
// See https://platform.openai.com/docs/api-reference/chat/create
func readChatRequest(r *reading, root value) {
	if n, ok := root.get("n").number(); ok && n > 1 && n <= 128 {
		r.choices = int(n)
	}
	r.usage = root.get("stream_options").get("include_usage").kind() == 't'
	for t := root.get("tools").items(); t.ok(); t = t.next() {
		switch {
		case t.get("function").ok():
			r.offer(t.get("function"), "parameters")
		case t.get("custom").ok():
			r.offer(t.get("custom"), "format")
		default:
			r.host(t)
		}
	}
	for f := root.get("functions").items(); f.ok(); f = f.next() {
		r.offer(f, "parameters")
	}
	if v := root.get("web_search_options"); v.ok() {
		r.tool(OfferedTool{Name: "web_search", Hosted: "web_search"}, v)
	}
	r.messages(root.get("messages"))
}

func readChatMessage(r *reading, m value) {
	p := Part{Role: User}
	switch string(m.get("role").text()) {
	case "system", "developer":
		p.Role = System
	case "assistant":
		p.Role = Assistant
	case "tool":
		p = r.result(m.get("tool_call_id").str())
	case "function":
		p = Part{Role: Tool, Tool: m.get("name").str()}
	}
	for v := m.first(); v.ok(); v = v.next() {
		switch string(v.key()) {
		case "content":
			r.content(p, v)
		case "refusal", "reasoning", "reasoning_content", "reasoning_text":
			if v.kind() == '"' {
				r.part(p, v)
			}
		case "audio":
			if v.kind() == '{' {
				r.media(p)
			}
		case "tool_calls":
			for c := v.items(); c.ok(); c = c.next() {
				f, args := c.get("function"), "arguments"
				if !f.ok() {
					f, args = c.get("custom"), "input"
				}
				r.call(c.get("id").str(), f.get("name").str(), f.get(args))
			}
		case "function_call":
			r.call("", v.get("name").str(), v.get("arguments"))
		}
	}
}
