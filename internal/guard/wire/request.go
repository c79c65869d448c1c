package wire

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// Request is one call of a model, as the agent sent it.
type Request struct {
	API    API
	Model  string
	Stream bool // the answer is asked for as an event stream

	Parts []Part        // the conversation, in its order
	Tools []OfferedTool // what the model may call

	// Previous is the response this one goes on from, of which the provider
	// alone knows the content (previous_response_id or a conversation), or "".
	Previous string

	// Literal says that whoever gets the answer makes no calls of text, so that
	// none is held. The caller sets it; OpenClaw does make them.
	Literal bool

	body     []byte
	spans    []span       // of each part the JSON string it stands in; empty if it is none
	objects  map[int]span // of calls whose arguments are no string, the JSON value
	choices  int          // chat: n, at least 1
	usage    bool         // chat: a usage chunk is asked for
	replayed bool         // responses: reasoning items come back in later requests

	declared []span // of the tools, what stands of them in body
	list     list   // where the messages stand in body
	instead  []byte // of a body that was released: what tells the request from others
}

// list is the array of a conversation's messages.
type list struct {
	ends   []int32 // where each message ends
	parts  []int32 // how many parts there are then
	before int     // parts that come before all messages
	end    int     // the bracket that closes it; 0 without one
}

// ParseRequest reads a request body, which it keeps and does not change. The
// caller bounds its size. An error is one sentence about what is wrong with
// the body; no text of the conversation stands in it.
func ParseRequest(api API, body []byte) (*Request, error) {
	read := requestReaders[api]
	if read == nil {
		return nil, fmt.Errorf("read the request: %q is not a wire format Seawall knows", api)
	}
	t := trees.Get().(*tree)
	defer t.release()
	root, err := t.parse(body)
	if err != nil {
		return nil, fmt.Errorf("read the request body as JSON: %w", err)
	}
	if root.kind() != '{' {
		return nil, fmt.Errorf("read the request body: it is not a JSON object")
	}
	r := &reading{Request: &Request{API: api, body: body, choices: 1}, called: map[string]string{}}
	r.Model = root.get("model").str()
	r.Stream = root.get("stream").kind() == 't'
	read(r, root)
	r.decode()
	return r.Request, nil
}

var requestReaders = map[API]func(*reading, value){
	Chat: readChatRequest, Responses: readResponsesRequest, Anthropic: readAnthropicRequest,
}

// messageReaders read one element of a conversation's list.
var messageReaders = map[API]func(*reading, value){
	Chat: readChatMessage, Responses: readResponsesItem, Anthropic: readAnthropicMessage,
}

// trees are those of requests: nothing of one is kept when its request was
// read.
var trees = sync.Pool{New: func() any { return new(tree) }}

func (t *tree) release() {
	if t.src = nil; cap(t.nodes) <= 1<<14 {
		trees.Put(t)
	}
}

// reading is a Request while it is read.
type reading struct {
	*Request
	called map[string]string // names of the calls so far, by their ids
	at     int               // where the tree's text stands in the body
}

// messages reads the list of messages.
func (r *reading) messages(v value) {
	if v.kind() != '[' {
		return
	}
	r.list.before = len(r.Parts)
	r.list.end = r.span(v).end - 1
	r.elements(v.items())
}

func (r *reading) elements(m value) {
	read := messageReaders[r.API]
	for ; m.ok(); m = m.next() {
		read(r, m)
		r.list.ends = append(r.list.ends, int32(r.span(m).end))
		r.list.parts = append(r.list.parts, int32(len(r.Parts)))
	}
}

// span is where a value stands in the body.
func (r *reading) span(v value) span {
	n := v.node()
	return span{r.at + int(n.start), r.at + int(n.end)}
}

// part adds a part whose text is the string v.
func (r *reading) part(p Part, v value) {
	p.Index = len(r.Parts)
	r.Parts = append(r.Parts, p)
	s := span{}
	if v.kind() == '"' {
		s = r.span(v)
	}
	r.spans = append(r.spans, s)
}

// media adds a part that is no text.
func (r *reading) media(p Part) {
	p.Media = true
	r.part(p, value{})
}

// call adds a call the assistant made, whose arguments are a string or an
// object.
func (r *reading) call(id, name string, args value) {
	r.called[id] = name
	p := Part{Role: Assistant, Call: true, CallID: id, Tool: name}
	if args.kind() != '"' && !args.null() {
		p.Text = string(args.raw())
		if r.objects == nil {
			r.objects = map[int]span{}
		}
		r.objects[len(r.Parts)] = r.span(args)
	}
	r.part(p, args)
}

// result gives the part that the result of a call begins with.
func (r *reading) result(id string) Part {
	return Part{Role: Tool, CallID: id, Tool: r.called[id]}
}

// content adds what a message holds: a string, or an array of typed pieces.
func (r *reading) content(p Part, v value) {
	if v.kind() == '"' {
		r.part(p, v)
		return
	}
	for c := v.items(); c.ok(); c = c.next() {
		r.piece(p, c)
	}
}

// textMembers are where the pieces of the three formats keep their text.
var textMembers = []string{"text", "refusal", "thinking", "reasoning"}

// piece adds one typed piece of a content array.
func (r *reading) piece(p Part, c value) {
	if c.kind() == '"' {
		r.part(p, c)
		return
	}
	for _, name := range textMembers {
		if v := c.get(name); v.kind() == '"' {
			p.Fixed = p.Fixed || c.get("signature").ok()
			r.part(p, v)
			return
		}
	}
	if c.kind() == '{' {
		r.media(p)
	}
}

// offer adds a tool that stands as {name, description, schema}.
func (r *reading) offer(v value, schema string) {
	r.tool(OfferedTool{Name: v.get("name").str(), Description: v.get("description").str()}, v.get(schema))
}

// host adds a tool the provider runs.
func (r *reading) host(v value) {
	kind := v.get("type").str()
	name := v.get("name").str()
	if name == "" {
		name = kind
	}
	r.tool(OfferedTool{Name: name, Description: v.get("description").str(), Hosted: kind}, v)
}

// tool adds a tool with the schema of what it takes, or with its declaration if
// the provider runs it.
func (r *reading) tool(t OfferedTool, raw value) {
	at := span{}
	if raw.ok() {
		at = r.span(raw)
	}
	t.put(raw.raw())
	r.Tools, r.declared = append(r.Tools, t), append(r.declared, at)
}

func (t *OfferedTool) put(raw []byte) {
	if t.Hosted != "" {
		t.Declared = raw
	} else {
		t.Schema = raw
	}
}

// decode fills in the texts, all in one piece of memory.
func (r *reading) decode() {
	size := 0
	for _, s := range r.spans {
		size += s.end - s.start
	}
	buf := make([]byte, 0, size)
	for i, s := range r.spans {
		begin := len(buf)
		if s.end > s.start {
			buf = appendText(buf, r.body[s.start:s.end])
			r.say(i, buf[begin:])
		} else if p := &r.Parts[i]; p.Text != "" {
			p.Sum = sha256.Sum256([]byte(p.Text))
		}
	}
}

// say fills in a text, to which nobody writes any more: it is too much to copy.
func (r *reading) say(part int, text []byte) {
	r.Parts[part].Text = unsafe.String(unsafe.SliceData(text), len(text))
	r.Parts[part].Sum = sha256.Sum256(text)
}

// appendText appends what a string says. Conversations are long and what is
// escaped in them is little: all between goes over in one piece, which takes a
// fifth of the time of looking at each byte.
func appendText(dst, literal []byte) []byte {
	rest := literal[1 : len(literal)-1]
	for {
		n := bytes.IndexByte(rest, '\\')
		if n < 0 {
			return append(dst, rest...)
		}
		dst, rest = append(dst, rest[:n]...), rest[n:]
		if c := escapes[rest[1]]; c != 0 {
			dst, rest = append(dst, c), rest[2:]
			continue
		}
		n = hexed(rest)
		dst, _ = jsontext.AppendUnquote(dst, inQuotes(rest[:n]))
		rest = rest[n:]
	}
}

// escapes are the bytes that two characters stand for (RFC 8259, 7).
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// hexed is how far code units in base 16 follow on each other: two may be one
// character.
func hexed(s []byte) int {
	n := len(`\uFFFF`)
	for len(s) > n+1 && s[n] == '\\' && s[n+1] == 'u' {
		n += len(`\uFFFF`)
	}
	return n
}

// Replace gives the body with the texts of some parts replaced, by their
// index; every other byte is as it was. A part that is no text, or whose text
// the provider signed (Fixed), stays. Where a call's arguments stand as an
// object, a text that is none becomes one: {"removed": text}.
func (q *Request) Replace(texts map[int]string) []byte {
	var e edits
	for i, s := range texts {
		if i < 0 || i >= len(q.Parts) || q.Parts[i].Fixed {
			continue
		}
		if at := q.spans[i]; at.end > 0 {
			e = append(e, edit{int32(at.start), int32(at.end), quote(nil, s)})
		} else if at, ok := q.objects[i]; ok {
			e = append(e, edit{int32(at.start), int32(at.end), asObject(s)})
		}
	}
	return e.apply(make([]byte, 0, len(q.body)), q.body)
}

func asObject(s string) []byte {
	if v := jsontext.Value(s); v.Kind() == '{' && v.IsValid() {
		return v
	}
	return object("removed", str(s))
}
