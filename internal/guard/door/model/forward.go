package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// forward sends a request to the provider, as the guard left it, and writes the
// head of its answer; handOn does the rest. All of an answer happens on this
// goroutine: a provider's next piece is read when the one before has been judged
// and written.
func (d *Door) forward(w http.ResponseWriter, r *http.Request, x *exchange) {
	out := x.outgoing(r)
	until, leave := x.untilFrozen(r.Context())
	interim := &interim{w: w}
	res, err := d.transport.RoundTrip(out.WithContext(httptrace.WithClientTrace(until, &httptrace.ClientTrace{
		Got1xxResponse: interim.pass,
		WroteRequest:   x.wrote,
	})))
	interim.over()
	if err != nil && halted(until) {
		x.halt(w)
		return
	}
	if err != nil {
		d.upstreamFailed(w, r, x, err)
		return
	}
	res.Body = &thinking{res.Body, until, time.AfterFunc(d.limits.thought, leave), d.limits.thought}
	x.res = res
	x.after = append(x.after, func() { res.Body.Close() })
	x.release()
	hand, err := x.incoming(r.Context(), w)
	if errors.Is(err, wire.ErrHalted) {
		x.halt(w)
		return
	}
	if err != nil {
		d.upstreamFailed(w, r, x, err)
		return
	}
	x.hand = hand
	endToEnd(res.Header)
	maps.Copy(w.Header(), res.Header)
	for name := range res.Trailer {
		w.Header().Add("Trailer", name)
	}
	w.WriteHeader(res.StatusCode)
	if res.ContentLength < 0 {
		// A model may think for long before its first word; its agent must not
		// take it for dead.
		_ = http.NewResponseController(w).Flush()
	}
}

// handOn hands the body of an answer on, to its end.
func (x *exchange) handOn(w http.ResponseWriter) {
	if whole(x.hand()) != nil {
		panic(http.ErrAbortHandler) // what was cut off must not look like a whole answer
	}
	x.trailers(w)
}

// trailers writes those of an answer whose body was read, announced or not.
func (x *exchange) trailers(w http.ResponseWriter) {
	x.res.Body.Close() // fills them in
	for name, values := range x.res.Trailer {
		if !slices.Contains(w.Header()["Trailer"], name) {
			name = http.TrailerPrefix + name
		}
		w.Header()[name] = values
	}
}

// outgoing is the provider's request: its address, the real key, and the body
// as the guard left it, or the agent's own, which is read to the end of the
// exchange at most.
func (x *exchange) outgoing(r *http.Request) *http.Request {
	u := *x.route.upstream
	if u.RawPath != "" {
		u.RawPath += x.path
	}
	u.Path += x.path
	u.RawQuery = r.URL.RawQuery
	out := &http.Request{Method: r.Method, URL: &u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: r.Header.Clone()}
	endToEnd(out.Header)
	for _, name := range forwarding {
		delete(out.Header, name)
	}
	if slices.Contains(r.Header["Te"], "trailers") {
		out.Header.Set("Te", "trailers")
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = []string{""} // none, instead of Go's own
	}
	if x.route.Token != "" {
		out.Header.Del("Authorization")
		out.Header.Del("X-Api-Key")
		value := x.route.key
		if x.header == "Authorization" {
			value = "Bearer " + value
		}
		out.Header.Set(x.header, value)
	}
	// Only what can be read can be judged.
	out.Header.Set("Accept-Encoding", "identity")
	switch {
	case x.request != nil:
		out.Header.Del("Content-Encoding")
		out.Header.Del("Expect") // the body is here
		x.sending.Reset(x.body)
		out.Body, out.ContentLength = io.NopCloser(&x.sending), int64(len(x.body))
	case r.ContentLength != 0:
		agents := &inbound{from: r.Body}
		out.Body, out.ContentLength = agents, r.ContentLength
		x.after = append(x.after, func() { agents.Close() })
	}
	return out
}

// release lets go of what was read for the request.
func (x *exchange) release() {
	if x.request != nil {
		x.body = nil
		x.request.Release()
		x.done()
	}
}

// wrote lets go of a body that was sent: an answer may take long.
func (x *exchange) wrote(info httptrace.WroteRequestInfo) {
	if info.Err == nil {
		x.sending.Reset(nil)
	}
}

// inbound is the agent's body on its way to the provider. The transport may
// close it, and may still be reading when the exchange is over.
type inbound struct {
	from   io.Reader
	closed atomic.Bool
}

// Read implements io.Reader.
func (b *inbound) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.from.Read(p)
}

// Close implements io.Closer.
func (b *inbound) Close() error { b.closed.Store(true); return nil }

// forwarding are the headers by which proxies name a client. The agent's
// provider is none of their business.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// perHop are the headers that are about one connection (RFC 9110, 7.6.1).
var perHop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// endToEnd leaves only what is not about one connection.
func endToEnd(h http.Header) {
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			delete(h, textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)))
		}
	}
	for _, name := range perHop {
		delete(h, name)
	}
}

// interim passes a provider's 1xx answers on, until the one that counts. The
// transport tells of them on a goroutine of its own.
type interim struct {
	mu   sync.Mutex
	w    http.ResponseWriter
	done bool
}

func (i *interim) pass(code int, header textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.done {
		return nil
	}
	h := i.w.Header()
	maps.Copy(h, http.Header(header))
	i.w.WriteHeader(code)
	clear(h) // they were this answer's
	return nil
}

func (i *interim) over() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.done = true
}

// incoming returns what hands an answer on, and sets the headers right that
// this changes. The guard looks at all that a client takes for an answer (2xx);
// errors of the provider, rate limits among them, pass as they are.
func (x *exchange) incoming(ctx context.Context, w http.ResponseWriter) (hand func() error, err error) {
	res := x.res
	pour := func() error { return pour(w, res.Body, res.ContentLength < 0) }
	switch {
	case res.StatusCode < 200:
		return nil, errSwitched
	case res.StatusCode >= 400:
		return pour, hideKey(res, x.route.key)
	case res.StatusCode >= 300 && res.StatusCode != http.StatusNotModified:
		return nil, elsewhere(res.Header.Get("Location"))
	case x.request == nil || x.counted:
		return pour, nil
	}
	decoded, err := decoder(res.Header.Get("Content-Encoding"), res.Body)
	if err != nil {
		return nil, err
	}
	x.after = append(x.after, func() { decoded.Close() })
	res.Header.Del("Content-Encoding")
	contentType := res.Header.Get("Content-Type")
	if kind, _, _ := mime.ParseMediaType(contentType); kind == "application/json" {
		// It is read to its end anyway, so that it can go out in one piece, with
		// its length.
		var body bytes.Buffer
		err := whole(x.request.Rewrite(ctx, &body, decoded, contentType, x.turn))
		res.ContentLength = int64(body.Len())
		res.Header.Set("Content-Length", strconv.Itoa(body.Len()))
		return func() error { _, err := body.WriteTo(w); return err }, err
	}
	res.Header.Del("Content-Length")
	res.ContentLength = -1
	return x.request.Rewriter(ctx, w, decoded, contentType, x.turn), nil
}

var errSwitched = errors.New("it answered in another protocol than was asked for")

// pieces are what answers are read in that nobody judges.
var pieces = sync.Pool{New: func() any { return new([4 << 10]byte) }}

// pour copies an answer that nobody judges, at once where it may be a stream.
func pour(w http.ResponseWriter, body io.Reader, stream bool) error {
	piece := pieces.Get().(*[4 << 10]byte)
	defer pieces.Put(piece)
	for {
		n, err := body.Read(piece[:])
		if n > 0 {
			if _, err := w.Write(piece[:n]); err != nil {
				return err
			}
			if stream {
				_ = http.NewResponseController(w).Flush()
			}
		}
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// upstreamFailed answers when the provider could not be reached. It is an HTTP
// error, because nothing was decided: the agent may try again.
func (d *Door) upstreamFailed(w http.ResponseWriter, r *http.Request, x *exchange, err error) {
	if r.Context().Err() != nil {
		return // the agent went away
	}
	why := "it did not answer"
	var op *net.OpError
	var dns *net.DNSError
	var away elsewhere
	switch {
	case asError(err, &away):
		why = away.Error()
	case errors.Is(err, io.ErrUnexpectedEOF):
		why = "its answer broke off"
	case asError(err, &dns):
		why = "its name could not be resolved"
	case asError(err, &op) && op.Op == "dial":
		why = "no connection could be made"
	case strings.Contains(err.Error(), "tls:") || strings.Contains(err.Error(), "x509:"):
		why = "its certificate was not accepted"
	case errors.Is(err, errSwitched), strings.Contains(err.Error(), "content encoding"):
		why = err.Error()
	}
	d.Stats.failed(fmt.Sprintf("%s: %s", x.route.upstream.Host, why))
	refuse(w, http.StatusBadGateway, fmt.Sprintf("the provider %q at %s could not be used: %s; Seawall tries again with the next request", x.route.ID, x.route.upstream.Host, why))
}
