package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// ObserveFile says that what would ask is only recorded, and until when.
const ObserveFile = "observe.json"

// MostObserved is for how many days observing may be settled at a time.
const MostObserved = 30

// Observing is a time in which what would ask runs and is recorded, so that the
// operator sees what would be asked of an agent that works already. It ends by
// itself: what nobody answers is enforced.
type Observing struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	By    string    `json:"by"`
	// Ended is when the operator ended it before its time.
	Ended   time.Time `json:"ended,omitzero"`
	EndedBy string    `json:"ended_by,omitempty"`
	// Told is the last of its changes that stands in the record.
	Told string `json:"told,omitempty"`
}

// Active reports whether it is in force at a time. A clock that says a time before
// its beginning ends it.
func (o *Observing) Active(now time.Time) bool {
	return o != nil && o.Ended.IsZero() && !now.Before(o.Since.Add(-time.Minute)) && now.Before(o.Until)
}

// End is when it ended, or will.
func (o *Observing) End() time.Time {
	if !o.Ended.IsZero() {
		return o.Ended
	}
	return o.Until
}

// Day is how its end is written everywhere.
func (o *Observing) Day() string { return o.Until.Local().Format("2006-01-02 15:04") }

// Change is a change between observing and enforcing.
type Change struct {
	Key      string // tells it from all others
	Sentence string
}

// News are the changes that the record is to be told of at a time, in their order,
// beyond the last that it was told: observing that nobody saw begin began all the same.
func (o *Observing) News(now time.Time) (news []Change) {
	begun := Change{"until " + o.Until.UTC().Format(time.RFC3339), fmt.Sprintf("observing until %s, by %s: what would ask runs, and is recorded", o.Day(), o.By)}
	if o.Told != begun.Key {
		news = append(news, begun)
	}
	switch {
	case o.Active(now):
	case !o.Ended.IsZero():
		news = append(news, Change{"ended", fmt.Sprintf("enforcing, by %s: what needs a person asks", o.EndedBy)})
	default:
		news = append(news, Change{"over", "enforcing: the time of observing is over, and nobody ended or extended it; what needs a person asks"})
	}
	if len(news) > 0 && news[len(news)-1].Key == o.Told {
		return nil
	}
	return news
}

// Observe has a state directory observed for some days from now. Where it is
// observed already, that changes only its end.
func Observe(dir *state.Dir, by string, now time.Time, days int) (o Observing, err error) {
	if days < 1 || days > MostObserved {
		return o, fmt.Errorf("observing lasts 1 to %d days, not %d", MostObserved, days)
	}
	err = dir.Change(ObserveFile, func(old []byte) ([]byte, error) {
		if was := parseObserving(old); was.Active(now) {
			o = *was
		} else {
			o = Observing{Since: now}
		}
		o.Until, o.By = now.AddDate(0, 0, days), by
		return json.Marshal(o)
	})
	return o, err
}

// Enforce ends observing; it returns nil where nothing is observed.
func Enforce(dir *state.Dir, by string, now time.Time) (was *Observing, err error) {
	if !LastObserving(dir).Active(now) {
		return nil, nil
	}
	err = dir.Change(ObserveFile, func(old []byte) ([]byte, error) {
		if was = parseObserving(old); was == nil {
			return nil, fmt.Errorf("%s is damaged; what needs a person asks already", dir.Path(ObserveFile))
		}
		was.Ended, was.EndedBy = now, by
		return json.Marshal(was)
	})
	return was, err
}

// LastObserving is the last time that a state directory was observed, whether it is
// over or not; nil where there is none. Of a damaged file there is none: then what
// needs a person asks.
func LastObserving(dir *state.Dir) *Observing {
	content, err := dir.Read(ObserveFile)
	if err != nil {
		return nil
	}
	return parseObserving(content)
}

// ObservingIn is the observing in force, or nil.
func ObservingIn(dir *state.Dir, now time.Time) *Observing {
	if o := LastObserving(dir); o.Active(now) {
		return o
	}
	return nil
}

// TellObserving notes that a change of it stands in the record.
func TellObserving(dir *state.Dir, key string) error {
	return dir.Change(ObserveFile, func(old []byte) ([]byte, error) {
		o := parseObserving(old)
		if o == nil {
			return nil, errors.New("nothing is observed")
		}
		o.Told = key
		return json.Marshal(o)
	})
}

func parseObserving(content []byte) *Observing {
	var o Observing
	if json.Unmarshal(content, &o) != nil || o.Since.IsZero() || o.Until.Sub(o.Since) > 366*24*time.Hour {
		return nil
	}
	return &o
}

// Observing is the last time of observing, over or not, as the file has it now.
func (d *Desk) Observing() *Observing {
	o, _ := d.observed.Get(d.dir, ObserveFile, func() (*Observing, error) { return LastObserving(d.dir), nil })
	return o
}

// Observes reports whether what would ask is only recorded now.
func (d *Desk) Observes() bool { return d.Observing().Active(d.now()) }
