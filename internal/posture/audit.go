package posture

import (
	"encoding/json"
	"fmt"
	"time"
)

// SchemaVersion is the version of the JSON form of [Audit]. It rises when a
// field changes its meaning or goes; a new field does not raise it.
const SchemaVersion = 1

// Audit is how a machine stood at one moment. Its JSON form is what
// `seawall audit --json` prints and what the next run is compared with, so the
// field names below are stable. It holds no secret values.
type Audit struct {
	SchemaVersion int        `json:"schemaVersion"`
	Seawall       string     `json:"seawall,omitempty"` // version that audited
	Time          time.Time  `json:"time"`
	Since         *time.Time `json:"since,omitempty"` // time of the run that Changes compares with
	Host          Machine    `json:"host"`
	Agents        []OpenClaw `json:"agents"` // every OpenClaw on the machine
	// Boundary says what keeps the agent away from Seawall's doors and keys:
	// one of the Boundary constants.
	Boundary string   `json:"boundary"`
	Verdict  string   `json:"verdict"` // one sentence, at most 60 words
	Blast    []Line   `json:"blast"`   // the worst in five minutes, widest first
	Counts   Counts   `json:"counts"`
	Results  []Result `json:"results"` // one a control: severity first, then id
	Ports    []Port   `json:"ports"`   // open to more than loopback; null when the sockets were not read
	Changes  []string `json:"changes"` // since the last run, in words
}

// Machine names the audited machine.
type Machine struct {
	Name   string `json:"name"`
	OS     string `json:"os"`
	Kernel string `json:"kernel,omitempty"`
	UID    uint32 `json:"uid"` // of the auditor: what only root can read is unknown to others
}

// OpenClaw is one installation.
type OpenClaw struct {
	Version   string `json:"version,omitempty"`
	StateDir  string `json:"stateDir,omitempty"`
	User      string `json:"user,omitempty"` // whom it runs as, or who owns its state
	Container string `json:"container,omitempty"`
	Running   bool   `json:"running"`
}

// Port is a socket that other machines may reach, as far as the machine itself
// can tell; a firewall may still stand in front of it.
type Port struct {
	Proto   string `json:"proto"`
	Address string `json:"address"`
	Port    uint16 `json:"port"`
	Process string `json:"process,omitempty"`
}

// Counts counts results: findings by severity, and the controls without any.
type Counts struct {
	Critical      int `json:"critical"`
	High          int `json:"high"`
	Medium        int `json:"medium"`
	Low           int `json:"low"`
	Info          int `json:"info"`
	Accepted      int `json:"accepted"` // findings a person chose to live with; in no other count
	Unknown       int `json:"unknown"`
	Passed        int `json:"passed"`
	NotApplicable int `json:"notApplicable"`
}

// Outcome is what a control said of a machine.
type Outcome string

const (
	Failed        Outcome = "failed"         // it has findings
	Unknown       Outcome = "unknown"        // it could not be judged: Reasons say why; never a pass
	Passed        Outcome = "passed"         // every fact was read and nothing was wrong
	NotApplicable Outcome = "not-applicable" // the thing it judges is not on this machine
)

// Result is one control's answer, with all that a reader needs to act on it.
type Result struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Family   Family   `json:"family"`
	Severity Severity `json:"severity"` // the worst of its findings, else the control's own
	Outcome  Outcome  `json:"outcome"`
	Findings []Item   `json:"findings,omitempty"`
	Reasons  []string `json:"reasons,omitempty"` // why it is unknown or does not apply, one a need
	Why      string   `json:"why,omitempty"`
	Advice   string   `json:"advice,omitempty"`
	Source   string   `json:"source,omitempty"`
	CheckIDs []string `json:"checkIds,omitempty"` // ids of `openclaw security audit` for the same thing
	// Deep marks a result that only `openclaw security audit` reported.
	Deep bool `json:"deep,omitempty"`
}

// Item is one finding of a result.
type Item struct {
	Object   string   `json:"object,omitempty"`
	Detail   string   `json:"detail"`
	Severity Severity `json:"severity"`
	Advice   string   `json:"advice,omitempty"` // for this finding, in place of the result's
	// CheckIDs are the findings of `openclaw security audit` that say the same.
	CheckIDs []string    `json:"checkIds,omitempty"`
	Accepted *Acceptance `json:"accepted,omitempty"`
}

// Acceptance says that a person knows a finding and leaves it, until when.
type Acceptance struct {
	By    string    `json:"by"`
	Why   string    `json:"why"`
	Until time.Time `json:"until"`
}

// AtLeast counts the open findings at or above a severity. Accepted ones are
// not open.
func (a *Audit) AtLeast(s Severity) int {
	n := 0
	for _, r := range a.Results {
		for _, f := range r.Findings {
			if f.Accepted == nil && f.Severity >= s {
				n++
			}
		}
	}
	return n
}

// Tally counts the results anew; whoever adds or accepts findings calls it.
func (a *Audit) Tally() {
	var c Counts
	by := [...]*int{Info: &c.Info, Low: &c.Low, Medium: &c.Medium, High: &c.High, Critical: &c.Critical}
	for _, r := range a.Results {
		switch r.Outcome {
		case Unknown:
			c.Unknown++
		case Passed:
			c.Passed++
		case NotApplicable:
			c.NotApplicable++
		}
		for _, f := range r.Findings {
			if f.Accepted != nil {
				c.Accepted++
				continue
			}
			*by[f.Severity]++
		}
	}
	a.Counts = c
}

// Decode reads an audit that was stored as JSON. An audit of a newer schema is
// refused, since it may mean something else by the same names.
func Decode(b []byte) (*Audit, error) {
	var a Audit
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, fmt.Errorf("reading a stored audit: %w", err)
	}
	if a.SchemaVersion < 1 || a.SchemaVersion > SchemaVersion {
		return nil, fmt.Errorf("reading a stored audit: it has schema version %d, this Seawall reads 1 to %d", a.SchemaVersion, SchemaVersion)
	}
	return &a, nil
}
