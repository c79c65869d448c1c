package model

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// These are about people, programs and providers that send what no honest one
// does: in each case the status, one sentence, and what it costs the door.

// zeros is a text of n letters that nobody keeps.
func zeros(n int64) io.Reader { return io.LimitReader(letters{}, n) }

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// spent is what was allocated meanwhile, in bytes: the most that can have been
// in use.
func spent(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

func TestABodyOfAHundredMegabytes(t *testing.T) {
	s := open(t, nobody(t), options{path: "/v1"})
	for _, test := range []struct {
		name string
		size int64 // announced
		most int64
	}{
		{"announced", 100 << 20, 1 << 20},
		{"in pieces", -1, 4 * maxBody},
	} {
		for _, path := range []string{"/chat/completions", "/embeddings"} {
			r := s.request(http.MethodPost, path, "")
			r.Body, r.ContentLength = io.NopCloser(zeros(100<<20)), test.size
			var a answered
			used := spent(func() { a = s.do(r) })
			refused(t, a, http.StatusRequestEntityTooLarge, "64 MiB", "/compact")
			if used > test.most {
				t.Errorf("%s, %s: %d MiB were allocated", path, test.name, used>>20)
			}
		}
	}
}

// raw opens a connection to the door and writes to it as it stands.
func (s *stage) raw(text string) *net.TCPConn {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// head is the beginning of a request to the door.
func (s *stage) head(path, more string) string {
	return "POST /lab/v1" + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + s.route.Token + "\r\nContent-Type: application/json\r\n" + more + "\r\n\r\n"
}

// hears reads one answer from a connection.
func (s *stage) hears(c io.Reader) answered {
	s.t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answered{res, string(body), err}
}

func TestABodyThatLiesAboutItsLength(t *testing.T) {
	asked := 0
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, sunny)
	})
	s := open(t, p, options{path: "/v1"})
	body := conversation(wire.Chat, false, user("hello"))

	// It says more than it sends, and sends no more.
	c := s.raw(s.head("/chat/completions", fmt.Sprintf("Content-Length: %d", len(body)+1)) + body)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	refused(t, s.hears(c), http.StatusBadRequest, "broke off")
	c = s.raw(s.head("/chat/completions", "Transfer-Encoding: chunked") + "5\r\nhel")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	refused(t, s.hears(c), http.StatusBadRequest, "broke off")
	if asked != 0 {
		t.Error("half a request reached the provider")
	}

	// It says less than it sends: what is too much is no request.
	c = s.raw(s.head("/chat/completions", fmt.Sprintf("Content-Length: %d", len(body))) + body + "and more")
	r := bufio.NewReader(c)
	first, err := http.ReadResponse(r, nil)
	if err != nil || first.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", first, err)
	}
	_, _ = io.Copy(io.Discard, first.Body)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if second, err := http.ReadResponse(r, nil); err == nil && second.StatusCode != http.StatusBadRequest {
		t.Errorf("what was sent behind a request is answered with %d", second.StatusCode)
	}

	// Both lengths at once are how requests are smuggled.
	c = s.raw(s.head("/chat/completions", "Content-Length: 5\r\nContent-Length: 6") + "hello")
	if a := s.hears(c); a.StatusCode != http.StatusBadRequest {
		t.Errorf("two lengths: %d %s", a.StatusCode, a.body)
	}
}

// bomb is n bytes and more in very few.
func bomb(encoding, head string, n int) []byte {
	return encodings[encoding](head + strings.Repeat("a", n))
}

func TestBombsInRequests(t *testing.T) {
	s := open(t, nobody(t), options{path: "/v1"})
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
		content := bomb(encoding, `{"messages":[{"role":"user","content":"`, maxBody)
		paths := []string{"/chat/completions"}
		if encoding == "gzip" {
			paths = append(paths, "/embeddings") // all bodies are read by one function
		}
		for _, path := range paths {
			r := s.request(http.MethodPost, path, string(content))
			r.Header.Set("Content-Encoding", encoding)
			var a answered
			used := spent(func() { a = s.do(r) })
			refused(t, a, http.StatusRequestEntityTooLarge, "64 MiB")
			if used > 5*maxBody {
				t.Errorf("%s: %d MiB were allocated", encoding, used>>20)
			}
		}
	}
}

func TestBombsInAnswers(t *testing.T) {
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
		for kind, head := range map[string]string{"application/json": `{"choices":[{"message":{"content":"`, "text/event-stream": "data: "} {
			content := bomb(encoding, head, 17<<20)
			p := provider(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", kind)
				w.Header().Set("Content-Encoding", encoding)
				_, _ = w.Write(content)
			})
			s := open(t, p, options{path: "/v1"})
			var a answered
			used := spent(func() { a = s.ask(wire.Chat, kind != "application/json", user("hello")) })
			h := hear(a.body)
			if a.StatusCode != http.StatusOK || a.err != nil || !strings.Contains(h.text, "larger than can be checked") {
				t.Errorf("%s %s: %d %q (%v)", encoding, kind, a.StatusCode, h, a.err)
			}
			if used > 3*maxBody {
				t.Errorf("%s %s: %d MiB were allocated", encoding, kind, used>>20)
			}
		}
	}
}

func TestNestedAHundredThousandDeep(t *testing.T) {
	const deep = 100_000
	for _, brackets := range []struct{ open, close string }{{"[", "]"}, {`{"a":`, "1}"}, {"[", ""}} {
		nest := strings.Repeat(brackets.open, deep) + strings.Repeat(brackets.close, deep)
		s := open(t, nobody(t), options{path: "/v1"})
		for _, body := range []string{nest, `{"messages":` + nest + `}`, `{"metadata":` + nest + `,"messages":[]}`, `{"messages":[],"tools":[{"function":{"name":"x","parameters":` + nest + `}}]}`} {
			for _, path := range []string{"/chat/completions", "/messages", "/responses", "/embeddings"} {
				refused(t, s.do(s.request(http.MethodPost, path, body)), http.StatusBadRequest, "JSON")
			}
		}
		p := provider(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"x","tool_calls":`+nest+`}}]}`)
		})
		s = open(t, p, options{path: "/v1"})
		if a := s.ask(wire.Chat, false, user("hello")); a.StatusCode != http.StatusOK || len(hear(a.body).calls) > 0 || !strings.Contains(a.body, "Stopped: ") {
			t.Errorf("%.20s in an answer: %d %.200s", nest, a.StatusCode, a.body)
		}
	}
}

// slow limits patience to what a test can wait for; only those who are to lose
// it do.
func (s *stage) slow(change func(*limits)) {
	l := usual
	change(&l)
	s.door.limit(newTransport(), l)
}

func TestAClientThatStallsInItsBody(t *testing.T) {
	s := open(t, nobody(t), options{path: "/v1"})
	s.slow(func(l *limits) { l.pause = 50 * time.Millisecond })
	for _, begun := range []string{"", `{"mess`} {
		c := s.raw(s.head("/chat/completions", "Content-Length: 100") + begun)
		a := s.hears(c)
		refused(t, a, http.StatusRequestTimeout, "did not come to its end")
		if !a.Close {
			t.Error("the connection stays open")
		}
	}
}

func TestAClientThatSendsAByteAtATime(t *testing.T) {
	s := open(t, nobody(t), options{path: "/v1"})
	s.slow(func(l *limits) { l.request = 200 * time.Millisecond })
	c := s.raw(s.head("/chat/completions", "Content-Length: 100000"))
	go func() {
		for {
			if _, err := io.WriteString(c, " "); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	refused(t, s.hears(c), http.StatusRequestTimeout, "did not come to its end")
}

// A client that waits long for its answer was not slow: its time for the
// request is over when the request is there.
func TestAnAnswerMayTakeLongerThanARequest(t *testing.T) {
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(300 * time.Millisecond)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, sunny)
	})
	s := open(t, p, options{path: "/v1"})
	s.slow(func(l *limits) {
		l.pause, l.request, l.unread = 50*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond
	})
	for range 2 { // on one connection
		if a := s.ask(wire.Chat, false, user("hello")); a.StatusCode != http.StatusOK || a.body != sunny || a.err != nil {
			t.Errorf("%d %s, %v", a.StatusCode, a.body, a.err)
		}
	}
}

// A client that does not read on is let go, and with it the provider's work.
func TestAClientThatDoesNotRead(t *testing.T) {
	ended := make(chan struct{})
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		w.Header().Set("Content-Type", "text/event-stream")
		say := strings.Replace(events[:strings.Index(events, "\n\n")+2], "it is sunny", strings.Repeat("sunny ", 10_000), 1)
		for {
			if _, err := io.WriteString(w, say); err != nil || r.Context().Err() != nil {
				return
			}
		}
	})
	s := open(t, p, options{path: "/v1"})
	s.slow(func(l *limits) { l.unread = 200 * time.Millisecond })
	body := conversation(wire.Chat, true, user("hello"))
	s.raw(s.head("/chat/completions", fmt.Sprintf("Content-Length: %d", len(body))) + body)
	<-ended
}

// A provider may think for long, and then it is given up: in front of its first
// byte, between two, in one piece or a stream.
func TestAProviderThatStalls(t *testing.T) {
	for kind, begun := range map[string]string{
		"application/json":  sunny[:20],
		"text/event-stream": events[:strings.Index(events, "\n\n")+2],
	} {
		ended := make(chan struct{})
		p := provider(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, begun)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(ended)
		})
		s := open(t, p, options{path: "/v1"})
		s.slow(func(l *limits) { l.thought = 100 * time.Millisecond })
		a := s.ask(wire.Chat, kind != "application/json", user("hello"))
		<-ended
		if kind == "application/json" {
			refused(t, a, http.StatusBadGateway, "did not answer")
		} else if a.err == nil || !strings.Contains(a.body, "it is sunny") {
			t.Errorf("a stream that stalls looks whole: %v %q", a.err, a.body)
		}
	}
}

func TestAProviderThatSendsAByteAtATime(t *testing.T) {
	for kind, text := range map[string]string{"application/json": evil, "text/event-stream": events} {
		p := provider(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			for i := range len(text) {
				_, _ = w.Write([]byte{text[i]})
				_ = http.NewResponseController(w).Flush()
			}
		})
		s := open(t, p, options{path: "/v1"})
		a := s.ask(wire.Chat, kind != "application/json", user("hello"))
		if h := hear(a.body); a.err != nil || len(h.calls) > 0 || !strings.Contains(h.text, "it is sunny") && kind != "application/json" || !strings.Contains(h.text, "Stopped: exec") {
			t.Errorf("%s: %q %v", kind, h, a.err)
		}
	}
}

// Large requests wait for each other, and are sent away when that takes too
// long; a small one beside them passes.
func TestManyLargeRequestsAtOnce(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if len(b) > 1<<20 {
			arrived <- struct{}{}
			<-answer
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, sunny)
	})
	s := open(t, p, options{path: "/v1"})
	s.slow(func(l *limits) { l.flight, l.room = 10<<20, 50*time.Millisecond })
	large := conversation(wire.Chat, false, user(strings.Repeat("large ", 500_000))) // 3 MB, counted as 6
	first := make(chan answered)
	go func() { first <- s.do(s.request(http.MethodPost, "/chat/completions", large)) }()
	<-arrived
	a := s.do(s.request(http.MethodPost, "/chat/completions", large))
	refused(t, a, http.StatusServiceUnavailable, "too many large requests")
	if a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
	if a := s.ask(wire.Chat, false, user("small")); a.StatusCode != http.StatusOK {
		t.Errorf("a small one: %d %s", a.StatusCode, a.body)
	}
	// One that came in pieces counts for what came of it.
	r := s.request(http.MethodPost, "/chat/completions", large)
	r.ContentLength = -1
	refused(t, s.do(r), http.StatusServiceUnavailable, "too many large requests")

	s.door.limits.room = time.Minute
	second := make(chan answered)
	go func() { second <- s.do(s.request(http.MethodPost, "/chat/completions", large)) }()
	answer <- struct{}{}
	<-arrived // the second has the first one's room
	answer <- struct{}{}
	for _, c := range []chan answered{first, second} {
		if a := <-c; a.StatusCode != http.StatusOK || a.body != sunny {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	}
	if !s.door.flight.TryAcquire(10 << 20) {
		t.Error("room was not given back")
	}
}

// serving opens a door with a server of its own, which test may change.
func (s *stage) serving(most int64, change func(*http.Server)) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	server := Server(s.door)
	change(server)
	b := Bounded(l).(*bounded)
	b.most = most
	go func() { _ = server.Serve(b) }()
	s.t.Cleanup(func() { server.Close() })
	s.url = "http://" + l.Addr().String()
	s.base = s.route.BaseURL(l.Addr().String())
}

func TestTooManyConnections(t *testing.T) {
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, sunny)
	})
	s := open(t, p, options{path: "/v1"})
	s.serving(8, func(*http.Server) {})
	body := conversation(wire.Chat, false, user("hello"))
	request := s.head("/chat/completions", fmt.Sprintf("Content-Length: %d", len(body))) + body
	var kept []*net.TCPConn
	for range 8 {
		c := s.raw("POST")
		kept = append(kept, c)
	}
	for range 100 { // more than are waited for
		a := s.hears(s.raw(request))
		refused(t, a, http.StatusServiceUnavailable, "too many connections")
		if a.Header.Get("Retry-After") == "" || !a.Close {
			t.Errorf("it says %v", a.Header)
		}
	}
	// With the end of one there is room for one.
	kept[0].Close()
	for {
		a := s.hears(s.raw(request))
		if a.StatusCode == http.StatusOK {
			break
		}
		refused(t, a, http.StatusServiceUnavailable)
	}
}

// A header that comes a byte at a time has its time as a whole.
func TestAHeaderWithoutEnd(t *testing.T) {
	s := open(t, nobody(t), options{path: "/v1"})
	s.serving(2, func(server *http.Server) { server.ReadHeaderTimeout = 200 * time.Millisecond })
	c := s.raw("POST /lab/v1/chat/completions HTTP/1.1\r\nX: ")
	go func() {
		for {
			if _, err := io.WriteString(c, "a"); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
	// One that is large is refused at once.
	r := s.request(http.MethodPost, "/chat/completions", "{}")
	r.Header.Set("X-Large", strings.Repeat("a", 128<<10))
	if a := s.do(r); a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a large header: %d", a.StatusCode)
	}
}

// A client that closes its half of the connection behind its request has left,
// as it has for every server of this kind: the provider's work ends.
func TestAHalfClosedConnection(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan struct{})
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
		close(ended)
	})
	s := open(t, p, options{path: "/v1"})
	body := conversation(wire.Chat, true, user("hello"))
	c := s.raw(s.head("/chat/completions", fmt.Sprintf("Content-Length: %d", len(body))) + body)
	<-arrived
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-ended
	if rest, err := io.ReadAll(c); err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

// A provider that closes its half behind the answer has answered.
func TestAProviderThatHalfCloses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"+events)
					_ = c.(*net.TCPConn).CloseWrite()
					_, _ = io.Copy(io.Discard, c)
				}
			}()
		}
	}()
	s := open(t, &httptest.Server{URL: "http://" + l.Addr().String()}, options{path: "/v1"})
	a := s.ask(wire.Chat, true, user("hello"))
	if h := hear(a.body); a.err != nil || len(h.calls) > 0 || !strings.Contains(h.text, "Stopped: exec") || !strings.HasSuffix(a.body, "data: [DONE]\n\n") {
		t.Errorf("%q %v", h, a.err)
	}
}

// However a stream is written and cut, and wherever its lines and characters
// are, it says and calls the same.
func TestStreamsInEveryForm(t *testing.T) {
	said := strings.ReplaceAll(events, "it is sunny", "it is sunny ☀️ – schön")
	want := hear(said).text
	for name, form := range map[string]func(string) string{
		"line feeds":          func(s string) string { return s },
		"CR and LF":           func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"CR alone":            func(s string) string { return strings.ReplaceAll(s, "\n", "\r") },
		"a byte order mark":   func(s string) string { return "\ufeff" + s },
		"comments":            func(s string) string { return ": hello\n\n" + strings.ReplaceAll(s, "data:", ": ping\ndata:") },
		"other fields":        func(s string) string { return strings.ReplaceAll(s, "data:", "id: 1\nretry: 5\nx: y\ndata:") },
		"no space":            func(s string) string { return strings.ReplaceAll(s, "data: ", "data:") },
		"several lines":       func(s string) string { return strings.ReplaceAll(s, `"model":"m",`, "\ndata: \"model\":\"m\",\ndata:") },
		"no final line feeds": func(s string) string { return strings.TrimRight(s, "\n") },
	} {
		for _, cut := range []int{1, 2, 3, 7, 64, 1 << 20} {
			text := form(said)
			p := provider(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				for piece := range bytesChunk(text, cut) {
					_, _ = io.WriteString(w, piece)
					_ = http.NewResponseController(w).Flush()
				}
			})
			s := open(t, p, options{path: "/v1"})
			a := s.ask(wire.Chat, true, user("hello"))
			if h := hear(plainly(a.body)); a.err != nil || len(h.calls) > 0 || !strings.HasPrefix(h.text, want+"\n\nStopped: exec") {
				t.Errorf("%s, cut at %d: %q %v", name, cut, h, a.err)
			}
		}
	}
}

// plainly is a stream with one line of data an event, as a client puts its
// lines together.
func plainly(stream string) string {
	var out, data strings.Builder
	for line := range strings.SplitSeq(strings.ReplaceAll(stream, "\r\n", "\n"), "\n") {
		if rest, ok := strings.CutPrefix(line, "data:"); ok {
			data.WriteString(" " + strings.TrimPrefix(rest, " "))
		} else if line == "" && data.Len() > 0 {
			fmt.Fprintf(&out, "data:%s\n\n", data.String())
			data.Reset()
		}
	}
	return out.String()
}

func bytesChunk(s string, n int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			piece := s[:min(n, len(s))]
			if s = s[len(piece):]; !yield(piece) {
				return
			}
		}
	}
}

// Upstream the door speaks HTTP/2, to whoever does, and keeps its connection.
func TestHTTP2Upstream(t *testing.T) {
	var protocols []string
	from := map[string]bool{}
	p := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		protocols = append(protocols, r.Proto)
		from[r.RemoteAddr] = true
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Trailer", "X-Usage")
		if strings.Contains(r.URL.Path, "models") {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = io.WriteString(w, events)
		w.Header().Set("X-Usage", "7")
	}))
	p.EnableHTTP2 = true
	p.StartTLS()
	defer p.Close()
	transport := newTransport()
	transport.TLSClientConfig = p.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	s := open(t, p, options{path: "/v1", transport: transport})
	for range 2 {
		a := s.ask(wire.Chat, true, user("hello"))
		if h := hear(a.body); a.err != nil || a.Proto != "HTTP/1.1" || len(h.calls) > 0 || !strings.Contains(h.text, "Stopped: exec") || a.Trailer.Get("X-Usage") != "7" {
			t.Errorf("%s %q %v %v", a.Proto, h, a.Trailer, a.err)
		}
	}
	if a := s.do(s.request(http.MethodGet, "/models", "")); a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "3" {
		t.Errorf("a rate limit came as %d %v", a.StatusCode, a.Header)
	}
	if strings.Join(protocols, " ") != "HTTP/2.0 HTTP/2.0 HTTP/2.0" || len(from) != 1 {
		t.Errorf("the provider was asked by %q over %d connections", protocols, len(from))
	}
}

// A client that leaves ends the provider's work over HTTP/2, too.
func TestAnAgentThatLeavesOverHTTP2(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan struct{})
	p := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		close(arrived)
		<-r.Context().Done()
		close(ended)
	}))
	p.EnableHTTP2 = true
	p.StartTLS()
	defer p.Close()
	transport := newTransport()
	transport.TLSClientConfig = p.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	s := open(t, p, options{path: "/v1", transport: transport})
	ctx, leave := context.WithCancel(t.Context())
	r := s.request(http.MethodPost, "/chat/completions", conversation(wire.Chat, true, user("hello"))).WithContext(ctx)
	res, err := plain.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	<-arrived
	leave()
	<-ended
	if _, err := io.ReadAll(res.Body); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	res.Body.Close()
}

// A connection is kept from one request to the next, on both sides.
func TestConnectionsAreKept(t *testing.T) {
	from := map[string]bool{}
	p := provider(t, func(w http.ResponseWriter, r *http.Request) {
		from[r.RemoteAddr] = true
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, sunny)
	})
	s := open(t, p, options{path: "/v1"})
	body := conversation(wire.Chat, false, user("hello"))
	request := s.head("/chat/completions", fmt.Sprintf("Content-Length: %d", len(body))) + body
	c := s.raw("")
	r := bufio.NewReader(c)
	for range 3 {
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		if !bytes.Equal(got, []byte(sunny)) || res.Close {
			t.Errorf("%s, close: %v", got, res.Close)
		}
	}
	if len(from) != 1 {
		t.Errorf("the provider saw %d connections", len(from))
	}
}
