// Package console is Seawall's web page: how the machine stands, what was
// decided, whether the doors are well. It is html/template and htmx from the
// binary, on loopback, behind a one-time link. It changes nothing but what the
// operator answers, lets through once, and freezes.
package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/loopback"
	"github.com/openseawall/seawall/internal/posture"
)

//go:embed static
var static embed.FS

//go:embed pages/*.html
var pages embed.FS

// View is what the page shows at one moment.
type View struct {
	Frozen   bool   // there is nothing more to freeze
	Label    string // "protected", "watching, not protecting", …
	Good     bool   // the label is nothing to worry about
	Sentence string // what the label means and the one command that changes it
	Audit    *posture.Audit
	// Questions wait for an answer, the oldest first.
	Questions []approval.Question
	Rows      []ledger.Row     // newest first
	Passes    map[int64]string // by row: what has become of letting its text through once
	Said      string           // about what was last asked of the page
	Health    []Health
	Version   string
	Now       time.Time
}

// Health is one part of Seawall and how it is.
type Health struct {
	Part, State string
	Good        bool
}

// Source gives the page what it shows.
type Source interface {
	View(r *http.Request) (View, error)
	// Redeem uses a one-time token up and reports whether it was good.
	Redeem(token string) bool
	// Pass lets the text of a row through once, or says why not.
	Pass(r *http.Request, id int64) error
	// Answer answers a question for exactly the action that was shown, by its sum,
	// or says why not.
	Answer(r *http.Request, n int64, sum string, allow bool) error
	// Freeze makes every door deny, or says why not.
	Freeze(r *http.Request) error
}

// Console serves the page.
type Console struct {
	source   Source
	sessions *sessions
	mux      *http.ServeMux
	template *template.Template

	mu   sync.Mutex
	said string // about what was last asked of the page
	when time.Time
}

// New returns the page over a source.
func New(source Source) *Console {
	c := &Console{source: source, sessions: newSessions(), mux: http.NewServeMux()}
	c.template = template.Must(template.New("").Funcs(template.FuncMap{
		"clock":   func(t time.Time) string { return t.Local().Format("15:04:05") },
		"stamp":   func(t time.Time) string { return t.Local().Format("2006-01-02 15:04") },
		"join":    func(s []string) string { return strings.Join(s, ", ") },
		"fixes":   fixes,
		"stopped": func(r ledger.Row) bool { return r.Act == "read" && r.Decision == "deny" },
	}).ParseFS(pages, "pages/*.html"))
	c.mux.Handle("GET /static/", http.FileServerFS(static))
	c.mux.HandleFunc("GET /login", c.login)
	c.mux.HandleFunc("GET /{$}", c.page("page"))
	c.mux.HandleFunc("GET /live", c.page("live"))
	c.mux.HandleFunc("POST /pass", c.pass)
	c.mux.HandleFunc("POST /answer", c.answer)
	c.mux.HandleFunc("POST /freeze", c.freeze)
	return c
}

// Serve answers on a listener until it is closed.
func (c *Console) Serve(l net.Listener) error {
	s := &http.Server{
		Handler:           c,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	return s.Serve(l)
}

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !loopback.Host(r.Host) {
		http.Error(w, "Seawall: this page is only served under a loopback address (127.0.0.1 or localhost)", http.StatusForbidden)
		return
	}
	if r.URL.Path != "/login" && !strings.HasPrefix(r.URL.Path, "/static/") && !c.sessions.known(r) {
		w.WriteHeader(http.StatusUnauthorized)
		c.render(w, "locked", View{})
		return
	}
	c.mux.ServeHTTP(w, r)
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	if !c.source.Redeem(r.URL.Query().Get("token")) {
		w.WriteHeader(http.StatusUnauthorized)
		c.render(w, "locked", View{})
		return
	}
	http.SetCookie(w, c.sessions.open())
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// sayFor is how long the page shows what became of a button.
const sayFor = 20 * time.Second

// asked reports whether a button of the page itself was pressed. A page of
// another address, be it on this machine, cannot press it: browsers tell where a
// request comes from.
func asked(w http.ResponseWriter, r *http.Request) bool {
	if err := http.NewCrossOriginProtection().Check(r); err != nil || r.Header.Get("HX-Request") == "" {
		http.Error(w, "Seawall: this was not asked by the page itself", http.StatusForbidden)
		return false
	}
	return true
}

// pass lets a text through once.
func (c *Console) pass(w http.ResponseWriter, r *http.Request) {
	if !asked(w, r) {
		return
	}
	id, err := strconv.ParseInt(r.URL.Query().Get("id"), 10, 64)
	if err == nil {
		err = c.source.Pass(r, id)
	}
	c.say(w, r, fmt.Sprintf("#%d may pass once. Have the message sent again; the next turn reads a tool's result.", id), err)
}

// answer answers a question.
func (c *Console) answer(w http.ResponseWriter, r *http.Request) {
	if !asked(w, r) {
		return
	}
	q := r.URL.Query()
	n, err := strconv.ParseInt(q.Get("n"), 10, 64)
	allow := q.Get("allow") == "yes"
	if err == nil {
		err = c.source.Answer(r, n, q.Get("sum"), allow)
	}
	said := fmt.Sprintf("Question %d: refused.", n)
	if allow {
		said = fmt.Sprintf("Question %d: allowed, once. If the agent no longer waits, the same call is let through when it next tries.", n)
	}
	c.say(w, r, said, err)
}

// freeze makes every door deny. Only a command ends that.
func (c *Console) freeze(w http.ResponseWriter, r *http.Request) {
	if asked(w, r) {
		c.say(w, r, "Frozen. What happened before: seawall log --damage. To end it: seawall thaw, in a terminal.", c.source.Freeze(r))
	}
}

// say shows what became of a button.
func (c *Console) say(w http.ResponseWriter, r *http.Request, said string, err error) {
	if err != nil {
		said = err.Error()
	}
	c.mu.Lock()
	c.said, c.when = said, time.Now()
	c.mu.Unlock()
	c.page("live")(w, r)
}

func (c *Console) page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		view, err := c.source.View(r)
		if err != nil {
			http.Error(w, "Seawall: "+err.Error(), http.StatusInternalServerError)
			return
		}
		c.mu.Lock()
		if time.Since(c.when) < sayFor {
			view.Said = c.said
		}
		c.mu.Unlock()
		c.render(w, name, view)
	}
}

func (c *Console) render(w http.ResponseWriter, name string, view View) {
	var buf bytes.Buffer
	if err := c.template.ExecuteTemplate(&buf, name, view); err != nil {
		http.Error(w, "Seawall: the page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = buf.WriteTo(w)
}

// fixes returns the results that are worth fixing first.
func fixes(a *posture.Audit) []posture.Result {
	var out []posture.Result
	for _, r := range a.Results {
		if r.Outcome == posture.Failed && r.Severity >= posture.Medium && len(out) < 8 {
			out = append(out, r)
		}
	}
	return out
}
