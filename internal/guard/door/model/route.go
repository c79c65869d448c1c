package model

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"

	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

// Route is one provider of one agent, as `seawall connect` wrote it.
type Route struct {
	ID       string   `json:"id"`       // the first element of its path at the door
	Provider string   `json:"provider"` // its name in OpenClaw's config, with the model when that has an address of its own
	Agent    string   `json:"agent"`    // whose config that is: the path of openclaw.json
	API      wire.API `json:"api"`      // as configured; the endpoint decides how a request is read
	Upstream string   `json:"upstream"` // base URL as the agent had it
	Key      string   `json:"key"`      // name of the real key in the vault; "" when the agent holds it
	Token    string   `json:"token"`    // what the agent shows to the door instead of a key; "" when it shows its own

	// Literal says that whoever asks is not OpenClaw: its calls are those of the
	// wire format alone, and a tool's name means that tool.
	Literal bool `json:"literal,omitempty"`

	upstream *url.URL
}

// BaseURL returns what the agent is configured with instead of Upstream, for a
// door at addr ("127.0.0.1:4780").
func (r Route) BaseURL(addr string) string {
	path := ""
	if u, err := url.Parse(r.Upstream); err == nil {
		path = u.EscapedPath()
	}
	return "http://" + addr + "/" + url.PathEscape(r.ID) + path
}

// NewToken returns a token for an agent. It looks like a key: OpenClaw does
// not keep a config whose keys look like placeholders.
func NewToken() string { return tokenPrefix + rand.Text() + rand.Text() }

const tokenPrefix = "sk-seawall-"

// IsToken reports whether a key is a token that NewToken made.
func IsToken(key string) bool { return strings.HasPrefix(key, tokenPrefix) }

// SaveRoutes writes the routes of a state directory.
func SaveRoutes(dir *state.Dir, routes []Route) error {
	content, err := json.MarshalIndent(routes, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the routes: %w", err)
	}
	return dir.Write(state.Routes, append(content, '\n'))
}

// LoadRoutes reads the routes of a state directory; none is no error.
func LoadRoutes(dir *state.Dir) ([]Route, error) {
	content, err := dir.Read(state.Routes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var routes []Route
	if err := json.Unmarshal(content, &routes); err != nil {
		return nil, fmt.Errorf("the routes in %s are damaged: run `seawall disconnect`, then `seawall connect` again", dir.Path(state.Routes))
	}
	for i := range routes {
		if !routes[i].parse() {
			return nil, fmt.Errorf("the base URL of provider %q in %s is not an http(s) address: correct it in openclaw.json and connect again", routes[i].ID, dir.Path(state.Routes))
		}
	}
	return routes, nil
}

// parse reads the address of the provider.
func (r *Route) parse() bool {
	u, err := url.Parse(r.Upstream)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	// Clients join a base URL and a path with one slash.
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	r.upstream = u
	return true
}

// Routes are the routes in force, with the keys that belong to them. It is
// safe for concurrent use.
type Routes struct {
	dir *state.Dir // nil when they never change
	mu  sync.RWMutex
	all map[string]served
}

type served struct {
	Route
	key string
}

// OpenRoutes reads routes and keys of a state directory.
func OpenRoutes(dir *state.Dir) (*Routes, error) {
	r := &Routes{dir: dir}
	return r, r.Reload()
}

// Only returns one route whose key the agent holds, of which no state directory
// knows.
func Only(route Route) (*Routes, error) {
	if !route.parse() {
		return nil, fmt.Errorf("%q is not an http(s) address of a provider", route.Upstream)
	}
	return &Routes{all: map[string]served{route.ID: {Route: route}}}, nil
}

// Reload reads them again. When that fails, what was in force stays.
func (r *Routes) Reload() error {
	if r.dir == nil {
		return nil
	}
	routes, err := LoadRoutes(r.dir)
	if err != nil {
		return err
	}
	keys, err := vault.Open(r.dir)
	if err != nil {
		return err
	}
	all := map[string]served{}
	for _, route := range routes {
		key, ok := keys.Get(route.Key)
		if route.Key != "" && !ok {
			return fmt.Errorf("the key of provider %q is not in %s: run `seawall disconnect`, then `seawall connect` again", route.ID, r.dir.Path(state.Keys))
		}
		all[route.ID] = served{route, key}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = all
	return nil
}

// Find returns a route by its ID. One that is not known is looked for on the
// disk: connect may have written it a moment ago.
func (r *Routes) Find(id string) (served, bool) {
	r.mu.RLock()
	route, ok := r.all[id]
	r.mu.RUnlock()
	if ok {
		return route, true
	}
	if err := r.Reload(); err != nil {
		return served{}, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	route, ok = r.all[id]
	return route, ok
}

// List returns the routes in force.
func (r *Routes) List() []Route {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []Route
	for _, s := range r.all {
		out = append(out, s.Route)
	}
	return out
}
