package wire

import (
	"errors"
	"strings"
)

var (
	errItemTwo   = errors.New("an event names one item by its number and another by its id")
	errItemAgain = errors.New("an item begins or ends in the place of another")
	errItemNone  = errors.New("a piece of a tool call belongs to no item")
	errItemEarly = errors.New("the response has a tool call before it was streamed")
)

// responses rewrites answers of the responses API. A call is complete with its
// output_item.done; the response at the end repeats everything.
//
// See https://platform.openai.com/docs/api-reference/responses-streaming
type responses struct {
	w      *rewriter
	number map[float64]*item // by output_index
	id     map[string]*item  // by id and call_id
	size   int               // of all data so far, most of which is kept
	group  *group            // the reasoning that the next items belong to
	watch  *watch
	last   *itemText // whose text came last
	texts  int       // so far

	// Of the events written:
	items    []*item // begun, in order
	response []byte  // the response object as it was created
	moved    bool    // an item did not go out: the output_index of later ones is next
	next     int     // the output_index of an item that would follow
	counting bool    // an event did not go out, or one of our own did: sequence_number is counted
	sequence int     // the last sequence_number that went out
	numbered bool    // the events have sequence numbers
	said     bool    // some text is out
	over     bool    // the last event is out
}

// item is one item of the output.
type item struct {
	kind  string
	name  string // its id
	call  *call
	group *group // of a reasoning item: itself; of another: the reasoning before it
	texts map[float64]*itemText

	index  int    // it goes out under
	begun  bool   // its first event is out
	deltas int    // pieces of arguments that came on their own
	whole  bool   // its changed arguments are out
	stands []byte // the message that stands for it, when its call is gone
	added  []byte // what its output_item.added said
	done   []byte // what its output_item.done said
}

// itemText is one content part of a message: what came of it, and what went on.
type itemText struct {
	block   textBlock
	in, out strings.Builder
	read    strings.Builder // of the events read
	order   int             // it began as the how manyth
}

// group is a run of reasoning items and the items that came of them. The
// reasoning goes on with the first of those that does; it is taken out when
// all of them were calls that are gone, since the API refuses reasoning
// without what came of it. A nil group waits for nothing.
type group struct {
	used  bool // another item than reasoning has begun
	alive bool // one of them goes on
	lost  bool // one of them is gone
	over  bool // no more will come
}

func (g *group) ready() bool { return g == nil || g.alive || g.over }

func (g *group) gone() bool { return g != nil && g.over && g.lost && !g.alive }

func (g *group) settle(c *call) {
	switch {
	case g == nil:
	case c.gone():
		g.lost = true
	default:
		g.alive = true
	}
}

func newResponses(w *rewriter) *responses {
	t := w.watch(watch{tears: true, sealed: true})
	return &responses{w: w, number: map[float64]*item{}, id: map[string]*item{}, watch: t}
}

func (r *responses) read(e *event) error {
	if r.size += len(e.data); r.size > maxText {
		return errTooMuch
	}
	var it *item
	var err error
	switch kind := e.root.get("type").str(); kind {
	case "response.output_item.added":
		it, err = r.readAdded(e.root)
	case "response.output_item.done":
		it, err = r.readDone(e)
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		it, err = r.readArguments(e, e.root.get("delta"), false)
	case "response.function_call_arguments.done":
		it, err = r.readArguments(e, e.root.get("arguments"), true)
	case "response.custom_tool_call_input.done":
		it, err = r.readArguments(e, e.root.get("input"), true)
	case "error":
		r.w.abandon()
		r.closeGroup()
	default:
		if out := e.root.get("response").get("output"); strings.HasPrefix(kind, "response.") && e.root.get("response").ok() {
			return r.readResponse(e, kind, out)
		}
		if it, err = r.find(e.root); it == nil && err == nil && isText(kind) {
			it = r.add(value{}, e.root.get("output_index")) // some servers begin no item
			it.kind, it.name = "message", e.root.get("item_id").str()
			r.id[it.name] = it
		}
	}
	if err != nil || it == nil {
		return err
	}
	if err := r.readTexts(e, it, e.root); err != nil {
		return err
	}
	if e.parts == nil {
		e.parts = it
	}
	if it.call != nil {
		e.calls = append(e.calls, it.call)
	}
	if it.kind == "reasoning" {
		e.group = it.group
	}
	return nil
}

// isText reports whether an event carries text of a message.
func isText(kind string) bool {
	for _, p := range []string{"response.output_text.", "response.text.", "response.refusal.", "response.content_part."} {
		if strings.HasPrefix(kind, p) {
			return true
		}
	}
	return false
}

// find gives the item an event is about, by its number, else by its id.
func (r *responses) find(root value) (*item, error) {
	var a, b *item
	if n, ok := root.get("output_index").number(); ok {
		a = r.number[n]
	}
	for _, v := range []value{root.get("item_id"), root.get("item").get("id"), root.get("item").get("call_id")} {
		if s := v.str(); s != "" && b == nil {
			b = r.id[s]
		}
	}
	switch {
	case a == nil:
		return b, nil
	case b != nil && a != b && (a.call != nil || b.call != nil):
		return nil, errItemTwo
	}
	return a, nil
}

func (r *responses) readAdded(root value) (*item, error) {
	old, err := r.find(root)
	if err != nil {
		return nil, err
	}
	v := root.get("item")
	if old != nil && (old.call != nil || isCall(v)) {
		return nil, errItemAgain
	}
	return r.add(v, root.get("output_index")), nil
}

func isCall(v value) bool {
	kind := v.get("type").str()
	return kind == "function_call" || kind == "custom_tool_call" || clientCall[kind] != ""
}

// add begins an item.
func (r *responses) add(v, index value) *item {
	it := &item{kind: v.get("type").str(), name: v.get("id").str(), texts: map[float64]*itemText{}}
	if n, ok := index.number(); ok {
		r.number[n] = it
	}
	for _, name := range []string{"id", "call_id"} {
		if s := v.get(name).str(); s != "" {
			r.id[s] = it
		}
	}
	r.join(it)
	if isCall(v) {
		it.call = r.w.begin()
		r.last = nil // there may be a notice in its place
		it.call.ID = v.get("call_id").str()
		if it.call.ID == "" {
			it.call.ID = it.name
		}
		it.call.Name = callName(v, it.kind)
		it.call.addArgs(itemArgs(v))
	} else if it.group != nil && it.kind != "reasoning" {
		it.group.alive = true
	}
	return it
}

// join puts an item into the group of its reasoning. Only a client that sends
// reasoning back in its next request needs that.
func (r *responses) join(it *item) {
	if !r.w.req.replayed || len(r.w.req.Tools) == 0 {
		return
	}
	if it.kind == "reasoning" {
		if r.group == nil || r.group.used {
			r.closeGroup()
			r.group = new(group)
		}
	} else if r.group != nil {
		r.group.used = true
	}
	it.group = r.group
}

func (r *responses) closeGroup() {
	if r.group != nil {
		r.group.over = true
		r.group = nil
	}
}

// itemArgs is where a call's arguments stand.
func itemArgs(v value) value {
	switch kind := v.get("type").str(); kind {
	case "function_call":
		return v.get("arguments")
	case "custom_tool_call":
		return v.get("input")
	default:
		return v.get(clientCall[kind])
	}
}

// late marks an event that comes when its call was judged; it is dropped.
type late struct{}

func (r *responses) readArguments(e *event, v value, whole bool) (*item, error) {
	it, err := r.find(e.root)
	switch {
	case err != nil:
		return nil, err
	case it == nil || it.call == nil:
		return nil, errItemNone
	case it.call.decided:
		e.parts = late{}
	case whole:
		it.call.rename(e.root.get("name").str())
		it.call.setArgs(v)
	default:
		it.deltas++
		it.call.addArgs(v)
	}
	return it, nil
}

// rename takes a later statement of a call's name.
func (c *call) rename(name string) {
	if name != "" && name != c.Name {
		c.anew = c.anew || c.Name != ""
		c.Name = name
	}
}

func (r *responses) readDone(e *event) (*item, error) {
	v := e.root.get("item")
	it, err := r.find(e.root)
	switch {
	case err != nil:
		return nil, err
	case it == nil:
		it = r.add(v, e.root.get("output_index"))
	case isCall(v) != (it.call != nil):
		return nil, errItemAgain
	}
	if it.call != nil {
		if it.call.decided {
			e.parts = late{}
			return it, nil
		}
		r.complete(it, v)
	}
	return it, nil
}

// complete decides a call that the item v states as a whole.
func (r *responses) complete(it *item, v value) {
	if v.get("name").ok() {
		it.call.rename(v.get("name").str())
	}
	if id := v.get("call_id").str(); id != "" && id != it.call.ID {
		it.call.anew, it.call.ID = true, id
		r.id[id] = it
	}
	it.call.setArgs(itemArgs(v))
	r.w.decide(it.call)
	it.group.settle(it.call)
}

// readResponse reads an event that carries the response so far. The last one
// may state calls that were not streamed, or not to their end.
func (r *responses) readResponse(e *event, kind string, out value) error {
	last := kind != "response.created" && kind != "response.in_progress" && kind != "response.queued"
	var items []*item
	for v := out.items(); v.ok(); v = v.next() {
		it := r.id[v.get("id").str()]
		if s := v.get("call_id").str(); it == nil && s != "" {
			it = r.id[s]
		}
		if n := r.number[float64(len(items))]; it == nil && n != nil && n.kind == v.get("type").str() {
			it = n
		}
		switch {
		case it == nil && isCall(v) && !last:
			return errItemEarly
		case it == nil:
			it = r.add(v, value{})
		case isCall(v) != (it.call != nil):
			return errItemAgain
		}
		if it.call != nil && !it.call.decided && last {
			r.complete(it, v)
		}
		if err := r.readParts(e, it, v); err != nil {
			return err
		}
		items = append(items, it)
	}
	if last {
		r.watch.end()
		for len(r.w.open) > 0 {
			r.w.settle(r.w.open[0], Verdict{Notice: r.w.say(CutOff)})
		}
		for _, it := range r.number {
			if it.call != nil && it.call.gone() && it.group != nil {
				it.group.lost = true
			}
		}
		r.closeGroup()
	}
	for _, it := range items {
		if it.call != nil {
			e.calls = append(e.calls, it.call)
		}
	}
	e.parts = items
	return nil
}
