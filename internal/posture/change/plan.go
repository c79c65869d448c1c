package change

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what kind of thing a step changes.
type Kind string

const (
	KindPackage Kind = "package"
	KindFile    Kind = "file"
	KindPerm    Kind = "mode" // and owner, of what is there
	KindSysctl  Kind = "sysctl"
	KindRuleset Kind = "ruleset"
	KindUnit    Kind = "unit"
)

// Plan is what would be done, in order. It is data: nothing in it acts.
type Plan struct {
	Steps []*Step `json:"steps"`
	// Refused is what is not in the plan, and why.
	Refused []Refused `json:"refused"`
	// Notes are what a person should know before saying yes.
	Notes []string `json:"notes"`
}

// Refused is a wish that is not in a plan.
type Refused struct {
	Control string `json:"control"`
	Why     string `json:"why"`
}

// Step is one thing, before and after.
type Step struct {
	Kind     Kind     `json:"kind"`
	Target   string   `json:"target"` // path, unit, parameter, names of packages or tables
	What     []string `json:"what"`
	Risk     Risk     `json:"risk"`
	Controls []string `json:"controls"`
	Close    []Port   `json:"close,omitempty"`
	// Replaces are settings of the operator's that get another value.
	Replaces []string `json:"replaces,omitempty"`
	Before   State    `json:"before"`
	After    State    `json:"after"`
	Do       []Verb   `json:"do,omitempty"` // of a unit, after Before became After: reload, restart
	// Config is the openclaw.json that the file is, or is included by.
	Config string `json:"openclawConfig,omitempty"`
	// Diff is how the step looks to a person, without secrets.
	Diff string `json:"diff,omitempty"`

	values map[string]string // which wish set what, to find two that differ
}

// Empty reports that there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// ID names the plan by all that it would do and expects to find: the same
// machine and the same wishes give the same one.
func (p *Plan) ID() string {
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, s := range p.Steps {
		b, a := s.Before, s.After
		b.ModTime, a.ModTime = time.Time{}, time.Time{}
		_ = e.Encode([]any{s.Kind, s.Target, b, a, s.Do})
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// MarshalJSON adds the ID.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type plain Plan
	return json.Marshal(struct {
		ID string `json:"id"`
		*plain
	}{p.ID(), (*plain)(p)})
}

// Lockout reports whether a part of the plan has to be confirmed.
func (p *Plan) Lockout() bool {
	return slices.ContainsFunc(p.Steps, func(s *Step) bool { return s.Risk == Lockout })
}

// rank orders the kinds of one risk.
var rank = map[Kind]int{KindPackage: 0, KindFile: 1, KindPerm: 2, KindSysctl: 3, KindRuleset: 4, KindUnit: 5}

// sort puts the steps in their order: what could lock out last, and within each
// part packages, files, parameters, rulesets, units. Folders come before what is
// in them, since they were entered first.
func (p *Plan) sort() {
	slices.SortStableFunc(p.Steps, func(a, b *Step) int {
		return cmp.Or(boolean(a.Risk == Lockout)-boolean(b.Risk == Lockout), cmp.Compare(rank[a.Kind], rank[b.Kind]))
	})
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Title is the step in a line.
func (s *Step) Title() string {
	if n := len(s.What); n > 2 {
		return fmt.Sprintf("%s, and %d more", s.What[0], n-1)
	}
	return strings.Join(s.What, "; ")
}
