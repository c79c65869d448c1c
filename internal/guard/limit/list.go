package limit

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// Line is one limit with what is used of it.
type Line struct {
	Window  Window  `json:"window"`
	Measure Measure `json:"measure"`
	// Limit and Used are numbers, or millionths of a dollar. Of conversations, Used
	// is that of the one which used most.
	Limit   *int64    `json:"limit"` // null is none
	Used    int64     `json:"used"`
	Shipped bool      `json:"shipped"` // the operator has settled no other
	Since   time.Time `json:"since,omitzero"`
	Session string    `json:"session,omitempty"`
}

// Standing is how all limits stand.
type Standing struct {
	Lines []Line `json:"limits"`
	// Guessed are the tokens of this month of answers that did not say how many
	// they used; Unpriced those of models without a known price, which no limit for
	// money counts.
	Guessed  int64            `json:"guessed_tokens,omitempty"`
	Unpriced map[string]int64 `json:"unpriced_tokens,omitempty"`
	Problem  string           `json:"problem,omitempty"` // why they cannot be said
}

// Stand reads how the limits of a state directory stand, whether its doors are open
// or not; doors that are write what is used once a second.
func Stand(dir *state.Dir, now time.Time) Standing {
	return Open(dir, func() time.Time { return now }).Stand()
}

// Stand is how the limits stand now.
func (b *Book) Stand() (s Standing) {
	if b == nil {
		return s
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reread()
	s.Problem = b.wrong + b.lost
	b.used.turn(b.now())
	for _, w := range Windows {
		for _, m := range Measures {
			s.Lines = append(s.Lines, b.line(w, m))
		}
	}
	month := b.used.Windows[Month]
	s.Guessed, s.Unpriced = month.Guessed, maps.Clone(month.Unpriced)
	return s
}

func (b *Book) line(w Window, m Measure) Line {
	l := Line{Window: w, Measure: m}
	if limit, ok := b.settings.of(Name{w, m}); ok {
		l.Limit = &limit
	}
	_, settled := b.settings.Limits[w][m]
	l.Shipped = !settled
	if w != Session {
		l.Used, l.Since = b.used.Windows[w].of(m), b.used.Windows[w].Since
		return l
	}
	for _, is := range b.used.Sessions {
		if is.of(m) > l.Used {
			l.Used, l.Since, l.Session = is.of(m), is.Since, is.Name
		}
	}
	return l
}

// Near are the limits of which nearly all is used, the fullest first.
func (s Standing) Near() (all []Reached) {
	if s.Problem != "" {
		return []Reached{{Broken: s.Problem}}
	}
	for _, l := range s.Lines {
		if l.Limit == nil {
			continue
		}
		r := Reached{Name: Name{l.Window, l.Measure}, Used: l.Used, Limit: *l.Limit, Session: l.Session, Since: l.Since}
		if r.Percent() >= near {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Reached) int { return cmp.Compare(b.Percent(), a.Percent()) })
	return all
}
