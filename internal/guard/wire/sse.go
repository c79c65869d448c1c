package wire

import (
	"bytes"
	"errors"
	"io"
)

// maxEvent bounds one event of a stream, and an answer that is one JSON text.
const maxEvent = 16 << 20

// leastRead is the room that is made for more, in bytes. Most events are
// smaller, and a thousand streams may be open.
const leastRead = 1 << 10

var errEventTooLarge = errors.New("one event of the stream is larger than 16 MiB")

var bom = []byte("\xEF\xBB\xBF")

// event is one event of a text/event-stream, with the bytes it came in.
type event struct {
	raw  []byte // with the empty line that ends it, if one does
	data []byte // what its data lines say together; nil if it has none
	at   int    // where data stands in raw, -1 if it has several lines
	part bool   // the source ended before it did

	tree  tree
	root  value
	calls []*call    // calls it carries a piece of
	spans []textSpan // pieces of its texts that are held as calls, in order
	group *group     // responses: whose fate it shares
	parts any        // what a format noted when it read the event
}

// sse reads events as the WHATWG specification says (lines end in CR, LF or
// CRLF, a byte order mark is ignored), with two differences, both so that no
// other reader finds more in its output than was judged here: the last event
// counts although no empty line ends it, since some readers take it, and an
// event that readers take apart differently (a lone CR, a byte order mark, a
// line that is no field) is written anew in the plain form.
//
// See https://html.spec.whatwg.org/multipage/server-sent-events.html
type sse struct {
	src  io.Reader
	idle func() error // called before it waits for more

	buf      []byte
	pos      int // where the event begins in buf
	scan     int // where the current line begins, from pos
	searched int // where the search for its end goes on, from pos
	lines    []span
	plain    bool // the event so far is in the plain form
	err      error
	ev       event
}

type span struct{ start, end int }

func newSSE(src io.Reader, idle func() error) *sse {
	return &sse{src: src, idle: idle, plain: true}
}

// next gives the next event, valid until the next call. A comment or an empty
// line alone is an event without data. Its error is io.EOF at the end.
func (r *sse) next() (*event, error) {
	for {
		if r.line() {
			return r.take(), nil
		}
		if r.err != nil {
			if len(r.buf) > r.pos {
				r.lastLine()
				e := r.take()
				e.part = true
				return e, nil
			}
			return nil, r.err
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// line goes over the lines that are there; true when one of them ends the
// event.
func (r *sse) line() bool {
	for {
		window := r.buf[r.pos+r.searched:]
		n := bytes.IndexByte(window, '\n')
		short := window
		if n >= 0 {
			short = window[:n]
		}
		width := 1
		if cr := bytes.IndexByte(short, '\r'); cr >= 0 {
			switch {
			case cr+1 < len(short): // another byte than LF follows
				r.plain = false
				n = cr
			case n >= 0:
				n, width = cr, 2
			case r.err == nil:
				r.searched += cr
				return false // LF may follow
			default:
				r.plain = false
				n = cr
			}
		}
		if n < 0 {
			r.searched += len(window)
			return false
		}
		start, end := r.scan, r.searched+n
		r.scan = end + width
		r.searched = r.scan
		if r.addLine(start, end) {
			return true
		}
	}
}

// addLine notes a line; true when it is empty.
func (r *sse) addLine(start, end int) bool {
	b := r.buf[r.pos+start : r.pos+end]
	if bytes.HasPrefix(b, bom) {
		r.plain = false
		for bytes.HasPrefix(b, bom) {
			start += len(bom)
			b = b[len(bom):]
		}
	}
	if len(b) == 0 {
		return true
	}
	if !isField(b) {
		r.plain = false
	}
	r.lines = append(r.lines, span{start, end})
	return false
}

// lastLine notes what stands behind the last line end.
func (r *sse) lastLine() {
	if end := len(r.buf) - r.pos; end > r.scan {
		r.addLine(r.scan, end)
	}
	r.scan = len(r.buf) - r.pos
}

// isField reports whether a line is one of the format's own.
func isField(line []byte) bool {
	if line[0] == ':' {
		return true
	}
	name, _, _ := bytes.Cut(line, []byte(":"))
	switch string(name) {
	case "data", "event", "id", "retry":
		return true
	}
	return false
}

// take makes an event of the noted lines.
func (r *sse) take() *event {
	e := &r.ev
	*e = event{tree: tree{nodes: e.tree.nodes}, calls: e.calls[:0], spans: e.spans[:0], at: -1}
	all := r.buf[r.pos : r.pos+r.scan]
	e.raw = all
	if !r.plain {
		e.raw = r.plainForm(all)
	} else {
		e.readData(r.lines)
	}
	r.pos += r.scan
	r.scan, r.searched, r.lines, r.plain = 0, 0, r.lines[:0], true
	return e
}

// plainForm writes the noted lines again and reads them into the event.
func (r *sse) plainForm(all []byte) []byte {
	var b []byte
	var lines []span
	for _, l := range r.lines {
		if line := all[l.start:l.end]; isField(line) {
			lines = append(lines, span{len(b), len(b) + len(line)})
			b = append(append(b, line...), '\n')
		}
	}
	if b != nil {
		b = append(b, '\n')
	}
	r.ev.raw = b
	r.ev.readData(lines)
	return b
}

// readData finds the data in raw.
func (e *event) readData(lines []span) {
	several := false
	for _, l := range lines {
		line := e.raw[l.start:l.end]
		if !bytes.HasPrefix(line, []byte("data")) {
			continue
		}
		at := l.start + len("data")
		if at < l.end { // the colon, see isField
			at++
		}
		if at < l.end && e.raw[at] == ' ' {
			at++
		}
		switch {
		case e.data == nil:
			e.data, e.at = e.raw[at:l.end:l.end], at
			if len(e.data) == 0 {
				e.data = []byte{}
			}
		default:
			several = true
			e.data = append(append(bytes.Clone(e.data), '\n'), e.raw[at:l.end]...)
		}
	}
	if several {
		e.at = -1
	}
}

// fill reads more, after it has let go what is done.
func (r *sse) fill() error {
	if err := r.idle(); err != nil {
		return err
	}
	if r.pos > 0 && r.pos == len(r.buf) {
		r.buf, r.pos = r.buf[:0], 0
	}
	if len(r.buf)-r.pos > maxEvent {
		return errEventTooLarge
	}
	r.room()
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	r.err = err
	return nil
}

// room makes some for more.
func (r *sse) room() {
	if cap(r.buf)-len(r.buf) < leastRead {
		live := r.buf[r.pos:]
		b := r.buf[:0]
		if cap(r.buf)-len(live) < 2*leastRead {
			b = make([]byte, 0, max(leastRead, 2*cap(r.buf)))
		}
		r.buf, r.pos = append(b, live...), 0
	}
}

// keep copies what would not outlive the next event.
func (e *event) keep() *event {
	k := *e
	k.raw = bytes.Clone(e.raw)
	if e.at >= 0 {
		k.data = k.raw[e.at : e.at+len(e.data)]
	} else {
		k.data = bytes.Clone(e.data)
	}
	k.tree = tree{src: k.data, nodes: append([]node(nil), e.tree.nodes...)}
	if e.root.ok() {
		k.root = value{&k.tree, 0}
	}
	k.calls = append([]*call(nil), e.calls...)
	k.spans = append([]textSpan(nil), e.spans...)
	return &k
}

// with appends the event with its data changed.
func (e *event) with(dst, data []byte) []byte {
	if e.at >= 0 && bytes.IndexByte(data, '\n') < 0 {
		dst = append(dst, e.raw[:e.at]...)
		dst = append(dst, data...)
		return append(dst, e.raw[e.at+len(e.data):]...)
	}
	for line := range bytes.Lines(e.raw) {
		if name, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":")); len(name) > 0 && string(name) != "data" {
			dst = append(append(dst, bytes.TrimRight(line, "\r\n")...), '\n')
		}
	}
	return appendData(dst, data)
}

// appendData appends data lines and the empty line that ends an event.
func appendData(dst, data []byte) []byte {
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		dst = append(dst, "data: "...)
		dst = append(append(dst, line...), '\n')
	}
	return append(dst, '\n')
}
