package approval

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// glance is how soon whoever waits hears of an answer.
const glance = 200 * time.Millisecond

// Desk is where the guard asks. It is safe for concurrent use; another process
// may answer meanwhile.
type Desk struct {
	dir  *state.Dir
	now  func() time.Time
	read state.Cached[[]Question]

	closing sync.Once
	closed  chan struct{}
}

// Open returns the desk of a state directory, which tells the time by now.
func Open(dir *state.Dir, now func() time.Time) *Desk {
	return &Desk{dir: dir, now: now, closed: make(chan struct{})}
}

// Close ends all waiting, as if its time were over.
func (d *Desk) Close() { d.closing.Do(func() { close(d.closed) }) }

// list returns the questions as the file has them now. The list is not changed.
func (d *Desk) list() ([]Question, error) {
	return d.read.Get(d.dir, File, func() ([]Question, error) { return List(d.dir) })
}

// Ask lists a question, and returns its number. An error means that nobody is
// asked.
func (d *Desk) Ask(q Question) (n int64, err error) {
	if len(q.Args) > MaxArgs {
		return 0, errors.New("it is too long for a person to judge")
	}
	err = change(d.dir, func(all *questions) error {
		n, err = all.add(q, d.now())
		return err
	})
	return n, err
}

// Answered returns what was said about an action, if somebody has and it still
// holds: a denial, or a grant, which is used by that. A grant is for a question in
// which nothing speaks against the action that was not shown; a denial holds anyway.
func (d *Desk) Answered(asks Question) (q Question, ok bool) {
	all, err := d.list()
	if err != nil {
		return q, false
	}
	for _, old := range all {
		if old.Action != asks.Action {
			continue
		}
		switch old.Stand(d.now()) {
		case Denied:
			q, ok = old, true
		case Granted:
			if !covers(old.Row, asks.Row) {
				continue
			}
			if taken, did := d.Take(old.N); did {
				return taken, true
			}
		}
	}
	return q, ok
}

// Take uses the grant of a question; ok is false when there is none, or it was
// used.
func (d *Desk) Take(n int64) (q Question, ok bool) {
	err := change(d.dir, func(all *questions) error {
		is := all.find(n)
		if is == nil || is.Stand(d.now()) != Granted {
			return errors.New("there is no such grant")
		}
		is.Runs++
		q = *is
		return nil
	})
	return q, err == nil
}

// Wait waits until a question is no longer waiting, or the context ends. ok is false
// when there is no such question.
func (d *Desk) Wait(ctx context.Context, n int64) (q Question, ok bool) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		all, err := d.list()
		if err != nil {
			return q, false
		}
		found := false
		for _, is := range all {
			if is.N == n {
				q, found = is, true
			}
		}
		if !found || q.Stand(d.now()) != Waiting {
			return q, found
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return q, true
		case <-d.closed:
			return q, true
		}
	}
}

// Untold are the questions whose answer does not stand in the record.
func (d *Desk) Untold() (untold []Question) {
	all, _ := d.list() // a damaged file is said by seawall approve
	for _, q := range all {
		if q.Answer != nil && !q.Told {
			untold = append(untold, q)
		}
	}
	return untold
}

// Tell notes that the answer of a question stands in the record.
func (d *Desk) Tell(n int64) {
	_ = change(d.dir, func(all *questions) error {
		if is := all.find(n); is != nil {
			is.Told = true
		}
		return nil
	})
}
