// Package harden makes the plan of `seawall harden`: it judges a machine with
// every control, asks those that found something for their fixes, and resolves
// these into one plan, from which everything is left out that would lock the
// operator out, close what is in use, or contradict another.
//
//	facts ──controls──▶ findings ──Fix──▶ wishes ──change.Make──▶ Proposal
package harden

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// Options are what the operator asked for.
type Options struct {
	Only  []string      // ids of controls; empty is all
	Close []change.Port // ports in use that may be closed
	// Force leaves in the plan what would lock the operator out; it reverts by
	// itself.
	Force bool
}

// Proposal is a plan with all that a person reads before saying yes.
type Proposal struct {
	Profile string       `json:"profile"`
	Plan    *change.Plan `json:"plan"`
	Ports   []Port       `json:"ports"`
	// Manual is what only a person can do.
	Manual []Manual `json:"manual"`
	// Unknown are controls that could not be judged, and so are not in the plan.
	Unknown []change.Refused `json:"unknown"`
	// Ask are ports in use that the plan would close, if it were told to.
	Ask []change.Port `json:"ask,omitempty"`
	// Before counts the open findings that the plan was made for.
	Before posture.Counts `json:"before"`
}

// Manual is one thing for a person to do.
type Manual struct {
	Control  string           `json:"control"`
	Title    string           `json:"title"`
	Severity posture.Severity `json:"severity"`
	Do       string           `json:"do"`
}

// Propose makes the plan. audit is what the controls said of facts, with what is
// accepted marked.
func Propose(ctx context.Context, m change.Machine, facts *posture.Facts, audit *posture.Audit, controls []posture.Control, o Options) (*Proposal, error) {
	if err := known(controls, o.Only); err != nil {
		return nil, err
	}
	if err := known(controls, slices.Sorted(maps.Keys(facts.Aim.Profile.Skip))); err != nil {
		return nil, fmt.Errorf("the profile's skip: %w", err)
	}
	facts.Aim.Force = o.Force
	allowed := append(slices.Clone(facts.Aim.Profile.Firewall.Close), o.Close...)
	facts.Aim.Profile.Firewall.Close = allowed
	p := &Proposal{Ports: []Port{}, Manual: []Manual{}, Unknown: []change.Refused{}, Before: audit.Counts}
	wishes, refused := p.wishes(facts, audit, controls, o)
	wishes = p.unasked(facts, wishes, allowed)
	p.Plan = change.MakeChecked(ctx, m, wishes)
	again := func(kept []change.Wish, more []change.Refused) {
		if len(more) > 0 {
			wishes, refused = kept, append(refused, more...)
			p.Plan = change.MakeChecked(ctx, m, wishes)
		}
	}
	if !o.Force {
		again(withoutLockout(ctx, m, facts, p.Plan, wishes))
	}
	p.Ports = table(ctx, m, facts, p.Plan)
	if more := p.unwanted(wishes, allowed); len(more) > 0 {
		again(slices.DeleteFunc(slices.Clone(wishes), hasRuleset), more)
		p.Ports = table(ctx, m, facts, p.Plan)
	}
	p.Plan.Refused = append(refused, p.Plan.Refused...)
	return p, nil
}

// unwanted refuses rulesets that would close a port in use about which nobody was
// asked, whatever they say of themselves.
func (p *Proposal) unwanted(wishes []change.Wish, allowed []change.Port) (refused []change.Refused) {
	for _, line := range p.Ports {
		if !line.closed() || slices.Contains(allowed, line.Port) {
			continue
		}
		if !slices.Contains(p.Ask, line.Port) {
			p.Ask = append(p.Ask, line.Port)
		}
		for _, w := range wishes {
			if hasRuleset(w) && !slices.ContainsFunc(refused, func(r change.Refused) bool { return r.Control == w.Control }) {
				refused = append(refused, change.Refused{Control: w.Control, Why: fmt.Sprintf("it would close %s, on which %s answers: --close %[1]s says that you want that", line.Port, line.Program)})
			}
		}
	}
	return refused
}

func hasRuleset(w change.Wish) bool {
	return slices.ContainsFunc(w.Changes, func(c change.Change) bool {
		_, is := c.Edit.(change.Ruleset)
		return is
	})
}

// known refuses names that no control has.
func known(controls []posture.Control, ids []string) error {
	for _, id := range ids {
		if !slices.ContainsFunc(controls, func(c posture.Control) bool { return c.ID == id }) {
			return fmt.Errorf("there is no control %q: seawall controls lists them", id)
		}
	}
	return nil
}

// wishes asks every control that found something for its fix.
func (p *Proposal) wishes(facts *posture.Facts, audit *posture.Audit, controls []posture.Control, o Options) (wishes []change.Wish, refused []change.Refused) {
	for _, c := range controls {
		i := slices.IndexFunc(audit.Results, func(r posture.Result) bool { return r.ID == c.ID })
		if i < 0 || len(o.Only) > 0 && !slices.Contains(o.Only, c.ID) {
			continue
		}
		refuse := func(why string) { refused = append(refused, change.Refused{Control: c.ID, Why: why}) }
		r := audit.Results[i]
		switch {
		case r.Outcome == posture.Unknown:
			p.Unknown = append(p.Unknown, change.Refused{Control: c.ID, Why: strings.Join(r.Reasons, "; ")})
			continue
		case r.Outcome != posture.Failed:
			continue
		case facts.Aim.Profile.Skip[c.ID] != "":
			refuse("the profile leaves it alone: " + facts.Aim.Profile.Skip[c.ID])
			continue
		case slices.ContainsFunc(r.Findings, func(f posture.Item) bool { return f.Accepted != nil }):
			refuse("it is accepted as it is (seawall accept)")
			continue
		case c.Fix == nil:
			do := c.Manual
			if do == "" {
				do = r.Advice
			}
			p.Manual = append(p.Manual, Manual{c.ID, c.Title, r.Severity, do})
			continue
		}
		changes, err := fix(c, facts)
		if len(changes) > 0 {
			wishes = append(wishes, change.Wish{Control: c.ID, Changes: changes})
		}
		if err != nil {
			refuse(err.Error())
		}
	}
	slices.SortStableFunc(p.Manual, func(a, b Manual) int { return int(b.Severity) - int(a.Severity) })
	return wishes, refused
}

// fix asks one control; one that panics is a fault of Seawall, and no plan.
func fix(c posture.Control, facts *posture.Facts) (changes []change.Change, err error) {
	defer func() {
		if p := recover(); p != nil {
			changes, err = nil, fmt.Errorf("this fix failed inside Seawall (%v); please report it", p)
		}
	}()
	changes, err = c.Fix(facts)
	if len(changes) == 0 && err == nil {
		err = errors.New("this fix had nothing to do here, though the control found something; please report it")
	}
	return changes, err
}

// unasked leaves out the wishes that would close a port in use about which nobody
// was asked.
func (p *Proposal) unasked(facts *posture.Facts, wishes []change.Wish, allowed []change.Port) (kept []change.Wish) {
	for _, w := range wishes {
		blocked := false
		for _, c := range w.Changes {
			for _, port := range c.Close {
				if slices.Contains(allowed, port) || !inUse(facts, port) {
					continue
				}
				if blocked = true; !slices.Contains(p.Ask, port) {
					p.Ask = append(p.Ask, port)
				}
			}
		}
		if !blocked {
			kept = append(kept, w)
		}
	}
	return kept
}
