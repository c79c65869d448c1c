package wire

import (
	"bytes"
	"strings"
)

func (r *responses) write(e *event) {
	if e.root.kind() != '{' {
		r.w.out.buf = append(r.w.out.buf, e.raw...)
		return
	}
	var ed edits
	keep := true
	switch p := e.parts.(type) {
	case late:
		keep = false
	case *item:
		keep = r.writeItem(&ed, p, e.root)
	case []*item:
		r.writeResponse(&ed, p, e.root)
	}
	seq := e.root.get("sequence_number")
	if n, ok := seq.number(); ok && keep {
		r.numbered = true
		if r.sequence++; r.counting {
			ed.number(seq, r.sequence)
		} else {
			r.sequence = int(n)
		}
	}
	switch {
	case !keep:
		r.counting = true
	case len(ed) == 0:
		r.w.out.buf = append(r.w.out.buf, e.raw...)
	default:
		r.w.out.buf = e.with(r.w.out.buf, ed.apply(nil, e.data))
	}
}

// writeItem notes the edits to an event about an item; false when the event
// does not go on.
func (r *responses) writeItem(ed *edits, it *item, root value) bool {
	if !it.begun {
		r.beginItem(it, root.get("output_index"))
	}
	if it.gone() {
		return false
	}
	if v := root.get("output_index"); v.ok() && r.moved {
		ed.number(v, it.index)
	}
	if it.call != nil {
		if it.call.changed() {
			return r.writeChanged(ed, it, root)
		}
	} else {
		r.writeText(ed, it, root)
	}
	switch {
	case root.get("type").is("response.output_item.added"):
		it.added = bytes.Clone(root.get("item").raw())
	case root.get("type").is("response.output_item.done"):
		it.done = r.stated(it, root.get("item"))
	}
	return true
}

// gone reports whether an item is taken out: a call that is, or reasoning of
// which nothing else came.
func (it *item) gone() bool {
	if it.call != nil {
		return it.call.gone()
	}
	return it.kind == "reasoning" && it.group.gone()
}

// beginItem gives an item its number, and puts out the message that stands for
// it when it is a call that is gone.
func (r *responses) beginItem(it *item, index value) {
	it.begun = true
	n, ok := index.number()
	if it.index = int(n); r.moved || !ok {
		it.index = r.next
	}
	r.items = append(r.items, it)
	if it.gone() {
		if it.call == nil || it.call.verdict.Notice == "" {
			r.moved = true
			return
		}
		it.stands = r.speak(it.index, it.call.verdict.Notice, it.call.ID)
	}
	r.next = max(r.next, it.index+1)
}

// writeChanged notes the edits to an event of a call that goes on other than
// it came: its arguments are out once, in the first piece, and whole in every
// statement of the whole.
func (r *responses) writeChanged(ed *edits, it *item, root value) bool {
	v := root.get("item")
	switch string(root.get("type").text()) {
	case "response.output_item.added":
		r.restateCall(ed, it, v)
		if it.deltas > 0 && !root.get("item").get(clientCall[it.kind]).ok() {
			ed.text(itemArgs(v), "")
		}
	case "response.output_item.done":
		r.restateCall(ed, it, v)
		it.done = r.stated(it, v)
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		if it.whole {
			return false
		}
		it.whole = true
		ed.text(root.get("delta"), it.call.argsOut())
	case "response.function_call_arguments.done":
		ed.text(root.get("arguments"), it.call.argsOut())
		if name := root.get("name"); name.ok() {
			ed.text(name, it.call.Name)
		}
	case "response.custom_tool_call_input.done":
		ed.text(root.get("input"), it.call.argsOut())
	}
	return true
}

// restateCall notes the edits to a whole statement of a changed call.
func (r *responses) restateCall(ed *edits, it *item, v value) {
	set := func(name, s string) {
		if !v.get(name).is(s) {
			ed.set(v, name, quote(nil, s))
		}
	}
	if v.get("name").ok() || it.kind == "function_call" || it.kind == "custom_tool_call" {
		set("name", it.call.Name)
	}
	if it.call.ID != it.name {
		set("call_id", it.call.ID)
	}
	switch it.kind {
	case "function_call":
		set("arguments", it.call.argsOut())
	case "custom_tool_call":
		set("input", it.call.argsOut())
	default:
		ed.set(v, clientCall[it.kind], jsonOr(it.call.argsOut()))
	}
}

// stated is a statement of a whole item with its edits made.
func (r *responses) stated(it *item, v value) []byte {
	var ed edits
	r.restate(&ed, it, v)
	return v.splice(ed)
}

// states reports whether v states the call that was judged.
func (it *item) states(v value) bool {
	args := itemArgs(v)
	same := args.is(it.call.Args)
	if clientCall[it.kind] != "" {
		same = string(args.raw()) == it.call.Args
	}
	name := v.get("name")
	return same && (!name.ok() || name.is(it.call.Name)) && (v.get("call_id").is(it.call.ID) || it.call.ID == it.name)
}

// restate notes the edits to a statement of a whole item.
func (r *responses) restate(ed *edits, it *item, v value) {
	if it.call != nil {
		if it.call.changed() || !it.states(v) {
			r.restateCall(ed, it, v)
		}
		return
	}
	if it.kind != "message" {
		return
	}
	n := 0.0
	for p := v.get("content").items(); p.ok(); p = p.next() {
		r.restatePart(ed, it, n, p)
		n++
	}
}

func (r *responses) restatePart(ed *edits, it *item, n float64, p value) {
	for _, name := range []string{"text", "refusal"} {
		if v := p.get(name); v.kind() == '"' && r.restateText(ed, it, n, v) {
			ed.unlog(p)
		}
	}
}

// unlog empties the log probabilities of a text that changed.
func (e *edits) unlog(v value) {
	if l := v.get("logprobs"); !l.null() {
		e.replace(l, []byte("[]"))
	}
}

// restateText notes the edit to a text that states a whole content part; true
// when it changes. What was not streamed is shown to the judge here; a text that
// was streamed otherwise is stated as it was streamed.
func (r *responses) restateText(ed *edits, it *item, n float64, v value) bool {
	t, s := it.text(n), v.str()
	if rest, ok := strings.CutPrefix(s, t.in.String()); ok && rest != "" {
		t.out.WriteString(r.w.shown(&t.block, v, rest, t.in.Len(), r.said, true))
		t.in.WriteString(rest)
		r.said = r.said || t.out.Len() > 0
	}
	if out := t.out.String(); out != s {
		ed.text(v, out)
		return true
	}
	return false
}

func (it *item) text(n float64) *itemText {
	if it.texts[n] == nil {
		it.texts[n] = new(itemText)
	}
	return it.texts[n]
}

// writeText notes the edits to an event about a message.
func (r *responses) writeText(ed *edits, it *item, root value) {
	n, _ := root.get("content_index").number()
	switch string(root.get("type").text()) {
	case "response.output_text.delta", "response.text.delta", "response.refusal.delta":
		if r.streamText(ed, it, n, root.get("delta")) {
			ed.unlog(root)
		}
	case "response.content_part.added":
		r.beginPart(ed, it, n, root.get("part"))
	case "response.output_item.added":
		i := 0.0
		for p := root.get("item").get("content").items(); p.ok(); p = p.next() {
			r.beginPart(ed, it, i, p)
			i++
		}
	case "response.output_text.done", "response.text.done":
		r.endText(it, n)
		if r.restateText(ed, it, n, root.get("text")) {
			ed.unlog(root)
		}
	case "response.refusal.done":
		r.endText(it, n)
		r.restateText(ed, it, n, root.get("refusal"))
	case "response.content_part.done":
		r.endText(it, n)
		if it.kind != "reasoning" {
			r.restatePart(ed, it, n, root.get("part"))
		}
	case "response.output_item.done":
		r.endTexts(it)
		r.restate(ed, it, root.get("item"))
	}
}

// beginPart shows the judge what a part begins with, unless that was said before.
func (r *responses) beginPart(ed *edits, it *item, n float64, p value) {
	for _, name := range []string{"text", "refusal"} {
		switch v := p.get(name); {
		case v.str() == "" || it.kind == "reasoning":
		case it.text(n).in.Len() == 0:
			r.streamText(ed, it, n, v)
		default:
			r.restateText(ed, it, n, v)
		}
	}
}

// streamText shows the judge a piece of a message; true when it changes.
func (r *responses) streamText(ed *edits, it *item, n float64, v value) bool {
	in := v.str()
	if in == "" || it.kind == "reasoning" {
		return false
	}
	t := it.text(n)
	out := r.w.shown(&t.block, v, in, 0, r.said, false)
	t.in.WriteString(in)
	t.out.WriteString(out)
	r.said = r.said || out != ""
	if out == in {
		return false
	}
	ed.text(v, out)
	return true
}

// endText puts out what was held back of a content part.
func (r *responses) endText(it *item, n float64) {
	t := it.texts[n]
	if t == nil || !t.block.open {
		return
	}
	if tail := r.w.text(&t.block, "", true); tail != "" {
		t.out.WriteString(tail)
		r.said = true
		r.emit("response.output_text.delta", "item_id", str(it.name), "output_index", string(quoteInt(it.index)),
			"content_index", string(quoteInt(int(n))), "delta", str(tail), "logprobs", "[]")
	}
}

func (r *responses) endTexts(it *item) {
	for n := range len(it.texts) {
		r.endText(it, float64(n))
	}
}

// emit puts out an event of its own.
func (r *responses) emit(kind string, pairs ...string) {
	head := []string{"type", str(kind)}
	if r.numbered {
		r.sequence++
		r.counting = true
		head = append(head, "sequence_number", string(quoteInt(r.sequence)))
	}
	r.w.out.buf = append(r.w.out.buf, "event: "+kind+"\n"...)
	r.w.out.buf = appendData(r.w.out.buf, object(append(head, pairs...)...))
}

// speak puts out a message item and gives it.
func (r *responses) speak(index int, text, of string) []byte {
	text = after(r.said, text)
	r.said = true
	id := r.w.req.name("msg_", of+"\n"+text)
	i := string(quoteInt(index))
	part := func(s string) string {
		return string(object("type", `"output_text"`, "text", str(s), "annotations", "[]", "logprobs", "[]"))
	}
	where := []string{"item_id", str(id), "output_index", i, "content_index", "0"}
	r.emit("response.output_item.added", "output_index", i, "item", string(messageItem(id, "in_progress", "")))
	r.emit("response.content_part.added", append(where, "part", part(""))...)
	r.emit("response.output_text.delta", append(where, "delta", str(text), "logprobs", "[]")...)
	r.emit("response.output_text.done", append(where, "text", str(text), "logprobs", "[]")...)
	r.emit("response.content_part.done", append(where, "part", part(text))...)
	done := messageItem(id, "completed", part(text))
	r.emit("response.output_item.done", "output_index", i, "item", string(done))
	return done
}

func messageItem(id, status, content string) []byte {
	return object("id", str(id), "type", `"message"`, "status", str(status), "role", `"assistant"`, "content", "["+content+"]")
}

// writeResponse notes the edits to a response that repeats its output.
func (r *responses) writeResponse(ed *edits, items []*item, root value) {
	v := root.get("response")
	switch kind := root.get("type").str(); kind {
	case "response.created", "response.in_progress", "response.queued":
		if r.response == nil {
			r.response = append([]byte(nil), v.raw()...)
		}
	default:
		for _, it := range r.items {
			r.endTexts(it)
		}
		r.over = true
	}
	r.writeOutput(ed, items, v.get("output"))
}

// writeOutput notes the edits to a list of whole items.
func (r *responses) writeOutput(ed *edits, items []*item, out value) {
	gone := map[int32]bool{}
	listed := map[*item]bool{}
	i := 0
	for v := out.items(); v.ok(); v = v.next() {
		it := items[i]
		i++
		listed[it] = true
		switch {
		case !it.gone():
			r.restate(ed, it, v)
		case it.stands == nil && it.call != nil && it.call.verdict.Notice != "":
			it.stands = r.standIn(it)
			fallthrough
		case it.stands != nil:
			ed.replace(v, it.stands)
		default:
			gone[v.i] = true
		}
	}
	ed.drop(out, func(v value) bool { return gone[v.i] })
	if !r.over || out.kind() != '[' {
		return
	}
	for _, it := range r.items { // calls that never ended are not in the list
		if it.stands != nil && !listed[it] {
			ed.push(out, it.stands)
		}
	}
}

// standIn is the message for a call that was not streamed.
func (r *responses) standIn(it *item) []byte {
	text := after(r.said, it.call.verdict.Notice)
	r.said = true
	return messageItem(r.w.req.name("msg_", it.call.ID+"\n"+text), "completed",
		string(object("type", `"output_text"`, "text", str(text), "annotations", "[]", "logprobs", "[]")))
}

func (r *responses) pulse() {
	if r.response != nil {
		r.emit("response.in_progress", "response", string(r.response))
	}
}

func (r *responses) finish(notice string) {
	r.closeGroup()
	r.w.drain()
	for _, it := range r.items {
		r.endTexts(it)
	}
	if notice == "" || r.over {
		return
	}
	if r.response == nil {
		r.response = r.w.req.response(notice, "in_progress", "", "null")
		r.emit("response.created", "response", string(r.response))
	}
	for _, it := range r.items {
		r.endItem(it)
	}
	last := r.speak(r.next, notice, "end")
	var list []string
	for _, it := range r.items {
		switch {
		case it.stands != nil:
			list = append(list, string(it.stands))
		case it.done != nil:
			list = append(list, string(it.done))
		}
	}
	list = append(list, string(last))
	r.emit("response.completed", "response", string(r.completed(strings.Join(list, ","))))
}

// endItem ends an item that is out and not done, as far as it came.
func (r *responses) endItem(it *item) {
	if it.gone() || it.done != nil || it.call != nil {
		return
	}
	it.done = it.added
	if it.kind == "message" || it.added == nil {
		var parts []string
		for n := range len(it.texts) {
			if t := it.texts[float64(n)]; t != nil {
				parts = append(parts, string(object("type", `"output_text"`, "text", str(t.out.String()), "annotations", "[]", "logprobs", "[]")))
			}
		}
		it.done = messageItem(it.name, "incomplete", strings.Join(parts, ","))
	}
	r.emit("response.output_item.done", "output_index", string(quoteInt(it.index)), "item", string(it.done))
}

// completed is the response as it was created, with its output.
func (r *responses) completed(output string) []byte {
	var t tree
	v, err := t.parse(r.response)
	if err != nil || v.kind() != '{' {
		return r.w.req.response(output, "completed", output, responsesNoUsage)
	}
	var ed edits
	ed.set(v, "status", []byte(`"completed"`))
	ed.set(v, "output", []byte("["+output+"]"))
	ed.set(v, "usage", []byte(responsesNoUsage))
	return ed.apply(nil, r.response)
}

// whole rewrites a response.
func (r *responses) whole(root value) ([]byte, error) {
	var ed edits
	e := new(event)
	var items []*item
	r.w.req.replayed = true
	out := root.get("output")
	for v := out.items(); v.ok(); v = v.next() {
		it := r.add(v, value{})
		if it.call != nil {
			r.complete(it, v)
		}
		if err := r.readParts(e, it, v); err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	r.watch.end()
	r.w.spans = e.spans
	r.closeGroup()
	r.writeOutput(&ed, items, out)
	return ed.apply(nil, root.t.src), nil
}

const responsesNoUsage = `{"input_tokens":0,"input_tokens_details":{"cached_tokens":0},"output_tokens":0,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":0}`

func (q *Request) response(text, status, output, usage string) []byte {
	return object("id", str(q.name("resp_", text)), "object", `"response"`, "created_at", "0", "status", str(status),
		"error", "null", "incomplete_details", "null", "instructions", "null", "max_output_tokens", "null", "model", str(q.Model),
		"output", "["+output+"]", "parallel_tool_calls", "true", "previous_response_id", "null",
		"temperature", "null", "tool_choice", `"auto"`, "tools", "[]", "top_p", "null", "metadata", "{}", "usage", usage)
}

func (q *Request) responsesStream(text string) []byte {
	r := newResponses(&rewriter{req: q})
	r.numbered, r.sequence = true, -1
	r.response = q.response(text, "in_progress", "", "null")
	r.emit("response.created", "response", string(r.response))
	r.emit("response.in_progress", "response", string(r.response))
	r.finish(text)
	return r.w.out.buf
}

func (q *Request) responsesAnswer(text string) []byte {
	item := messageItem(q.name("msg_", text), "completed", string(object("type", `"output_text"`, "text", str(text), "annotations", "[]", "logprobs", "[]")))
	return q.response(text, "completed", string(item), responsesNoUsage)
}
