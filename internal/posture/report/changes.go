package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/posture"
)

// Compare fills an audit's Changes and Since from the last one of the same
// machine. A nil last run, or one of another machine, leaves both empty.
func Compare(last, a *posture.Audit) {
	if last == nil || last.Host.Name != a.Host.Name {
		return
	}
	since := last.Time
	a.Since, a.Changes = &since, Changes(last, a)
}

// Changes says in words what is different between two audits of one machine,
// what got worse first.
func Changes(prev, cur *posture.Audit) []string {
	worse, better := []string{}, []string{}
	if prev.Boundary != cur.Boundary {
		worse = append(worse, fmt.Sprintf("boundary: was %s, is %s", prev.Boundary, cur.Boundary))
	}
	opened, shut := ports(prev, cur)
	worse, better = append(worse, opened...), append(better, shut...)
	worse = append(worse, agents(prev, cur)...)

	before := map[string]posture.Result{}
	for _, r := range prev.Results {
		before[r.ID] = r
	}
	added := 0 // findings of checks that the last run did not have
	for _, r := range cur.Results {
		old, ok := before[r.ID]
		delete(before, r.ID)
		if !ok {
			added += len(r.Findings)
			continue
		}
		w, b := result(old, r)
		worse, better = append(worse, w...), append(better, b...)
	}
	if added > 0 {
		worse = append(worse, fmt.Sprintf("%s from checks the last run did not make", count(added, "finding")))
	}
	var gone []string
	asked := slices.ContainsFunc(cur.Results, func(r posture.Result) bool { return r.Deep }) // else OpenClaw was not
	for _, r := range prev.Results {                                                         // a check that is no longer made says nothing about the machine
		if _, left := before[r.ID]; left && asked && r.Deep && r.Outcome == posture.Failed {
			gone = append(gone, r.ID)
		}
	}
	if len(gone) > 0 {
		better = append(better, "not reported by OpenClaw this time: "+strings.Join(gone, ", "))
	}
	return append(append(worse, reach(prev, cur)...), better...)
}

// result compares one control with itself.
func result(old, now posture.Result) (worse, better []string) {
	if old.Outcome == now.Outcome && now.Outcome != posture.Failed {
		return nil, nil
	}
	switch {
	case now.Outcome == posture.Unknown:
		return []string{"no longer known: " + now.Title}, nil
	case now.Outcome == posture.NotApplicable && old.Outcome != posture.Failed, now.Outcome == posture.Passed && old.Outcome != posture.Failed:
		return nil, nil
	}
	was := map[string]posture.Item{}
	for _, f := range old.Findings {
		was[key(f)] = f
	}
	for _, f := range now.Findings {
		before, ok := was[key(f)]
		delete(was, key(f))
		switch {
		case !ok && old.Outcome == posture.Unknown:
			worse = append(worse, "now known: "+about(now, f))
		case !ok:
			worse = append(worse, "new: "+about(now, f))
		case before.Severity < f.Severity:
			worse = append(worse, fmt.Sprintf("%s, was %s: %s", f.Severity, before.Severity, about(now, f)))
		case before.Accepted != nil && f.Accepted == nil:
			worse = append(worse, "no longer accepted: "+about(now, f))
		}
	}
	for _, f := range old.Findings {
		if _, left := was[key(f)]; left {
			better = append(better, "gone: "+about(old, f))
		}
	}
	return worse, better
}

// key identifies a finding from run to run: its object. Details hold numbers
// that move.
func key(f posture.Item) string { return f.Object }

func about(r posture.Result, f posture.Item) string {
	if f.Object == "" {
		return r.Title
	}
	return r.Title + " (" + f.Object + ")"
}

func ports(prev, cur *posture.Audit) (opened, shut []string) {
	if prev.Ports == nil || cur.Ports == nil {
		return nil, nil
	}
	for _, p := range cur.Ports {
		if !slices.ContainsFunc(prev.Ports, same(p)) {
			opened = append(opened, "new: "+portName(p)+" open")
		}
	}
	for _, p := range prev.Ports {
		if !slices.ContainsFunc(cur.Ports, same(p)) {
			shut = append(shut, "gone: "+portName(p))
		}
	}
	return slices.Compact(opened), slices.Compact(shut)
}

func portName(p posture.Port) string {
	s := fmt.Sprintf("port %d", p.Port)
	if p.Proto != "tcp" {
		s += "/" + p.Proto
	}
	if p.Process != "" {
		s += " (" + p.Process + ")"
	}
	return s
}

func agents(prev, cur *posture.Audit) []string {
	name := func(a posture.OpenClaw) string {
		if a.Container != "" {
			return "container " + a.Container
		}
		return a.StateDir
	}
	var out []string
	for _, now := range cur.Agents {
		i := slices.IndexFunc(prev.Agents, func(a posture.OpenClaw) bool { return name(a) == name(now) })
		switch {
		case i < 0:
			out = append(out, "new: an OpenClaw in "+name(now))
		case prev.Agents[i].Version != now.Version:
			out = append(out, fmt.Sprintf("OpenClaw in %s: was %s, is %s", name(now), orUnknown(prev.Agents[i].Version), orUnknown(now.Version)))
		case prev.Agents[i].User != now.User:
			out = append(out, fmt.Sprintf("OpenClaw in %s: ran as %s, runs as %s", name(now), prev.Agents[i].User, now.User))
		}
	}
	return out
}

func orUnknown(s string) string {
	if s == "" {
		return "of unknown version"
	}
	return s
}

// reach says what the agent can do now that it could not: a line's loosening,
// and names it did not have.
func reach(prev, cur *posture.Audit) []string {
	var out []string
	if len(prev.Blast) == 0 { // there was no agent: that it is new says it all
		return nil
	}
	for _, now := range cur.Blast {
		i := slices.IndexFunc(prev.Blast, func(l posture.Line) bool { return l.Kind == now.Kind && l.Agent == now.Agent })
		if i < 0 {
			out = append(out, "it can now "+now.Reach)
			continue
		}
		old := prev.Blast[i]
		if old.When != now.When {
			out = append(out, fmt.Sprintf("to %s: was %s, is %s", now.Reach, old.When, now.When))
		}
		var more []string
		for _, o := range now.Objects {
			if !slices.Contains(old.Objects, o) {
				more = append(more, o)
			}
		}
		if len(more) > 0 {
			out = append(out, "it can now "+now.Reach+" "+strings.Join(more, ", "))
		}
	}
	return out
}

// count says how many of a thing.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// same matches the same port on any address: 0.0.0.0 and [::] are one opening.
func same(p posture.Port) func(posture.Port) bool {
	return func(q posture.Port) bool { return p.Proto == q.Proto && p.Port == q.Port && p.Process == q.Process }
}
