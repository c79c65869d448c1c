package service

import (
	"context"
	"fmt"

	"github.com/openseawall/seawall/internal/keep"
	"github.com/openseawall/seawall/internal/openclaw"
)

// noteLimits records that the operator has settled other limits since the last
// look, and keeps what is used. The first time it only looks.
func (s *Service) noteLimits(ctx context.Context, last string) (now string) {
	if now = s.guard.Limits.Settled(); last != "" && now != last {
		s.event(ctx, "the limits were changed: "+now)
	}
	err := s.guard.Limits.Save()
	if err != nil && s.unsaved == "" {
		fmt.Fprintln(s.complaints, "seawall:", err)
	}
	if s.unsaved = ""; err != nil {
		s.unsaved = err.Error()
	}
	return now
}

// Price is what a model costs, by "provider/model" in the OpenClaw of a config, as
// the watch has read it; nil is not known.
func (s *Service) Price(config, model string) *openclaw.Price {
	r := s.report.Load()
	if r == nil {
		return nil
	}
	for _, a := range r.Agents {
		if a.Config != config {
			continue
		}
		if p, ok := a.Prices[model]; ok {
			return &p
		}
	}
	return nil
}

// limits are those of which nearly all, or all, is used.
func (t *telling) limits() (all []keep.Condition) {
	for _, r := range t.guard.Limits.Stand().Near() {
		c := keep.Condition{Key: "limit:" + r.Key(), What: r.Near(), Do: "seawall limits"}
		if r.Percent() >= 100 {
			c.Key += ":reached"
		}
		all = append(all, c)
	}
	return all
}
