package guard

import (
	"crypto/sha256"
	"regexp"
	"strings"

	"github.com/openseawall/seawall/internal/detect"
)

// Who is whose words began a run, as OpenClaw's plugin vouches for it.
type Who string

const (
	// Unknown is anybody's where there is no plugin that could tell. It is
	// spoken to as the operator, who else would read nothing.
	Unknown Who = ""
	Owner   Who = "owner"
	Visitor Who = "visitor"
	// Unvouched is a run that the plugin should have vouched for and has not. It
	// is spoken to as a visitor.
	Unvouched Who = "unvouched"
)

// Speaker is who began a run, and by which words. It is what the agent's
// process says: nothing on the wire can claim it.
type Speaker struct {
	Who     Who
	Channel string // of the conversation: a channel's name and id; "" for OpenClaw's own page and command line
	Sender  string // the channel's id of a person
	Words   Words
	Job     Job // whose run it is; the zero value is none's
}

// Job is a scheduled job of OpenClaw's.
type Job struct {
	ID           string
	Instructions string // SHA-256 of them, in hex
}

// operator reports whether a notice may give reasons and numbers.
func (s Speaker) operator() bool { return s.Who == Unknown || s.Who == Owner }

// Words names what was said, without keeping it.
type Words struct {
	Sum [sha256.Size]byte
	Len int // bytes
}

// WordsOf names a text.
func WordsOf(text string) Words { return Words{sum(text), len(text)} }

// In returns those words out of the text that OpenClaw makes of them: it writes
// a time, or a channel and a sender, before them, and the run's own line behind.
func (w Words) In(text string) (words string, ok bool) {
	text = Message(text)
	if w.Len == 0 || w.Len > len(text) {
		return "", false
	}
	words = text[len(text)-w.Len:]
	return words, sum(words) == w.Sum
}

// Message is a user's text without the line that OpenClaw appends to the first one
// of a conversation.
func Message(text string) string { return text[:len(text)-len(runtimeLine(text))] }

// runtimeLine is what OpenClaw appends to the first message of a conversation,
// "" when nothing of that form is there.
func runtimeLine(text string) string {
	i := strings.LastIndex(text, "\n\nRuntime: agent=")
	if i < 0 || !runtimeForm.MatchString(text[i:]) {
		return ""
	}
	return text[i:]
}

var runtimeForm = regexp.MustCompile(`^\n\nRuntime: agent=[^|\n]+( \| [A-Za-z_]+=[^|\n]*)*\n?$`)

// stamp is how OpenClaw ends the bracket before a message: "+2m Mon 2026-11-23
// 20:30 UTC" (formatAgentEnvelope in its src/auto-reply/envelope.ts).
var stamp = regexp.MustCompile(`( ?\+\d+[a-z]+)?( ?[A-Z][a-z]{2})? ?\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?( ?[A-Za-z0-9+:/_-]{1,20})?$`)

// bare is a person's text without what OpenClaw writes around it, that the same
// words sent again are the same text: the time, and the run's own line, as long
// as nobody wrote anything into that. Channel and sender stay.
func bare(text string) string {
	if line := runtimeLine(text); len(detect.Injections(line, detect.FromPerson)) == 0 {
		text = text[:len(text)-len(line)]
	}
	const longest = 310 // of the bracket, in bytes
	begins := text[:min(len(text), longest)]
	head, body, ok := strings.Cut(begins, "] ")
	if !ok || !strings.HasPrefix(head, "[") || strings.ContainsAny(head, "]\n") {
		return text
	}
	return stamp.ReplaceAllString(head, "") + "] " + body + text[len(begins):]
}
