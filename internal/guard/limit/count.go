package limit

import (
	"maps"
	"slices"
	"time"
)

const (
	// maxSessions is how many conversations are counted apart; of more, those that
	// did nothing for longest begin anew.
	maxSessions = 256
	// maxUnpriced is how many models without a price are named.
	maxUnpriced = 16
)

// counter is what was used in one window.
type counter struct {
	Since    time.Time `json:"since"` // the window's beginning
	Messages int64     `json:"messages,omitempty"`
	Calls    int64     `json:"calls,omitempty"`
	Tokens   int64     `json:"tokens,omitempty"`
	Money    int64     `json:"money,omitempty"`
	// Of the tokens: of answers that did not say how many they used, and of models
	// of which nobody knows the price.
	Guessed  int64            `json:"guessed,omitempty"`
	Unpriced map[string]int64 `json:"unpriced,omitempty"` // by model
}

func (c *counter) of(m Measure) int64 {
	switch m {
	case Messages:
		return c.Messages
	case Calls:
		return c.Calls
	case Tokens:
		return c.Tokens
	}
	return c.Money
}

func (c *counter) use(u Use) {
	tokens := u.Input + u.Output + u.CacheRead + u.CacheWrite
	c.Tokens += tokens
	if u.Guessed {
		c.Guessed += tokens
	}
	if u.Price != nil {
		c.Money += u.cost()
		return
	}
	if tokens == 0 {
		return
	}
	if c.Unpriced == nil {
		c.Unpriced = map[string]int64{}
	}
	name := u.Model
	if _, known := c.Unpriced[name]; !known && len(c.Unpriced) >= maxUnpriced {
		name = "others"
	}
	c.Unpriced[name] += tokens
}

// session is the counter of one conversation.
type session struct {
	counter
	Name string    `json:"name"`
	Last time.Time `json:"last"`
}

// counters are all, as the file holds them.
type counters struct {
	Windows  map[Window]*counter  `json:"windows"`
	Sessions map[string]*session  `json:"sessions"`
	Reset    map[Window]time.Time `json:"reset,omitempty"` // that was taken over
}

func newCounters() counters {
	return counters{map[Window]*counter{}, map[string]*session{}, map[Window]time.Time{}}
}

// begins is when the window began in which a time is.
func (w Window) begins(t time.Time) time.Time {
	y, m, d := t.Date()
	switch w {
	case Hour:
		return t.Truncate(time.Hour)
	case Day:
		return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	}
	return time.Date(y, m, 1, 0, 0, 0, 0, t.Location())
}

// long is how long a window is at most.
var long = map[Window]time.Duration{Hour: time.Hour, Day: 25 * time.Hour, Month: 32 * 24 * time.Hour}

// turn brings the counters to a time. A window is over when a later one has begun.
// While the clock says an earlier time than before, it goes on; where it says one
// that is earlier by more than a window, the clock was wrong before, and what was
// counted counts for the window that is now.
func (c *counters) turn(now time.Time) {
	for _, w := range Windows[1:] {
		begins := w.begins(now)
		switch is := c.Windows[w]; {
		case is == nil || begins.After(is.Since):
			c.Windows[w] = &counter{Since: begins}
		case is.Since.Sub(now) > long[w]:
			is.Since = begins
		}
	}
}

// reset begins anew where the operator wants it.
func (c *counters) reset(wanted map[Window]time.Time) (did bool) {
	for w, at := range wanted {
		if c.Reset[w].Equal(at) {
			continue
		}
		c.Reset[w], did = at, true
		if w == Session {
			clear(c.Sessions)
		} else if is := c.Windows[w]; is != nil {
			c.Windows[w] = &counter{Since: is.Since}
		}
	}
	return did
}

// session is the counter of a conversation, which is made where there is none.
func (c *counters) session(s Conversation, now time.Time) *session {
	is := c.Sessions[s.Key]
	if is == nil {
		if len(c.Sessions) >= maxSessions {
			oldest := slices.MinFunc(slices.Collect(maps.Keys(c.Sessions)), func(a, b string) int {
				return c.Sessions[a].Last.Compare(c.Sessions[b].Last)
			})
			delete(c.Sessions, oldest)
		}
		is = &session{counter: counter{Since: now}, Name: s.Name}
		c.Sessions[s.Key] = is
	}
	is.Last = now
	return is
}

// each is what counts for a conversation: its own counter, and those over all.
func (c *counters) each(s Conversation, now time.Time) []*counter {
	c.turn(now)
	return []*counter{&c.session(s, now).counter, c.Windows[Hour], c.Windows[Day], c.Windows[Month]}
}
