// Package connect sends an OpenClaw's model calls through the door and takes
// that back: it edits openclaw.json, moves the real keys into Seawall's state,
// and keeps a journal of both.
//
//	openclaw.json ──Prepare──▶ Plan (diff) ──Apply──▶ journal, keys, routes, openclaw.json
//	journal       ──Undo─────▶ Plan (diff) ──Apply──▶ openclaw.json, and nothing left
//
// Root's journal stands where only root writes (state.WriteJournal). One that
// somebody else could have written is shown and asked about, whatever the flags.
//
// The journal is on the disk before the first byte of OpenClaw's is touched,
// and holds all that Undo needs: it works without a running door, a readable
// record or a valid policy, and after an interruption at any point.
package connect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

// entry is what connecting one config changed, over all runs of connect.
type entry struct {
	Config  string            `json:"config"`
	Roots   []string          `json:"roots,omitempty"` // see openclaw.Install.IncludeRoots
	Changes []openclaw.Change `json:"changes"`
	Copies  []copied          `json:"copies,omitempty"`
}

// readJournal returns the journal; foreign says that somebody else could have
// written it.
func readJournal(dir *state.Dir) (entries []entry, foreign bool, err error) {
	content, foreign, err := dir.ReadJournal(state.Journal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(content, &entries); err != nil {
		path := dir.JournalPath(state.Journal)
		if foreign {
			path = dir.Path(state.Journal)
		}
		return nil, false, fmt.Errorf("the journal %s is damaged: set baseUrl and apiKey of each provider in openclaw.json back by hand; the keys are in %s",
			path, dir.Path(state.Keys))
	}
	return entries, foreign, nil
}

// ownJournal is readJournal where nobody can be asked.
func ownJournal(dir *state.Dir) ([]entry, error) {
	entries, foreign, err := readJournal(dir)
	if err == nil && foreign {
		err = fmt.Errorf("the journal %s stands where others than root can write: run `seawall disconnect`, which shows what it says and asks", dir.Path(state.Journal))
	}
	return entries, err
}

func writeJournal(dir *state.Dir, entries []entry) error {
	if len(entries) == 0 {
		return dir.RemoveJournal(state.Journal)
	}
	content, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return dir.WriteJournal(state.Journal, content)
}

// Plan is what connecting or disconnecting one config would do.
type Plan struct {
	Config string   // path of openclaw.json
	Rows   []Row    // how OpenClaw reaches its models now; none when disconnecting
	Diff   string   // of every file, without secrets
	Notes  []string // what a person should know before saying yes
	// Foreign says that the plan comes of a journal that somebody else could have
	// written: a person must have looked at it, also where --yes was given.
	Foreign bool
	files   []file
	apply   func(ctx context.Context) error
}

// Empty reports that there is nothing to do.
func (p *Plan) Empty() bool { return p.apply == nil }

// Apply does what the plan says. It checks first that every file is still the
// one the plan was made for.
func (p *Plan) Apply(ctx context.Context) error {
	if p.apply == nil {
		return nil
	}
	return p.apply(ctx)
}

// Prepare plans to send an installation's model calls to the door at an
// address. A config that is connected already gives an empty plan.
func Prepare(ctx context.Context, dir *state.Dir, install openclaw.Install, door string) (*Plan, error) {
	c, err := loadConfig(ctx, install.ConfigPath, install.IncludeRoots)
	if err != nil {
		return nil, err
	}
	routes, err := model.LoadRoutes(dir)
	if err != nil {
		return nil, err
	}
	entries, err := ownJournal(dir)
	if err != nil {
		return nil, err
	}
	if elsewhere(c, install.ConfigPath, entries) {
		return &Plan{Config: install.ConfigPath, Notes: []string{fmt.Sprintf(
			"%s is connected to another Seawall and stays so: to change that, run `seawall disconnect --state DIR` with that one's state directory first", install.ConfigPath)}}, nil
	}
	install.Config = c
	b := &builder{config: install.ConfigPath, door: door, routes: routes, keys: map[string]string{}, tokens: map[string]string{}}
	found := install.Routes()
	for i := range found {
		openclaw.Reveal(ctx, host.Live(), install, &found[i])
	}
	edits, _, err := openclaw.ConnectEdits(c, found, b.route)
	if err != nil {
		return nil, fmt.Errorf("connecting %s: %w", install.ConfigPath, err)
	}
	plan := &Plan{Config: install.ConfigPath, Notes: b.notes}
	if plan.Rows, err = Table(ctx, host.Live(), dir, []openclaw.Install{install}); err != nil {
		return nil, err
	}
	left := ""
	if b.second, left, err = planSecond(dir, c, install, door); err != nil {
		return nil, err
	}
	for _, reason := range install.Unsure {
		plan.Notes = append(plan.Notes, "there may be more routes: "+reason)
	}
	if left != "" {
		plan.Notes = append(plan.Notes, "the plugin, by which OpenClaw would ask before it runs a call, is left out: "+left)
	} else {
		edits = append(edits, b.second.edits...)
	}
	files, changes, err := c.EditFiles(edits...)
	if err != nil {
		return nil, fmt.Errorf("connecting %s: %w", install.ConfigPath, err)
	}
	if len(files) == 0 && (b.second == nil || b.second.installed()) {
		return plan, nil
	}
	if plan.files, err = readFiles(files); err != nil {
		return nil, err
	}
	plan.Diff = diffs(plan.files)
	entries = with(entries, install, changes)
	plan.apply = func(context.Context) error { return b.apply(dir, entries, plan.files) }
	return plan, nil
}

// elsewhere reports whether a config holds the token of a Seawall that is not
// the journal's. Its door may be in front of this one's provider; its real keys
// are not here.
func elsewhere(c *openclaw.Config, config string, entries []entry) bool {
	ours := slices.ContainsFunc(entries, func(e entry) bool { return e.Config == config })
	return !ours && slices.ContainsFunc(openclaw.Install{}.RoutesOf(c), func(r openclaw.Route) bool {
		return r.Key.Kind == openclaw.KeyPlaintext && model.IsToken(r.Key.Value)
	})
}

// with returns the journal with further changes of a config.
func with(entries []entry, install openclaw.Install, changes []openclaw.Change) []entry {
	entries = slices.Clone(entries)
	i := slices.IndexFunc(entries, func(e entry) bool { return e.Config == install.ConfigPath })
	if i < 0 {
		return append(entries, entry{Config: install.ConfigPath, Roots: install.IncludeRoots, Changes: changes})
	}
	entries[i].Changes = slices.Concat(entries[i].Changes, changes)
	return entries
}

// builder turns the routes of one config into routes of the door.
type builder struct {
	config string
	door   string
	routes []model.Route     // all, those of other configs included
	keys   map[string]string // real keys by their name in the vault
	tokens map[string]string // provider to the token the agent gets
	notes  []string          // what the diff does not show
	second *second           // nil when it is left out
}

// route implements openclaw.Door.
func (b *builder) route(r openclaw.Route) (baseURL, placeholder string) {
	name := r.ID
	if r.Model != "" {
		name += "/" + r.Model
	}
	route, known := b.known(name)
	switch {
	case known && r.BaseURL == route.BaseURL(b.door):
		return "", "" // it leads to the door already
	case known && leadsToDoor(r.BaseURL, route):
		// The door has moved; provider, key and token are what they were.
		return route.BaseURL(b.door), ""
	case !known:
		route = model.Route{ID: b.unused(name)}
	}
	route.Provider, route.Agent, route.API, route.Upstream = name, b.config, wire.API(r.API), r.BaseURL
	route.Key, route.Token = "", ""
	if r.Key.Value != "" && r.Auth != "oauth" && r.Auth != "token" {
		route.Key = r.ID + " of " + b.config
		b.keys[route.Key] = r.Key.Value
		if n := keysOf(r); n > 1 {
			b.notes = append(b.notes, fmt.Sprintf("OpenClaw has %d keys for %s; from now on every agent uses that of %s", n, r.ID, r.Key.From))
		}
		if b.tokens[r.ID] == "" {
			b.tokens[r.ID] = model.NewToken()
		}
		route.Token = b.tokens[r.ID]
	} else if note := stays(r); note != "" {
		b.notes = append(b.notes, note)
	}
	b.routes = append(slices.DeleteFunc(b.routes, func(other model.Route) bool { return other.ID == route.ID }), route)
	return route.BaseURL(b.door), route.Token
}

// keysOf counts the auth profiles with a key for a route that has none in the
// config.
func keysOf(r openclaw.Route) (n int) {
	for _, c := range r.Credentials {
		if r.Key.Kind == openclaw.KeyNone && c.Profile != "" && c.Type == "api_key" {
			n++
		}
	}
	return n
}

// stays says why what a route shows its provider stays with the agent.
func stays(r openclaw.Route) string {
	switch {
	case r.Auth == "oauth", r.Auth == "token", len(r.Credentials) > 0 && r.Credentials[0].Type != "api_key":
		return fmt.Sprintf("the login for %s stays with the agent and passes the door as it is", r.ID)
	case r.Key.Kind == openclaw.KeyNone && len(r.Credentials) == 0:
		return ""
	}
	return fmt.Sprintf("the key of %s cannot be read here, so it stays with the agent and passes the door as it is", r.ID)
}

// known returns the route that an earlier run made for a provider of this config.
func (b *builder) known(provider string) (model.Route, bool) {
	i := slices.IndexFunc(b.routes, func(r model.Route) bool { return r.Agent == b.config && r.Provider == provider })
	if i < 0 {
		return model.Route{}, false
	}
	return b.routes[i], true
}

// leadsToDoor reports whether a base URL is a route's at whatever address the
// door had.
func leadsToDoor(baseURL string, route model.Route) bool {
	u, err := url.Parse(baseURL)
	return err == nil && u.Host != "" && baseURL == route.BaseURL(u.Host) && baseURL != route.Upstream
}

// unused returns an id that no route has: the provider's name, fit for a path.
func (b *builder) unused(provider string) string {
	name := strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' {
			return c
		}
		return '-'
	}, strings.ToLower(provider)), "-")
	if name == "" {
		name = "provider"
	}
	id := name
	for n := 2; slices.ContainsFunc(b.routes, func(r model.Route) bool { return r.ID == id }); n++ {
		id = fmt.Sprintf("%s-%d", name, n)
	}
	return id
}

// apply writes the journal, then the keys and routes that the door needs, and
// OpenClaw's config last: wherever it is interrupted, the agent has a way that
// works and Undo finds its way back.
func (b *builder) apply(dir *state.Dir, entries []entry, files []file) error {
	if err := unchanged(files); err != nil {
		return err
	}
	if err := writeJournal(dir, entries); err != nil {
		return err
	}
	keys, err := vault.Open(dir)
	if err != nil {
		return err
	}
	if err := keys.Set(b.keys); err != nil {
		return err
	}
	if err := model.SaveRoutes(dir, b.routes); err != nil {
		return err
	}
	if b.second != nil {
		if err := b.second.install(dir); err != nil {
			return err
		}
	}
	return writeFiles(files)
}

// Undo plans to take back what was done to every connected config, the last
// first.
func Undo(ctx context.Context, dir *state.Dir) ([]*Plan, error) {
	entries, foreign, err := readJournal(dir)
	if err != nil {
		return nil, err
	}
	var plans []*Plan
	for _, e := range slices.Backward(entries) {
		plan, err := undo(ctx, dir, e, foreign)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

func undo(ctx context.Context, dir *state.Dir, e entry, foreign bool) (*Plan, error) {
	plan := &Plan{Config: e.Config, Foreign: foreign}
	if foreign {
		plan.Notes = append(plan.Notes, fmt.Sprintf("this is what %s says, which others than root could have written: agree only if it is what connect did", dir.Path(state.Journal)))
	}
	c, err := loadConfig(ctx, e.Config, e.Roots)
	switch {
	case errors.Is(err, errNoConfig):
		plan.Notes = append(plan.Notes, fmt.Sprintf("%s is gone, so there is nothing to take back", e.Config))
	case err != nil:
		return nil, err
	default:
		restored, err := c.Restore(e.Changes)
		if err != nil {
			return nil, fmt.Errorf("disconnecting %s: %w", e.Config, err)
		}
		kept, err := takeOutPlugin(c, e.Changes, &restored, pluginFolder(dir))
		if err != nil {
			return nil, fmt.Errorf("disconnecting %s: %w", e.Config, err)
		}
		for _, kept := range kept {
			plan.Notes = append(plan.Notes, fmt.Sprintf("%s was changed since it was connected, so it stays as it is", strings.Join(kept.Path, ".")))
		}
		if plan.files, err = readFiles(restored.Files); err != nil {
			return nil, err
		}
		plan.Diff = diffs(plan.files)
	}
	for _, c := range e.Copies {
		plan.Notes = append(plan.Notes, fmt.Sprintf("the key goes back into %s", Place{Path: c.Path, Profile: c.Profile}))
	}
	plan.apply = func(ctx context.Context) error {
		if err := unchanged(plan.files); err != nil {
			return err
		}
		if err := writeFiles(plan.files); err != nil {
			return err
		}
		left, failed := putBack(ctx, e.Copies)
		if err := forget(dir, e); err != nil || failed == nil {
			return err
		}
		entries, _, err := readJournal(dir)
		if err == nil && len(left) > 0 {
			err = writeJournal(dir, append(entries, entry{Config: e.Config, Copies: left}))
		}
		return errors.Join(fmt.Errorf("OpenClaw has its config back, and not all copies of its keys: %w", failed), err)
	}
	return plan, nil
}

// takeOutPlugin makes sure that a restored config does not load the plugin, and
// returns the changes that somebody has changed since and that stay.
func takeOutPlugin(c *openclaw.Config, changes []openclaw.Change, restored *openclaw.Restored, folder string) (kept []openclaw.Change, err error) {
	for _, ch := range restored.Kept {
		if !ofPlugin(ch) {
			kept = append(kept, ch)
		}
	}
	now, err := c.With(restored.Files)
	if err != nil {
		return nil, err
	}
	edits := withoutPlugin(now, changes, folder)
	if len(edits) == 0 {
		return kept, nil
	}
	files, _, err := now.EditFiles(edits...)
	if err != nil {
		return nil, err
	}
	maps.Copy(restored.Files, files)
	if now, err = now.With(files); err != nil {
		return nil, err
	}
	// Objects that were made for it may be empty now.
	again, err := now.Restore(slices.DeleteFunc(slices.Clone(restored.Kept), func(ch openclaw.Change) bool {
		return !ofPlugin(ch) || string(ch.New) != "{}"
	}))
	maps.Copy(restored.Files, again.Files)
	return kept, err
}

// forget removes routes, keys and the journal's entry of a config that was
// disconnected. Routes and keys that cannot be read are no reason to stop: the
// agent has its own back.
func forget(dir *state.Dir, e entry) error {
	if routes, err := model.LoadRoutes(dir); err == nil {
		var names []string
		routes = slices.DeleteFunc(routes, func(r model.Route) bool {
			if r.Agent != e.Config {
				return false
			}
			names = append(names, r.Key)
			return true
		})
		if err := model.SaveRoutes(dir, routes); err != nil {
			return err
		}
		if keys, err := vault.Open(dir); err == nil {
			if err := keys.Delete(names...); err != nil {
				return err
			}
		}
	}
	if err := forgetPlugin(dir, e.Config); err != nil {
		return err
	}
	entries, _, err := readJournal(dir)
	if err != nil {
		return err
	}
	return writeJournal(dir, slices.DeleteFunc(entries, func(other entry) bool { return other.Config == e.Config }))
}

// Connected returns the paths of the configs that are connected.
func Connected(dir *state.Dir) ([]string, error) {
	entries, _, err := readJournal(dir)
	if err != nil {
		return nil, err
	}
	var configs []string
	for _, e := range entries {
		configs = append(configs, e.Config)
	}
	return configs, nil
}
