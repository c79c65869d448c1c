package service

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/keep/notify"
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

// Answer implements console.Source.
func (s *Service) Answer(_ *http.Request, n int64, sum string, allow bool) error {
	all, err := approval.List(s.dir)
	if err != nil {
		return err
	}
	for _, q := range all {
		if q.N == n && q.Action.Sum == sum {
			_, err := approval.Reply(s.dir, q, approval.Answer{Allow: allow, Scope: approval.Once, Via: "page", At: time.Now()})
			return err
		}
	}
	return fmt.Errorf("there is no question %d any more", n)
}

// questions are those that wait for an answer.
func (s *Service) questions() (waiting []approval.Question) {
	all, _ := approval.List(s.dir) // of a damaged file nothing is allowed, and seawall approve says so
	now := time.Now()
	for _, q := range all {
		if q.Stand(now) == approval.Waiting {
			waiting = append(waiting, q)
		}
	}
	return waiting
}

// messages brings texts to where the operator wants them.
type messages struct{ *Service }

// Notify implements approval.Notifier.
func (m messages) Notify(ctx context.Context, text string) error {
	taken, err := notify.Send(ctx, m.dir, notify.Message{Title: "The agent asks", Text: text})
	if taken > 0 {
		return nil // to tell it again would tell it twice
	}
	return err
}

// pushes is how often it is looked whether there is a question to tell of.
const pushes = 2 * time.Second

// push tells the operator of questions that wait, until the context ends.
func (s *Service) push(ctx context.Context) {
	p := approval.Pusher{Desk: s.guard.Approvals, To: messages{s}, Host: hostname()}
	tick := time.NewTicker(pushes)
	defer tick.Stop()
	for failed := ""; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		problem := ""
		if err := p.Look(ctx); err != nil && ctx.Err() == nil {
			problem = err.Error()
		}
		if problem != "" && problem != failed {
			fmt.Fprintln(s.complaints, "seawall: nobody was told that a question waits (seawall approve):", problem)
		}
		failed = problem
	}
}
