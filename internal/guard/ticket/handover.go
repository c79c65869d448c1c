package ticket

import (
	"slices"
	"time"
)

// Outstanding is a ticket that is out, with its end.
type Outstanding struct {
	Ticket
	Question int64
	Until    time.Time
}

// Outstanding returns the tickets that are out, the oldest of each agent first.
func (b *Book) Outstanding() []Outstanding {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Outstanding
	for _, s := range b.agents {
		s.expire(b.now())
		for e := s.order.Front(); e != nil; e = e.Next() {
			out = append(out, Outstanding{e.Value.(entry).Ticket, e.Value.(entry).question, e.Value.(entry).until})
		}
	}
	return out
}

// Restore puts tickets of another book into an empty one. None gets a longer
// life than a new one would have, whatever the clock did since.
func (b *Book) Restore(tickets []Outstanding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	latest := b.now().Add(Life)
	slices.SortStableFunc(tickets, func(x, y Outstanding) int { return x.Until.Compare(y.Until) })
	for _, t := range tickets {
		if t.Until.After(b.now()) && !t.Until.After(latest) && t.Trace != "" {
			b.add(t.Ticket, t.Question, t.Until)
		}
	}
}
