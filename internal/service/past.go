package service

import (
	"context"
	"fmt"
)

// sweep looks for model calls that went past the door, and says on standard
// error what is new. What the watch found is recorded with it.
func (s *Service) sweep(ctx context.Context) {
	fresh, err := s.hook.Sweep(ctx)
	for _, past := range fresh {
		fmt.Fprintf(s.complaints, "seawall: %s (%s)\n", past, past.Config)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(s.complaints, "seawall: what OpenClaw says of its model calls could not be kept:", err)
	}
	s.observe(ctx)
}
