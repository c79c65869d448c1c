package service

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// ebb serves on a socket that somebody else holds open (systemd), and ends
// without failing a request: what is asked is answered, what comes later waits
// in the socket for the next process.
//
// A client may send on a connection that it kept in the moment in which it is
// closed here. So nothing that a client keeps is closed before it was idle for
// [spare]; each answer says that its connection ends with it, and new
// connections are taken until the old are gone.
type ebb struct {
	server *http.Server
	ending atomic.Bool

	mu    sync.Mutex
	conns map[net.Conn]standing
}

// standing is a connection's state and since when it has it.
type standing struct {
	state http.ConnState
	since time.Time
}

// spare is how long a connection is left to a client that does not use it:
// longer than Node.js keeps one (undici, keepAliveTimeout, 4 s).
const spare = 5 * time.Second

func newEbb(server *http.Server) *ebb {
	e := &ebb{server: server, conns: map[net.Conn]standing{}}
	handler := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.ending.Load() {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	})
	server.ConnState = e.note
	return e
}

func (e *ebb) note(c net.Conn, s http.ConnState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s == http.StateClosed || s == http.StateHijacked {
		delete(e.conns, c)
		return
	}
	e.conns[c] = standing{s, time.Now()}
}

// serve serves until the context ends, and then as long as what it has begun
// lasts, but not longer than grace; without any, it is cut off.
func (e *ebb) serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	var group errgroup.Group
	group.Go(func() error {
		if err := e.server.Serve(l); ctx.Err() == nil {
			return fmt.Errorf("serving %s: %w", l.Addr(), err)
		}
		return nil
	})
	ended := make(chan error, 1)
	go func() { ended <- group.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	e.ending.Store(true)
	if grace > 0 {
		e.run(l, grace)
	}
	_ = e.server.Close()
	return <-ended
}

// run lets the old connections run out.
func (e *ebb) run(l net.Listener, grace time.Duration) {
	over := time.Now().Add(grace)
	e.until(time.Now().Add(spare), func() bool { return e.count(idle) == 0 })
	_ = l.Close()
	e.until(over, func() bool {
		e.closeSpare()
		return e.count(nil) == 0
	})
}

func idle(s standing) bool { return s.state != http.StateActive }

// until waits for a condition, and not beyond a time.
func (e *ebb) until(over time.Time, done func() bool) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ; !done() && time.Now().Before(over); <-tick.C {
	}
}

// count counts connections, those of a kind or all.
func (e *ebb) count(of func(standing) bool) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.conns {
		if of == nil || of(s) {
			n++
		}
	}
	return n
}

// closeSpare closes what no client used for longer than it keeps it.
func (e *ebb) closeSpare() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c, s := range e.conns {
		if idle(s) && time.Since(s.since) > spare {
			_ = c.Close()
		}
	}
}
