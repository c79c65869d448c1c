package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/loopback"
	"github.com/openseawall/seawall/internal/state"
)

// AloneAddress is where the door of `seawall guard` is when nobody says
// otherwise.
const AloneAddress = "127.0.0.1:4782"

// Alone is a model door for one provider, before any agent or SDK that has a
// base URL: policy and record as ever, and nothing of OpenClaw's config. The
// client's own key passes through.
type Alone struct {
	Upstream string   `json:"upstream"` // as NewAlone made it
	API      wire.API `json:"api"`
	Literal  bool     `json:"literal"` // the client is not OpenClaw: it makes no calls of text
}

// apis are the wire formats, in the order in which they are listed.
var apis = []wire.API{wire.Chat, wire.Responses, wire.Anthropic}

// NewAlone reads what a person gave. upstream is a provider's base URL as an
// SDK takes it; what SDKs differ in (/v1) is put right. Unencrypted http is for
// this machine alone, unless plain allows it. Errors are for the person and hold
// no password.
func NewAlone(upstream, api string, plain bool) (Alone, error) {
	a := Alone{API: wire.API(api)}
	known := false
	for _, k := range apis {
		known = known || k == a.API
	}
	if !known {
		return a, fmt.Errorf("--api %q: Seawall reads openai-completions, openai-responses and anthropic-messages", api)
	}
	u, err := url.Parse(upstream)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return a, errors.New("--upstream is not an address such as https://api.openai.com/v1: it needs https:// and a host")
	case u.User != nil:
		return a, fmt.Errorf("--upstream holds a password, which everybody on this machine could see: leave it out (https://%s), the key belongs into the agent's own settings", u.Host)
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return a, fmt.Errorf("--upstream %s://%s%s has something behind its path: give the base URL alone", u.Scheme, u.Host, u.Path)
	case u.Scheme == "http" && !plain && !loopback.Host(u.Host):
		return a, fmt.Errorf("--upstream http://%s: the key and every conversation would go there unencrypted; use https, or add --plain-http if the network up to it is your own", u.Host)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	switch {
	case a.API == wire.Anthropic: // whose SDK adds it
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/v1"), strings.TrimSuffix(u.RawPath, "/v1")
	case u.Path == "":
		u.Path = "/v1"
	}
	a.Upstream = u.String()
	return a, nil
}

// BaseURL is what an SDK is given instead of the provider's, for a door at addr.
func (a Alone) BaseURL(addr string) string {
	u, err := url.Parse(a.Upstream)
	if err != nil {
		return "http://" + addr
	}
	return "http://" + addr + u.EscapedPath()
}

// Reaches reports whether the provider's address is addr: a door that would ask
// itself.
func (a Alone) Reaches(addr net.Addr) bool {
	u, err := url.Parse(a.Upstream)
	if err != nil {
		return false
	}
	tcp, ok := addr.(*net.TCPAddr)
	return ok && loopback.Host(u.Host) && u.Port() == fmt.Sprint(tcp.Port)
}

// route is the only one of this door. Its name, which stands in the record, is
// the provider's host.
func (a Alone) route() model.Route {
	name := a.Upstream
	if u, err := url.Parse(a.Upstream); err == nil {
		name = u.Host
	}
	id := strings.Map(func(r rune) rune {
		if r == '.' || r == ':' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, name)
	return model.Route{ID: id, Provider: name, API: a.API, Upstream: a.Upstream, Literal: a.Literal}
}

// flags hand it over to a child; nil is none.
func (a *Alone) flags() []string {
	if a == nil {
		return nil
	}
	b, _ := json.Marshal(a)
	return []string{"--alone", string(b)}
}

// StartAlone opens the door on a listener that it takes over, as Start does.
func StartAlone(ctx context.Context, dir *state.Dir, door net.Listener, a Alone, version string) (*Doors, error) {
	if os.Geteuid() == 0 {
		defer door.Close() // the child has its own
		return startChild(ctx, dir, &a, door)
	}
	s, err := OpenAlone(ctx, dir, a, version)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, func(ctx context.Context) error { return s.ServeAlone(ctx, door) }), nil
}

// OpenAlone opens policy and record for a door that stands alone.
func OpenAlone(ctx context.Context, dir *state.Dir, a Alone, version string) (*Service, error) {
	routes, err := model.Only(a.route())
	if err != nil {
		return nil, err
	}
	return open(ctx, dir, version, routes)
}

// ServeAlone serves the one route until the context ends.
func (s *Service) ServeAlone(ctx context.Context, door net.Listener) error {
	s.event(ctx, "a door alone was opened for "+s.routes.List()[0].Upstream)
	defer context.AfterFunc(ctx, s.guard.Approvals.Close)()
	s.ledger.Publish(s.dir)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return newEbb(model.Server(below(s.routes.List()[0].ID, s.door))).serve(ctx, model.Bounded(door), s.grace)
	})
	group.Go(func() error {
		var last look
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
				last = s.look(ctx, last)
			}
		}
	})
	return group.Wait()
}

// below serves a path as one below a route: the door knows its routes by the
// first element, which the base URL of a door alone need not have.
func below(route string, door http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := *r.URL
		if u.RawPath != "" {
			u.RawPath = "/" + route + u.RawPath
		}
		u.Path = "/" + route + u.Path
		r = r.WithContext(r.Context())
		r.URL = &u
		door.ServeHTTP(w, r)
	})
}
