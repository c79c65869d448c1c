package posture

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
)

// Run judges facts with every control. It reads nothing from the machine and
// never fails: what could not be judged is a result that says so. Blast,
// Verdict and Changes are left for packages probe and report to fill.
func Run(ctx context.Context, facts *Facts, controls []Control) *Audit {
	a := &Audit{
		SchemaVersion: SchemaVersion,
		Blast:         []Line{},
		Results:       make([]Result, 0, len(controls)),
		Changes:       []string{},
		Agents:        []OpenClaw{},
	}
	if facts.Facts != nil {
		a.Time = facts.Self.Time
		a.Host = machine(facts)
		a.Agents = agents(facts)
		a.Ports = ports(facts)
	}
	a.Boundary, _ = Boundary(facts)
	for _, c := range controls {
		if err := ctx.Err(); err != nil {
			a.Results = append(a.Results, c.unknown("the audit was stopped before this was judged"))
			continue
		}
		a.Results = append(a.Results, judge(c, facts))
	}
	a.Sort()
	a.Tally()
	return a
}

// Sort puts results in their order: severity, worst first, then id; findings
// within one by severity, then object and detail.
func (a *Audit) Sort() {
	for i := range a.Results {
		slices.SortStableFunc(a.Results[i].Findings, func(x, y Item) int {
			return cmp.Or(cmp.Compare(y.Severity, x.Severity), cmp.Compare(x.Object, y.Object), cmp.Compare(x.Detail, y.Detail))
		})
	}
	slices.SortStableFunc(a.Results, func(x, y Result) int {
		return cmp.Or(cmp.Compare(y.Severity, x.Severity), cmp.Compare(x.ID, y.ID))
	})
}

// judge asks one control. A control that panics is a fault of Seawall, not a
// verdict on the machine: the result is unknown and says where.
func judge(c Control, facts *Facts) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = c.unknown(fmt.Sprintf("this check failed inside Seawall (%v); please report it", p))
		}
	}()
	r = c.result()
	// Absent comes first: what is certainly not here stays so, whatever else is unknown.
	if absent := c.reasons(facts, host.Absent); len(absent) > 0 {
		r.Outcome, r.Reasons = NotApplicable, absent
		return r
	}
	if unknown := c.reasons(facts, host.Unknown); len(unknown) > 0 {
		return c.unknown(unknown...)
	}
	findings := c.Check(facts)
	if len(findings) == 0 {
		r.Outcome = Passed
		return r
	}
	r.Outcome, r.Severity = Failed, Info
	for _, f := range findings {
		item := Item{Object: f.Object, Detail: f.Detail, Advice: f.Advice, Severity: c.Severity}
		if f.Severity != nil {
			item.Severity = *f.Severity
		}
		r.Severity = max(r.Severity, item.Severity)
		r.Findings = append(r.Findings, item)
	}
	return r
}

// reasons returns, for each need that is in a state, its name and why.
func (c Control) reasons(facts *Facts, state host.Status) []string {
	var out []string
	for _, n := range c.Needs {
		got, why := n.Of(facts)
		if got != state {
			continue
		}
		if why == "" {
			why = "not read"
		}
		out = append(out, n.Name+": "+why)
	}
	return out
}

func (c Control) result() Result {
	return Result{
		ID: c.ID, Title: c.Title, Family: c.Family, Severity: c.Severity,
		Why: c.Why, Advice: c.Advice, Source: c.Source, CheckIDs: c.CheckIDs,
	}
}

func (c Control) unknown(reasons ...string) Result {
	r := c.result()
	r.Outcome, r.Reasons = Unknown, reasons
	return r
}

func machine(f *Facts) Machine {
	m := Machine{UID: f.Self.UID}
	if f.OS.Ok() {
		m.Name, m.OS, m.Kernel = f.OS.Value.Hostname, f.OS.Value.Name, f.OS.Value.Kernel
	}
	return m
}

func agents(f *Facts) []OpenClaw {
	out := []OpenClaw{}
	for _, in := range f.OpenClaw.Value {
		out = append(out, OpenClaw{
			Version: in.Version, StateDir: in.StateDir, Container: in.Container,
			User: runsAs(f, in), Running: in.Process != nil || in.Container != "",
		})
	}
	return out
}

// runsAs names the account of an OpenClaw: of its process, or of its state.
func runsAs(f *Facts, in openclaw.Install) string {
	if in.Process == nil {
		return in.Owner
	}
	if u, ok := account(f, in.Process.UID); ok {
		return u.Name
	}
	return fmt.Sprintf("uid %d", in.Process.UID)
}

// account finds a user by number.
func account(f *Facts, uid uint32) (host.User, bool) {
	for _, u := range f.Users.Value {
		if u.UID == uid {
			return u, true
		}
	}
	return host.User{}, false
}

func ports(f *Facts) []Port {
	if !f.Sockets.Ok() {
		return nil
	}
	out := []Port{}
	for _, s := range f.Sockets.Value {
		if s.Public() {
			out = append(out, Port{Proto: s.Proto, Address: s.Addr.Addr().String(), Port: s.Addr.Port(), Process: s.Process})
		}
	}
	slices.SortFunc(out, func(x, y Port) int {
		return cmp.Or(cmp.Compare(x.Port, y.Port), cmp.Compare(x.Proto, y.Proto), cmp.Compare(x.Address, y.Address))
	})
	return slices.Compact(out)
}
