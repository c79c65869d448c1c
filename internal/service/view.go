package service

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/openseawall/seawall/internal/console"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/state"
)

// loginFile holds the token of the next login, for as long as it is not used.
const loginFile = "login"

// shownRows is how many decisions the page shows.
const shownRows = 20

// NewLogin makes a link that opens the page once; the one before is void. It
// can be made by whoever can write the state directory, and so read all that
// the page shows.
func NewLogin(dir *state.Dir, page string) (link string, err error) {
	token := rand.Text() + rand.Text()
	if err := dir.Write(loginFile, []byte(token)); err != nil {
		return "", err
	}
	return "http://" + page + "/login?token=" + token, nil
}

// Redeem implements console.Source.
func (s *Service) Redeem(token string) bool {
	s.login.Lock()
	defer s.login.Unlock()
	want, err := s.dir.Read(loginFile)
	if err != nil || len(want) == 0 || subtle.ConstantTimeCompare(want, []byte(token)) != 1 {
		return false
	}
	return s.dir.Remove(loginFile) == nil
}

// Pass implements console.Source.
func (s *Service) Pass(r *http.Request, id int64) error {
	for row, err := range s.ledger.Rows(r.Context(), ledger.Filter{After: id - 1}) {
		if err != nil {
			return err
		}
		if row.ID != id {
			break
		}
		if err := operator.Let(s.dir, s.policy, row, time.Now()); err != nil {
			return err
		}
		s.event(r.Context(), fmt.Sprintf("you let #%d pass once, on the page", id))
		return nil
	}
	return fmt.Errorf("the record has no row %d", id)
}

// passes says of each row that was let through what has become of it.
func (s *Service) passes() map[int64]string {
	all, _ := operator.Passes(s.dir) // a damaged file lets nothing through, and seawall pass says so
	said := map[int64]string{}
	for _, p := range all {
		switch {
		case p.Conversation != "":
			said[p.ID] = "passed in its conversation"
		case !p.Expired(time.Now()):
			said[p.ID] = "may pass once: have it sent again"
		}
	}
	return said
}

// View implements console.Source.
func (s *Service) View(r *http.Request) (console.View, error) {
	audit, err := survey.Last(s.dir)
	if err != nil {
		return console.View{}, err
	}
	watched, err := ReadWatched(s.dir, time.Now())
	if err != nil {
		return console.View{}, err
	}
	standing := watched.Stand(audit, len(s.routes.List()), true, time.Now())
	view := console.View{
		Frozen: watched.Frozen != nil,
		Label:  standing.Label, Sentence: standing.Sentence, Good: standing.Good,
		Passes: s.passes(), Questions: s.questions(), Audit: audit, Version: s.version, Now: time.Now(), Health: append(s.health(), proofs(watched)...),
	}
	for row, err := range s.ledger.Rows(r.Context(), ledger.Filter{Last: shownRows, Brief: true}) {
		if err != nil {
			return console.View{}, err
		}
		view.Rows = append(view.Rows, row)
	}
	slices.Reverse(view.Rows)
	return view, nil
}

func (s *Service) health() []console.Health {
	door := s.door.Stats.Snapshot()
	model := console.Health{Part: "Model door", State: fmt.Sprintf("open, %d requests since %s", door.Requests, s.started.Local().Format("15:04")), Good: true}
	provider := console.Health{Part: "Providers", State: fmt.Sprintf("%d behind the door", len(s.routes.List())), Good: true}
	if door.Problem != "" && time.Since(door.When) < 10*time.Minute {
		provider = console.Health{Part: "Providers", State: door.Problem + " (" + door.When.Local().Format("15:04:05") + ")"}
	}
	rules := console.Health{Part: "Policy", State: "version " + s.policy.Version(), Good: true}
	if problem := s.policy.Problem(); problem != "" {
		rules = console.Health{Part: "Policy", State: problem}
	}
	counts := s.guard.Counts()
	record := console.Health{Part: "Record", Good: true, State: fmt.Sprintf("%d allowed, %d redacted, %d denied since the start", counts["allow"], counts["redact"], counts["deny"]+counts["ask"])}
	if problem := s.guard.Problem(); problem != "" {
		record.Good, record.State = false, "cannot be kept, so what the agent wants is denied: "+problem
	}
	all := []console.Health{model, provider, rules, record}
	for _, p := range s.hook.Plugins() {
		h := console.Health{Part: "Hook door", State: "OpenClaw has not asked since the start", Good: true}
		if !p.Last.IsZero() {
			h.State = "OpenClaw asks before it runs a call, last at " + p.Last.Local().Format("15:04:05")
		}
		if p.Silent {
			h.Good, h.State = false, "OpenClaw calls models but does not ask before it runs a call: its plugin is not loaded; run openclaw plugins inspect seawall-guard ("+p.Config+")"
		}
		all = append(all, h)
	}
	if trouble := s.trouble.Load(); trouble != nil {
		all = append(all, console.Health{Part: "State", State: *trouble})
	}
	return all
}

// proofs is whether the doors are in the path.
func proofs(w Watched) (all []console.Health) {
	for _, p := range w.Problems(time.Now()) {
		all = append(all, console.Health{Part: "Past the door", State: p.String()})
	}
	if w.Report == nil {
		return all
	}
	for _, a := range w.Report.Agents {
		all = append(all, console.Health{Part: "Proven", State: w.Proven(a), Good: true})
		if places := Elsewhere(a); places != "" {
			all = append(all, console.Health{Part: "Past Seawall", State: places + ": channels, pages, programs", Good: true})
		}
		if said := Release(a); said != "" {
			all = append(all, console.Health{Part: "OpenClaw", State: said, Good: openclaw.Tested(a.Version)})
		}
	}
	return all
}
