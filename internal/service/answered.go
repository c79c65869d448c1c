package service

import (
	"context"
	"fmt"

	"github.com/openseawall/seawall/internal/ledger"
)

// Answered is what a row is about in which a person's answer stands.
const Answered = "answer"

// answered records what was answered since the last look, also while no door was
// open.
func (s *Service) answered(ctx context.Context) {
	for _, q := range s.guard.Approvals.Untold() {
		said := "said no to"
		if q.Answer.Allow {
			said = "allowed"
		}
		who := q.Answer.By
		if who == "" {
			who = "you"
		}
		row := ledger.Row{
			Kind: ledger.Event, Act: Answered, Tool: q.Row.Tool, Version: s.policy.Version(), Approval: q.Approval(),
			Agent: q.Row.Agent, Session: q.Row.Session, Trace: q.Row.Trace, Action: q.Row.Action,
			Why: fmt.Sprintf("%s %s question %d, which #%d asked (%s)", who, said, q.N, q.Row.ID, q.Answer.Via),
		}
		if _, err := s.ledger.Append(ctx, row); err == nil {
			s.guard.Approvals.Tell(q.N)
		}
	}
}
