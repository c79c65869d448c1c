package model

import (
	"net/http"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// Canary knows the messages by which Seawall tries whether a route of OpenClaw's
// comes to this door. It is safe for concurrent use.
type Canary interface {
	// Answer is asked about the last thing that a user said, by a route's id, and
	// returns what the door says to it when it is such a message.
	Answer(route, said string) (word string, is bool)
}

// canary answers a turn whose last message is a canary: nothing is forwarded,
// and nothing of it has to be judged.
func (d *Door) canary(w http.ResponseWriter, x *exchange) bool {
	if d.Canary == nil || x.counted || len(x.request.Parts) == 0 {
		return false
	}
	last := x.request.Parts[len(x.request.Parts)-1]
	if last.Role != wire.User || last.Media {
		return false
	}
	word, is := d.Canary.Answer(x.route.ID, last.Text)
	if is {
		x.say(w, word)
	}
	return is
}
