package target_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/target"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestServer(t *testing.T) {
	for name, serve := range map[string]func(net.Listener) *target.Server{"http": target.Serve, "https": target.ServeTLS} {
		t.Run(name, func(t *testing.T) {
			s := serve(listen(t))
			defer func() { _ = s.Close() }()
			s.Page("/a", "a page")
			client := http.DefaultClient
			if name == "https" {
				pool := x509.NewCertPool()
				if !pool.AppendCertsFromPEM(s.CA()) {
					t.Fatal("the certificate is not PEM")
				}
				client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
			}
			resp, err := client.Post(s.URL()+"/a?k=v", "text/plain", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			page, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			got := s.Requests()
			if string(page) != "a page" || len(got) != 1 || got[0].URI != "/a?k=v" || got[0].Body != "body" || got[0].Method != "POST" {
				t.Errorf("page %q, requests %+v", page, got)
			}
		})
	}
}

// TestConnections counts a caller that says nothing.
func TestConnections(t *testing.T) {
	s := target.Serve(listen(t))
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := http.Get(s.URL()); err != nil { // accepted after the silent one
		t.Fatal(err)
	}
	_ = c.Close()
	_ = s.Close()
	if n := s.Connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}
