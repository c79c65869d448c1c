// Package target is somebody else's web server: it keeps every request and
// counts every connection, so that a test can prove that nothing arrived.
package target

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// Server is the web server.
type Server struct {
	http  *httptest.Server
	conns atomic.Int32

	mu       sync.Mutex
	pages    map[string]string
	requests []Request
}

// Request is one request that arrived.
type Request struct {
	Method, Host, URI string
	Header            http.Header
	Body              string
}

// Serve serves HTTP on l until Close.
func Serve(l net.Listener) *Server {
	s := prepare(l)
	s.http.Start()
	return s
}

// ServeTLS serves HTTPS on l with a certificate for 127.0.0.1, ::1 and
// example.com.
func ServeTLS(l net.Listener) *Server {
	s := prepare(l)
	s.http.StartTLS()
	return s
}

func prepare(l net.Listener) *Server {
	s := &Server{pages: map[string]string{}}
	s.http = httptest.NewUnstartedServer(s)
	_ = s.http.Listener.Close()
	s.http.Listener = counted{l, &s.conns}
	return s
}

// counted counts what it accepts.
type counted struct {
	net.Listener
	n *atomic.Int32
}

func (c counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

// Page makes a path answer with a body; every other path answers "ok".
func (s *Server) Page(path, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = body
}

// ServeHTTP keeps the request and answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.Method, r.Host, r.URL.RequestURI(), r.Header.Clone(), string(body)})
	page, ok := s.pages[r.URL.Path]
	s.mu.Unlock()
	if !ok {
		page = "ok"
	}
	_, _ = io.WriteString(w, page)
}

// Requests returns what arrived, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Connections counts the connections that were made, with or without a request.
func (s *Server) Connections() int { return int(s.conns.Load()) }

// URL is "http://host:port" or "https://host:port".
func (s *Server) URL() string { return s.http.URL }

// CA is the certificate, in PEM, that a client must trust.
func (s *Server) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
}

// Close ends the server.
func (s *Server) Close() error {
	s.http.CloseClientConnections()
	s.http.Close()
	return nil
}
