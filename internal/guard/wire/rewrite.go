package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxHeld  = 8 << 20  // what waits behind calls that are not complete
	maxCalls = 4096     // in one answer
	maxBurst = 64 << 10 // of output that is gathered
	maxText  = 8 << 20  // of an answer whose texts are repeated at its end: two million tokens
)

// quiet is how long nothing goes out while events come and are held. OpenClaw
// gives up after two minutes, or one, without an event it can read; the long
// arguments of a call may take longer.
var quiet = 15 * time.Second

var (
	errTooMuch = errors.New("the answer is larger than can be kept")
	errHeld    = errors.New("more than 8 MiB wait behind a call that does not end")
)

// Rewrite copies the answer src to dst and asks j about everything in it. A
// call goes on when it was judged and allowed; what nobody changes comes out
// byte for byte. contentType is that of the answer: an event stream is passed
// on as it comes, anything else is read whole as one JSON text. If dst has a
// Flush method, it is called whenever there is nothing more to pass on yet.
//
// When the answer could not be read to its end, what came out is a whole
// answer all the same, ended with a notice, and the error is an *Ended. Any
// other error is of src, dst or ctx, and leaves dst cut off where it was.
func (q *Request) Rewrite(ctx context.Context, dst io.Writer, src io.Reader, contentType string, j Judge) error {
	return q.Rewriter(ctx, dst, src, contentType, j)()
}

// Rewriter prepares what Rewrite does and returns what does it. While that waits
// for the source, it needs less of the stack than both in one.
func (q *Request) Rewriter(ctx context.Context, dst io.Writer, src io.Reader, contentType string, j Judge) func() error {
	w := &rewriter{ctx: ctx, req: q, judge: j, out: output{w: dst, last: time.Now()}}
	w.out.flusher, _ = dst.(http.Flusher)
	switch q.API {
	case Chat:
		w.format = newChat(w)
	case Responses:
		w.format = newResponses(w)
	case Anthropic:
		w.format = newAnthropic(w)
	default:
		return func() error {
			return fmt.Errorf("rewrite the answer: %q is not a wire format Seawall knows", q.API)
		}
	}
	if q.streams(contentType) {
		w.in = newSSE(src, w.out.flush)
		return w.stream
	}
	return func() error { return w.whole(src) }
}

// streams reports whether an answer of that type is read as an event stream.
// A client that expects the other kind finds nothing in what comes out: no
// JSON text has a data line, and a stream that was rewritten begins with a
// field.
func (q *Request) streams(contentType string) bool {
	mt, _, err := mime.ParseMediaType(contentType)
	if err != nil || mt == "" {
		return q.Stream
	}
	return mt == "text/event-stream" || q.Stream && mt != "application/json"
}

// format is the state machine of one wire format's answers. An event is read
// when it comes and written when all calls it carries a piece of are decided.
type format interface {
	// read notes which calls an event carries a piece of and decides those it
	// completes. Its error says why nobody can rely on how the event is read.
	read(e *event) error
	// write puts out an event, with what was decided.
	write(e *event)
	// finish puts out what is left to say when the stream is over; notice,
	// if there is one, says why it ends before its time, and then the answer
	// is also ended as its format wants it.
	finish(notice string)
	// pulse puts out an event that says nothing, while others are held.
	pulse()
	// whole gives an answer that is one JSON text.
	whole(root value) ([]byte, error)
}

// rewriter takes one answer from its source to its destination.
type rewriter struct {
	ctx    context.Context
	req    *Request
	judge  Judge
	in     *sse // of a stream
	out    output
	format format

	watches []*watch   // of the texts
	spans   []textSpan // of the event that is written

	open   []*call // calls not decided yet, in order
	held   []*event
	bytes  int // held
	blocks int // of text, so far
	calls  int // so far
	usage  Usage
}

// call is a call of an answer, from its first piece on.
type call struct {
	Call
	args    []byte  // the insides of the JSON strings its arguments came in, joined
	pieces  int     // of args
	seed    string  // anthropic: the input its block begins with, raw
	decided bool    // nothing is added to it any more
	verdict Verdict // then

	// anew says that the call is written anew, because its pieces as they came
	// can be put together in more than one way.
	anew  bool
	wrote bool // its first piece is out
	index int  // the number it goes out under
	noted bool // its notice is out

	// Of a call in text:
	plain  bool // it is none, but text
	goesOn bool // text may follow it
}

// gone reports whether the call is taken out of the answer.
func (c *call) gone() bool { return c.decided && !c.verdict.Allow }

// changed reports whether the call goes on other than it came.
func (c *call) changed() bool { return c.anew || c.verdict.Args != "" }

// argsOut are the arguments that go on.
func (c *call) argsOut() string {
	if c.verdict.Args != "" {
		return c.verdict.Args
	}
	return c.Args
}

// addArgs adds a piece of arguments: a string, or by some servers an object.
func (c *call) addArgs(v value) {
	if v.null() {
		return
	}
	literal := v.raw()
	if v.kind() != '"' {
		literal = quote(nil, string(literal))
	}
	if len(literal) == 2 {
		return
	}
	c.pieces++
	// Clients put strings together: of an object they make nothing.
	c.anew = c.anew || v.kind() != '"'
	c.args = append(c.args, literal[1:len(literal)-1]...)
}

// setArgs replaces what was added by a later, whole statement of the
// arguments.
func (c *call) setArgs(v value) {
	was := c.args
	c.args, c.pieces = nil, 0
	c.addArgs(v)
	if c.pieces == 0 {
		c.args = was
	} else if was != nil && !sameInside(was, c.args) {
		c.anew = true
	}
}

func sameInside(a, b []byte) bool {
	return bytes.Equal(a, b) || bytes.Equal(unquote(inQuotes(a)), unquote(inQuotes(b)))
}

func inQuotes(inside []byte) []byte {
	b := append(make([]byte, 0, len(inside)+2), '"')
	return append(append(b, inside...), '"')
}

// begin adds a call that is to be decided.
func (w *rewriter) begin() *call {
	c := new(call)
	w.calls++
	w.open = append(w.open, c)
	return c
}

// decide asks the judge about a complete call.
func (w *rewriter) decide(c *call) {
	if c.decided {
		return
	}
	args, err := jsontext.AppendUnquote(nil, inQuotes(c.args))
	if err != nil && c.Unclear == "" {
		c.Unclear = "half of a character stands in its arguments"
	}
	c.Args = string(args)
	v := w.verdict(c.Call)
	if v.Allow && (c.Unclear != "" || w.ctx.Err() != nil) {
		v = Verdict{Notice: w.say(Unclear)}
	}
	w.settle(c, v)
}

// settle ends a call with a verdict.
func (w *rewriter) settle(c *call, v Verdict) {
	c.decided, c.verdict = true, v
	for i, o := range w.open {
		if o == c {
			w.open = append(w.open[:i], w.open[i+1:]...)
			break
		}
	}
}

// abandon takes out all calls that are not complete and lets go what waits
// behind them.
func (w *rewriter) abandon() bool {
	w.endTexts()
	some := len(w.open) > 0
	for len(w.open) > 0 {
		w.settle(w.open[0], Verdict{})
	}
	return some
}

// textBlock is one run of text as the judge sees it.
type textBlock struct {
	n    int
	open bool
}

// text shows the judge more of a block and gives what goes on of it. All text
// of an answer passes here.
func (w *rewriter) text(b *textBlock, s string, final bool) string {
	if !b.open {
		if s == "" {
			return ""
		}
		b.n, b.open = w.blocks, true
		w.blocks++
	}
	b.open = !final
	return w.judge.Text(b.n, s, final)
}

// stream rewrites an event stream.
func (w *rewriter) stream() error {
	defer w.tell()
	for {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		e, err := w.in.next()
		if ended, err := w.step(e, err); ended {
			return err
		}
	}
}

// step goes on by an event, or by the error that came instead. ended tells that
// the stream has, in the way that its error says.
func (w *rewriter) step(e *event, err error) (ended bool, _ error) {
	switch {
	case err == io.EOF:
		return true, w.over(nil)
	case errors.Is(err, errEventTooLarge):
		return true, w.end(TooLarge, err)
	case w.out.err != nil:
		return true, fmt.Errorf("write the answer to the agent: %w", w.out.err)
	case errors.Is(err, ErrHalted):
		return true, w.end(Halted, err)
	case err != nil:
		return true, w.over(err)
	}
	switch err := w.take(e); {
	case w.out.err != nil:
		return true, fmt.Errorf("write the answer to the agent: %w", w.out.err)
	case errors.Is(err, errTooMuch):
		return true, w.end(TooLarge, err)
	case err != nil:
		return true, w.end(Malformed, err)
	case w.bytes > maxHeld:
		return true, w.end(TooLarge, errHeld)
	}
	return false, nil
}

// take reads an event and writes what can be written.
func (w *rewriter) take(e *event) error {
	if len(w.out.buf) > maxBurst {
		if err := w.out.flush(); err != nil {
			return nil // the loop sees it
		}
	}
	if e.data != nil && !e.done() && len(e.data) > 0 {
		var err error
		if e.root, err = e.tree.parse(e.data); err != nil {
			if e.part {
				return nil // nobody can read what was cut off
			}
			return fmt.Errorf("read an event of the answer as JSON: %w", err)
		}
		w.meter(e.root)
	}
	if err := w.format.read(e); err != nil {
		return err
	}
	if w.calls > maxCalls {
		return errTooMuch
	}
	if len(w.held) == 0 && e.ready() {
		w.write(e)
		return nil
	}
	k := e.keep()
	w.held = append(w.held, k)
	w.bytes += len(k.raw)
	w.drain()
	if len(w.held) > 0 && time.Since(w.out.last) > quiet {
		w.format.pulse()
		w.out.last = time.Now()
	}
	return nil
}

// drain writes the held events up to the first that still waits.
func (w *rewriter) drain() {
	n := 0
	for ; n < len(w.held) && w.held[n].ready(); n++ {
		w.write(w.held[n])
		w.bytes -= len(w.held[n].raw)
		w.held[n] = nil
	}
	if w.held = w.held[n:]; len(w.held) == 0 {
		w.held = nil
	}
}

// write puts out an event whose calls are decided.
func (w *rewriter) write(e *event) {
	w.spans = e.spans
	w.format.write(e)
}

// ready reports whether everything is decided that the event waits for.
func (e *event) ready() bool {
	for _, c := range e.calls {
		if !c.decided {
			return false
		}
	}
	return e.group.ready()
}

// done reports whether the event is the [DONE] that OpenAI ends a stream with.
func (e *event) done() bool { return string(bytes.TrimSpace(e.data)) == "[DONE]" }

// over ends a stream whose source is at its end, by an error if err is not nil.
func (w *rewriter) over(err error) error {
	w.endTexts()
	if len(w.open) > 0 {
		return w.end(CutOff, err)
	}
	w.drain()
	w.format.finish("")
	if ferr := w.out.flush(); ferr != nil {
		return ferr
	}
	if err != nil {
		return fmt.Errorf("read the answer of the provider: %w", err)
	}
	return nil
}

// end ends the answer before its time, with a notice.
func (w *rewriter) end(f Failure, err error) error {
	w.abandon()
	w.drain()
	w.format.finish(w.say(f))
	if ferr := w.out.flush(); ferr != nil {
		return ferr
	}
	return &Ended{Failure: f, Err: err}
}

// whole rewrites an answer that is one JSON text.
func (w *rewriter) whole(src io.Reader) error {
	defer w.tell()
	body, err := io.ReadAll(io.LimitReader(src, maxEvent+1))
	if errors.Is(err, ErrHalted) {
		return w.endWhole(Halted, err)
	}
	if err != nil {
		return fmt.Errorf("read the answer of the provider: %w", err)
	}
	if len(body) > maxEvent {
		return w.endWhole(TooLarge, errors.New("the answer is larger than 16 MiB"))
	}
	if len(bytes.TrimSpace(body)) == 0 {
		w.out.buf = append(w.out.buf, body...)
		return w.out.flush()
	}
	var t tree
	root, err := t.parse(body)
	if err != nil {
		return w.endWhole(Malformed, fmt.Errorf("read the answer as JSON: %w", err))
	}
	w.meter(root)
	if root.kind() == '{' {
		if body, err = w.format.whole(root); err != nil {
			return w.endWhole(Malformed, err)
		}
	}
	w.out.buf = append(w.out.buf, body...)
	return w.out.flush()
}

func (w *rewriter) endWhole(f Failure, err error) error {
	w.out.buf = append(w.out.buf, w.req.answer(w.say(f), false)...)
	if ferr := w.out.flush(); ferr != nil {
		return ferr
	}
	return &Ended{Failure: f, Err: err}
}

// output gathers what can go out together.
type output struct {
	w       io.Writer
	flusher http.Flusher
	buf     []byte
	last    time.Time // something went out
	err     error
}

func (o *output) flush() error {
	if o.err == nil && len(o.buf) > 0 {
		_, o.err = o.w.Write(o.buf)
		o.last = time.Now()
		if o.buf = o.buf[:0]; cap(o.buf) > 1<<20 {
			o.buf = nil
		}
		if o.flusher != nil {
			o.flusher.Flush()
		}
	}
	return o.err
}
