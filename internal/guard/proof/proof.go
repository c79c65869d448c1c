// Package proof watches that the doors are in the path: that what OpenClaw says
// to its models passes them, and nothing else. Rivals were bypassed for months
// while their status said protected.
//
//	routes   what OpenClaw would use, and which of it passes no door
//	config   openclaw.json still leads to the door and loads the plugin
//	canary   a turn by each route, answered by the door itself
//	ends     where the connections of the gateway's processes end
//
// The watch runs in the process that may read the agent's files and processes;
// the doors may not. It writes what it sees as one file into the state, which
// status and page read. That file, too, can be missing or old, and is then the
// loudest finding of all.
//
// It is a look at an OpenClaw that hides nothing. One that does is held back by
// the doors, the agent's own user and its network, not by being watched.
package proof

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

// Report is what the watch saw last.
type Report struct {
	Time   time.Time `json:"time"` // of the last look
	Agents []Agent   `json:"agents"`
}

// Agent is one OpenClaw that is connected.
type Agent struct {
	Config  string `json:"config"`            // path of openclaw.json
	Gateway int    `json:"gateway,omitempty"` // process id; 0 when it does not run
	Version string `json:"version,omitempty"` // as the running gateway says, or the package; "" when not known
	// Unproven is set while it is not proven that this OpenClaw's calls pass
	// Seawall as they must: then what leaves or widens is refused.
	Unproven *guard.Unproven `json:"unproven,omitempty"`
	Passed   string          `json:"last_passed,omitempty"` // the last version that was proven here
	Rows     []connect.Row   `json:"routes"`                // how each way to a model stands
	Proofs   []Proof         `json:"proofs"`                // of the routes that lead to the door
	// Prices are those of the models that OpenClaw knows, by "provider/model".
	Prices map[string]openclaw.Price `json:"prices,omitempty"`
	Ends   Ends                      `json:"connections"`
	Plugin string                    `json:"plugin,omitempty"` // why it does not load the plugin; "" when its config does
	// Problems are what makes this agent unguarded, the worst first.
	Problems []Problem `json:"problems"`
}

// Proof is the canary of one route.
type Proof struct {
	Route string    `json:"route"`           // id at the door
	Agent string    `json:"agent,omitempty"` // of OpenClaw's agents, when it has several
	Last  time.Time `json:"last,omitzero"`   // when the door answered it
	Why   string    `json:"why,omitempty"`   // why it proves nothing now; "" when it does
}

// Ends are the ends of a gateway's connections.
type Ends struct {
	Unread   string `json:"unread,omitempty"`       // why there was none
	Door     int    `json:"door"`                   // that were seen since the start, at the door
	Here     int    `json:"here"`                   // and elsewhere on this machine
	Provider []End  `json:"providers,omitempty"`    // at a provider's address: past the door
	Outside  []End  `json:"past_seawall,omitempty"` // anywhere else: channels, pages, what programs do
}

// End is one place that a process of a gateway was connected with.
type End struct {
	Address string    `json:"address"`
	Name    string    `json:"name,omitempty"` // of the provider that is there
	Process string    `json:"process"`
	Last    time.Time `json:"last"`
}

// Problem is one finding, and the command that changes it.
type Problem struct {
	What string `json:"what"`
	Fix  string `json:"fix"`
}

func (p Problem) String() string { return p.What + ". To change that: " + p.Fix }

// File holds the report of a state directory.
const File = "proof.json"

// fresh is for how long a report holds.
const fresh = 3 * time.Minute

// Load returns the last report of a state directory; nil when there is none.
func Load(dir *state.Dir) (*Report, error) {
	var r Report
	if found, err := dir.Load(File, &r, "delete it, the next look writes it anew"); err != nil || !found {
		return nil, err
	}
	return &r, nil
}

func (r *Report) save(dir *state.Dir) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing what the watch saw: %w", err)
	}
	return dir.Write(File, append(content, '\n'))
}

// Fresh tells whether the report still holds at a time.
func (r *Report) Fresh(now time.Time) bool { return now.Sub(r.Time) <= fresh }

// Problems are those that hold at a time, of all agents. No report, or an old
// one, is the first of them.
func (r *Report) Problems(now time.Time) (all []Problem) {
	if r == nil || !r.Fresh(now) {
		last := "not since it was started"
		if r != nil {
			last = "last at " + r.Time.Local().Format("2006-01-02 15:04")
		}
		all = append(all, Problem{"Nobody watches whether OpenClaw's model calls still pass Seawall (" + last + ")", "end seawall up and start it again, or systemctl restart seawall-watch"})
	}
	if r == nil {
		return all
	}
	for _, a := range r.Agents {
		all = append(all, a.Problems...)
	}
	return all
}

// short makes what others say fit for a sentence that a person reads.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > 120 {
		s = string(runes[:120]) + "…"
	}
	return strings.TrimSpace(s)
}
