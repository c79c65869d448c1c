package service

import (
	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/operator"
)

// vouch has the guard look at what the operator vouches for. A job that the agent has
// changed since is no standing order any more.
func (s *Service) vouch() {
	s.guard.Lineage.Vouched = func(place lineage.Place, sum string) bool {
		for path, v := range s.desk.Vouched().Files {
			if v.Sum == sum && lineage.FilePlace(path, "") == place {
				return true
			}
		}
		return false
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
