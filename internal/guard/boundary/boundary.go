// Package boundary tries to cross what stands between the agent and Seawall.
//
//	the agent's user ──Try──▶ a process as that user ──▶ attempts ──▶ Report (boundary.json)
//
// What an audit reads says who may do what; an attempt finds out. A process with
// the ids and groups of the agent tries to read Seawall's keys, to answer for
// the operator, and to stop Seawall, by every way that it knows. Each attempt is
// one that changes nothing where it succeeds. Only when all have failed is the
// agent behind a boundary.
package boundary

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

const (
	// valid is how long attempts that failed are believed; they are made daily.
	valid = 48 * time.Hour
	// patience bounds all attempts of one user.
	patience = time.Minute
)

// Agent is who an OpenClaw is on this machine.
type Agent struct {
	Config string   `json:"config"` // path of its openclaw.json
	User   string   `json:"user"`
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups"`
}

// Attempt is one try to cross the boundary.
type Attempt struct {
	Aim  string `json:"aim"` // Keys, Operator, Stop
	What string `json:"what"`
	// Crossed tells that it succeeded; Answer is what stopped it, or what it got.
	Crossed bool   `json:"crossed"`
	Answer  string `json:"answer"`
}

// The aims of attempts.
const (
	Keys     = "read the keys"
	Operator = "answer for the operator"
	Stop     = "stop Seawall"
)

// Result is what the attempts of one agent came to.
type Result struct {
	Agent
	Attempts []Attempt `json:"attempts"`
	Untried  string    `json:"untried,omitempty"` // why there were none
}

// Crossed are the attempts that succeeded.
func (r Result) Crossed() (crossed []Attempt) {
	return slices.DeleteFunc(slices.Clone(r.Attempts), func(a Attempt) bool { return !a.Crossed })
}

// Report is the newest attempts of all agents.
type Report struct {
	Time    time.Time `json:"time"`
	Results []Result  `json:"results"`
}

// Load reads the report of a state directory; nil when there is none.
func Load(dir *state.Dir) (*Report, error) {
	var r Report
	if found, err := dir.Load(state.Boundary, &r, "sudo seawall boundary makes it anew"); err != nil || !found {
		return nil, err
	}
	return &r, nil
}

// Doubt says why nobody can rely on the boundary, and what to do; "" when all
// attempts failed lately.
func (r *Report) Doubt(now time.Time) (why, fix string) {
	const again = "sudo seawall boundary"
	switch {
	case r == nil || len(r.Results) == 0:
		return "Nobody has tried yet whether the agent can reach Seawall's keys or stop it", again
	case now.Sub(r.Time) > valid || r.Time.After(now.Add(time.Hour)):
		return "That the agent cannot reach Seawall was last tried at " + r.Time.Local().Format("2006-01-02 15:04"), again
	}
	for _, result := range r.Results {
		if result.Untried != "" {
			return "Whether the agent can reach Seawall could not be tried: " + result.Untried, again
		}
		if crossed := result.Crossed(); len(crossed) > 0 {
			return fmt.Sprintf("As the agent's user %s it was possible to %s: %s (%s)", result.User, crossed[0].Aim, crossed[0].What, crossed[0].Answer),
				"seawall connect --own-user, or close that way; then sudo seawall boundary"
		}
	}
	return "", ""
}

// String is the report in one line: "12 attempts as openclaw failed, last at …".
func (r *Report) String() string {
	if why, _ := r.Doubt(time.Now()); why != "" {
		return "not proven: " + why
	}
	n, names := 0, ""
	for _, result := range r.Results {
		n += len(result.Attempts)
		if names != "" {
			names += ", "
		}
		names += result.User
	}
	return fmt.Sprintf("proven: %d attempts as %s to read the keys, to answer for you and to stop Seawall failed, last at %s",
		n, names, r.Time.Local().Format("2006-01-02 15:04"))
}

// Agents are the accounts that the installations of a machine run as.
func Agents(installs []openclaw.Install) (agents []Agent, untried []Result) {
	for _, in := range installs {
		if !in.SetUp() {
			continue
		}
		a := Agent{Config: in.ConfigPath}
		switch p := in.Process; {
		case in.Container != "":
			untried = append(untried, Result{Agent: a, Untried: "it runs in the container " + in.Container})
			continue
		case p != nil:
			a.User, a.UID, a.GID, a.Groups = name(p.UID), p.UID, p.GID, p.Groups
		default:
			var err error
			if a, err = account(in.Owner); err != nil {
				untried = append(untried, Result{Agent: a, Untried: err.Error()})
				continue
			}
			a.Config = in.ConfigPath
		}
		agents = append(agents, a)
	}
	return agents, untried
}

func name(uid uint32) string {
	if u, err := user.LookupId(strconv.Itoa(int(uid))); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", uid)
}

// account is an agent that does not run, as its account would run it.
func account(owner string) (Agent, error) {
	u, err := user.Lookup(owner)
	if err != nil {
		return Agent{User: owner}, fmt.Errorf("the account %q, which OpenClaw belongs to: %w", owner, err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return Agent{User: owner}, fmt.Errorf("the groups of %q: %w", owner, err)
	}
	a := Agent{User: owner, UID: number(u.Uid), GID: number(u.Gid)}
	for _, g := range groups {
		a.Groups = append(a.Groups, number(g))
	}
	return a, nil
}

func number(id string) uint32 {
	n, _ := strconv.ParseUint(id, 10, 32)
	return uint32(n)
}

// Try has each agent's user try to cross the boundary, and keeps what came of
// it. Only root can.
func Try(ctx context.Context, dir *state.Dir, target Target, installs []openclaw.Install) (*Report, error) {
	agents, untried := Agents(installs)
	r := &Report{Time: time.Now(), Results: untried}
	for _, a := range agents {
		result := Result{Agent: a}
		if os.Geteuid() != 0 {
			result.Untried = "that takes root"
		} else if attempts, err := as(ctx, a, target); err != nil {
			result.Untried = err.Error()
		} else {
			result.Attempts = attempts
		}
		r.Results = append(r.Results, result)
	}
	content, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return r, dir.Write(state.Boundary, append(content, '\n'))
}

// as makes the attempts in a process that is the agent for all that the kernel
// knows.
func as(ctx context.Context, a Agent, target Target) ([]Attempt, error) {
	question, err := json.Marshal(target)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// The link to the running program also works where the user may not look.
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "attempt")
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", fmt.Sprintf("XDG_RUNTIME_DIR=/run/user/%d", a.UID)}
	cmd.Stdin = bytes.NewReader(question)
	groups := a.Groups
	if groups == nil {
		groups = []uint32{}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.UID, Gid: a.GID, Groups: groups}, Setsid: true}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("a process as %s did not do it: %w", a.User, err)
	}
	var attempts []Attempt
	if err := json.Unmarshal(out, &attempts); err != nil || len(attempts) == 0 {
		return nil, fmt.Errorf("a process as %s gave no answer: %w", a.User, err)
	}
	return attempts, nil
}
