package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/openseawall/seawall/internal/guard/observe"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/keep"
	"github.com/openseawall/seawall/internal/ledger"
)

// Mode is what a row is about that tells of a change between observing and
// enforcing.
const Mode = "mode"

// noteMode records that observing began, was extended or ended since the last look,
// also while no door was open.
func (s *Service) noteMode(ctx context.Context) {
	o := s.desk.Observing()
	if o == nil {
		return
	}
	news := o.News(time.Now())
	recorded := slices.IndexFunc(news, func(c operator.Change) bool { return c.Key == s.mode })
	for i, c := range news {
		if i > recorded {
			row := ledger.Row{Kind: ledger.Event, Act: Mode, Why: c.Sentence, Version: s.policy.Version()}
			if _, err := s.ledger.Append(ctx, row); err != nil {
				return // said again at the next look
			}
			s.mode = c.Key
			fmt.Fprintln(s.complaints, "seawall:", c.Sentence)
		}
		_ = operator.TellObserving(s.dir, c.Key) // at the next look, where the disk does not take it
	}
}

// observing is how things stand while what would ask is only recorded.
func (s Standing) observing(o *operator.Observing) Standing {
	if o == nil || s.Label == "stopped" || s.Label == "nothing to protect here" {
		return s
	}
	sentence := "Calls that would ask run and are only recorded; what is denied is stopped, and secrets are taken out. What it was: seawall observe report. To have it ask: seawall enforce"
	if !s.Good {
		sentence += ". And: " + s.Sentence
	}
	return Standing{Label: "observing until " + o.Day() + ", not protecting", Sentence: sentence}
}

// beforeEnd is how long before its end the operator is told that observing ends.
const beforeEnd = 24 * time.Hour

// observed tells that observing is about to end, with what there was so far, and
// that it has ended.
func (t *telling) observed(ctx context.Context, o *operator.Observing, now time.Time) []keep.Condition {
	if o == nil || o.Until.Sub(now) > beforeEnd {
		return nil
	}
	if key := "observing:" + o.Until.UTC().Format(time.RFC3339); t.ending.Key != key {
		t.ending = keep.Condition{
			Key: key, What: "Observing ends at " + o.Day() + "; what needs you then asks.",
			Do:   "seawall observe report, then seawall enforce; or seawall observe --days 7",
			Over: "Enforcing: what needs you asks from now on.",
		}
		if r, err := observe.Read(ctx, t.dir, o.Since, now); err == nil {
			t.ending.What = fmt.Sprintf("Observing ends at %s. Of %d calls %d would have asked, %d were stopped.", o.Day(), r.Calls, r.Would, r.Stopped)
		}
	}
	return []keep.Condition{t.ending}
}
