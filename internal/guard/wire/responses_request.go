package wire

// readResponsesRequest reads a request for a response.
//
// See https://platform.openai.com/docs/api-reference/responses/create
func readResponsesRequest(r *reading, root value) {
	r.Previous = root.get("previous_response_id").str()
	if c := root.get("conversation"); r.Previous == "" && !c.null() {
		r.Previous = c.str() + c.get("id").str()
	}
	r.replayed = root.get("store").kind() != 'f'
	for v := root.get("include").items(); v.ok(); v = v.next() {
		r.replayed = r.replayed || v.is("reasoning.encrypted_content")
	}
	for t := root.get("tools").items(); t.ok(); t = t.next() {
		switch string(t.get("type").text()) {
		case "function":
			r.offer(t, "parameters")
		case "custom":
			r.offer(t, "format")
		default:
			r.host(t)
		}
	}
	if v := root.get("instructions"); v.kind() == '"' {
		r.part(Part{Role: System}, v)
	}
	if v := root.get("input"); v.kind() == '"' {
		r.part(Part{Role: User}, v)
	} else {
		r.messages(v)
	}
}

func readResponsesItem(r *reading, item value) {
	id := item.get("call_id").str()
	switch kind := item.get("type").str(); kind {
	case "message", "":
		r.content(Part{Role: responsesRole(item.get("role").str())}, item.get("content"))
	case "function_call":
		r.call(id, item.get("name").str(), item.get("arguments"))
	case "custom_tool_call":
		r.call(id, item.get("name").str(), item.get("input"))
	case "reasoning":
		p := Part{Role: Assistant, Fixed: true}
		r.content(p, item.get("summary"))
		r.content(p, item.get("content"))
	case "item_reference":
		if r.Previous == "" {
			r.Previous = item.get("id").str()
		}
	default:
		if args, ok := clientCall[kind]; ok {
			r.call(id, callName(item, kind), item.get(args))
			return
		}
		readResponsesResult(r, item, id)
	}
}

// readResponsesResult reads the output of any kind of call, and what other
// item has content.
func readResponsesResult(r *reading, item value, id string) {
	p := r.result(id)
	for _, name := range []string{"output", "content"} {
		switch v := item.get(name); v.kind() {
		case '"', '[':
			r.content(p, v)
		case '{':
			r.piece(p, v)
		}
	}
}

func responsesRole(s string) Role {
	switch s {
	case "system", "developer":
		return System
	case "assistant":
		return Assistant
	}
	return User
}

// clientCall names the kinds of items that are calls the agent runs, besides
// function_call and custom_tool_call, and the member that says what to do.
var clientCall = map[string]string{
	"local_shell_call": "action",
	"shell_call":       "action",
	"computer_call":    "action",
	"apply_patch_call": "operation",
}

// callName is the name of a call that may have none of its own.
func callName(item value, kind string) string {
	if name := item.get("name").str(); name != "" {
		return name
	}
	return kind[:len(kind)-len("_call")]
}
