// Package model is the door between the agent and its model: a reverse proxy
// for model providers on loopback that the agent uses instead of the provider.
//
//	agent ──request──▶ token ▶ parts ▶ guard.Read ▶ real key ──▶ provider
//	agent ◀──answer─── guard.Judge, guard.Reply ◀ calls, text ◀── provider
//
// What nobody has to change passes byte for byte. Something that is stopped is
// never an HTTP error, which the agent would try three times and then be stuck
// on for good: it is an ordinary answer, or a replaced part.
package model

import (
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/loopback"
)

// Door serves the routes of one state directory.
type Door struct {
	guard     *guard.Guard
	routes    *Routes
	transport http.RoundTripper
	// conversations are those that passed; nothing that was decided about them is kept.
	conversations wire.Conversations
	// origins remembers whose words stand in them.
	origins *origin.Tracker
	limits  limits
	flight  *semaphore.Weighted // see limits
	Stats   Stats
	// Witness is told what passes. It is set before the door opens; New's does
	// nothing.
	Witness Witness
	// Price is set before the door opens; nil knows none.
	Price Pricer
	// Canary is asked about each message, before it is judged. It is set before
	// the door opens; nil knows none.
	Canary Canary
	// Drill is asked about each turn, before it is judged. It is set before the
	// door opens; nil knows none.
	Drill Drill
}

// Witness checks against this door what OpenClaw says of itself. Its methods
// are safe for concurrent use.
type Witness interface {
	// Saw tells of a request by a route of an agent, which is named by the path
	// of its config; trace and span are those of its traceparent, "" without one.
	Saw(agent, trace, span string)
	// Released tells of a call that was allowed and is about to be handed on: a
	// tool, and the arguments that it gets. Where a person has to answer a question
	// first, by its number, it tells that the call waits with the witness.
	Released(agent, trace, tool string, args []byte, question int64)
	// Waits reports whether calls of a run can wait with the witness.
	Waits(agent, trace string) bool
	// Speaker says whose words began a run of an agent, and which folder it works
	// in; "" is unknown.
	Speaker(agent, trace string) (guard.Speaker, string)
}

type unwitnessed struct{}

func (unwitnessed) Saw(_, _, _ string)                         {}
func (unwitnessed) Released(_, _, _ string, _ []byte, _ int64) {}
func (unwitnessed) Waits(_, _ string) bool                     { return false }
func (unwitnessed) Speaker(_, _ string) (guard.Speaker, string) {
	return guard.Speaker{}, ""
}

// New returns a door. transport reaches the providers; nil is a fresh one that
// honours HTTPS_PROXY.
func New(g *guard.Guard, routes *Routes, transport http.RoundTripper) *Door {
	if transport == nil {
		transport = newTransport()
	}
	d := &Door{guard: g, routes: routes, origins: origin.NewTracker(), Witness: unwitnessed{}}
	d.limit(transport, usual)
	return d
}

// Serve answers on a listener until it is closed.
func (d *Door) Serve(l net.Listener) error { return Serve(l, d) }

// Serve answers on a listener until it is closed.
func Serve(l net.Listener, h http.Handler) error { return Server(h).Serve(Bounded(l)) }

// Server is a server with the patience and the bounds of a door.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          quiet,
	}
}

// ServeHTTP implements http.Handler. All that comes before the body of an answer
// has returned when that is handed on: a stream may be open for long, and with
// more calls on it its stack would be twice as large.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := d.admit(w, r)
	if x == nil {
		return
	}
	everyone.enter()
	defer everyone.leave()
	defer x.close()
	client := d.limits.reader(w)
	d.serve(client, r, x)
	if x.hand != nil {
		x.handOn(client)
	}
}

// admit finds the route and the endpoint of a request; nil says that it was
// refused.
func (d *Door) admit(w http.ResponseWriter, r *http.Request) *exchange {
	if !Local(r) {
		refuse(w, http.StatusForbidden, "this door only serves programs on this machine that call it by its loopback address; a web page may not")
		return nil
	}
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	route, ok := d.routes.Find(id)
	if !ok {
		refuse(w, http.StatusNotFound, fmt.Sprintf("no provider %q is behind this door: `seawall status` lists them, `seawall connect` adds them", shown(id)))
		return nil
	}
	header, ok := authorised(r, route.Token)
	if !ok && route.Token != "" {
		refuse(w, http.StatusUnauthorized, fmt.Sprintf("the key for %q is not the one that `seawall connect` gave to this agent: run it again", route.ID))
		return nil
	}
	path, ok := strings.CutPrefix("/"+rest, route.upstream.EscapedPath())
	if !ok {
		path = "" // it is not below the base URL
	}
	e := endpointOf(r.Method, path)
	if e.does == barred {
		refuse(w, http.StatusNotFound, fmt.Sprintf("%s %s does not pass this door: %s", r.Method, shown("/"+rest), e.why))
		return nil
	}
	d.Stats.request()
	trace, span := traceparent(r.Header.Get("Traceparent"))
	d.Witness.Saw(route.Agent, trace, span)
	return &exchange{door: d, route: route, endpoint: e, path: path, header: header}
}

// Local reports whether a request was made by a program that knows this door
// by a loopback name: a page in a browser on this machine sends an Origin, and
// after DNS rebinding another Host.
func Local(r *http.Request) bool {
	return r.Header.Get("Origin") == "" && r.Header.Get("Upgrade") == "" && loopback.Host(r.Host)
}

// authorised returns the header in which the agent showed its token.
func authorised(r *http.Request, token string) (header string, ok bool) {
	for _, name := range []string{"Authorization", "X-Api-Key"} {
		shown := strings.TrimPrefix(r.Header.Get(name), "Bearer ")
		if shown != "" && subtle.ConstantTimeCompare([]byte(shown), []byte(token)) == 1 {
			return name, true
		}
	}
	return "", false
}

// shown is a piece of a request that is safe to say back.
func shown(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		s = u
	}
	if len(s) > 80 {
		s = s[:80]
	}
	return strings.ToValidUTF8(s, "")
}
