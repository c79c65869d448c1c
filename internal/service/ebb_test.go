package service

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/door/model"
)

// TestNoRequestFailsWhenOneServerFollowsAnother has clients that send all the
// time, some of them on connections that they keep, while servers on one held
// socket end and follow each other.
func TestNoRequestFailsWhenOneServerFollowsAnother(t *testing.T) {
	held, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(time.Duration(len(body)%7) * time.Millisecond)
		_, _ = w.Write(body)
	})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	ctx, stop := context.WithCancel(t.Context())
	var asked, failed atomic.Int64
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				want := strings.Repeat("x", i*10+n%50)
				asked.Add(1)
				if got, err := post(client, "http://"+held.Addr().String(), want); err != nil || got != want {
					failed.Add(1)
					t.Logf("a request failed: %v", err)
				}
			}
		})
	}
	follow := func(ctx context.Context) {
		file, err := held.File()
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.FileListener(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := newEbb(model.Server(slow)).serve(ctx, l, time.Minute); err != nil {
			t.Error(err)
		}
	}
	for range 5 {
		term, end := context.WithTimeout(t.Context(), 200*time.Millisecond)
		follow(term)
		end()
	}
	term, end := context.WithCancel(t.Context())
	go func() { stop(); clients.Wait(); client.CloseIdleConnections(); end() }()
	follow(term)
	if failed.Load() > 0 || asked.Load() < 200 {
		t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
	}
}

// post does not repeat itself: a body without GetBody cannot be sent again.
func post(c *http.Client, url, body string) (string, error) {
	answer, err := c.Post(url, "text/plain", struct{ io.Reader }{strings.NewReader(body)})
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	return string(got), err
}

// TestWithoutGraceTheEndIsTheEnd: `seawall up` does not keep its operator
// waiting for what streams.
func TestWithoutGraceTheEndIsTheEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- newEbb(model.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-r.Context().Done()
		}))).serve(ctx, l, 0)
	}()
	answered := make(chan error, 1)
	go func() { _, err := post(http.DefaultClient, "http://"+l.Addr().String(), "x"); answered <- err }()
	<-began
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := <-answered; err == nil {
		t.Error("a request was answered that could not have been")
	}
}
