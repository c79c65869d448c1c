package wire

import "errors"

var (
	errBlockAgain = errors.New("a block begins where another has not ended")
	errBlockNone  = errors.New("a piece of a tool call belongs to no block")
	errStarted    = errors.New("the message begins with a tool call in it")
)

// anthropic rewrites answers of the messages API. A call is complete when its
// block stops.
//
// See https://docs.anthropic.com/en/docs/build-with-claude/streaming
type anthropic struct {
	w    *rewriter
	open map[float64]*block // of the events read

	watch *watch
	last  *block // whose text came last
	begun int    // blocks so far

	// Of the events written:
	live  []*block // begun and not stopped
	moved bool     // a block did not go out: the index of later ones is next
	next  int      // the index of a block that would follow
	said  bool     // some text is out
	kept  int      // calls that went on
	lost  bool     // a call is gone

	started, reasoned, stopped bool // message_start, message_delta, message_stop are out
}

// block is one block of content.
type block struct {
	call  *call
	text  textBlock
	order int // it began as the how manyth
	index int // it goes out under

	says    bool // some of its text is out
	emptied bool // it has text, and none of it is out
}

func newAnthropic(w *rewriter) *anthropic {
	return &anthropic{w: w, open: map[float64]*block{}, watch: w.watch(watch{})}
}

func (a *anthropic) read(e *event) error {
	n, indexed := e.root.get("index").number()
	if !indexed {
		n = -1
	}
	var b *block
	var err error
	switch string(e.root.get("type").text()) {
	case "message_start":
		for c := e.root.get("message").get("content").items(); c.ok(); c = c.next() {
			if c.get("type").is("tool_use") {
				return errStarted
			}
		}
	case "content_block_start":
		if b, err = a.readStart(e.root.get("content_block"), n); err == nil {
			err = a.readText(e, b, e.root.get("content_block").get("text"))
		}
	case "content_block_delta":
		if b, err = a.readDelta(e.root.get("delta"), n); err == nil && b != nil && e.root.get("delta").get("type").is("text_delta") {
			err = a.readText(e, b, e.root.get("delta").get("text"))
		}
	case "content_block_stop":
		if b = a.open[n]; b != nil && b.call != nil {
			a.complete(b)
		}
		delete(a.open, n)
	case "message_delta", "message_stop":
		a.watch.end()
		for len(a.w.open) > 0 {
			a.w.settle(a.w.open[0], Verdict{Notice: a.w.say(CutOff)})
		}
	case "error":
		a.w.abandon()
	}
	if b != nil {
		e.parts = b
		if b.call != nil {
			e.calls = append(e.calls, b.call)
		}
	}
	return err
}

func (a *anthropic) readStart(c value, n float64) (*block, error) {
	isCall := c.get("type").is("tool_use")
	if old := a.open[n]; old != nil && (isCall || old.call != nil) || isCall && n < 0 {
		return nil, errBlockAgain
	}
	if len(a.open) > maxCalls {
		return nil, errTooMuch
	}
	a.begun++
	b := &block{order: a.begun}
	a.open[n] = b
	if isCall {
		b.call = a.w.begin()
		b.call.ID, b.call.Name = c.get("id").str(), c.get("name").str()
		b.call.seed = string(c.get("input").raw())
	}
	return b, nil
}

func (a *anthropic) readDelta(d value, n float64) (*block, error) {
	b := a.open[n]
	switch {
	case d.get("type").is("input_json_delta"):
		if b == nil {
			return nil, errBlockNone
		}
		if b.call != nil {
			b.call.addArgs(d.get("partial_json"))
		}
	case b == nil && d.get("type").is("text_delta"): // some servers begin no block
		if len(a.open) > maxCalls {
			return nil, errTooMuch
		}
		a.begun++
		b = &block{order: a.begun, index: max(int(n), 0)}
		a.open[n] = b
	}
	return b, nil
}

// readText follows a piece of a block's text.
func (a *anthropic) readText(e *event, b *block, v value) error {
	switch {
	case b.call != nil:
		a.last = b // there may be a notice in its place
		return nil
	case v.kind() != '"' || v.is(""):
		return nil
	case b == a.last && a.watch.skips(v):
		return nil
	case b == a.last:
	case a.last != nil && b.order < a.last.order:
		return errTextOrder
	default:
		a.watch.part()
		a.last = b
	}
	return a.watch.read(e, v, v.str(), 0)
}

// complete decides a call. Its arguments came in deltas, or else stand in the
// block's beginning.
func (a *anthropic) complete(b *block) {
	c := b.call
	empty := c.seed == "" || c.seed == "{}" || c.seed == "null"
	switch {
	case c.pieces == 0 && empty:
		c.args = []byte("{}")
	case c.pieces == 0:
		q := quote(nil, c.seed)
		c.args = q[1 : len(q)-1]
	case !empty:
		c.anew = true
	}
	a.w.decide(c)
}

func (a *anthropic) write(e *event) {
	var ed edits
	b, _ := e.parts.(*block)
	keep := true
	switch string(e.root.get("type").text()) {
	case "message_start":
		a.started = true
	case "content_block_start":
		keep = a.writeStart(&ed, b, e.root)
	case "content_block_delta":
		keep = a.writeDelta(&ed, b, e.root)
	case "content_block_stop":
		keep = a.writeStop(&ed, b, e.root)
	case "message_delta":
		a.reasoned = true
		if r := e.root.get("delta").get("stop_reason"); a.lost && a.kept == 0 && r.is("tool_use") {
			ed.text(r, "end_turn")
		}
	case "message_stop":
		a.stopped = true
	}
	switch {
	case !keep:
	case len(ed) == 0:
		a.w.out.buf = append(a.w.out.buf, e.raw...)
	default:
		a.w.out.buf = e.with(a.w.out.buf, ed.apply(nil, e.data))
	}
}

func (a *anthropic) writeStart(ed *edits, b *block, root value) bool {
	n, _ := root.get("index").number()
	if b.index = int(n); a.moved {
		b.index = a.next
	}
	if c := b.call; c != nil {
		if c.gone() {
			a.lost = true
			if c.verdict.Notice == "" {
				a.moved = true
			} else {
				a.speak(b.index, c.verdict.Notice)
			}
			return false
		}
		a.kept++
		if c.changed() {
			ed.set(root.get("content_block"), "input", []byte("{}"))
		}
	} else if t := root.get("content_block").get("text"); t.kind() == '"' {
		a.show(ed, b, t)
	}
	a.next = max(a.next, b.index+1)
	a.live = append(a.live, b)
	a.renumber(ed, b, root)
	return true
}

func (a *anthropic) writeDelta(ed *edits, b *block, root value) bool {
	d := root.get("delta")
	if b == nil {
		return true
	}
	if c := b.call; c != nil {
		switch p := d.get("partial_json"); {
		case c.gone():
			return false
		case !c.changed() || !p.ok():
		case c.wrote:
			return false
		default:
			c.wrote = true
			ed.text(p, c.argsOut())
		}
	} else if d.get("type").is("text_delta") {
		a.show(ed, b, d.get("text"))
	}
	a.renumber(ed, b, root)
	return true
}

func (a *anthropic) writeStop(ed *edits, b *block, root value) bool {
	if b == nil {
		return true
	}
	if c := b.call; c != nil {
		if c.gone() {
			return false
		}
		if c.changed() && !c.wrote {
			c.wrote = true
			a.delta(b.index, "input_json_delta", "partial_json", c.argsOut())
		}
	}
	a.rest(b)
	for i, l := range a.live {
		if l == b {
			a.live = append(a.live[:i], a.live[i+1:]...)
			break
		}
	}
	a.renumber(ed, b, root)
	return true
}

// show asks the judge about a piece of text.
func (a *anthropic) show(ed *edits, b *block, v value) {
	in := v.str()
	out := a.w.shown(&b.text, v, in, 0, a.said, false)
	if out != in {
		ed.text(v, out)
	}
	b.emptied = out == "" && (b.emptied || in != "") && !b.says
	b.says = b.says || out != ""
	a.said = a.said || out != ""
}

// nothing stands where a block has lost all its text: the API does not take an
// empty one back.
const nothing = "…"

// rest puts out what was held back of a block's text.
func (a *anthropic) rest(b *block) {
	tail := ""
	if b.text.open {
		tail = a.w.text(&b.text, "", true)
	}
	if tail == "" && b.emptied {
		tail = nothing
	}
	if b.emptied = false; tail != "" {
		a.said = true
		a.delta(b.index, "text_delta", "text", tail)
	}
}

func (a *anthropic) renumber(ed *edits, b *block, root value) {
	if v := root.get("index"); a.moved && v.ok() {
		ed.number(v, b.index)
	}
}

// emit puts out an event of its own.
func (a *anthropic) emit(kind string, pairs ...string) {
	a.w.out.buf = append(a.w.out.buf, "event: "+kind+"\n"...)
	a.w.out.buf = appendData(a.w.out.buf, object(append([]string{"type", str(kind)}, pairs...)...))
}

func (a *anthropic) delta(index int, kind, name, text string) {
	a.emit("content_block_delta", "index", string(quoteInt(index)), "delta", string(object("type", str(kind), name, str(text))))
}

// speak puts out a block of text.
func (a *anthropic) speak(index int, text string) {
	i := string(quoteInt(index))
	a.emit("content_block_start", "index", i, "content_block", `{"type":"text","text":""}`)
	a.delta(index, "text_delta", "text", after(a.said, text))
	a.emit("content_block_stop", "index", i)
	a.next = max(a.next, index+1)
	a.said = true
}

func (a *anthropic) pulse() { a.emit("ping") }

func (a *anthropic) finish(notice string) {
	for _, b := range a.live {
		a.rest(b)
	}
	if notice == "" || a.stopped {
		return
	}
	if !a.started {
		a.emit("message_start", "message", string(a.w.req.anthropicMessage(notice, "[]", "null")))
	}
	for _, b := range a.live {
		a.emit("content_block_stop", "index", string(quoteInt(b.index)))
	}
	a.speak(a.next, notice)
	reason := `"end_turn"`
	if a.kept > 0 {
		reason = `"tool_use"`
	}
	if !a.reasoned {
		a.emit("message_delta", "delta", `{"stop_reason":`+reason+`,"stop_sequence":null}`, "usage", `{"output_tokens":0}`)
	}
	a.emit("message_stop")
}

// whole rewrites a message.
func (a *anthropic) whole(root value) ([]byte, error) {
	var ed edits
	content := root.get("content")
	if err := a.readWhole(content); err != nil {
		return nil, err
	}
	gone := map[int32]bool{}
	for v := content.items(); v.ok(); v = v.next() {
		switch {
		case v.get("type").is("tool_use"):
			gone[v.i] = a.wholeCall(&ed, v)
		case v.get("type").is("text"):
			var b textBlock
			in := v.get("text").str()
			out := a.w.shown(&b, v.get("text"), in, 0, a.said, true)
			if out == "" && in != "" {
				out = nothing
			}
			if out != in {
				ed.text(v.get("text"), out)
			}
			a.said = a.said || out != ""
		}
	}
	ed.drop(content, func(v value) bool { return gone[v.i] })
	if r := root.get("stop_reason"); a.lost && a.kept == 0 && r.is("tool_use") {
		ed.text(r, "end_turn")
	}
	return ed.apply(nil, root.t.src), nil
}

// readWhole follows the text of a message.
func (a *anthropic) readWhole(content value) error {
	e := new(event)
	for v := content.items(); v.ok(); v = v.next() {
		a.begun++
		if v.get("type").is("text") {
			if err := a.readText(e, &block{order: a.begun}, v.get("text")); err != nil {
				return err
			}
		}
	}
	a.watch.end()
	a.w.spans = e.spans
	return nil
}

// wholeCall judges a tool_use; true when nothing is left in its place.
func (a *anthropic) wholeCall(ed *edits, v value) bool {
	b := &block{call: a.w.begin()}
	b.call.ID, b.call.Name = v.get("id").str(), v.get("name").str()
	b.call.seed = string(v.get("input").raw())
	a.complete(b)
	switch notice := b.call.verdict.Notice; {
	case !b.call.gone():
		a.kept++
		if args := b.call.verdict.Args; args != "" {
			ed.set(v, "input", jsonOr(args))
		}
		return false
	case notice == "":
		a.lost = true
		return true
	default:
		a.lost = true
		ed.replace(v, object("type", `"text"`, "text", str(after(a.said, notice))))
		a.said = true
		return false
	}
}

// jsonOr is s itself if it is JSON, else s as a JSON string.
func jsonOr(s string) []byte {
	var t tree
	if _, err := t.parse([]byte(s)); err != nil {
		return quote(nil, s)
	}
	return []byte(s)
}

func (q *Request) anthropicMessage(text, content, reason string) []byte {
	return object("id", str(q.name("msg_", text)), "type", `"message"`, "role", `"assistant"`, "model", str(q.Model),
		"content", content, "stop_reason", reason, "stop_sequence", "null", "usage", `{"input_tokens":0,"output_tokens":0}`)
}

func (q *Request) anthropicStream(text string) []byte {
	a := newAnthropic(&rewriter{req: q})
	a.finish(text)
	return a.w.out.buf
}

func (q *Request) anthropicAnswer(text string) []byte {
	return q.anthropicMessage(text, `[{"type":"text","text":`+str(text)+`}]`, `"end_turn"`)
}
