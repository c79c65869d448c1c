package wire

import (
	"errors"
	"strings"
)

var (
	errChoices   = errors.New("it answers more choices than were asked for")
	errTwoDeltas = errors.New("a choice has both a delta and a message")
)

// chat rewrites answers of the chat completions API. A call is complete when
// its choice gives a finish_reason, or the stream its [DONE]: nothing before
// that says so, since pieces of several calls may alternate.
//
// See https://platform.openai.com/docs/api-reference/chat/streaming
type chat struct {
	w        *rewriter
	choices  []*choice
	envelope []byte // the members of a chunk besides its choices
	over     bool   // [DONE] is out

	streaming bool
}

// choice is one of the answers, of which nearly always there is one.
type choice struct {
	number float64
	calls  []*call
	index  map[float64]*call
	id     map[string]*call
	last   *call
	legacy *call // function_call

	anew bool // its calls are all written anew, since their indices clash
	next int  // index of its next call written so
	kept int  // calls that went on

	watch  *watch
	source textSource // that its text came from
	mixed  bool       // there are two

	text     textBlock
	said     bool // some text is out
	role     bool // the role is out
	finished bool // a finish_reason is out
}

// chatPiece is a piece of a call in an event.
type chatPiece struct {
	choice *choice
	call   *call
	at     int32 // its node
	late   bool  // it came when its call was judged, and is not added to it
}

func newChat(w *rewriter) *chat { return &chat{w: w} }

// choice gives the choice of that number. Without n > 1 in the request there
// is only one: OpenClaw takes the first of a chunk, whatever its number.
func (c *chat) choice(v value) (*choice, error) {
	n, _ := v.get("index").number()
	for _, ch := range c.choices {
		if ch.number == n {
			return ch, nil
		}
	}
	if len(c.choices) >= c.w.req.choices {
		return nil, errChoices
	}
	ch := c.newChoice(n)
	c.choices = append(c.choices, ch)
	return ch, nil
}

func (c *chat) newChoice(n float64) *choice {
	t := c.w.watch(watch{choice: int(n), chat: true, tears: true})
	return &choice{number: n, watch: t}
}

// delta is what a choice says: OpenClaw reads a message as well, and so must
// everyone who judges.
func delta(ch value) (value, error) {
	d, m := ch.get("delta"), ch.get("message")
	if !d.null() && !m.null() {
		return value{}, errTwoDeltas
	}
	if d.null() {
		return m, nil
	}
	return d, nil
}

func (c *chat) read(e *event) error {
	c.streaming = true
	if e.done() {
		for _, ch := range c.choices {
			ch.watch.end()
			c.complete(ch)
		}
		return nil
	}
	if !e.root.get("error").null() {
		c.w.abandon()
	}
	var pieces []chatPiece
	n := 0
	for v := e.root.get("choices").items(); v.ok(); v = v.next() {
		if n++; n > c.w.req.choices {
			return errChoices
		}
		ch, err := c.choice(v)
		if err != nil {
			return err
		}
		d, err := delta(v)
		if err != nil {
			return err
		}
		if err := ch.readText(e, d); err != nil {
			return err
		}
		had := len(pieces)
		for el := d.get("tool_calls").items(); el.ok(); el = el.next() {
			k, late := c.piece(ch, el)
			pieces = append(pieces, chatPiece{ch, k, el.i, late})
		}
		if f := d.get("function_call"); f.kind() == '{' {
			pieces = append(pieces, chatPiece{ch, c.legacyPiece(ch, f), f.i, false})
		}
		if len(pieces) > had {
			ch.watch.part()
		}
		if len(pieces) > had && ch.text.open && len(c.w.held) == 0 && !hasText(d) {
			c.speak(ch, c.w.text(&ch.text, "", true)) // the text before a call is out when the call is judged
		}
		if v.get("finish_reason").str() != "" {
			ch.watch.end()
			c.complete(ch)
		}
	}
	for _, p := range pieces {
		e.calls = append(e.calls, p.call)
	}
	if pieces != nil {
		e.parts = pieces
	}
	return nil
}

// piece adds an element of tool_calls to its call, unless it comes too late.
func (c *chat) piece(ch *choice, el value) (k *call, late bool) {
	id, name := el.get("id").str(), functionOf(el).get("name").str()
	k = c.find(ch, el, id, name)
	if k.decided {
		return k, true
	}
	switch {
	case id == "" || k.ID == id:
	case k.ID == "":
		k.ID = id
		ch.id[id] = k
	default:
		k.anew = true
	}
	switch {
	case name == "":
	case k.Name == "":
		k.Name = name
	default:
		k.anew = true
		if k.Name != name { // in pieces, not said twice
			k.Name += name
		}
	}
	k.addArgs(argumentsOf(el))
	return k, false
}

// find gives the call that an element of tool_calls belongs to, by its index,
// else by its id. Where that is not certain, the reading taken here is the one
// that is also written.
func (c *chat) find(ch *choice, el value, id, name string) *call {
	n, indexed := el.get("index").number()
	k, same := ch.index[n], ch.id[id]
	switch {
	case !indexed && same == nil && id == "" && name == "" && ch.last != nil && !ch.last.decided:
		ch.anew = true
		return ch.last
	case (!indexed || k == nil) && same == nil:
		return c.add(ch, n, indexed, id)
	case !indexed:
		return same
	case same != nil && same != k: // one call under two indices
		ch.anew = true
		ch.index[n] = same
		return same
	case id == "" || id == k.ID || k.ID == "" || name == "":
		return k
	}
	ch.anew = true // two calls under one index
	return c.add(ch, n, indexed, id)
}

func (c *chat) add(ch *choice, n float64, indexed bool, id string) *call {
	if ch.index == nil {
		ch.index, ch.id = map[float64]*call{}, map[string]*call{}
	}
	k := c.w.begin()
	k.Choice = int(ch.number)
	ch.calls = append(ch.calls, k)
	ch.last = k
	if indexed {
		ch.index[n] = k
	}
	if id != "" {
		ch.id[id] = k
	}
	return k
}

// legacyPiece adds a function_call to the one call there can be of its kind.
func (c *chat) legacyPiece(ch *choice, f value) *call {
	if ch.legacy == nil || ch.legacy.decided {
		ch.legacy = c.w.begin()
		ch.legacy.Choice = int(ch.number)
		ch.calls = append(ch.calls, ch.legacy)
	}
	k := ch.legacy
	if name := f.get("name").str(); k.Name == "" {
		k.Name = name
	} else if name != "" {
		k.anew = true
		if k.Name != name {
			k.Name += name
		}
	}
	k.addArgs(f.get("arguments"))
	return k
}

// complete decides the calls of a choice.
func (c *chat) complete(ch *choice) {
	for _, k := range ch.calls {
		c.w.decide(k)
	}
}

func (c *chat) write(e *event) {
	if e.done() {
		for _, ch := range c.choices {
			c.speak(ch, c.rest(ch))
		}
		c.over = true
	}
	if e.root.kind() != '{' {
		c.w.out.buf = append(c.w.out.buf, e.raw...)
		return
	}
	c.remember(e.root)
	var ed edits
	pieces, _ := e.parts.([]chatPiece)
	keep := pieces == nil || !e.root.get("usage").null() || !e.root.get("error").null()
	for v := e.root.get("choices").items(); v.ok(); v = v.next() {
		if ch, err := c.choice(v); err == nil {
			if c.writeChoice(&ed, ch, v, pieces) {
				keep = true
			}
		}
	}
	switch {
	case !keep:
	case len(ed) == 0:
		c.w.out.buf = append(c.w.out.buf, e.raw...)
	default:
		c.w.out.buf = e.with(c.w.out.buf, ed.apply(nil, e.data))
	}
}

// writeChoice notes the edits to one choice of a chunk; false when nothing of
// the choice is left to say.
func (c *chat) writeChoice(ed *edits, ch *choice, v value, pieces []chatPiece) bool {
	d, _ := delta(v)
	reason := v.get("finish_reason")
	finish := reason.str() != ""
	own := false
	for _, p := range pieces {
		own = own || p.choice == ch
	}
	before := ch.said
	text := c.texts(ed, ch, d, false)
	if text.changed && !v.get("logprobs").null() {
		ed.replace(v.get("logprobs"), []byte("null"))
	}
	var tail string
	switch {
	case finish:
		tail = c.rest(ch)
	case own && ch.text.open:
		tail = c.w.text(&ch.text, "", true)
	}
	if tail != "" {
		if text.last.ok() {
			ed.text(text.last, text.out+tail)
		} else {
			c.speak(ch, tail)
		}
	}
	left := c.writePieces(ed, ch, d, pieces)
	if finish {
		ch.finished = true
		c.writeReason(ed, ch, reason, before)
	}
	keep := !own || left > 0 || finish || text.last.ok() || says(d)
	ch.role = ch.role || keep && !d.get("role").null()
	return keep
}

func hasText(d value) bool {
	for _, name := range []string{"content", "refusal"} {
		if v := d.get(name); !v.null() && !v.is("") {
			return true
		}
	}
	return false
}

// said is what became of the texts of a delta.
type said struct {
	last    value  // the last one that is there, if it is a string
	out     string // what goes on of it
	changed bool
}

// texts shows the judge the texts of a delta.
func (c *chat) texts(ed *edits, ch *choice, d value, final bool) said {
	var s said
	var few [4]chatText
	for _, t := range textsOf(few[:0], d) {
		if !t.thought {
			c.show(ed, ch, t.value, final, &s)
		}
	}
	return s
}

// show shows the judge one text.
func (c *chat) show(ed *edits, ch *choice, v value, final bool, s *said) {
	in := v.str()
	if in == "" {
		return
	}
	out := c.w.shown(&ch.text, v, in, 0, ch.said, final)
	if out != in {
		ed.text(v, out)
		s.changed = true
	}
	ch.said = ch.said || out != ""
	s.last, s.out = v, out
}

// says reports whether a delta has anything but calls and a role.
func says(d value) bool {
	for m := d.first(); m.ok(); m = m.next() {
		switch string(m.key()) {
		case "role", "tool_calls", "function_call":
			continue
		}
		if !m.null() && string(m.raw()) != `""` {
			return true
		}
	}
	return false
}

// rest is what there is still to say when a choice ends: text that was held
// back, and a notice for each call that is gone.
func (c *chat) rest(ch *choice) string {
	var b strings.Builder
	if ch.text.open {
		b.WriteString(c.w.text(&ch.text, "", true))
	}
	for _, k := range ch.calls {
		if k.gone() && !k.noted {
			k.noted = true
			b.WriteString(after(ch.said || b.Len() > 0, k.verdict.Notice))
		}
	}
	return b.String()
}

// writePieces notes the edits to the calls of a delta and gives how many
// pieces are left of them.
func (c *chat) writePieces(ed *edits, ch *choice, d value, pieces []chatPiece) int {
	drop := false
	for _, k := range ch.calls {
		drop = drop || k.gone() || k.changed()
	}
	for _, p := range pieces {
		drop = drop || p.late
	}
	if !drop && !ch.anew {
		return ch.pass(d.t, pieces)
	}
	list, legacy := d.get("tool_calls"), d.get("function_call")
	gone := map[int32]bool{}
	left := 0
	for _, p := range pieces {
		if p.choice != ch {
			continue
		}
		el := value{d.t, p.at}
		if raw := c.pieceAnew(ch, p.call, el, el.i == legacy.i && legacy.ok()); raw == nil || p.late {
			gone[p.at] = true
		} else {
			ed.replace(el, raw)
			left++
		}
	}
	isLegacyGone := legacy.ok() && gone[legacy.i]
	listGone := list.ok() && list.node().first != 0 && left == 0
	if legacy.ok() && !isLegacyGone {
		listGone = list.ok() && list.node().first != 0 && left == 1
	}
	if isLegacyGone || listGone {
		ed.drop(d, func(m value) bool {
			return isLegacyGone && m.i == legacy.i || listGone && m.i == list.i
		})
	}
	if !listGone {
		ed.drop(list, func(el value) bool { return gone[el.i] })
	}
	return left
}

// pass lets pieces go on as they came.
func (ch *choice) pass(t *tree, pieces []chatPiece) int {
	n := 0
	for _, p := range pieces {
		if p.choice != ch {
			continue
		}
		n++
		if !p.call.wrote {
			p.call.wrote = true
			ch.kept++
			i, _ := value{t, p.at}.get("index").number()
			ch.next = max(ch.next, int(i)+1)
		}
	}
	return n
}

// pieceAnew writes a piece of a call whose choice lost a call or changed one;
// nil when nothing of it is left. The whole call is in its first piece, later
// ones keep only what is not known here.
func (c *chat) pieceAnew(ch *choice, k *call, el value, legacy bool) []byte {
	if k.gone() {
		return nil
	}
	first := !k.wrote
	if first {
		k.wrote = true
		ch.kept++
		k.index = ch.next
		if !legacy {
			ch.next++
		}
	}
	whole := k.changed() || ch.anew
	switch {
	case !whole && legacy:
		return el.raw()
	case !whole:
		var ed edits
		if v := el.get("index"); v.ok() {
			ed.number(v, k.index)
		}
		return el.splice(ed)
	case legacy && first:
		return k.function(el, "arguments")
	case legacy:
		return nil
	}
	return k.element(el, first, c.streaming)
}

// function is the function of a call, written anew with what else stood there.
func (k *call) function(f value, args string) []byte {
	b := append([]byte(`{"name":`), quote(nil, k.Name)...)
	b = append(b, `,"`+args+`":`...)
	b = quote(b, k.argsOut())
	b = appendMembers(b, f, "name", args)
	return append(b, '}')
}

// element is an element of tool_calls, written anew.
func (k *call) element(el value, first, indexed bool) []byte {
	kind, args := "function", "arguments"
	if el.get("function").null() && !el.get("custom").null() {
		kind, args = "custom", "input"
	}
	var b []byte
	if indexed {
		b = append(append(b, `,"index":`...), quoteInt(k.index)...)
	}
	if first {
		if k.ID != "" {
			b = quote(append(b, `,"id":`...), k.ID)
		}
		b = append(b, `,"type":"`+kind+`","`+kind+`":`...)
		b = append(b, k.function(el.get(kind), args)...)
	}
	n := len(b)
	b = appendMembers(b, el, "index", "id", "type", "function", "custom")
	if !first && len(b) == n {
		return nil
	}
	b[0] = '{'
	return append(b, '}')
}

// writeReason notes the edit to a finish_reason. It changes in two cases: no
// call is left, so that nobody waits for one; or the notice is the first text
// of an answer with calls that ends in "stop", where clients drop the calls.
func (c *chat) writeReason(ed *edits, ch *choice, reason value, before bool) {
	lost, noted := false, false
	for _, k := range ch.calls {
		lost = lost || k.gone()
		noted = noted || k.gone() && k.verdict.Notice != ""
	}
	switch {
	case lost && ch.kept == 0 && (reason.is("tool_calls") || reason.is("function_call")):
		ed.text(reason, "stop")
	case noted && ch.kept > 0 && !before && reason.is("stop"):
		ed.text(reason, "tool_calls")
	}
}

// remember notes what the chunks have in common.
func (c *chat) remember(root value) {
	if c.envelope == nil && root.get("choices").ok() {
		c.envelope = appendMembers(nil, root, "choices", "usage", "error", "obfuscation")
	}
}

// speak puts out a chunk of text.
func (c *chat) speak(ch *choice, s string) {
	if s == "" {
		return
	}
	d := append([]byte(`{`), roleOnce(ch)...)
	d = quote(append(d, `"content":`...), s)
	c.chunk(ch, append(d, '}'), "null")
	ch.said = true
}

func roleOnce(ch *choice) string {
	if ch.role {
		return ""
	}
	ch.role = true
	return `"role":"assistant",`
}

// chunk puts out a chunk of a choice.
func (c *chat) chunk(ch *choice, delta []byte, reason string) {
	if c.envelope == nil {
		c.envelope = append([]byte{','}, inside(c.w.req.chatEnvelope(""))...)
	}
	b := append([]byte(`{`), c.envelope[1:]...)
	b = append(b, `,"choices":[{"index":`...)
	b = append(b, quoteInt(int(ch.number))...)
	b = append(append(b, `,"delta":`...), delta...)
	b = append(b, `,"finish_reason":`+reason+`}]}`...)
	c.w.out.buf = appendData(c.w.out.buf, b)
}

func (c *chat) pulse() {
	if len(c.choices) > 0 {
		c.chunk(c.choices[0], []byte(`{}`), "null")
	}
}

func (c *chat) finish(notice string) {
	if len(c.choices) == 0 && notice != "" {
		c.choice(value{})
	}
	for i, ch := range c.choices {
		s := c.rest(ch)
		if i == 0 {
			s += after(ch.said || s != "", notice)
		}
		c.speak(ch, s)
		if notice != "" && !ch.finished {
			reason := `"stop"`
			if ch.kept > 0 {
				reason = `"tool_calls"`
			}
			c.chunk(ch, []byte(`{}`), reason)
		}
	}
	if notice != "" && !c.over {
		c.w.out.buf = append(c.w.out.buf, "data: [DONE]\n\n"...)
	}
}

// whole rewrites a chat completion.
func (c *chat) whole(root value) ([]byte, error) {
	var ed edits
	e := new(event)
	for v := root.get("choices").items(); v.ok(); v = v.next() {
		n, _ := v.get("index").number()
		ch := c.newChoice(n)
		m := v.get("message")
		if err := ch.readText(e, m); err != nil {
			return nil, err
		}
		ch.watch.end()
		c.w.spans = e.spans
		text := c.texts(&ed, ch, m, true)
		if text.changed && !v.get("logprobs").null() {
			ed.replace(v.get("logprobs"), []byte("null"))
		}
		before := ch.said
		var pieces []chatPiece
		for el := m.get("tool_calls").items(); el.ok(); el = el.next() {
			k := c.add(ch, 0, false, "")
			k.ID, k.Name = el.get("id").str(), functionOf(el).get("name").str()
			k.addArgs(argumentsOf(el))
			pieces = append(pieces, chatPiece{ch, k, el.i, false})
		}
		if f := m.get("function_call"); f.kind() == '{' {
			pieces = append(pieces, chatPiece{ch, c.legacyPiece(ch, f), f.i, false})
		}
		c.complete(ch)
		if s := c.rest(ch); s != "" && text.last.ok() {
			ed.text(text.last, text.out+s)
		} else if s != "" && m.ok() {
			ed.set(m, "content", quote(nil, s))
		}
		c.writePieces(&ed, ch, m, pieces)
		c.writeReason(&ed, ch, v.get("finish_reason"), before)
	}
	return ed.apply(nil, root.t.src), nil
}

// functionOf is what a call names: its function, or its custom tool.
func functionOf(el value) value {
	if f := el.get("function"); !f.null() {
		return f
	}
	return el.get("custom")
}

// argumentsOf are a call's arguments: those of a function, or the input of a
// custom tool.
func argumentsOf(el value) value {
	if f := el.get("function"); !f.null() {
		return f.get("arguments")
	}
	return el.get("custom").get("input")
}
