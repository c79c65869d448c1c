// Package accept keeps what a person knows of a machine and leaves as it is.
//
//	finding, why, until ──Add──▶ accepted.json ──Apply──▶ the finding, marked in every later audit
//
// An accepted finding stays in the report and counts as accepted, in no exit
// status and no digest. It is open again when its time is over, when it got
// worse, or when its object is another than the one that was accepted. What
// leaves the agent without a boundary can be accepted by nobody: Seawall would
// go on saying "protected" by word alone.
package accept

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/state"
)

// For is how long an acceptance holds when nobody says otherwise, Longest how
// long it may hold at all: whoever accepted it last year does not know the
// machine of today.
const (
	For     = 90 * 24 * time.Hour
	Longest = 366 * 24 * time.Hour
)

// bound is how many are kept, and how long a reason may be.
const (
	most       = 4096
	longestWhy = 500
)

// Entry is one finding that a person leaves.
type Entry struct {
	Control string `json:"control"`
	Object  string `json:"object,omitempty"`
	// Sum names what was accepted: see sum. Severity is how bad it was.
	Sum      string           `json:"sum"`
	Severity posture.Severity `json:"severity"`
	Given    time.Time        `json:"given"`
	posture.Acceptance
}

// Wish is what a person says.
type Wish struct {
	Control string
	// Object is the one finding that is meant; "" means each that the control has now.
	Object  string
	By, Why string
	Until   time.Time // zero: For from now
}

// Add accepts what an audit found of one control, and returns it. The audit has
// to be of now. What was accepted before of the same object is replaced.
func Add(dir *state.Dir, a *posture.Audit, w Wish, now time.Time) ([]Entry, error) {
	if w.Until.IsZero() {
		w.Until = now.Add(For)
	}
	found, err := w.entries(a, now)
	if err != nil {
		return nil, err
	}
	return found, change(dir, func(all []Entry) ([]Entry, error) {
		all = slices.DeleteFunc(all, func(e Entry) bool {
			return !now.Before(e.Until) || slices.ContainsFunc(found, e.same)
		})
		if len(all)+len(found) > most {
			return nil, fmt.Errorf("%d findings are accepted already, and no more than %d can be: look through them with `seawall accept`", len(all), most)
		}
		return append(all, found...), nil
	})
}

// entries checks a wish against what was found.
func (w Wish) entries(a *posture.Audit, now time.Time) ([]Entry, error) {
	w.Why = strings.Join(strings.Fields(w.Why), " ")
	switch {
	case w.Control == posture.BoundaryControl.ID:
		return nil, fmt.Errorf("%s cannot be accepted: without a boundary Seawall protects nothing, whatever anybody says; `seawall connect --own-user` makes one", w.Control)
	case w.Why == "":
		return nil, errors.New("say why it stays: --why TEXT; in three months somebody has to understand it")
	case len(w.Why) > longestWhy:
		return nil, fmt.Errorf("the reason is longer than %d bytes: a sentence is enough", longestWhy)
	case !now.Before(w.Until):
		return nil, fmt.Errorf("%s is over already: --until takes a day to come", w.Until.Format(time.DateOnly))
	case w.Until.After(now.Add(Longest)):
		return nil, fmt.Errorf("%s is too far away: an acceptance holds for a year at most, then look again", w.Until.Format(time.DateOnly))
	}
	i := slices.IndexFunc(a.Results, func(r posture.Result) bool { return r.ID == w.Control })
	if i < 0 {
		return nil, fmt.Errorf("there is no control %q: `seawall controls` lists them", w.Control)
	}
	r := a.Results[i]
	if len(r.Findings) == 0 {
		return nil, fmt.Errorf("%s finds nothing on this machine (%s), so there is nothing to accept", w.Control, r.Outcome)
	}
	var out []Entry
	var objects []string
	for _, f := range r.Findings {
		if objects = append(objects, cmp.Or(f.Object, "(the machine)")); w.Object == "" || f.Object == w.Object {
			out = append(out, Entry{
				Control: r.ID, Object: f.Object, Sum: sum(f), Severity: f.Severity, Given: now,
				Acceptance: posture.Acceptance{By: w.By, Why: w.Why, Until: w.Until},
			})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s finds nothing on %q; it finds something on %s", w.Control, w.Object, strings.Join(objects, ", "))
	}
	return out, nil
}

// Remove ends the acceptance of one control's finding on an object, of all of
// them without one, and returns how many that were.
func Remove(dir *state.Dir, control, object string) (n int, err error) {
	return n, change(dir, func(all []Entry) ([]Entry, error) {
		left := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool {
			return e.Control == control && (object == "" || e.Object == object)
		})
		if n = len(all) - len(left); n == 0 {
			return nil, fmt.Errorf("nothing of %s is accepted: `seawall accept` shows what is", control)
		}
		return left, nil
	})
}

// Load returns what is accepted in a state directory, in the order of the
// controls; none is no error.
func Load(dir *state.Dir) ([]Entry, error) {
	content, err := dir.Read(state.Accepted)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := parse(dir, content)
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Control, b.Control), cmp.Compare(a.Object, b.Object))
	})
	return all, err
}

// Apply marks what is accepted of an audit and counts anew.
func Apply(a *posture.Audit, all []Entry, now time.Time) {
	for i := range a.Results {
		r := &a.Results[i]
		for k := range r.Findings {
			r.Findings[k].Accepted = accepted(r.ID, r.Findings[k], all, now)
		}
	}
	a.Tally()
}

func accepted(control string, f posture.Item, all []Entry, now time.Time) *posture.Acceptance {
	if control == posture.BoundaryControl.ID {
		return nil
	}
	for _, e := range all {
		if e.Control == control && e.Object == f.Object && f.Severity <= e.Severity && now.Before(e.Until) && e.Sum == sum(f) {
			return &e.Acceptance
		}
	}
	return nil
}

func (e Entry) same(o Entry) bool { return e.Control == o.Control && e.Object == o.Object }

// moving is what a finding says of an object that stays the same one: how long,
// how much of a disk, when.
var moving = regexp.MustCompile(`\d[\d.,]*\s*(?:%|[kMGT]i?B\b|(?:second|minute|hour|day|week|month|year)s?\b)|\d{4}-\d\d-\d\d|\b\d\d:\d\d\b`)

// sum names what a finding says, without what moves by itself.
func sum(f posture.Item) string {
	h := sha256.Sum256([]byte(f.Object + "\x00" + moving.ReplaceAllString(f.Detail, "#")))
	return hex.EncodeToString(h[:])
}

func change(dir *state.Dir, f func([]Entry) ([]Entry, error)) error {
	return dir.Change(state.Accepted, func(old []byte) ([]byte, error) {
		all, err := parse(dir, old)
		if err != nil {
			return nil, err
		}
		if all, err = f(all); err != nil {
			return nil, err
		}
		return json.MarshalIndent(all, "", "  ")
	})
}

func parse(dir *state.Dir, content []byte) (all []Entry, err error) {
	if len(content) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, fmt.Errorf("%s is damaged, so nothing is accepted: delete it, and accept again what you leave", dir.Path(state.Accepted))
	}
	return all, nil
}
