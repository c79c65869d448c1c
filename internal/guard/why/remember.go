package why

import (
	"fmt"
	"time"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/state"
)

// Remembered is how long what the operator had remembered is not asked about.
const Remembered = 90 // days

// Line returns the exception by which what a question asks for, and every call to
// exactly the same places, is not asked about for [Remembered] days. The error is
// a sentence that says why there is none.
func Line(dir *state.Dir, q approval.Question, now time.Time) (string, error) {
	rules, err := policy.Check(dir.Path(state.Policy))
	if err != nil {
		return "", fmt.Errorf("the policy would be refused as it stands; correct it first:\n%w", err)
	}
	return line(rules, q, now)
}

func line(rules *policy.Policy, q approval.Question, now time.Time) (string, error) {
	in, whole := guard.Recorded(q.Row)
	if !whole {
		return "", fmt.Errorf("question %d cannot be remembered: it holds more than a rule could name", q.N)
	}
	text, err := rules.Remember(fmt.Sprintf("remembered-%d", q.N), in, now.AddDate(0, 0, Remembered))
	if err != nil {
		return "", fmt.Errorf("question %d cannot be remembered: %w", q.N, err)
	}
	return text, nil
}

// Remember writes the exception of a question down, and returns what was written.
func Remember(dir *state.Dir, q approval.Question, now time.Time) (lines string, err error) {
	err = dir.Change(policy.RememberedFile, func(old []byte) ([]byte, error) {
		rules, err := policy.Check(dir.Path(state.Policy)) // with the old
		if err != nil {
			return nil, fmt.Errorf("the policy would be refused as it stands, so nothing was added; correct it first:\n%w", err)
		}
		text, err := line(rules, q, now)
		if err != nil {
			return nil, err
		}
		lines = fmt.Sprintf("// Question %d, #%d; remembered by you on %s. Delete these lines to take that back.\n%s",
			q.N, q.Row.ID, now.Local().Format(time.DateOnly), text)
		if len(old) > 0 {
			old = append(old, '\n')
		}
		return append(old, lines...), nil
	})
	return lines, err
}
