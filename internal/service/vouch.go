package service

import (
	"sync/atomic"

	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/operator"
)

// sums are the contents that the operator vouches for, by their places.
type sums struct {
	of *operator.Vouched
	by map[lineage.Place]string
}

// vouch has the guard look at what the operator vouches for. A job that the agent has
// changed since is no standing order any more.
func (s *Service) vouch() {
	var known atomic.Pointer[sums]
	s.guard.Lineage.Vouched = func(place lineage.Place) string {
		now := s.desk.Vouched()
		if len(now.Files) == 0 {
			return ""
		}
		k := known.Load()
		if k == nil || k.of != now {
			k = &sums{now, make(map[lineage.Place]string, len(now.Files))}
			for path, v := range now.Files {
				k.by[lineage.FilePlace(path, "")] = v.Sum
			}
			known.Store(k)
		}
		return k.by[place]
	}
	s.guard.Order = func(job, text string) *operator.Order {
		o := s.desk.Vouched().Orders[job]
		if o == nil || o.Sum != text {
			return nil
		}
		if changed, ok := s.guard.Lineage.At(lineage.JobPlace(job)); ok && changed.Last.After(o.Given) {
			return nil
		}
		return o
	}
}
