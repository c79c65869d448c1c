package model

import (
	"cmp"
	"crypto/subtle"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is a scripted model. Start it with [Serve]; its methods are safe for
// concurrent use.
type Server struct {
	key  string
	http *http.Server
	addr net.Addr
	ids  given

	mu       sync.Mutex
	script   Script
	requests []*Request
	refusals []string
}

// maxBody is more than OpenClaw ever sends.
const maxBody = 64 << 20

// Serve starts a model on l, which it closes in [Server.Close]. With a key,
// requests that bring another one are refused as the services refuse them.
func Serve(l net.Listener, key string, script Script) *Server {
	s := &Server{key: key, script: script, addr: l.Addr()}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 30 * time.Second}
	go func() { _ = s.http.Serve(l) }()
	return s
}

// Close ends the server and every connection.
func (s *Server) Close() error { return s.http.Close() }

// Origin is "http://host:port".
func (s *Server) Origin() string { return "http://" + s.addr.String() }

// BaseURL is what OpenClaw's models.providers.<id>.baseUrl must be for a
// format: OpenAI's end in /v1, Anthropic's does not.
func (s *Server) BaseURL(api API) string {
	if api == Anthropic {
		return s.Origin()
	}
	return s.Origin() + "/v1"
}

// Play replaces the script and forgets the requests so far.
func (s *Server) Play(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.requests = script, nil
}

// Requests returns what the model was asked, in order of arrival.
func (s *Server) Requests() []*Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Request(nil), s.requests...)
}

// Refusals are the messages of all conversations that the real services would
// not have taken, since the start; [Server.Play] does not forget them.
func (s *Server) Refusals() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refusals)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	api, what := route(req)
	if what == "" {
		http.Error(w, string(openAIError(404, fmt.Sprintf("Invalid URL (%s %s)", req.Method, req.URL.Path))), http.StatusNotFound)
		return
	}
	f := formats[api]
	if what == "models" && s.admits(req) {
		send(w, http.StatusOK, nil, obj("object", "list", "data", list(obj("id", "lab-1", "object", "model", "created", 1764000000, "owned_by", "lab"))))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		send(w, http.StatusRequestEntityTooLarge, nil, f.fail(413, "The body could not be read whole."))
		return
	}
	r := &Request{API: api, Path: req.URL.Path, Header: req.Header.Clone(), Body: body}
	if !s.admits(req) {
		r.Refused = "Incorrect API key provided."
		s.keep(r)
		send(w, http.StatusUnauthorized, nil, f.fail(401, r.Refused))
		return
	}
	answer := s.decide(f, r)
	switch {
	case r.Refused != "":
		send(w, http.StatusBadRequest, nil, f.fail(400, r.Refused))
	case what == "count":
		send(w, http.StatusOK, nil, obj("input_tokens", len(body)/4))
	case answer.Status != 0 && answer.Status != http.StatusOK:
		send(w, answer.Status, answer.Header, f.fail(answer.Status, answer.Error))
	default:
		s.answer(w, req, f, r, answer)
	}
}

// keep remembers a request that is not answered by the script.
func (s *Server) keep(r *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
}

// decide keeps the request and asks the script about it, one at a time.
func (s *Server) decide(f format, r *Request) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if r.Refused = f.read(r, &s.ids); r.Refused != "" {
		s.refusals = append(s.refusals, r.Refused)
	}
	if r.Refused != "" || strings.HasSuffix(r.Path, "/count_tokens") {
		return Answer{}
	}
	return s.script.Answer(r)
}

// route says which format a request is in, and what it wants.
func route(req *http.Request) (api API, what string) {
	p := req.URL.Path
	switch {
	case req.Method == http.MethodGet && strings.HasSuffix(p, "/models"):
		return Chat, "models"
	case req.Method != http.MethodPost:
		return "", ""
	case strings.HasSuffix(p, "/chat/completions"):
		return Chat, "answer"
	case strings.HasSuffix(p, "/responses"):
		return Responses, "answer"
	case strings.HasSuffix(p, "/messages"):
		return Anthropic, "answer"
	case strings.HasSuffix(p, "/messages/count_tokens"):
		return Anthropic, "count"
	}
	return "", ""
}

// admits compares the key of a request, wherever its format puts it.
func (s *Server) admits(req *http.Request) bool {
	if s.key == "" {
		return true
	}
	got := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	if k := req.Header.Get("X-Api-Key"); k != "" {
		got = k
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(s.key)) == 1
}

func send(w http.ResponseWriter, status int, header map[string]string, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	for k, v := range header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// answer writes a whole answer or a stream of events.
func (s *Server) answer(w http.ResponseWriter, req *http.Request, f format, r *Request, a Answer) {
	w.Header().Set("X-Request-Id", s.ids.id("req_", 32))
	for k, v := range a.Header {
		w.Header().Set(k, v)
	}
	var parts [][]byte
	switch {
	case !r.Stream:
		w.Header().Set("Content-Type", "application/json")
		body := a.Raw
		if s.ids.learn(r.API, body); body == nil {
			body = f.whole(r, a, &s.ids)
		}
		parts = [][]byte{body}
		if a.CutAfter > 0 && len(body) > 1 {
			parts = [][]byte{body[:len(body)/2], body[len(body)/2:]}
			a.CutAfter = 1
		}
	default:
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		if parts = [][]byte{a.Raw}; a.Raw != nil {
			s.ids.learn(r.API, a.Raw)
		} else {
			parts = nil
			for _, e := range f.stream(r, a, &s.ids) {
				parts = append(parts, e.bytes())
			}
		}
	}
	write(w, req, a, parts)
}

// write sends the parts with the answer's delays, cuts and silences.
func write(w http.ResponseWriter, req *http.Request, a Answer, parts [][]byte) {
	out := http.NewResponseController(w)
	for i, p := range parts {
		if (a.CutAfter > 0 || a.Hang) && i == a.CutAfter {
			_ = out.Flush()
			if a.Hang {
				<-req.Context().Done()
			}
			panic(http.ErrAbortHandler) // the connection ends without the end of the answer
		}
		if a.Delay > 0 {
			select {
			case <-time.After(a.Delay):
			case <-req.Context().Done():
				return
			}
		}
		for b := range slices.Chunk(p, max(1, cmp.Or(a.Grain, len(p)))) {
			if _, err := w.Write(b); err != nil {
				return
			}
			_ = out.Flush()
		}
	}
}
