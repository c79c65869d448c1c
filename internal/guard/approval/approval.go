// Package approval asks a person about one action, and keeps the answer for that
// action alone.
//
//	guard ──Ask──▶ questions.json ◀──Answer── seawall approve N, the page
//	guard ◀─Wait, Take── (a grant, used once)
//
// A question outlives the request that asked it: when nobody answers in time,
// that call is denied, and the question stays until it expires. What is allowed
// later is a grant that the same action in the same conversation takes when the
// model tries again.
//
// The questions stand in one file of the state directory, which only the doors
// and the operator can write. The agent reaches neither it nor the command.
package approval

import (
	"fmt"
	"time"

	"github.com/openseawall/seawall/internal/ledger"
)

// File holds the questions of a state directory.
const File = "questions.json"

const (
	// Life is how long a question can be answered: one that a job asks at night
	// waits for the morning.
	Life = 24 * time.Hour
	// Unused is how long what was allowed may wait to be used, counted from the
	// answer: a job that runs once a day comes by.
	Unused = 25 * time.Hour
	// MaxOpen is how many questions may wait for an answer. Beyond it nobody is
	// asked, and the call is denied: an agent that asks and asks hides nothing.
	MaxOpen = 64
	// MaxArgs is how much of an action a person can be asked to read, in bytes.
	MaxArgs = 16 << 10
	// maxKept is how many questions that are over stay to be looked at.
	maxKept = 64
)

// Action is what an answer is bound to. One that differs in any of it is another
// action, and asks anew; so is one that something speaks against which was not
// shown, see Question.Row.
type Action struct {
	Sum    string `json:"sum"`    // of the tool and its arguments, see Sum
	Config string `json:"config"` // of the OpenClaw: the path of its openclaw.json
	Agent  string `json:"agent"`
	// Session is the conversation in which it arose; of a scheduled job, whose
	// every run has a conversation of its own, the job.
	Session string `json:"session"`
	Job     string `json:"job,omitempty"` // of a scheduled job: SHA-256 of its instructions
	Who     string `json:"who"`           // whose words began the run
	Channel string `json:"channel"`
	Sender  string `json:"sender"`
	Risk    string `json:"risk"` // of what it can do
}

// Question is one action that waits for a person, or did.
type Question struct {
	N       int64     `json:"n"` // by which a person names it; none is used twice
	Asked   time.Time `json:"asked"`
	Expires time.Time `json:"expires"`
	Action  Action    `json:"action"`
	// Args are the arguments as they will run. A secret in them is a mark.
	Args string `json:"args"`
	// Row is that of the decision which asked: what it can do, where its values
	// come from, why it needs a person.
	Row ledger.Row `json:"row"`
	// Reversible tells that it may be allowed for the whole conversation.
	Reversible bool    `json:"reversible"`
	Answer     *Answer `json:"answer,omitempty"`
	Runs       int     `json:"runs"` // that the answer let through

	Told   bool `json:"told,omitempty"`   // the answer stands in the record
	Pushed bool `json:"pushed,omitempty"` // the operator was notified
}

// Answer is what a person said.
type Answer struct {
	Allow bool      `json:"allow"`
	Scope string    `json:"scope"` // Once, Conversation
	By    string    `json:"by"`    // the account; "" is the operator, by whatever name
	Via   string    `json:"via"`   // terminal, page
	At    time.Time `json:"at"`
}

// How far an answer goes.
const (
	Once         = "once"
	Conversation = "conversation"
)

// Standing is how a question stands at a time.
type Standing string

const (
	Waiting Standing = "waiting"
	Granted Standing = "allowed" // and not used yet, or good for its conversation
	Used    Standing = "used"
	Denied  Standing = "denied"
	Expired Standing = "expired"
)

// Stand returns how a question stands at a time.
func (q Question) Stand(now time.Time) Standing {
	a := q.Answer
	switch {
	case a == nil && now.Before(q.Expires):
		return Waiting
	case a == nil:
		return Expired
	case a.Allow && a.Scope != Conversation && q.Runs > 0:
		return Used
	case !a.Allow && now.Before(q.Expires):
		return Denied
	case !a.Allow || !now.Before(a.At.Add(Unused)):
		return Expired
	}
	return Granted
}

// Approval is the answer as a row of the record holds it.
func (q Question) Approval() *ledger.Approval {
	if q.Answer == nil {
		return nil
	}
	answer := "deny"
	if q.Answer.Allow {
		answer = "allow"
	}
	return &ledger.Approval{Question: q.Row.ID, Answer: answer, By: q.Answer.By, Via: q.Answer.Via, Scope: q.Answer.Scope}
}

// String names a question.
func (q Question) String() string { return fmt.Sprintf("question %d", q.N) }
