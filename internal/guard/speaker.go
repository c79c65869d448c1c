package guard

import (
	"crypto/sha256"
	"regexp"
	"strings"
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
// a time, or a channel and a sender, before them.
func (w Words) In(text string) (words string, ok bool) {
	if w.Len == 0 || w.Len > len(text) {
		return "", false
	}
	words = text[len(text)-w.Len:]
	return words, sum(words) == w.Sum
}

// stamp is how OpenClaw ends the bracket before a message: "+2m Mon 2026-11-23
// 20:30 UTC" (formatAgentEnvelope in its src/auto-reply/envelope.ts).
var stamp = regexp.MustCompile(`( ?\+\d+[a-z]+)?( ?[A-Z][a-z]{2})? ?\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?( ?[A-Za-z0-9+:/_-]{1,20})?$`)

// bare is a person's text without the time that OpenClaw writes before it: the
// same words sent again are the same text. Channel and sender stay.
func bare(text string) string {
	head, body, ok := strings.Cut(text[:min(len(text), 310)], "] ")
	if !ok || len(head) > 300 || !strings.HasPrefix(head, "[") || strings.ContainsAny(head, "]\n") {
		return text
	}
	return stamp.ReplaceAllString(head, "") + "] " + body + text[min(len(text), 310):]
}
