package wire

// readAnthropicRequest reads a request for a message.
//
// See https://docs.anthropic.com/en/api/messages
func readAnthropicRequest(r *reading, root value) {
	for t := root.get("tools").items(); t.ok(); t = t.next() {
		switch string(t.get("type").text()) {
		case "", "custom":
			r.offer(t, "input_schema")
		default:
			r.host(t)
		}
	}
	for s := root.get("mcp_servers").items(); s.ok(); s = s.next() {
		r.tool(OfferedTool{Name: s.get("name").str(), Hosted: "mcp"}, s)
	}
	r.content(Part{Role: System}, root.get("system"))
	r.messages(root.get("messages"))
}

func readAnthropicMessage(r *reading, m value) {
	p := Part{Role: User}
	switch string(m.get("role").text()) {
	case "assistant":
		p.Role = Assistant
	case "system":
		p.Role = System
	}
	if c := m.get("content"); c.kind() == '"' {
		r.part(p, c)
	} else {
		for b := c.items(); b.ok(); b = b.next() {
			readAnthropicBlock(r, p, b)
		}
	}
}

func readAnthropicBlock(r *reading, p Part, b value) {
	switch string(b.get("type").text()) {
	case "tool_use", "server_tool_use", "mcp_tool_use":
		r.call(b.get("id").str(), b.get("name").str(), b.get("input"))
	case "tool_result", "mcp_tool_result", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result":
		p = r.result(b.get("tool_use_id").str())
		if c := b.get("content"); c.kind() == '"' {
			r.part(p, c)
		} else {
			for inner := c.items(); inner.ok(); inner = inner.next() {
				readAnthropicBlock(r, p, inner)
			}
		}
	case "thinking":
		p.Fixed = true
		r.part(p, b.get("thinking"))
	case "document", "search_result":
		readAnthropicDocument(r, p, b)
	default:
		r.piece(p, b)
	}
}

// readAnthropicDocument reads what a user or a tool attached.
func readAnthropicDocument(r *reading, p Part, b value) {
	src := b.get("source")
	switch {
	case b.get("content").ok():
		r.content(p, b.get("content"))
	case src.get("type").is("text"):
		r.part(p, src.get("data"))
	case src.get("content").ok():
		r.content(p, src.get("content"))
	default:
		r.media(p)
	}
}
