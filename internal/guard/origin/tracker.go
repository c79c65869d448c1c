package origin

import (
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Tracker remembers, over the turns of all conversations, which messages were
// vouched for as the operator's, and what was read out of parts that come again.
// It holds no text but the operator's, and is safe for concurrent use.
type Tracker struct {
	Cache   *Cache
	vouched *lru.Cache[[sha256.Size]byte, int]
}

// keepVouched is how many vouched messages are remembered.
const keepVouched = 16384

// NewTracker returns an empty one.
func NewTracker() *Tracker {
	t := &Tracker{Cache: NewCache()}
	t.vouched, _ = lru.New[[sha256.Size]byte, int](keepVouched) // an error is for a size below one
	return t
}

// Vouch notes that the last words of a message, so many bytes, are the operator's,
// in this conversation and no other.
func (t *Tracker) Vouch(conversation, message string, words int) {
	t.vouched.Add(vouchKey(conversation, message), words)
}

// Vouched returns the operator's words in a message that was vouched for.
func (t *Tracker) Vouched(conversation, message string) (words string, ok bool) {
	n, ok := t.vouched.Get(vouchKey(conversation, message))
	if !ok || n > len(message) {
		return "", false
	}
	return message[len(message)-n:], true
}

func vouchKey(conversation, message string) [sha256.Size]byte {
	h := sha256.New()
	whose, said := sha256.Sum256([]byte(conversation)), sha256.Sum256([]byte(message))
	h.Write(whose[:])
	h.Write(said[:])
	return [sha256.Size]byte(h.Sum(nil))
}
