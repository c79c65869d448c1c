// Package wire reads and rewrites the three wire formats that models are
// called with: OpenAI chat completions, OpenAI responses and Anthropic
// messages, streaming (SSE) and not.
//
//	request bytes ──ParseRequest──▶ Request (Parts, Tools) ──Replace──▶ request bytes
//	answer bytes  ──Rewrite(Judge)──▶ answer bytes
//
// What nobody changes comes out byte for byte, unknown fields included: a
// rewrite splices at the offsets the parser saw and copies the rest.
package wire

import (
	"context"
	"crypto/sha256"

	"github.com/go-json-experiment/json/jsontext"
)

// API is a wire format, by OpenClaw's names.
type API string

const (
	Chat      API = "openai-completions"
	Responses API = "openai-responses"
	Anthropic API = "anthropic-messages"
)

// Role is who a part of a conversation is attributed to on the wire. "user"
// is somebody, not the operator.
type Role string

const (
	System    Role = "system" // system and developer
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// Part is one piece of a conversation that the model will read, in order.
type Part struct {
	Index  int // position in Request.Parts
	Role   Role
	Text   string            // decoded text; of a call, its arguments
	Sum    [sha256.Size]byte // of Text, when there is one
	Call   bool              // it is a tool call the assistant made earlier
	CallID string            // of a call or of the result of one
	Tool   string            // name of the tool called, also for its result when the call is in the conversation
	Media  bool              // an image, audio or file: Text is empty
	Fixed  bool              // signed by the provider (reasoning): Replace leaves it alone
}

// OfferedTool is a tool the request lets the model call.
type OfferedTool struct {
	Name, Description string
	Schema            jsontext.Value
	Hosted            string         // type of a tool the provider runs itself ("web_search"), or ""
	Declared          jsontext.Value // how such a tool stands in the request
}

// Call is one complete tool call of an answer.
type Call struct {
	ID       string
	Name     string // exactly as on the wire
	Args     string // exactly as on the wire: usually a JSON object
	Choice   int    // chat with n > 1
	Promoted bool   // it stood in plain text, which OpenClaw turns into a call

	// Unclear says why the call cannot be judged as it stands, because readers
	// would read it differently. It is never released, whatever the verdict.
	Unclear string
}

// Verdict says what becomes of a call.
type Verdict struct {
	Allow  bool
	Args   string // when not empty, the arguments to hand on instead
	Notice string // what to say instead of a call that is not allowed

	// Wait gives the verdict of a person, for whom the answer can be held; nil when
	// this is the last word. Where the answer cannot be held, this verdict counts.
	Wait func(ctx context.Context) Verdict
}

// Judge is asked about everything an answer contains. Its methods are called
// from one goroutine, in the order of the answer.
type Judge interface {
	// Call decides about a complete call; the answer is held meanwhile, text
	// that came before is already out.
	Call(ctx context.Context, c Call) Verdict
	// Text receives the text of one block as it streams and returns what may go
	// on; what it holds back it returns later. final ends the block: everything
	// held is returned. In an answer without streaming it is called once.
	Text(block int, s string, final bool) string
}
