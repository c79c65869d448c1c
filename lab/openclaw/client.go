package openclaw

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// client speaks the gateway's WebSocket protocol, version 4. As a backend on
// loopback with the shared token it needs no device of its own.
// docs/gateway/protocol/handshake.md
type client struct {
	conn *websocket.Conn

	mu     sync.Mutex
	next   int
	calls  map[string]chan frame
	events map[chan frame]bool
	done   chan struct{}
	err    error
}

// frame is any message of the protocol.
type frame struct {
	Type    string          `json:"type"` // req, res, event
	ID      string          `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Event   string          `json:"event,omitempty"`
	OK      bool            `json:"ok,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Error   *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// dial connects and introduces itself.
func dial(ctx context.Context, h *Home, origin string) (*client, error) {
	transport := &http.Transport{}
	if h.options.NetNS != nil {
		transport.DialContext = h.options.NetNS.Dial
	}
	conn, _, err := websocket.Dial(ctx, origin, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(32 << 20)
	c := &client{conn: conn, calls: map[string]chan frame{}, events: map[chan frame]bool{}, done: make(chan struct{})}
	var challenge frame
	if err := wsjson.Read(ctx, conn, &challenge); err != nil || challenge.Event != "connect.challenge" {
		return nil, fmt.Errorf("the gateway did not begin with a challenge but with %q: %w", challenge.Event, errors.Join(err, conn.CloseNow()))
	}
	go c.read()
	_, err = c.call(ctx, "connect", map[string]any{
		"minProtocol": 4, "maxProtocol": 4,
		"client": map[string]any{"id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend"},
		"role":   "operator",
		"scopes": []string{"operator.admin", "operator.read", "operator.write", "operator.approvals"},
		"caps":   []string{"approvals"},
		"auth":   map[string]any{"token": h.Token},
	})
	if err != nil {
		return nil, errors.Join(err, conn.CloseNow())
	}
	return c, nil
}

// read hands each frame to whoever waits for it.
func (c *client) read() {
	defer close(c.done)
	for {
		var f frame
		if err := wsjson.Read(context.Background(), c.conn, &f); err != nil {
			c.err = err
			return
		}
		c.mu.Lock()
		if f.Type == "res" {
			if ch := c.calls[f.ID]; ch != nil {
				delete(c.calls, f.ID)
				ch <- f
			}
		} else {
			for ch := range c.events {
				select {
				case ch <- f:
				default: // a listener that fell 1024 events behind misses some
				}
			}
		}
		c.mu.Unlock()
	}
}

// call asks the gateway for one thing.
func (c *client) call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	ch := make(chan frame, 1)
	c.mu.Lock()
	c.next++
	id := strconv.Itoa(c.next)
	c.calls[id] = ch
	c.mu.Unlock()
	if err := wsjson.Write(ctx, c.conn, frame{Type: "req", ID: id, Method: method, Params: params}); err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	select {
	case f := <-ch:
		if f.Error != nil {
			return nil, fmt.Errorf("the gateway refuses %s: %s: %s", method, f.Error.Code, f.Error.Message)
		}
		return f.Payload, nil
	case <-c.done:
		return nil, fmt.Errorf("%s: the gateway hung up: %w", method, c.err)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// listen returns all events from now on, until stop is called.
func (c *client) listen() (events <-chan frame, stop func()) {
	ch := make(chan frame, 1024)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events[ch] = true
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.events, ch)
	}
}

func (c *client) close() { _ = c.conn.CloseNow() }

// address is the gateway's host and port.
func (h *Home) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(h.Port)) }
