package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/state"
)

const (
	// grace is how long a request may take from the report of it to the door.
	grace = 20 * time.Second
	// remember is how long a call past the door stays a finding.
	remember = 24 * time.Hour
	// quiet is how long a finding is recorded once, however often it repeats.
	quiet = 10 * time.Minute

	// unsaved is how long what is heard may stand in no file, unless the plugin
	// falls silent.
	unsaved = 30 * time.Second

	maxSpans   = 8192 // requests whose span is remembered
	maxReports = 1024 // reports that wait for their request
	maxPast    = 32   // findings that are kept
)

// Past is a provider that was called past the door.
type Past struct {
	Config   string    `json:"config"` // of the agent: the path of openclaw.json
	Provider string    `json:"provider"`
	Model    string    `json:"model"`
	Last     time.Time `json:"last"`
	Calls    int64     `json:"calls"`
}

// String is the finding in one sentence.
func (p Past) String() string {
	return fmt.Sprintf("a model call went past the door: provider %s, model %s", p.Provider, p.Model)
}

// pastFile holds the findings of a state directory.
const pastFile = "past.json"

// LoadPast returns the findings that a state directory keeps.
func LoadPast(dir *state.Dir) (past []Past, err error) {
	_, err = dir.Load(pastFile, &past, "delete it")
	return past, err
}

// Current are the findings that still hold at a time.
func Current(past []Past, now time.Time) []Past {
	return slices.DeleteFunc(slices.Clone(past), func(p Past) bool { return now.Sub(p.Last) >= remember })
}

// watch compares the model calls that OpenClaw reports with the requests that
// the model door saw: OpenClaw gives both the same span id.
type watch struct {
	now   func() time.Time
	spans *lru.Cache[string, struct{}]
	ended *lru.Cache[string, struct{}] // spans of calls that were ended before their answer began

	mu      sync.Mutex
	reports []report // the oldest first
	past    []Past
	agents  map[string]*contact
	saved   []Plugin // as they stand in the file
	savedAt time.Time
}

// contact is when an agent was last heard of at either door.
type contact struct {
	question time.Time // of the plugin
	unheard  time.Time // first request since then that the plugin did not tell of
	calls    int64     // that it told of and that came to the model door
	call     time.Time // the last of them
}

type report struct {
	key, config, model string
	turn               guard.Turn
	until              time.Time
}

func newWatch(now func() time.Time, past []Past) *watch {
	w := &watch{now: now, past: past, agents: map[string]*contact{}}
	w.spans, _ = lru.New[string, struct{}](maxSpans) // an error is for a size below one
	w.ended, _ = lru.New[string, struct{}](maxReports)
	return w
}

func (w *watch) saw(config, span string) {
	if span == "" {
		return
	}
	if again, _ := w.spans.ContainsOrAdd(config+"\x00"+span, struct{}{}); again {
		return // a client tries once more
	}
	w.met(config, func(c *contact) {
		if now := w.now(); c.unheard.IsZero() && now.Sub(c.question) > grace {
			c.unheard = now
		}
	})
}

// heard notes that the plugin spoke.
func (w *watch) heard(config string) {
	w.met(config, func(c *contact) { c.question, c.unheard = w.now(), time.Time{} })
}

// matched notes a call that the plugin told of and that came to the model door.
func (w *watch) matched(config string) {
	w.met(config, func(c *contact) { c.calls, c.call = c.calls+1, w.now() })
}

// met notes a contact. Agents are those that connect has written down, so they
// are few.
func (w *watch) met(config string, note func(*contact)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.agents[config] == nil {
		w.agents[config] = &contact{}
	}
	note(w.agents[config])
}

// silence is how long after a request the plugin may be silent. It tells of
// each request as it is made.
const silence = time.Minute

// Plugin is what the door knows of one agent's plugin since its start.
type Plugin struct {
	Config string    `json:"config"`                // path of openclaw.json
	Last   time.Time `json:"last,omitzero"`         // when it last asked
	Silent bool      `json:"silent"`                // OpenClaw calls models and the plugin says nothing: it is not loaded
	Calls  int64     `json:"matched_calls"`         // calls of models that it told of and that came to the model door
	Call   time.Time `json:"last_matched,omitzero"` // the last of them
}

// pluginsFile holds what the doors know of the plugins.
const pluginsFile = "plugins.json"

// LoadPlugins returns what the doors of a state directory last knew of the
// agents' plugins.
func LoadPlugins(dir *state.Dir) (all []Plugin, err error) {
	_, err = dir.Load(pluginsFile, &all, "delete it")
	return all, err
}

// savePlugins writes what is known of the plugins when it has changed: at once
// when one falls silent or is heard again, else now and then.
func (d *Door) savePlugins() error {
	all, now := d.Plugins(), d.watch.now()
	silent := func(p Plugin) bool { return p.Silent }
	d.watch.mu.Lock()
	due := !slices.Equal(all, d.watch.saved) &&
		(now.Sub(d.watch.savedAt) >= unsaved || slices.IndexFunc(all, silent) != slices.IndexFunc(d.watch.saved, silent))
	if due {
		d.watch.saved, d.watch.savedAt = all, now
	}
	d.watch.mu.Unlock()
	if !due {
		return nil
	}
	content, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("writing what OpenClaw's plugins said: %w", err)
	}
	return d.dir.Write(pluginsFile, append(content, '\n'))
}

// Plugins are the agents' plugins, as they were connected.
func (d *Door) Plugins() (all []Plugin) {
	d.watch.mu.Lock()
	defer d.watch.mu.Unlock()
	for _, a := range *d.agents.Load() {
		p := Plugin{Config: a.Config}
		if c := d.watch.agents[a.Config]; c != nil {
			p.Last, p.Calls, p.Call = c.question, c.calls, c.call
			p.Silent = !c.unheard.IsZero() && d.watch.now().Sub(c.unheard) >= silence
		}
		all = append(all, p)
	}
	return all
}

// reported notes a call whose request has yet to come. Of more than can wait the
// last are not waited for: that many without a request are a finding already.
func (w *watch) reported(config, span string, t guard.Turn, model string) {
	key := config + "\x00" + span
	if w.spans.Contains(key) {
		w.matched(config)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.reports) < maxReports {
		w.reports = append(w.reports, report{key, config, short(model), t, w.now().Add(grace)})
	}
}

// aborted notes that a call was ended before its answer began: a turn that is ended
// as its call begins makes no request. OpenClaw tells of both on their own, in any
// order. Where the request was made nevertheless, nobody got an answer to it; an
// agent's process that hides its calls need not report them to begin with.
func (w *watch) aborted(config, span string) { w.ended.Add(config+"\x00"+span, struct{}{}) }

// short makes what the agent says fit for a finding that a person reads.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > 80 {
		s = string(runes[:80])
	}
	return s
}

// due takes out the reports whose request has come or whose time is over, and
// returns those whose request never came.
func (w *watch) due() (missing []report) {
	w.mu.Lock()
	waiting, came := []report{}, []report{}
	for _, r := range w.reports {
		switch {
		case w.spans.Contains(r.key):
			came = append(came, r)
		case w.ended.Contains(r.key):
		case w.now().Before(r.until):
			waiting = append(waiting, r)
		default:
			missing = append(missing, r)
		}
	}
	w.reports = waiting
	w.mu.Unlock()
	for _, r := range came {
		w.matched(r.config)
	}
	return missing
}

// found adds a call to the findings; fresh tells that it has to be said.
func (w *watch) found(r report) (p Past, fresh bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	w.past = Current(w.past, now)
	i := slices.IndexFunc(w.past, func(p Past) bool {
		return p.Config == r.config && p.Provider == short(r.turn.Route) && p.Model == r.model
	})
	if i < 0 {
		if len(w.past) >= maxPast {
			w.past = slices.Delete(w.past, 0, 1)
		}
		i, fresh = len(w.past), true
		w.past = append(w.past, Past{Config: r.config, Provider: short(r.turn.Route), Model: r.model})
	}
	fresh = fresh || now.Sub(w.past[i].Last) >= quiet
	w.past[i].Calls++
	if fresh {
		w.past[i].Last = now
	}
	return w.past[i], fresh
}

// Past are the findings that hold now.
func (d *Door) Past() []Past {
	d.watch.mu.Lock()
	defer d.watch.mu.Unlock()
	return Current(d.watch.past, d.watch.now())
}

// Sweep looks for reported model calls that never came to the door. Each is
// recorded and kept for `seawall status`; what is new is returned. It is called
// every few seconds.
func (d *Door) Sweep(ctx context.Context) (fresh []Past, err error) {
	for _, r := range d.watch.due() {
		p, isFresh := d.watch.found(r)
		if isFresh {
			fresh = append(fresh, p)
			err = errors.Join(err, d.guard.Passed(ctx, r.turn, p.String()))
		}
	}
	err = errors.Join(err, d.savePlugins())
	if len(fresh) == 0 {
		return nil, err
	}
	content, e := json.MarshalIndent(d.Past(), "", "  ")
	if e == nil {
		e = d.dir.Write(pastFile, append(content, '\n'))
	}
	return fresh, errors.Join(err, e)
}
