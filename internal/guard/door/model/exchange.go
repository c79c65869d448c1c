package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// maxBody bounds a request: the largest that a provider takes is below it, and
// a conversation with pictures fits.
const maxBody = 64 << 20

// exchange is one request on its way through the door.
type exchange struct {
	door   *Door
	route  served
	path   string // below the route's base URL
	header string // in which the agent showed its token; "" when it showed a key of its own

	counted bool // the conversation is only counted, so the answer is a number

	request *wire.Request // nil when it only passes
	body    []byte        // what is sent instead of the agent's
	turn    *turn
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

func (d *Door) pass(w http.ResponseWriter, r *http.Request, x *exchange) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	// A provider may answer before it has read to the end: without this the
	// rest of the body is taken from under the transport, and the answer breaks off.
	_ = http.NewResponseController(w).EnableFullDuplex()
	d.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
}

// turn reads a request, lets the guard look at what the model would read, and
// forwards it, or answers itself where nothing can be forwarded.
func (d *Door) turn(w http.ResponseWriter, r *http.Request, x *exchange, api wire.API) {
	body, status, err := readBody(w, r)
	if err != nil {
		refuse(w, status, err.Error())
		return
	}
	if x.request, err = wire.ParseRequest(api, body); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	x.turn = newTurn(d.guard, x, r.Header.Get("Traceparent"))
	replaced, answer := x.turn.read(r.Context())
	if answer != "" && x.counted {
		refuse(w, http.StatusBadRequest, answer)
		return
	}
	if answer != "" {
		contentType, body := x.request.Answer(answer)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body)
		return
	}
	x.body = body
	if len(replaced) > 0 {
		x.body = x.request.Replace(replaced)
	}
	d.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
}

// readBody returns the decoded body of a request, or the status and the
// sentence to refuse it with.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, int, error) {
	decoded, err := decoder(r.Header.Get("Content-Encoding"), http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, http.StatusUnsupportedMediaType, err
	}
	defer decoded.Close()
	var buf bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= maxBody {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(decoded, maxBody+1))
	var tooLarge *http.MaxBytesError
	switch {
	case n > maxBody || asError(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the request is larger than %d MiB: shorten the conversation (/compact) or send smaller files", maxBody>>20)
	case err != nil:
		return nil, http.StatusBadRequest, fmt.Errorf("the request broke off while it was read: %v", err)
	}
	return buf.Bytes(), 0, nil
}

// rewriteRequest turns the agent's request into the provider's: its address,
// the real key, and the body as the guard left it.
func rewriteRequest(p *httputil.ProxyRequest) {
	x := exchangeOf(p.In.Context())
	u := *x.route.upstream
	if u.RawPath != "" {
		u.RawPath += x.path
	}
	u.Path += x.path
	u.RawQuery = p.In.URL.RawQuery
	p.Out.URL, p.Out.Host = &u, u.Host
	if x.route.Token != "" {
		p.Out.Header.Del("Authorization")
		p.Out.Header.Del("X-Api-Key")
		value := x.route.key
		if x.header == "Authorization" {
			value = "Bearer " + value
		}
		p.Out.Header.Set(x.header, value)
	}
	// Only what can be read can be judged.
	p.Out.Header.Set("Accept-Encoding", "identity")
	if x.request != nil {
		p.Out.Header.Del("Content-Encoding")
		p.Out.Body = io.NopCloser(bytes.NewReader(x.body))
		p.Out.ContentLength = int64(len(x.body))
	}
}

// rewriteAnswer lets the guard look at all that a client takes for an answer
// (2xx) while it passes. Errors of the provider, rate limits among them, pass as
// they are.
func (d *Door) rewriteAnswer(res *http.Response) error {
	x := exchangeOf(res.Request.Context())
	switch {
	case res.StatusCode >= 400:
		return hideKey(res, x.route.key)
	case res.StatusCode >= 300 && res.StatusCode != http.StatusNotModified:
		return elsewhere(res.Header.Get("Location"))
	case x.request == nil || x.counted:
		return nil
	}
	decoded, err := decoder(res.Header.Get("Content-Encoding"), res.Body)
	if err != nil {
		return err
	}
	res.Header.Del("Content-Encoding")
	contentType := res.Header.Get("Content-Type")
	rewrite := func(w io.Writer) error {
		return x.request.Rewrite(res.Request.Context(), w, decoded, contentType, x.turn)
	}
	if kind, _, _ := mime.ParseMediaType(contentType); kind == "application/json" {
		return replace(res, rewrite, decoded)
	}
	res.Header.Del("Content-Length")
	res.ContentLength = -1
	res.Body = rewritten(rewrite, decoded, res.Body)
	return nil
}

// elsewhere is the error of an answer that sends the agent to another address,
// past the door.
type elsewhere string

func (e elsewhere) Error() string {
	to := "another address"
	if u, err := url.Parse(string(e)); err == nil && u.Host != "" {
		to = shown(u.Scheme + "://" + u.Host)
	}
	return "it sends the agent on to " + to + ", where Seawall would see nothing: if that is right, set it as baseUrl in openclaw.json and run `seawall connect`"
}

// maxError bounds what is looked at of a provider's error, in bytes.
const maxError = 1 << 20

// hideKey takes the real key out of an error: some servers say which one they
// refused.
func hideKey(res *http.Response, key string) error {
	if key == "" {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxError))
	if err != nil {
		return err
	}
	hidden := bytes.ReplaceAll(body, []byte(key), []byte("[the key]"))
	if len(hidden) != len(body) {
		res.Header.Del("Content-Length")
		res.ContentLength = -1
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(hidden), res.Body), res.Body}
	return nil
}

// upstreamFailed answers when the provider could not be reached. It is an HTTP
// error, because nothing was decided: the agent may try again.
func (d *Door) upstreamFailed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the agent went away
	}
	x := exchangeOf(r.Context())
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
	case strings.Contains(err.Error(), "content encoding"):
		why = err.Error()
	}
	d.Stats.failed(fmt.Sprintf("%s: %s", x.route.upstream.Host, why))
	refuse(w, http.StatusBadGateway, fmt.Sprintf("the provider %q at %s could not be used: %s; Seawall tries again with the next request", x.route.ID, x.route.upstream.Host, why))
}

// refuse answers with one sentence, in the form in which all three APIs give
// errors.
func refuse(w http.ResponseWriter, status int, sentence string) {
	body, _ := json.Marshal(map[string]any{
		"type":  "error",
		"error": map[string]any{"type": "seawall_error", "code": "seawall", "message": "Seawall: " + sentence},
	})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		// A model may think for minutes before its first byte.
		ResponseHeaderTimeout: 15 * time.Minute,
		DisableCompression:    true,
	}
}

// quiet is where net/http writes what the door has answered already.
var quiet = log.New(io.Discard, "", 0)

type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { b := make([]byte, 4<<10); return &b }}}
}

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte { return *b.pool.Get().(*[]byte) }

// Put implements httputil.BufferPool.
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
