package connect

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

// What a route is to the door.
const (
	Through        = "through the door"
	Routable       = "not through the door yet"
	OtherFormat    = "other wire format"
	OwnRuntime     = "runtime of its own"
	CannotBeRouted = "cannot be routed"
)

// Row is one way in which an OpenClaw reaches a model, and how it stands. It
// holds no secret.
type Row struct {
	Config   string   `json:"config"` // its openclaw.json
	Route    string   `json:"route"`  // "anthropic", "local/m" for a model with an address of its own
	API      string   `json:"api"`
	Upstream string   `json:"upstream"` // where it ends; "" unknown
	Standing string   `json:"standing"` // Through, Routable, OtherFormat, OwnRuntime or CannotBeRouted
	Setting  string   `json:"setting"`  // what changes that; "" when nothing need change
	UsedBy   []string `json:"used_by"`  // why OpenClaw would use it; none: it does not
	Key      string   `json:"key"`      // "held by Seawall", "held by Seawall, and still in 2 places", "held by the agent", "none"
	Places   []string `json:"places"`   // where the real key still stands
}

// Past reports whether OpenClaw would use the route and it does not pass the door.
func (r Row) Past() bool { return r.Standing != Through && len(r.UsedBy) > 0 }

// Table lists every way in which installations reach a model. It only reads; dir
// may be nil when Seawall has no state yet.
func Table(ctx context.Context, h host.Host, dir *state.Dir, installs []openclaw.Install) ([]Row, error) {
	var routes []model.Route
	if dir != nil {
		var err error
		if routes, err = model.LoadRoutes(dir); err != nil {
			return nil, err
		}
	}
	rows := []Row{}
	for _, in := range installs {
		if in.Config == nil {
			continue
		}
		var places []Place
		if dir != nil {
			keys, err := heldOf(dir, in.ConfigPath)
			if err != nil {
				return nil, err
			}
			places = keys.find(ctx, h, in)
		}
		for _, r := range in.Routes() {
			rows = append(rows, row(in, r, routes, places))
		}
	}
	return rows, nil
}

var standings = map[openclaw.RouteStatus]string{
	openclaw.Unroutable:  CannotBeRouted,
	openclaw.Routable:    Routable,
	openclaw.OtherFormat: OtherFormat,
	openclaw.OwnRuntime:  OwnRuntime,
}

func row(in openclaw.Install, r openclaw.Route, routes []model.Route, places []Place) Row {
	out := Row{Config: in.ConfigPath, Route: name(r), API: r.API, Upstream: redacted(r.BaseURL), Standing: standings[r.Status],
		Setting: r.Reason, UsedBy: append([]string{}, r.UsedBy...), Key: "held by the agent", Places: []string{}}
	if r.Key.Kind == openclaw.KeyNone && len(r.Credentials) == 0 {
		out.Key = "none"
	}
	i := slices.IndexFunc(routes, func(known model.Route) bool {
		return known.Agent == in.ConfigPath && known.Provider == out.Route && leadsToDoor(r.BaseURL, known)
	})
	switch {
	case i >= 0 && r.Status == openclaw.Routable:
		out.Standing, out.Upstream = Through, redacted(routes[i].Upstream)
		if routes[i].Key != "" {
			out.Key, out.Setting = "held by Seawall", ""
			for _, p := range places {
				if p.key == routes[i].Key {
					out.Places = append(out.Places, p.String())
				}
			}
			if n := len(out.Places); n == 1 {
				out.Key, out.Setting = "held by Seawall, and still in 1 place", "seawall connect --remove-copies"
			} else if n > 1 {
				out.Key, out.Setting = fmt.Sprintf("held by Seawall, and still in %d places", n), "seawall connect --remove-copies"
			}
		}
	case r.Status == openclaw.Routable:
		out.Setting = "seawall connect"
	}
	return out
}

// name is a route's name in the table: its provider, or the model that has an
// address of its own.
func name(r openclaw.Route) string {
	if r.Model != "" {
		return r.ID + "/" + r.Model
	}
	return r.ID
}

// redacted is an address as it may be shown.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	return u.Redacted()
}
