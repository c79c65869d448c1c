package service

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/state"
)

// silenced is what the operator said about detectors, at one moment.
type silenced struct {
	file os.FileInfo // as it was read; nil without one
	all  []operator.Wrong
	seen bool
}

// noteWrong has in the record what the operator has silenced, and what is found
// again, since the last look; the first time it only looks.
func (s *Service) noteWrong(ctx context.Context, last silenced) silenced {
	info, err := os.Stat(s.dir.Path(operator.WrongFile))
	if err != nil {
		info = nil
	}
	if last.seen && state.Same(info, last.file) {
		return last
	}
	// Of a damaged file nothing is silenced.
	all, _ := operator.AllWrong(s.dir)
	now := silenced{info, all, true}
	if !last.seen {
		return now
	}
	for _, w := range now.all {
		if !slices.Contains(last.all, w) {
			s.event(ctx, fmt.Sprintf("%s is not found again in exactly the content of #%d: you said that it was wrong there", w.Rule, w.ID))
		}
	}
	for _, w := range last.all {
		if !slices.Contains(now.all, w) {
			s.event(ctx, fmt.Sprintf("%s is found again in the content of #%d", w.Rule, w.ID))
		}
	}
	return now
}
