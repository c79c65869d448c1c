// Package policy decides with Cedar: allow, redact, ask or deny. The shipped
// policy is a file an operator reads in five minutes and may edit.
//
// Every restriction is a forbid annotated @decision("deny"|"ask"|"redact"),
// @name and @reason. A permit annotated @except lifts one from the calls that it
// describes. Of all determining forbids the strictest counts, one
// without annotation is deny; no matching permit is deny; any error is deny.
// The context always carries every attribute, because cedar-go skips a forbid
// whose condition errs, which would fail open.
package policy

import (
	"github.com/openseawall/seawall/internal/effect"
)

// Verdict is a decision, ordered from loose to strict.
type Verdict uint8

const (
	Allow Verdict = iota
	Redact
	Ask
	Deny
)

func (v Verdict) String() string { return [...]string{"allow", "redact", "ask", "deny"}[v] }

// Act is the kind of thing that is decided about.
type Act string

const (
	// Call is a tool call the model returned.
	Call Act = "call"
	// Read is a piece of text on its way to the model.
	Read Act = "read"
	// Reply is text of the model on its way to a person.
	Reply Act = "reply"
	// Keep is a secret that the model was not shown, on its way into a file that
	// a call of the model writes.
	Keep Act = "keep"
)

// Input is everything a decision may depend on. The zero value of every field
// is a valid attribute; see the property test.
type Input struct {
	Agent     string // "main"
	Act       Act
	Tool      string // the real tool's name; "" for Read and Reply
	Source    string // of a Read: "person", "tool", "system", "assistant"; of a Call the class of what it brings: "web", "mail", … (effect.Class)
	Effects   effect.Effects
	Injection string   // "clean", "suspicious", "malicious"
	Secrets   []string // rules of the secrets found in the text or arguments
	Ambiguous bool     // the call has more than one reading
	Workspace bool     // it writes files, and all of them in the agent's workspace
	// Placeholders tells that a mark stands in the arguments, where the secret
	// would have to be.
	Placeholders bool
	Approved     bool
	Redacted     bool
	// Unproven tells that it is not proven that this agent's calls pass Seawall as
	// they must: its OpenClaw is another than those that Seawall was tested with,
	// and a proof failed, or it is half updated.
	Unproven bool
	// Confidential tells that what a call brings is for the operator's eyes (see
	// effect.Source).
	Confidential bool
	Origin       Origin
	// OverLimit is the limit that is reached and counts this call, "day money"; ""
	// when there is none (see package limit).
	OverLimit string
}

// Unproven is the name of the shipped rule for an OpenClaw that nobody has proven.
const Unproven = "unproven-openclaw"

// OverLimit is the name of the shipped rule for a call above a limit.
const OverLimit = "over-limit"

// Reason is one policy that decided.
type Reason struct {
	Policy string // its @name
	Text   string // its @reason
	German string // its @reason_de, or ""
}

// Decision is the answer to one Input.
type Decision struct {
	Verdict Verdict
	Reasons []Reason // the policies with that verdict; of an allow, the exceptions that made it one
	Err     error    // set when an error made it a deny
}
