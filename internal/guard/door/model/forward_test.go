package model

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// TestHeadersOfOneConnectionDoNotPass, nor what names a client to strangers.
func TestHeadersOfOneConnectionDoNotPass(t *testing.T) {
	var asked http.Header
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Connection", "X-Mine")
		w.Header().Set("X-Mine", "1")
		w.Header().Set("Keep-Alive", "timeout=5")
		w.Header().Set("X-Kept", "1")
		_, _ = io.WriteString(w, sunny)
	})
	s := open(t, p, options{path: "/v1"})
	r := s.request(http.MethodPost, "/chat/completions", conversation(wire.Chat, false, user("hello")))
	for name, value := range map[string]string{
		"Connection": "x-hop, keep-alive", "X-Hop": "1", "Te": "trailers", "Proxy-Authorization": "Basic eA==",
		"Forwarded": "for=1.2.3.4", "X-Forwarded-For": "1.2.3.4", "X-Kept": "1",
	} {
		r.Header.Set(name, value)
	}
	a := s.do(r)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	for _, name := range []string{"Connection", "X-Hop", "Proxy-Authorization", "Forwarded", "X-Forwarded-For"} {
		if v := asked.Get(name); v != "" {
			t.Errorf("the provider got %s: %s", name, v)
		}
	}
	if asked.Get("X-Kept") != "1" || asked.Get("Te") != "trailers" {
		t.Errorf("the provider got %v", asked)
	}
	if a.Header.Get("X-Mine") != "" || a.Header.Get("Keep-Alive") != "" || a.Header.Get("X-Kept") != "1" {
		t.Errorf("the agent got %v", a.Header)
	}
}

func TestInterimAnswersPass(t *testing.T) {
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, sunny)
	})
	s := open(t, p, options{path: "/v1"})
	var early []string
	r := s.request(http.MethodPost, "/chat/completions", conversation(wire.Chat, false, user("hello")))
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints {
				early = append(early, h.Get("Link"))
			}
			return nil
		},
	}))
	a := s.do(r)
	if !slices.Equal(early, []string{"</style>; rel=preload"}) || a.Header.Get("Link") != "" || a.body != sunny {
		t.Errorf("the agent got early %q, then %v %s", early, a.Header, a.body)
	}
}

func TestTrailersThatNobodyAnnouncedPass(t *testing.T) {
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, events)
		_ = http.NewResponseController(w).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Late", "7")
	})
	s := open(t, p, options{path: "/v1"})
	if a := s.ask(wire.Chat, true, user("hello")); a.err != nil || a.Trailer.Get("X-Late") != "7" {
		t.Errorf("the trailer is %v, %v", a.Trailer, a.err)
	}
}

func TestAnotherProtocolIsNoAnswer(t *testing.T) {
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	})
	s := open(t, p, options{path: "/v1"})
	refused(t, s.ask(wire.Chat, false, user("hello")), http.StatusBadGateway, "another protocol")
}

// TestASentBodyIsLetGo, since an answer may take long.
func TestASentBodyIsLetGo(t *testing.T) {
	x := &exchange{request: &wire.Request{}, body: []byte("what was said")}
	x.route.upstream = &url.URL{Scheme: "http", Host: "provider.example"}
	out := x.outgoing(&http.Request{Method: http.MethodPost, URL: x.route.upstream, Header: http.Header{}})
	if b, err := io.ReadAll(out.Body); string(b) != "what was said" || err != nil {
		t.Fatalf("sent %q, %v", b, err)
	}
	x.sending.Reset(x.body)
	x.wrote(httptrace.WroteRequestInfo{Err: io.ErrClosedPipe})
	if x.sending.Len() == 0 {
		t.Error("it is gone, although it was not sent")
	}
	x.wrote(httptrace.WroteRequestInfo{})
	if x.sending.Len() != 0 {
		t.Error("it is still there")
	}
}

func TestTheProviderLearnsNothingOfTheClient(t *testing.T) {
	var asked http.Header
	p := provider(t, func(w http.ResponseWriter, r *http.Request) { asked = r.Header })
	s := open(t, p, options{path: "/v1"})
	r := s.request(http.MethodGet, "/models", "")
	r.Header["User-Agent"] = []string{""} // the client's own
	s.do(r)
	for name, values := range asked {
		if strings.Contains(strings.Join(values, ""), "Go-http-client") {
			t.Errorf("the provider got %s: %v", name, values)
		}
	}
}
