package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
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
	sending bytes.Reader
	turn    *turn
}

func (d *Door) pass(w http.ResponseWriter, r *http.Request, x *exchange) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	// A provider may answer before it has read to the end: without this the
	// rest of the body is taken from under the transport, and the answer breaks off.
	_ = http.NewResponseController(w).EnableFullDuplex()
	d.forward(w, r, x)
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
	if d.canary(w, x) {
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
	if x.body, err = x.turn.withhold(r.Context(), x.body); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	d.forward(w, r, x)
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
