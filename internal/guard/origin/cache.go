package origin

import (
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache keeps what was read out of the parts of conversations: the whole
// conversation comes again with every turn. It is safe for concurrent use, and
// holds nothing of which conversation a part was in.
type Cache struct {
	messages *lru.Cache[[sha256.Size]byte, *message]
	lists    *lru.Cache[[sha256.Size]byte, []record]
}

// Parts that are kept.
const (
	keepMessages = 512
	keepLists    = 256
)

// NewCache returns an empty one.
func NewCache() *Cache {
	c := &Cache{}
	// The error of lru.New is for a size below one.
	c.messages, _ = lru.New[[sha256.Size]byte, *message](keepMessages)
	c.lists, _ = lru.New[[sha256.Size]byte, []record](keepLists)
	return c
}

func (p *Part) key() [sha256.Size]byte {
	if p.Sum == ([sha256.Size]byte{}) {
		p.Sum = sha256.Sum256([]byte(p.Text))
	}
	return p.Sum
}

// message is what an operator's part says.
func (c *Cache) message(p Part) *message {
	if c == nil {
		return newMessage(p.Text)
	}
	if m, ok := c.messages.Get(p.key()); ok {
		return m
	}
	m := newMessage(p.Text)
	c.messages.Add(p.Sum, m)
	return m
}

// records are those of a result.
func (c *Cache) records(p Part) []record {
	if c == nil {
		return structured(p.Text)
	}
	if l, ok := c.lists.Get(p.key()); ok {
		return l
	}
	l := structured(p.Text)
	c.lists.Add(p.Sum, l)
	return l
}
