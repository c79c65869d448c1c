package model

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// exchange is one request on its way through the door.
type exchange struct {
	door     *Door
	route    served
	endpoint endpoint
	path     string // below the route's base URL
	header   string // in which the agent showed its token; "" when it showed a key of its own

	counted bool // what comes back is data, such as a number, and no turn of a model

	request *wire.Request // nil when it only passes
	body    []byte        // what is sent instead of the agent's
	sending bytes.Reader
	done    func() // nothing of the request is kept any more
	turn    *turn

	res   *http.Response
	hand  func() error // the answer's body on; nil when there is none
	after []func()     // what is done in the end, the last first
}

// close ends what was begun for the exchange.
func (x *exchange) close() {
	for _, f := range slices.Backward(x.after) {
		f()
	}
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
func (d *Door) turn(w http.ResponseWriter, r *http.Request, x *exchange) {
	body, done, ok := d.take(w, r)
	if !ok {
		return
	}
	defer done()
	x.done = done
	var err error
	if x.request, err = d.conversations.Parse(x.endpoint.api, body); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if d.canary(w, x) || d.drill(w, r, x) {
		return
	}
	x.turn = newTurn(d.guard, x, r.Header.Get("Traceparent"))
	x.turn.meter.asked = len(body)
	replaced, answer := x.turn.read(r.Context())
	if answer != "" && x.counted {
		refuse(w, http.StatusBadRequest, answer)
		return
	}
	if answer != "" {
		x.say(w, answer)
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

// say answers a turn as the assistant.
func (x *exchange) say(w http.ResponseWriter, words string) {
	contentType, body := x.request.Answer(words)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(body)
}

// elsewhere is the error of an answer that sends the agent to another address,
// past the door.
type elsewhere string

func (e elsewhere) Error() string {
	to := "another address"
	if u, err := url.Parse(string(e)); err == nil && u.Host != "" {
		to = shown(u.Scheme + "://" + u.Host)
	}
	return "it sends the agent on to " + to + ", where Seawall would see nothing: if that is right, make it the base URL (baseUrl in openclaw.json, then `seawall connect`; --upstream of `seawall guard`)"
}

// maxError bounds what is looked at of a provider's error, in bytes.
const maxError = 1 << 20

// hideKey takes the real key out of an error: some servers say which one they
// refused.
func hideKey(res *http.Response, key string) error {
	if key == "" {
		return nil
	}
	if encoding := res.Header.Get("Content-Encoding"); encoding != "" {
		decoded, err := decoder(encoding, res.Body)
		if err != nil {
			return err
		}
		res.Header.Del("Content-Encoding")
		res.Header.Del("Content-Length")
		res.Body, res.ContentLength = decoded, -1
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
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(errorBody(sentence))
}

func errorBody(sentence string) []byte {
	body, _ := json.Marshal(map[string]any{
		"type":  "error",
		"error": map[string]any{"type": "seawall_error", "code": "seawall", "message": "Seawall: " + sentence},
	})
	return append(body, '\n')
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
		// They are kept as long as a stream is open; what is larger goes past them.
		ReadBufferSize:  1 << 10,
		WriteBufferSize: 1 << 10,
	}
}

// quiet is where net/http writes what the door has answered already.
var quiet = log.New(io.Discard, "", 0)
