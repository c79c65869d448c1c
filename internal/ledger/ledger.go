// Package ledger is the record of what was asked, decided and done: SQLite rows
// under a Merkle tree (golang.org/x/mod/sumdb/tlog) whose head is signed once a
// batch (golang.org/x/mod/sumdb/note).
//
//	Append ─┐                ┌ rows, tiles of hashes, signed head: one commit
//	Append ─┼─▶ one writer ──┤
//	Behind ─┘                └▶ wakes those who wait; once a minute the head leaves the machine
//
// Old bodies are pruned, their hashes stay. A row that was changed or removed
// is named by Verify; a record that was replaced as a whole is told by a
// checkpoint that left the machine before.
package ledger

import (
	"strings"
	"time"
)

// The kinds of rows.
const (
	Asked   = "asked"   // an action was asked for
	Decided = "decided" // it, or a text, was let through or stopped
	Done    = "done"    // its result came back
	Event   = "event"   // Seawall's own: connected, policy refused, rows pruned
)

// Row is one entry. Secrets never enter it: callers pass what was redacted.
type Row struct {
	ID       int64     `json:"id"`   // 1, 2, 3 … without gaps: the leaf's index plus one
	Time     time.Time `json:"time"` // what the clock said; the order is that of the IDs
	Kind     string    `json:"kind"`
	Asked    int64     `json:"asked,omitempty"`    // of decided and done: the ID of the row in which the action was asked for
	Decision string    `json:"decision,omitempty"` // allow, redact, ask, deny
	Would    string    `json:"would,omitempty"`    // the decision that there would have been, were it not only observed: ask
	Act      string    `json:"act,omitempty"`      // call, read, reply
	Tool     string    `json:"tool,omitempty"`
	Policy   []string  `json:"policy,omitempty"`  // names of the policies that decided
	Version  string    `json:"version,omitempty"` // hash of the policy in force
	Why      string    `json:"why,omitempty"`     // one sentence
	Door     string    `json:"door,omitempty"`    // model, egress, ingress, hook
	Route    string    `json:"route,omitempty"`   // provider
	Agent    string    `json:"agent,omitempty"`
	Session  string    `json:"session,omitempty"`
	Speaker  string    `json:"speaker,omitempty"` // owner, visitor, unvouched: whose words began the run, as the plugin says
	Channel  string    `json:"channel,omitempty"` // where they were said
	Sender   string    `json:"sender,omitempty"`  // the channel's id of a person
	Trace    string    `json:"trace,omitempty"`   // W3C trace id of the run
	Action   string    `json:"action,omitempty"`  // SHA-256 of the canonical action, hex
	Detail   string    `json:"detail,omitempty"`  // what it would have done, redacted, at most 2 KiB
	Effects  *Effects  `json:"effects,omitempty"` // of a decided call
	Seen     *Seen     `json:"seen,omitempty"`    // of decided: what else the policy saw
	// Origins are, of a decided call, where each of its decisive values can come
	// from, by the argument's path: {"to": ["web_fetch", "owner"]}.
	Origins map[string][]string `json:"origins,omitempty"`
	// Approval is a person's answer: of a decided call the one that let it through,
	// of an event one that was given.
	Approval *Approval `json:"approval,omitempty"`
	Result   string    `json:"result,omitempty"` // of done: SHA-256 of what came back, hex
	Pruned   int64     `json:"pruned,omitempty"` // of an event: the bodies up to this row are gone, on purpose

	// Outcome is not a part of the row: a reader is told of an action that was
	// let through and has no row done, or was asked for and never decided.
	Outcome string `json:"outcome,omitempty"`
}

// What Outcome may be.
const (
	Unknown   = "unknown"   // it was allowed; what came of it is not in the record
	Undecided = "undecided" // nothing was decided, so nothing was handed on
)

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
		{&r.Channel, maxName}, {&r.Sender, maxName},
	} {
		*field.text = cut(*field.text, field.max)
	}
	r.Effects, r.Seen = r.Effects.bounded(), r.Seen.bounded()
	r.Origins, r.Approval = boundedOrigins(r.Origins), r.Approval.bounded()
	return r
}

func cut(s string, limit int) string {
	if len(s) <= limit {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:limit-len("…")], "") + "…"
}
