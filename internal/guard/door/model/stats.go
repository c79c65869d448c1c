package model

import (
	"sync"
	"time"
)

// Stats is what the door can say of its own work.
type Stats struct {
	mu       sync.Mutex
	requests int64
	last     time.Time
	problem  string
	when     time.Time
}

// Snapshot is the state of a door at one moment.
type Snapshot struct {
	Requests int64     `json:"requests"`
	Last     time.Time `json:"last,omitzero"`
	Problem  string    `json:"problem,omitempty"` // the last failure of a provider
	When     time.Time `json:"problem_at,omitzero"`
}

func (s *Stats) request() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	s.last = time.Now()
}

func (s *Stats) failed(problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem, s.when = problem, time.Now()
}

// Snapshot returns the counts as they stand.
func (s *Stats) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Snapshot{s.requests, s.last, s.problem, s.when}
}
