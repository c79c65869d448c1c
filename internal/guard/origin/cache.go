package origin

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// Cache keeps what was read out of the parts of conversations: the whole
// conversation comes again with every turn. It is safe for concurrent use, and
// holds nothing of which conversation a part was in.
type Cache struct {
	messages *lru.Cache[[sha256.Size]byte, *message]
	lists    *lru.Cache[[sha256.Size]byte, []record]
	calls    *lru.Cache[[sha256.Size]byte, call]
}

// Parts that are kept.
const (
	keepMessages = 512
	keepLists    = 256
	keepCalls    = 1024
	// A call with longer arguments is read again: what is kept is bounded.
	longestCall = 4 << 10
)

// NewCache returns an empty one.
func NewCache() *Cache {
	c := &Cache{}
	// The error of lru.New is for a size below one.
	c.messages, _ = lru.New[[sha256.Size]byte, *message](keepMessages)
	c.lists, _ = lru.New[[sha256.Size]byte, []record](keepLists)
	c.calls, _ = lru.New[[sha256.Size]byte, call](keepCalls)
	return c
}

// Behind returns what read says a call of the conversation really was, and with
// what. by names how it is read: the same call is read once by each.
func (c *Cache) Behind(p wire.Part, by [sha256.Size]byte, read func(wire.Part) (tool, args string)) (tool, args string) {
	if len(p.Text) > longestCall {
		return read(p)
	}
	b := append(make([]byte, 0, 1<<10), by[:]...)
	for _, field := range []string{p.Tool, p.CallID, p.Text} {
		b = append(binary.AppendUvarint(b, uint64(len(field))), field...)
	}
	key := sha256.Sum256(b)
	if known, ok := c.calls.Get(key); ok {
		return known.tool, known.args
	}
	tool, args = read(p)
	if len(tool)+len(args) <= longestCall {
		c.calls.Add(key, call{strings.Clone(tool), strings.Clone(args)})
	}
	return tool, args
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
