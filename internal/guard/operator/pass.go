package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

// passesFile holds what may pass once.
const passesFile = "passes.json"

const (
	// Unused is how long a pass waits for the conversation it is good for.
	Unused = 24 * time.Hour
	// maxPasses is how many are kept; beyond it the oldest goes.
	maxPasses = 256
	// maxConversation bounds what a conversation is called, in bytes: the agent
	// says it.
	maxConversation = 256
)

// Pass lets one text through to the model that was stopped, in one conversation:
// the first that brings it. There it comes again with every later turn, and
// passes. It lifts that one reading and nothing else: what the agent then does
// is judged as ever.
type Pass struct {
	ID    int64     `json:"id"`    // the row that stopped it
	Text  string    `json:"text"`  // SHA-256 of the text, hex
	Agent string    `json:"agent"` // whose model may read it
	Given time.Time `json:"given"`
	// Conversation is the one that used it; "" while none has.
	Conversation string `json:"conversation,omitempty"`
}

// Decider is the policy in force.
type Decider interface {
	Decide(policy.Input) policy.Decision
}

// Let lets the text through that a row of the record tells of. It is an error,
// in the operator's words, when that row stopped no text, or when a rule stopped
// it that no approval lifts.
func Let(dir *state.Dir, rules Decider, row ledger.Row, now time.Time) error {
	source, _, _ := strings.Cut(row.Detail, ":")
	switch {
	case row.Act == "call" && row.Decision == "deny":
		return fmt.Errorf("#%d stopped a call of %s; only a message or a tool's result can be let through: to allow such calls, run seawall why %d --allow", row.ID, row.Tool, row.ID)
	case row.Act != "read" || row.Decision != "deny" || row.Action == "":
		return fmt.Errorf("#%d stopped no message and no tool's result: seawall log --decision deny shows what did", row.ID)
	}
	d := rules.Decide(policy.Input{Agent: row.Agent, Act: policy.Read, Source: source, Injection: "malicious", Approved: true})
	if d.Verdict >= policy.Ask {
		why := "an error in the policy"
		if len(d.Reasons) > 0 {
			why = d.Reasons[0].Policy + ": " + d.Reasons[0].Text
		}
		return fmt.Errorf("#%d cannot be let through: the policy has a rule that nobody can lift (%s)", row.ID, why)
	}
	return Give(dir, Pass{ID: row.ID, Text: row.Action, Agent: row.Agent, Given: now})
}

// Give writes a pass down. The same text given to the same agent again replaces
// a pass that waits: it is the same permission.
func Give(dir *state.Dir, p Pass) error {
	return dir.Change(passesFile, func(old []byte) ([]byte, error) {
		all, err := parsePasses(dir, old)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(o Pass) bool { return o.Expired(p.Given) || o.waitsFor(p.Text, p.Agent) })
		if all = append(all, p); len(all) > maxPasses {
			all = all[len(all)-maxPasses:]
		}
		return json.MarshalIndent(all, "", "  ")
	})
}

// Passes returns those of a state directory, the oldest first; none is no error.
func Passes(dir *state.Dir) ([]Pass, error) {
	content, err := dir.Read(passesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parsePasses(dir, content)
}

func parsePasses(dir *state.Dir, content []byte) (all []Pass, err error) {
	if len(content) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, fmt.Errorf("%s is damaged, so nothing of it passes: delete it, and let through again what you want to", dir.Path(passesFile))
	}
	return all, nil
}

// waitsFor reports whether a pass is for this text and agent, and unused.
func (p Pass) waitsFor(text, agent string) bool {
	return p.Conversation == "" && p.Text == text && p.Agent == agent
}

// Expired reports whether nobody has used it in time.
func (p Pass) Expired(now time.Time) bool {
	return p.Conversation == "" && now.Sub(p.Given) >= Unused
}

// Pass reports whether a text may pass in a conversation, and by which row's
// pass. A pass that nobody has used belongs to this conversation from now on;
// where that cannot be written down, it does not pass.
func (d *Desk) Pass(text, agent, conversation string) (id int64, ok bool) {
	all, err := Passes(d.dir)
	if err != nil || conversation == "" || len(conversation) > maxConversation {
		return 0, false
	}
	for _, p := range all {
		if p.Text == text && p.Agent == agent && p.Conversation == conversation {
			return p.ID, true
		}
	}
	now := d.now()
	waits := func(p Pass) bool { return p.waitsFor(text, agent) && !p.Expired(now) }
	if !slices.ContainsFunc(all, waits) {
		return 0, false
	}
	err = d.dir.Change(passesFile, func(old []byte) ([]byte, error) {
		all, err := parsePasses(d.dir, old)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, waits)
		if i < 0 {
			return nil, errors.New("another conversation was first")
		}
		all[i].Conversation, id = conversation, all[i].ID
		return json.MarshalIndent(all, "", "  ")
	})
	return id, err == nil
}
