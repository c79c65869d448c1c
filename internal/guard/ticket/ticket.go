// Package ticket is the book in which the model door notes each call that it
// let through, for the hook door to tick off when OpenClaw is about to run it:
// two readings of one answer that must agree.
//
//	model door ──Issue──▶ Book ◀──Use── hook door
//
// A ticket says only "this was judged, and allowed". It is worth nothing to
// whoever forges the conversation that earned it: what would not be allowed
// earns none. Where the two readings differ there is no ticket, and no ticket
// is a denial.
package ticket

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// Life is how long a ticket holds. OpenClaw starts a call when the answer has
// ended, after those before it.
const Life = 10 * time.Minute

// Limit is how many tickets one agent may hold. Beyond it the oldest goes, and
// with it the permission.
const Limit = 4096

// Ticket is one call that was allowed.
type Ticket struct {
	Agent string // whose token came with it: the path of the agent's openclaw.json
	Trace string // W3C trace id of the run
	Tool  string // the tool that runs, as OpenClaw's hooks name it
	Args  [sha256.Size]byte
}

// Book holds the tickets that are out. It is safe for concurrent use.
type Book struct {
	now    func() time.Time
	mu     sync.Mutex
	agents map[string]*shelf
}

// shelf holds one agent's tickets, the oldest first.
type shelf struct {
	order list.List // of entry
	same  map[Ticket][]*list.Element
}

type entry struct {
	Ticket
	until time.Time
}

// New returns an empty book that tells the time by now.
func New(now func() time.Time) *Book {
	return &Book{now: now, agents: map[string]*shelf{}}
}

// Issue adds a ticket. The same one issued twice is two. A run without a trace
// id earns none: it could be any run.
func (b *Book) Issue(t Ticket) {
	if t.Trace == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(t, b.now().Add(Life))
}

func (b *Book) add(t Ticket, until time.Time) {
	s := b.agents[t.Agent]
	if s == nil {
		s = &shelf{same: map[Ticket][]*list.Element{}}
		b.agents[t.Agent] = s
	}
	s.expire(b.now())
	if s.order.Len() >= Limit {
		s.drop(s.order.Front())
	}
	s.same[t] = append(s.same[t], s.order.PushBack(entry{t, until}))
}

// Use takes one ticket out of the book and reports whether it was there.
func (b *Book) Use(t Ticket) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.agents[t.Agent]
	if s == nil {
		return false
	}
	s.expire(b.now())
	same := s.same[t]
	if len(same) == 0 {
		return false
	}
	s.drop(same[0])
	return true
}

func (s *shelf) expire(now time.Time) {
	for e := s.order.Front(); e != nil && !now.Before(e.Value.(entry).until); e = s.order.Front() {
		s.drop(e)
	}
}

// drop removes a ticket; of equal ones always the oldest.
func (s *shelf) drop(e *list.Element) {
	t := s.order.Remove(e).(entry).Ticket
	if s.same[t] = s.same[t][1:]; len(s.same[t]) == 0 {
		delete(s.same, t)
	}
}
