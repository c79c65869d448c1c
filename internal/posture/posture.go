// Package posture says how a machine stands.
//
//	host ──facts──▶ controls ──findings──▶ report
//
// A [Control] is a documented value, in the manner of go/analysis: it names
// the facts it needs and judges them with a pure function. No control runs a
// command, so that each can be tested against a recorded host.
package posture

import (
	"fmt"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture/change"
)

// Severity orders findings by what an attacker, or a mistake, gains.
type Severity uint8

const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

func (s Severity) String() string { return severityNames[s] }

// ParseSeverity reads a severity's name.
func ParseSeverity(name string) (Severity, error) {
	for i, n := range severityNames {
		if n == name {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not a severity: use info, low, medium, high or critical", name)
}

// MarshalText writes the name, for JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *Severity) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSeverity(string(b))
	return err
}

// Facts is what is known of the machine and of every OpenClaw on it.
type Facts struct {
	*host.Facts
	OpenClaw host.Fact[[]openclaw.Install]
	// Aim is what a plan is made for; only a Fix reads it.
	Aim Aim
}

// Family groups controls; each is one file under controls/.
type Family string

const (
	SSH      Family = "ssh"
	Firewall Family = "firewall"
	Docker   Family = "docker"
	Compose  Family = "compose"
	Gateway  Family = "gateway"
	Secrets  Family = "secrets"
	Updates  Family = "updates"
	Skills   Family = "skills"
	State    Family = "state"

	Integrations Family = "integrations"
	Tunnels      Family = "tunnels"
	System       Family = "system"
)

// Control is one question to a machine. Its exported fields are all a report,
// a page of documentation and a SARIF rule need.
type Control struct {
	ID       string // stable, family first: "ssh-password-login"
	Title    string // the bad state, as a sentence without a full stop: "SSH accepts passwords"
	Family   Family
	Severity Severity
	Why      string // what an attacker or a mistake gains; one or two sentences
	Advice   string // the one thing to do, as an imperative sentence or command
	Source   string // where the rule comes from: "CIS Debian 12, 5.1.20; hardening guide, SSH; GUIDE-ERRATA"
	// CheckIDs are the ids under which `openclaw security audit` reports the
	// same thing, so that --deep merges instead of repeating.
	CheckIDs []string
	Needs    []Need
	// Settings are the OpenClaw settings that Advice names, with a value that
	// cures the finding: path to JSON value. The lab proves each with
	// `openclaw config validate`.
	Settings map[string]string
	// Check judges facts that are all known. It returns nothing when all is well.
	Check func(*Facts) []Finding
	// Fix returns the changes that make Check silent; it is asked only where Check
	// found something, judges the same facts, and touches nothing. An error, of
	// [Refuse] above all, says what is not in the plan, and why.
	Fix func(*Facts) ([]change.Change, error)
	// Manual is what a person has to do where no machine can: an imperative
	// sentence. One of Fix and Manual is set.
	Manual string
}

// Need names a fact and tells whether it was read.
type Need struct {
	Name string
	Of   func(*Facts) (host.Status, string)
}

// Finding is one thing that is wrong, about one object.
type Finding struct {
	Object string // what it is about: "0.0.0.0:18789", "/root/.openclaw/openclaw.json"; "" for the machine
	Detail string // one sentence with the values seen
	// Severity, when set, replaces the control's for this finding.
	Severity *Severity
	// Advice, when set, replaces the control's for this finding.
	Advice string
}

// Found returns one finding about the machine as a whole.
func Found(format string, args ...any) []Finding {
	return []Finding{{Detail: fmt.Sprintf(format, args...)}}
}

// On returns a finding about one object.
func On(object, format string, args ...any) Finding {
	return Finding{Object: object, Detail: fmt.Sprintf(format, args...)}
}

// Do returns the finding with advice of its own.
func (f Finding) Do(advice string) Finding {
	f.Advice = advice
	return f
}

// At returns the finding with a severity of its own.
func (f Finding) At(s Severity) Finding {
	f.Severity = &s
	return f
}
