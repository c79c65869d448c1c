package wire

import (
	"errors"
	"regexp"
	"strings"
)

// Failure is why an answer was ended before its time.
type Failure string

const (
	CutOff    Failure = "cut off"   // the provider's answer ended in the middle of a call
	Malformed Failure = "malformed" // it has a piece that cannot be read in exactly one way
	TooLarge  Failure = "too large" // more of it would have to be held than there is room for
	Unclear   Failure = "unclear"   // a call in it has more than one reading
	Halted    Failure = "halted"    // its source gave ErrHalted
)

// ErrHalted is the error of a source whose answer is to end now, with a notice.
var ErrHalted = errors.New("the answer was halted")

// Ended is the error of an answer that was ended with a notice.
type Ended struct {
	Failure Failure
	Err     error // what was found, nil when the provider just stopped
}

func (e *Ended) Error() string {
	s := "the provider's answer was ended with a notice: " + string(e.Failure)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Ended) Unwrap() error { return e.Err }

// Teller is a Judge that says in its own words why an answer ends.
type Teller interface {
	Tell(Failure) string
}

var notices = map[Failure]string{
	CutOff:    "Stopped: a tool call. Because: the model's answer was cut off before the call was complete. You can: ask again.",
	Malformed: "Stopped: this answer. Because: the model's provider sent something that cannot be read in one way only. You can: ask again.",
	TooLarge:  "Stopped: this answer. Because: it is larger than can be checked. You can: ask for less at once.",
	Unclear:   "Stopped: a tool call. Because: it can be read in more than one way. You can: send the call again, written plainly.",
	Halted:    "Stopped: the rest of this answer.",
}

// say gives the notice for a failure.
func (w *rewriter) say(f Failure) string {
	if t, ok := w.judge.(Teller); ok {
		if s := t.Tell(f); s != "" {
			return s
		}
	}
	return notices[f]
}

// after puts a blank line between text and a notice that follows it.
func after(said bool, notice string) string {
	if said && notice != "" {
		return "\n\n" + inert(notice)
	}
	return inert(notice)
}

// callLine is what OpenClaw takes for the beginning of a call in text.
var callLine = regexp.MustCompile(`(?m)^(\s*)(\[|(?:commentary|analysis|final)[ \t]+to=)`)

// inert makes sure that a notice is read as text: whoever writes it may quote
// what the model said.
func inert(notice string) string {
	return callLine.ReplaceAllString(strings.ReplaceAll(notice, "<", "‹"), "$1· $2")
}
