package model

import (
	"time"
)

// Answer is what the model does with one request. The zero Answer is an empty
// reply.
type Answer struct {
	// Blocks are the parts of the reply, in order.
	Blocks []Block
	// Finish is the finish or stop reason, in the format's own word; empty
	// means the one that fits the blocks.
	Finish string
	// Usage is what the answer claims to have cost; zero means small numbers.
	Usage Usage

	// Delay is waited before each event of a stream.
	Delay time.Duration
	// Grain is the most bytes sent at once, so that events and characters
	// arrive in pieces; 0 sends each event whole.
	Grain int
	// FirstIndex is what the first tool call of a chat stream is numbered; real
	// providers start at 0, some at 1.
	FirstIndex int
	// CutAfter ends the connection abruptly after so many events, or in the
	// middle of an answer without streaming; 0 never.
	CutAfter int
	// Hang sends nothing after CutAfter events (or at all) until the client
	// leaves.
	Hang bool

	// Status, when not 0 or 200, answers an error in the format's own shape,
	// with Error as its message and Header added.
	Status int
	Error  string
	Header map[string]string

	// Raw is sent as it is instead of Blocks, as text/event-stream or JSON,
	// whichever the request asked for.
	Raw []byte
}

// Usage counts tokens.
type Usage struct{ Input, Output int }

// Block is one part of a reply: text, reasoning, or a tool call.
type Block struct {
	Text     string
	Thinking string
	Call     *Call
	// Pieces cuts the block's text or arguments at these many places, evenly;
	// 0 means a few.
	Pieces int
}

// Call is a tool call the model makes.
type Call struct {
	ID   string // made up when empty
	Name string
	Args string // as it goes on the wire: usually a JSON object
}

// Say is a block of text.
func Say(text string) Block { return Block{Text: text} }

// Think is a block of reasoning.
func Think(text string) Block { return Block{Thinking: text} }

// Use is a tool call. args is the text of the arguments.
func Use(name, args string) Block { return Block{Call: &Call{Name: name, Args: args}} }

// UseID is a tool call with an id of the script's choosing.
func UseID(id, name, args string) Block {
	return Block{Call: &Call{ID: id, Name: name, Args: args}}
}

// In cuts a block into n pieces on the wire.
func (b Block) In(n int) Block { b.Pieces = n; return b }

// Reply is an answer made of blocks.
func Reply(blocks ...Block) Answer { return Answer{Blocks: blocks} }

// Fail is an HTTP error.
func Fail(status int, message string) Answer { return Answer{Status: status, Error: message} }

// calls says whether the answer asks for a tool.
func (a Answer) calls() bool {
	for _, b := range a.Blocks {
		if b.Call != nil {
			return true
		}
	}
	return false
}

// usage returns the claimed usage, never zero.
func (a Answer) usage() Usage {
	if a.Usage == (Usage{}) {
		return Usage{Input: 12, Output: 7}
	}
	return a.Usage
}

// pieces cuts s into n parts at character boundaries, joining to exactly s.
func pieces(s string, n int) []string {
	r := []rune(s)
	if n <= 0 {
		n = min(4, len(r))
	}
	n = min(n, len(r))
	if n <= 1 {
		return []string{s}
	}
	out := make([]string, 0, n)
	for i := range n {
		out = append(out, string(r[i*len(r)/n:(i+1)*len(r)/n]))
	}
	return out
}
