package approval

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// questions is the file.
type questions struct {
	Last int64      `json:"last"` // number that was given
	All  []Question `json:"questions"`
}

// List returns the questions of a state directory, the oldest first; none is no
// error.
func List(dir *state.Dir) ([]Question, error) {
	var q questions
	_, err := dir.Load(File, &q, remedy)
	return q.All, err
}

const remedy = "nothing is allowed by it; delete it, and the agent asks again"

// change changes the questions of a state directory as a whole.
func change(dir *state.Dir, f func(*questions) error) error {
	return dir.Change(File, func(old []byte) ([]byte, error) {
		var q questions
		if len(old) > 0 && json.Unmarshal(old, &q) != nil {
			return nil, fmt.Errorf("%s is damaged: %s", dir.Path(File), remedy)
		}
		if err := f(&q); err != nil {
			return nil, err
		}
		return json.MarshalIndent(q, "", "  ")
	})
}

// find returns a question by its number, nil without one.
func (q *questions) find(n int64) *Question {
	for i := range q.All {
		if q.All[i].N == n {
			return &q.All[i]
		}
	}
	return nil
}

var errFull = fmt.Errorf("%d questions wait for an answer already", MaxOpen)

// add lists a question and returns its number: that of the same one, where it
// waits already.
func (q *questions) add(fresh Question, now time.Time) (int64, error) {
	open := 0
	for _, old := range q.All {
		if old.Stand(now) != Waiting {
			continue
		}
		if old.Action == fresh.Action && covers(old.Row, fresh.Row) {
			return old.N, nil
		}
		open++
	}
	if open >= MaxOpen {
		return 0, errFull
	}
	q.Last++
	fresh.N, fresh.Asked, fresh.Expires = q.Last, now, now.Add(Life)
	// An answer is for one question, even where the next is about the same.
	fresh.Answer, fresh.Runs, fresh.Told, fresh.Pushed = nil, 0, false, false
	q.All = append(q.All, fresh)
	q.forget(now)
	return fresh.N, nil
}

// forget drops the oldest of those that are over.
func (q *questions) forget(now time.Time) {
	over := func(o Question) bool { s := o.Stand(now); return s == Used || s == Expired }
	excess := -maxKept
	for _, o := range q.All {
		if over(o) {
			excess++
		}
	}
	q.All = slices.DeleteFunc(q.All, func(o Question) bool {
		if excess > 0 && over(o) {
			excess--
			return true
		}
		return false
	})
}

// Reply answers a question as it was shown. It returns the question with the
// answer; an error is a sentence for whoever answered.
func Reply(dir *state.Dir, shown Question, a Answer) (answered Question, err error) {
	err = change(dir, func(q *questions) error {
		is := q.find(shown.N)
		if is == nil || is.Action != shown.Action {
			return fmt.Errorf("there is no question %d any more: seawall approve lists those that wait", shown.N)
		}
		switch stands := is.Stand(a.At); {
		case stands == Used:
			return fmt.Errorf("question %d was allowed, and what it asked for was let through: if the agent wants it again, it asks again", is.N)
		case stands == Expired:
			return fmt.Errorf("question %d is over since %s: if the agent still wants it, it asks again", is.N, is.over().Local().Format("2006-01-02 15:04"))
		case a.Allow && a.Scope == Conversation && !is.Reversible:
			return errors.New("this cannot be taken back, so it can only be allowed once")
		}
		is.Answer, is.Told = &a, false
		answered = *is
		return nil
	})
	return answered, err
}

// over is when a question ended by itself.
func (q Question) over() time.Time {
	if q.Answer != nil && q.Answer.Allow {
		return q.Answer.At.Add(Unused)
	}
	return q.Expires
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
