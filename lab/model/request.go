package model

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// Request is one request the model received.
type Request struct {
	API    API
	Path   string
	Header http.Header
	Body   []byte // as received
	Stream bool
	Model  string
	Tools  []string // names of the tools on offer
	Turns  []Turn   // the conversation, in order

	// Refused is the message of the error this request was answered with
	// because the real service would not have taken it.
	Refused string
}

// Turn is one piece of a conversation: words of a role, a call, or the result
// of one.
type Turn struct {
	Role   string // system, developer, user, assistant, tool
	Text   string // of a call its arguments, of a result what it says
	Call   string // id of a call the assistant made
	Result string // id of the call this is the result of
	Name   string // tool of a call
}

// LastUser is the last thing said in the role user that a person could have
// written, without what OpenClaw puts around it: the time in front, notes about
// its own state behind.
func (r *Request) LastUser() string {
	for i := len(r.Turns) - 1; i >= 0; i-- {
		t := r.Turns[i]
		if t.Role == "user" && t.Result == "" && !note(t.Text) {
			said, _, _ := strings.Cut(t.Text, "\n\nRuntime: agent=")
			return stamp.ReplaceAllString(said, "")
		}
	}
	return ""
}

// stamp is the time OpenClaw writes in front of what people say.
var stamp = regexp.MustCompile(`^\[\w{3} \d{4}-\d\d-\d\d [^\]]*\] `)

// note recognises OpenClaw's own trailing messages.
func note(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "Runtime: ") || strings.HasPrefix(s, "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>")
}

// LastResult is the result of a tool when that is what the request brings.
func (r *Request) LastResult() (string, bool) {
	for i := len(r.Turns) - 1; i >= 0; i-- {
		t := r.Turns[i]
		switch {
		case t.Result != "":
			return t.Text, true
		case t.Role == "user" && note(t.Text):
		default:
			return "", false
		}
	}
	return "", false
}

// Says reports whether the body contains s, written plainly or as JSON would
// escape it.
func (r *Request) Says(s string) bool {
	quoted, _ := json.Marshal(s)
	body := string(r.Body)
	return strings.Contains(body, s) || strings.Contains(body, strings.Trim(string(quoted), `"`))
}
