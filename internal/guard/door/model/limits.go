package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// maxBody bounds a request, as it is sent and as it is decoded: the largest that
// a provider takes is below it, and a conversation with pictures fits.
const maxBody = 64 << 20

// limits are what the door gives to whoever asks and whoever answers. They are
// generous to the slow and finite to the dead.
type limits struct {
	flight  int64         // bytes of all requests at once, each counted twice: as it came and as it was read
	room    time.Duration // how long a request waits for others to make room
	pause   time.Duration // without a byte of a request
	request time.Duration // for a whole request; who asks is on this machine
	unread  time.Duration // without the client reading on of its answer
	thought time.Duration // without a byte of an answer: a model may think that long
}

var usual = limits{
	flight:  256 << 20,
	room:    10 * time.Second,
	pause:   30 * time.Second,
	request: 2 * time.Minute,
	unread:  2 * time.Minute,
	thought: 15 * time.Minute,
}

// limit sets the limits of a door that is not open yet.
func (d *Door) limit(transport http.RoundTripper, l limits) {
	d.limits, d.flight, d.transport = l, semaphore.NewWeighted(l.flight), transport
}

// take reads the body of a request, decoded. done gives back what the request
// counts for; ok is false when it was refused.
func (d *Door) take(w http.ResponseWriter, r *http.Request) (body []byte, done func(), ok bool) {
	share := &share{all: d.flight, wait: d.limits.room}
	body, status, err := d.read(w, r, share)
	if err == nil {
		return body, share.give, true
	}
	share.give()
	w.Header().Set("Connection", "close") // something of it may still be on its way
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(int(max(d.limits.room/time.Second, 1))))
	}
	refuse(w, status, err.Error())
	return nil, nil, false
}

// read returns the decoded body of a request, or the status and the sentence to
// refuse it with.
func (d *Door) read(w http.ResponseWriter, r *http.Request, s *share) ([]byte, int, error) {
	slow := &arriving{body: r.Body, control: http.NewResponseController(w), pause: d.limits.pause, over: time.Now().Add(d.limits.request)}
	defer slow.end()
	if r.ContentLength > maxBody {
		slow.drop(r)
		return nil, http.StatusRequestEntityTooLarge, errTooLarge
	}
	decoded, err := decoder(r.Header.Get("Content-Encoding"), http.MaxBytesReader(w, slow, maxBody))
	if err != nil {
		return nil, http.StatusUnsupportedMediaType, err
	}
	defer decoded.Close()
	body, err := s.readAll(r.Context(), decoded, max(r.ContentLength, 0))
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return body, 0, nil
	case errors.Is(err, errTooLarge), errors.As(err, &tooLarge):
		slow.drop(r)
		return nil, http.StatusRequestEntityTooLarge, errTooLarge
	case errors.Is(err, errNoRoom):
		return nil, http.StatusServiceUnavailable, errNoRoom
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout, fmt.Errorf("the request did not come to its end: %s without a byte of it, or %s in all, is too long", d.limits.pause, d.limits.request)
	}
	return nil, http.StatusBadRequest, fmt.Errorf("the request broke off while it was read: %v", err)
}

var (
	errTooLarge = fmt.Errorf("the request is larger than %d MiB: shorten the conversation (/compact) or send smaller files", maxBody>>20)
	errNoRoom   = errors.New("too many large requests are under way at once; send this one again in a moment")
)

// share is what one request takes of the bytes that all may have.
type share struct {
	all   *semaphore.Weighted
	wait  time.Duration
	taken int64
}

// copies is how often a request stands in memory: as it came, and as what its
// strings say.
const copies = 2

// take waits for room for n more bytes.
func (s *share) take(ctx context.Context, n int64) error {
	n *= copies
	if !s.all.TryAcquire(n) {
		ctx, stop := context.WithTimeout(ctx, s.wait)
		defer stop()
		if s.all.Acquire(ctx, n) != nil {
			return errNoRoom
		}
	}
	s.taken += n
	return nil
}

func (s *share) give() {
	s.all.Release(s.taken)
	s.taken = 0
}

// firstPiece is what is made room for when nobody says how much comes.
const firstPiece = 16 << 10

// readAll reads to the end. Room is taken for what the client announced, of
// which no memory is made before it comes, and for more as it comes.
func (s *share) readAll(ctx context.Context, from io.Reader, announced int64) ([]byte, error) {
	room := int64(firstPiece)
	if announced > 0 {
		room = announced + bytes.MinRead
	}
	if err := s.take(ctx, room); err != nil {
		return nil, err
	}
	body := make([]byte, 0, min(room, 1<<20))
	for {
		if len(body) == cap(body) {
			if len(body) > maxBody {
				return nil, errTooLarge
			}
			next := min(2*int64(cap(body)), maxBody+bytes.MinRead)
			if more := next - room; more > 0 {
				if err := s.take(ctx, more); err != nil {
					return nil, err
				}
				room = next
			}
			body = append(make([]byte, 0, next), body...)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > maxBody:
			return nil, errTooLarge
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, err
		}
	}
}

// arriving is a request's body that has to come within a time.
type arriving struct {
	body    io.ReadCloser
	control *http.ResponseController
	pause   time.Duration
	over    time.Time
}

// Read implements io.Reader.
func (a *arriving) Read(p []byte) (int, error) {
	until := time.Now().Add(a.pause)
	if a.over.Before(until) {
		until = a.over
	}
	_ = a.control.SetReadDeadline(until) // what cannot be limited is no connection
	return a.body.Read(p)
}

// Close implements io.Closer.
func (a *arriving) Close() error { return a.body.Close() }

// drop reads what nobody wants, so that the client sees why: one that is still
// sending when its connection is closed may never read the answer.
func (a *arriving) drop(r *http.Request) {
	if r.Header.Get("Expect") == "" {
		a.over = time.Now().Add(a.pause / 3)
		_, _ = io.CopyN(io.Discard, a, 4*maxBody)
	}
}

// end lets the connection wait again: it is how a client that leaves is noticed.
func (a *arriving) end() { _ = a.control.SetReadDeadline(time.Time{}) }

// reader is a client that reads its answer: each piece that is written has to
// be taken within a time.
type reader struct {
	http.ResponseWriter
	control *http.ResponseController
	unread  time.Duration
	set     time.Time
}

func (l limits) reader(w http.ResponseWriter) *reader {
	r := &reader{ResponseWriter: w, control: http.NewResponseController(w), unread: l.unread}
	r.wait()
	return r
}

// wait gives the client its time again, at most once a second: setting it costs
// more than a small event.
func (r *reader) wait() {
	if now := time.Now(); now.Sub(r.set) > min(time.Second, r.unread/8) {
		r.set = now
		_ = r.control.SetWriteDeadline(now.Add(r.unread))
	}
}

// Write implements io.Writer.
func (r *reader) Write(p []byte) (int, error) {
	r.wait()
	return r.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (r *reader) Flush() {
	r.wait()
	_ = r.control.Flush()
}

// Unwrap serves http.ResponseController.
func (r *reader) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// thinking is the body of an answer that may pause for a time, and not longer.
// When the agent is frozen, it ends in the middle of what it says.
type thinking struct {
	io.ReadCloser
	ctx     context.Context // of the request
	up      *time.Timer     // ends it
	thought time.Duration
}

// Read implements io.Reader.
func (t *thinking) Read(p []byte) (int, error) {
	if halted(t.ctx) {
		return 0, wire.ErrHalted
	}
	t.up.Reset(t.thought)
	n, err := t.ReadCloser.Read(p)
	if err != nil && err != io.EOF && halted(t.ctx) {
		err = wire.ErrHalted
	}
	return n, err
}

// Close implements io.Closer.
func (t *thinking) Close() error {
	t.up.Stop()
	return t.ReadCloser.Close()
}

// maxConnections is how many clients a door has at once; each that asks needs
// two or three descriptors here.
const maxConnections = 2048

// Bounded takes connections from a listener and turns away those that are too
// many, with a sentence.
func Bounded(l net.Listener) net.Listener {
	most := int64(maxConnections)
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil && files.Cur < 3*maxConnections+256 {
		most = max(int64(files.Cur)-256, 64) / 3
	}
	return &bounded{Listener: l, most: most}
}

type bounded struct {
	net.Listener
	most    int64
	open    atomic.Int64
	leaving atomic.Int64
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := c.(*net.TCPConn)
		if !ok {
			return c, nil
		}
		if b.open.Add(1) <= b.most {
			return &connection{TCPConn: tcp, closed: sync.OnceFunc(func() { b.open.Add(-1) })}, nil
		}
		b.open.Add(-1)
		b.turnAway(tcp)
	}
}

// full is the answer to a connection that is too many.
var full = func() []byte {
	body := errorBody("too many connections are open at once; close some, or try again in a moment")
	return append(fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", len(body)), body...)
}()

// turnAway answers a connection that is too many. For some it waits until they
// have read that: what is closed with something unread behind it is reset, and
// the answer may be lost.
func (b *bounded) turnAway(c *net.TCPConn) {
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = c.Write(full)
	if b.leaving.Add(1) > 64 {
		b.leaving.Add(-1)
		c.Close()
		return
	}
	go func() {
		defer b.leaving.Add(-1)
		defer c.Close()
		_ = c.CloseWrite()
		_, _ = io.CopyN(io.Discard, c, 64<<10)
	}()
}

// connection is one of those that are counted.
type connection struct {
	*net.TCPConn
	closed func()
}

// Close implements net.Conn.
func (c *connection) Close() error {
	defer c.closed()
	return c.TCPConn.Close()
}
