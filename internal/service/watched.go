package service

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/boundary"
	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/state"
)

// Watched is what the watch and the doors have seen of whether they are in the
// path, as it stands in the state.
type Watched struct {
	Frozen *operator.Frozen // nil: nothing is frozen
	// Observing is set while what would ask is only recorded.
	Observing *operator.Observing
	Report    *proof.Report // nil: nobody has watched yet
	Plugins   []hook.Plugin
	Past      []hook.Past
	// Boundary is what came of the attempts to reach Seawall as the agent; nil:
	// there were none.
	Boundary *boundary.Report
}

// ReadWatched reads it.
func ReadWatched(dir *state.Dir, now time.Time) (w Watched, err error) {
	w.Frozen, w.Observing = operator.FrozenIn(dir), operator.ObservingIn(dir, now)
	if w.Report, err = proof.Load(dir); err != nil {
		return w, err
	}
	if w.Boundary, err = boundary.Load(dir); err != nil {
		return w, err
	}
	if w.Plugins, err = hook.LoadPlugins(dir); err != nil {
		return w, err
	}
	past, err := hook.LoadPast(dir)
	w.Past = hook.Current(past, now)
	return w, err
}

// Problems are why the agents are unguarded although a door is open, the worst
// first.
func (w Watched) Problems(now time.Time) []proof.Problem {
	all := w.Report.Problems(now)
	for _, p := range slices.Backward(w.Past) {
		all = append(all, proof.Problem{
			What: "In the last day, " + p.String(),
			Fix:  "seawall connect, or take this provider out of openclaw.json; it stays here for a day after the last such call",
		})
	}
	for _, p := range w.Plugins {
		if p.Silent {
			all = append(all, proof.Problem{
				What: "OpenClaw calls models but does not ask before it runs a call: its plugin is not loaded (" + p.Config + ")",
				Fix:  "openclaw plugins inspect seawall-guard says why, seawall connect sets it right",
			})
		}
	}
	return all
}

// Stand is [Stand] with what is known of whether the doors are in the path.
func (w Watched) Stand(a *posture.Audit, routes int, open bool, now time.Time) Standing {
	if w.Frozen != nil {
		return Standing{Label: frozenLabel, Sentence: w.Frozen.String() + ": every call is denied, and no model is asked. To end it: seawall thaw"}
	}
	s := Stand(a, routes, open)
	if routes == 0 || !open {
		return s
	}
	return s.proven(w.Boundary, now).But(w.Problems(now)).observing(w.Observing)
}

// Proven is what was proven of one agent, in one line.
func (w Watched) Proven(a proof.Agent) string {
	var said []string
	done, last := 0, time.Time{}
	for _, p := range a.Proofs {
		if p.Why == "" {
			done++
			last = latest(last, p.Last)
		}
	}
	switch {
	case len(a.Proofs) == 0:
	case done == 0:
		said = append(said, "no route by a canary: "+a.Proofs[0].Why)
	default:
		said = append(said, fmt.Sprintf("%d of %d routes by a canary, last at %s", done, len(a.Proofs), clock(last)))
	}
	for _, p := range w.Plugins {
		if p.Config == a.Config && p.Calls > 0 {
			said = append(said, fmt.Sprintf("%d model calls that OpenClaw told of were seen, last at %s", p.Calls, clock(p.Call)))
		}
	}
	switch ends := a.Ends; {
	case ends.Unread != "":
		said = append(said, "no connections: "+ends.Unread)
	case len(ends.Provider) > 0:
		said = append(said, fmt.Sprintf("connections with %d providers past the door", len(ends.Provider)))
	default:
		said = append(said, fmt.Sprintf("%d connections at the door, none with a provider", ends.Door))
	}
	return strings.Join(said, "; ")
}

// Elsewhere is where else the processes of an agent were connected in the last
// hour: no model is there that it is known to have.
func Elsewhere(a proof.Agent) string {
	var places []string
	for _, end := range a.Ends.Outside {
		places = append(places, end.Address+" ("+end.Process+")")
	}
	const shown = 6
	if n := len(places); n > shown {
		places = append(places[:shown], fmt.Sprintf("and %d more", n-shown))
	}
	return strings.Join(places, ", ")
}

// Release says which OpenClaw runs and whether Seawall was tested with it; "" when
// that is not known.
func Release(a proof.Agent) string {
	tested := strings.Join(openclaw.Versions, ", ")
	switch {
	case a.Version == "":
		return ""
	case a.Unproven != nil && a.Unproven.Version == "":
		return a.Version + ", and it is not whole: " + a.Unproven.Why
	case openclaw.Tested(a.Version):
		return a.Version + ", which Seawall was tested with"
	}
	said := fmt.Sprintf("%s, which Seawall was not tested with (tested: %s)", a.Version, tested)
	switch {
	case a.Unproven != nil:
		said += " and which is not proven: " + a.Unproven.Why
	case a.Passed == a.Version:
		said += "; its routes and calls were tried here, and pass Seawall"
	}
	return said
}

func clock(t time.Time) string { return t.Local().Format("15:04") }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// observe records what is new of what the watch found.
func (s *Service) observe(ctx context.Context) {
	info, err := os.Stat(s.dir.Path(proof.File))
	if err != nil || info.ModTime().Equal(s.observed.at) {
		return
	}
	s.observed.at = info.ModTime()
	report, err := proof.Load(s.dir)
	if err != nil {
		return // status and page say it
	}
	s.doubt(report)
	found := map[string]bool{}
	for _, p := range report.Problems(time.Now()) {
		if found[p.What] = true; !s.observed.found[p.What] {
			s.event(ctx, p.String())
		}
	}
	for _, a := range report.Agents {
		if what := "OpenClaw is " + Release(a); a.Version != "" && !openclaw.Tested(a.Version) {
			if found[what] = true; !s.observed.found[what] {
				s.event(ctx, what)
			}
		}
	}
	s.observed.found = found
}

// doubt takes over which agents are not proven. Where nobody watches any more,
// what was last seen holds.
func (s *Service) doubt(report *proof.Report) {
	if report == nil {
		return
	}
	unproven := map[string]*guard.Unproven{}
	for _, a := range report.Agents {
		unproven[a.Config] = a.Unproven
	}
	s.unproven.Store(&unproven)
	s.report.Store(report)
}

// Loaded tells whether the watch has seen, a moment ago, that an OpenClaw loads
// the plugin, and that nothing else speaks against its asking there.
func (s *Service) Loaded(config string) bool {
	r := s.report.Load()
	if r == nil || !r.Fresh(time.Now()) {
		return false
	}
	i := slices.IndexFunc(r.Agents, func(a proof.Agent) bool { return a.Config == config })
	return i >= 0 && r.Agents[i].Plugin == "" && r.Agents[i].Gateway != 0 && r.Agents[i].Unproven == nil
}

// Unproven says of an agent, by the path of its config, what is not proven.
func (s *Service) Unproven(config string) *guard.Unproven {
	if all := s.unproven.Load(); all != nil {
		return (*all)[config]
	}
	return nil
}

// observed is what the watch found when the doors last looked at it.
type observed struct {
	at    time.Time
	found map[string]bool
}
