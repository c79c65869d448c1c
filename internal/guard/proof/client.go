package proof

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/openseawall/seawall/internal/openclaw"
)

// client speaks a gateway's WebSocket protocol, version 4, one question at a
// time. On loopback, with the shared secret, a backend needs no device of its
// own (docs/gateway/protocol/handshake.md of OpenClaw).
type client struct {
	conn    *websocket.Conn
	asked   int
	version string // of the gateway
	agent   string // the default agent's id
}

const maxMessage = 4 << 20 // bytes of one message of a gateway's

type frame struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Event   string          `json:"event,omitempty"`
	OK      bool            `json:"ok,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// absent says of a gateway that nobody answers where it should. One that has just
// been started will: it was not tried, and is soon asked again.
type absent string

// Error implements error.
func (a absent) Error() string { return string(a) }

// dial introduces itself to a gateway at an address on loopback, which must be
// known to be its own: the secret is sent there.
func dial(ctx context.Context, address netip.AddrPort, encrypted bool, auth map[string]string) (*client, error) {
	scheme := "ws"
	transport := &http.Transport{DialContext: (&net.Dialer{}).DialContext}
	defer transport.CloseIdleConnections()
	if encrypted {
		// The socket was seen to be the gateway's; its certificate says no more.
		scheme, transport.TLSClientConfig = "wss", &tls.Config{InsecureSkipVerify: true}
	}
	conn, _, err := websocket.Dial(ctx, scheme+"://"+address.String(), &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return nil, absent(fmt.Sprintf("the gateway at %s does not answer", address))
	}
	conn.SetReadLimit(maxMessage)
	c := &client{conn: conn}
	if err := c.introduce(ctx, auth); err != nil {
		return nil, errors.Join(err, conn.CloseNow())
	}
	return c, nil
}

func (c *client) introduce(ctx context.Context, auth map[string]string) error {
	var challenge frame
	if err := wsjson.Read(ctx, c.conn, &challenge); err != nil || challenge.Event != "connect.challenge" {
		return errors.New("the gateway speaks another protocol")
	}
	var hello struct {
		Server struct {
			Version string `json:"version"`
		} `json:"server"`
		Snapshot struct {
			SessionDefaults struct {
				DefaultAgentID string `json:"defaultAgentId"`
			} `json:"sessionDefaults"`
		} `json:"snapshot"`
	}
	err := c.call(ctx, "connect", map[string]any{
		"minProtocol": 4, "maxProtocol": 4,
		"client": map[string]any{"id": "gateway-client", "displayName": "Seawall", "version": "1", "platform": "linux", "mode": "backend"},
		"role":   "operator",
		"scopes": []string{"operator.admin", "operator.write"},
		"auth":   auth,
	}, &hello)
	c.version, c.agent = hello.Server.Version, cmp.Or(hello.Snapshot.SessionDefaults.DefaultAgentID, "main")
	return err
}

// call asks the gateway for one thing.
func (c *client) call(ctx context.Context, method string, params, answer any) error {
	c.asked++
	id := strconv.Itoa(c.asked)
	if err := wsjson.Write(ctx, c.conn, frame{Type: "req", ID: id, Method: method, Params: params}); err != nil {
		return errors.New("the gateway hung up")
	}
	for {
		var f frame
		switch err := wsjson.Read(ctx, c.conn, &f); {
		case ctx.Err() != nil:
			return fmt.Errorf("the gateway did not answer %s in time", method)
		case err != nil:
			return errors.New("the gateway hung up")
		case f.Type != "res" || f.ID != id:
			continue // an event
		case f.Error != nil:
			return fmt.Errorf("the gateway refuses: %s", short(f.Error.Message))
		}
		return json.Unmarshal(f.Payload, answer)
	}
}

func (c *client) close() { _ = c.conn.CloseNow() }

// secret is what a gateway asks of its clients, from its config and, where that
// says so or says nothing, from its environment.
func (g *gateway) secret(c *openclaw.Config) (map[string]string, error) {
	mode, _ := c.String("gateway.auth.mode")
	kind, variable := "token", "OPENCLAW_GATEWAY_TOKEN"
	switch mode {
	case "none":
		return map[string]string{}, nil
	case "password":
		kind, variable = "password", "OPENCLAW_GATEWAY_PASSWORD"
	case "", "token":
	default:
		return nil, fmt.Errorf("the gateway's auth.mode is %s", short(mode))
	}
	value, _ := c.At("gateway", "auth", kind)
	text, _ := value.(string)
	if name, ok := openclaw.EnvName(text); ok {
		text = g.env[name]
	}
	if ref, ok := value.(map[string]any); ok {
		name, _ := ref["id"].(string)
		if ref["source"] != "env" || g.env[name] == "" {
			return nil, fmt.Errorf("gateway.auth.%s is in a store of OpenClaw's", kind)
		}
		text = g.env[name]
	}
	if text = cmp.Or(text, g.env[variable]); text == "" {
		return nil, fmt.Errorf("the config has no gateway.auth.%s", kind)
	}
	return map[string]string{kind: text}, nil
}

// defaultPort is where a gateway listens when nobody says otherwise.
const defaultPort = 18789

// address is where a gateway can be asked from this machine: a socket that it
// was seen to hold, and that loopback reaches.
func (g *gateway) address(c *openclaw.Config, sockets map[socket]string) (netip.AddrPort, error) {
	port := uint16(defaultPort)
	if n, ok := c.Int("gateway.port"); ok {
		port = uint16(n)
	}
	if n, err := strconv.ParseUint(g.env["OPENCLAW_GATEWAY_PORT"], 10, 16); err == nil {
		port = uint16(n)
	}
	for s := range sockets {
		addr := s.local.Addr()
		if s.state != listening || s.local.Port() != port {
			continue
		}
		if addr.IsLoopback() {
			return s.local, nil
		}
		if addr.IsUnspecified() {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), nil
		}
	}
	return netip.AddrPort{}, absent(fmt.Sprintf("the gateway does not listen on loopback port %d", port))
}
