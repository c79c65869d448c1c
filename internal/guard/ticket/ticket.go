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
	question int64 // that has to be answered first, 0 for none
	until    time.Time
}

// New returns an empty book that tells the time by now.
func New(now func() time.Time) *Book {
	return &Book{now: now, agents: map[string]*shelf{}}
}

// Issue adds a ticket. The same one issued twice is two. A run without a trace
// id earns none: it could be any run.
func (b *Book) Issue(t Ticket) {
	b.IssuePending(t, 0)
}

// IssuePending adds the ticket of a call that a person has yet to allow, by the
// number of the question.
func (b *Book) IssuePending(t Ticket, question int64) {
	if t.Trace == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(t, question, b.now().Add(Life))
}

func (b *Book) add(t Ticket, question int64, until time.Time) {
	s := b.agents[t.Agent]
	if s == nil {
		s = &shelf{same: map[Ticket][]*list.Element{}}
		b.agents[t.Agent] = s
	}
	s.expire(b.now())
	if s.order.Len() >= Limit {
		s.drop(s.order.Front())
	}
	s.same[t] = append(s.same[t], s.order.PushBack(entry{t, question, until}))
}

// Use takes one ticket out of the book. ok tells whether it was there, question
// is the number of the one that has to be answered first, 0 for none.
func (b *Book) Use(t Ticket) (question int64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.agents[t.Agent]
	if s == nil {
		return 0, false
	}
	s.expire(b.now())
	same := s.same[t]
	if len(same) == 0 {
		return 0, false
	}
	question = same[0].Value.(entry).question
	s.drop(same[0])
	return question, true
}

// Renew gives the tickets of a run their whole life again: its calls run one
// after the other, and one of them has waited for a person.
func (b *Book) Renew(agent, trace string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.agents[agent]
	if s == nil {
		return
	}
	s.expire(b.now())
	for e, left := s.order.Front(), s.order.Len(); left > 0; left-- {
		at := e
		e = e.Next()
		if t := at.Value.(entry); t.Trace == trace {
			t.until = b.now().Add(Life)
			at.Value = t
			s.order.MoveToBack(at)
		}
	}
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
