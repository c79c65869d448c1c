package proof

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// A canary is a turn that Seawall has OpenClaw take, whose whole message is a
// mark that only Seawall knows. The door that sees the mark answers by itself
// with a word that it and the watch alone know. When OpenClaw says that word,
// its request came to this door, by this route.
//
//	watch ──mark──▶ state ──▶ door          watch ──turn: mark──▶ OpenClaw ──▶ door
//	watch ◀──────────────── word ◀──── OpenClaw ◀──── word ◀────────────────────┘
//
// Whoever learns a mark learns a word that is of no use to him: it is worth one
// sentence without calls, once.

// markFile holds the canary that is under way.
const markFile = "canary.json"

const (
	markPrefix = "seawall-proof-"
	wordPrefix = "seawall-proven-"
	markRandom = 26 // letters of rand.Text

	// flight is how long a canary may take, a busy machine's first model call
	// included.
	flight   = 30 * time.Second
	markLife = flight + 10*time.Second
)

type mark struct {
	Mark  string    `json:"mark"`
	Word  string    `json:"word"`
	Route string    `json:"route"` // id of the door's
	Until time.Time `json:"until"`
}

func newMark(route string, now time.Time) mark {
	return mark{markPrefix + rand.Text(), wordPrefix + rand.Text(), route, now.Add(markLife)}
}

// send lets the doors know of a mark.
func (m mark) send(dir *state.Dir) error {
	content, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("sending a canary: %w", err)
	}
	return dir.Write(markFile, content)
}

// Canaries answers canaries at the doors of a state directory. It is safe for
// concurrent use.
type Canaries struct {
	dir *state.Dir
	mu  sync.Mutex // one is used up at a time
}

// NewCanaries returns what the model door asks about each message.
func NewCanaries(dir *state.Dir) *Canaries { return &Canaries{dir: dir} }

// Answer tells whether the last message of a conversation that came by a route
// is a canary, and what the door says to it. What only looks like one is not
// forwarded either: it may be one that was late.
func (c *Canaries) Answer(route, said string) (word string, is bool) {
	// The form is no secret and costs nothing to look at; the rest is random.
	if len(said) != len(markPrefix)+markRandom || !strings.HasPrefix(said, markPrefix) {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m, err := readMark(c.dir)
	if err != nil || subtle.ConstantTimeCompare([]byte(m.Mark), []byte(said)) != 1 || time.Now().After(m.Until) {
		return "Seawall: this is not a proof that it is waiting for.", true
	}
	if err := c.dir.Remove(markFile); err != nil {
		return "Seawall: this proof could not be used up.", true
	}
	if m.Route != route {
		return m.Word + elsewhere + route, true
	}
	return m.Word, true
}

// elsewhere stands between the word and the route by which a canary came that
// should have come by another.
const elsewhere = " by "

func readMark(dir *state.Dir) (m mark, err error) {
	content, err := dir.Read(markFile)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(content, &m)
}

// errPast says that something else than this door answered a canary.
var errPast = errors.New("its canary was answered by something else than the door: its calls go past Seawall")

// fly has a gateway send a canary by one route and returns nil when the door
// has answered it. The turn is OpenClaw's raw model run (docs/cli/infer.md,
// model run --gateway): without session, tools, files or channels, and in a lane
// of its own, so that it waits for no turn of a person's and none waits for it.
func (c *client) fly(ctx context.Context, dir *state.Dir, route, agent, provider, model string) error {
	m := newMark(route, time.Now())
	if err := m.send(dir); err != nil {
		return err
	}
	defer func() { _ = dir.Remove(markFile) }()
	run := "seawall-" + rand.Text()
	var accepted struct{}
	err := c.call(ctx, "agent", map[string]any{
		"message": m.Mark, "provider": provider, "model": model, "agentId": agent,
		"sessionKey": "agent:" + agent + ":seawall-proof", "lane": "seawall-proof",
		"modelRun": true, "promptMode": "none", "deliver": false,
		"timeout": int(flight / time.Second), "idempotencyKey": run,
	}, &accepted)
	if err != nil {
		return err
	}
	end, err := c.wait(ctx, run, flight)
	if err != nil {
		return err
	}
	return m.judge(end.Status, end.Error, strings.TrimSpace(end.TerminalReply.Text), pending(dir))
}

// ending is how a run of OpenClaw's ended.
type ending struct {
	Status        string `json:"status"`
	Error         string `json:"error"`
	TerminalReply struct {
		Text string `json:"text"`
	} `json:"terminalReply"`
}

// wait waits for the end of a run.
func (c *client) wait(ctx context.Context, run string, patience time.Duration) (end ending, err error) {
	return end, c.call(ctx, "agent.wait", map[string]any{"runId": run, "timeoutMs": patience.Milliseconds()}, &end)
}

// pending reports whether no door has seen the canary yet.
func pending(dir *state.Dir) bool {
	_, err := dir.Read(markFile)
	return !errors.Is(err, fs.ErrNotExist)
}

// judge says what the end of a canary's run proves. unseen tells that it came
// to no door.
func (m mark) judge(status, problem, said string, unseen bool) error {
	other, came := strings.CutPrefix(said, m.Word)
	route, by := strings.CutPrefix(other, elsewhere)
	switch {
	case came && other == "":
		return nil
	case came && by:
		return fmt.Errorf("its canary came to the door by the route %s", short(route))
	case status == "ok" && said != "" && unseen:
		return errPast
	case status == "timeout":
		return errors.New("OpenClaw was busy and did not finish the canary in time")
	case problem != "":
		return fmt.Errorf("OpenClaw says: %s", short(problem))
	}
	return fmt.Errorf("the canary ended as %q without an answer", short(status))
}
