// Package ledger is the record of what was decided: SQLite rows under a Merkle
// tree (golang.org/x/mod/sumdb/tlog) whose head is signed after every batch
// (golang.org/x/mod/sumdb/note). Rows, hashes and the checkpoint are written
// in one transaction; a changed or removed row is named by Verify.
package ledger

import (
	"strings"
	"time"
)

// Row is one entry. Secrets never enter it: callers pass what was redacted.
type Row struct {
	ID       int64     `json:"id"` // 1, 2, 3 … without gaps: the leaf's index plus one
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"`               // asked, decided, done; "event" for Seawall's own (connected, policy refused)
	Decision string    `json:"decision,omitempty"` // allow, redact, ask, deny
	Act      string    `json:"act,omitempty"`      // call, read, reply
	Tool     string    `json:"tool,omitempty"`
	Policy   []string  `json:"policy,omitempty"`  // names of the policies that decided
	Version  string    `json:"version,omitempty"` // hash of the policy in force
	Why      string    `json:"why,omitempty"`     // one sentence
	Door     string    `json:"door,omitempty"`    // model, egress, ingress, hook
	Route    string    `json:"route,omitempty"`   // provider
	Agent    string    `json:"agent,omitempty"`
	Session  string    `json:"session,omitempty"`
	Trace    string    `json:"trace,omitempty"`  // W3C trace id of the run
	Action   string    `json:"action,omitempty"` // SHA-256 of the canonical action, hex
	Detail   string    `json:"detail,omitempty"` // what it would have done, redacted, at most 2 KiB
}

// What a row may hold, in bytes. A longer text is cut, and says so.
const (
	maxWhy    = 512
	maxDetail = 2048
	maxName   = 256
)

// bounded cuts what a caller, and so an attacker, could make too long.
func bounded(r Row) Row {
	for _, field := range []struct {
		text *string
		max  int
	}{
		{&r.Why, maxWhy}, {&r.Detail, maxDetail}, {&r.Tool, maxName}, {&r.Agent, maxName},
		{&r.Session, maxName}, {&r.Trace, maxName}, {&r.Route, maxName},
	} {
		*field.text = cut(*field.text, field.max)
	}
	return r
}

func cut(s string, limit int) string {
	if len(s) <= limit {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:limit-len("…")], "") + "…"
}
