package harden

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
	"github.com/openseawall/seawall/internal/posture/controls"
)

// Port is a line of the table with which a plan opens: something that listens or
// is published, and who reaches it.
type Port struct {
	change.Port
	Address string `json:"address"`
	Program string `json:"program"` // process or container
	Before  string `json:"before"`  // who reaches it now
	After   string `json:"after"`   // and once the plan is applied
}

// inner is who reaches what nobody outside does.
const inner = "this machine"

// MarshalJSON writes the port as "22/tcp".
func (p Port) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"port":%q,"address":%q,"program":%q,"before":%q,"after":%q}`, p.Port, p.Address, p.Program, p.Before, p.After), nil
}

// closed reports whether the plan takes the port from those who reach it.
func (p Port) closed() bool { return p.Before != inner && p.After == inner }

// inUse reports whether something of this machine listens on a port for others.
func inUse(facts *posture.Facts, p change.Port) bool {
	return slices.ContainsFunc(controls.Exposure(facts), func(l controls.Listening) bool {
		return l.Proto == p.Proto && l.Port == p.Port && l.Reach != inner
	})
}

// table compares who reaches what now with who would once the plan is applied.
// The plan's rulesets are loaded into a network namespace of their own, where the
// kernel says what they are.
func table(ctx context.Context, m change.Machine, facts *posture.Facts, p *change.Plan) []Port {
	then, known := after(ctx, m, facts, p)
	later := map[string]string{}
	for _, l := range controls.Exposure(then) {
		later[name(l)] = l.Reach
	}
	lines := []Port{}
	for _, l := range controls.Exposure(facts) {
		line := Port{Port: change.Port{Proto: l.Proto, Port: l.Port}, Address: l.Address.String(), Program: l.Program, Before: l.Reach, After: later[name(l)]}
		if !known {
			line.After = "not known"
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	slices.SortStableFunc(lines, func(a, b Port) int {
		return cmp.Or(cmp.Compare(a.Port.Port, b.Port.Port), cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Address, b.Address))
	})
	return lines
}

func name(l controls.Listening) string {
	return fmt.Sprint(l.Proto, l.Port, l.Address, l.Program)
}

// after are the facts with the ruleset that the plan leaves; known tells whether
// it could be asked.
func after(ctx context.Context, m change.Machine, facts *posture.Facts, p *change.Plan) (*posture.Facts, bool) {
	f := *facts.Facts
	f.Firewall.Value.Chains = slices.Clone(f.Firewall.Value.Chains)
	known := true
	for _, s := range p.Steps {
		if s.Kind != change.KindRuleset {
			continue
		}
		chains, err := chainsOf(ctx, m, s.After.Content)
		if err != nil {
			known = false
			continue
		}
		tables := strings.Split(s.Target, ", ")
		f.Firewall.Status = host.Known
		f.Firewall.Value.Chains = append(slices.DeleteFunc(f.Firewall.Value.Chains, func(c host.Chain) bool {
			return slices.Contains(tables, c.Family+" "+c.Table)
		}), chains...)
	}
	return &posture.Facts{Facts: &f, OpenClaw: facts.OpenClaw, Aim: facts.Aim}, known
}

// chainsOf has the kernel read a ruleset in an empty network namespace.
func chainsOf(ctx context.Context, m change.Machine, text []byte) ([]host.Chain, error) {
	const cut = "\n==\n"
	out, err := m.Run(ctx, text, "unshare", "--net", "--", "sh", "-ec", "nft -f - && nft -j list ruleset && printf '"+`\n==\n`+"' && nft -a list ruleset")
	if err != nil {
		return nil, err
	}
	listing, texts, ok := strings.Cut(string(out), cut)
	if !ok {
		return nil, fmt.Errorf("nft said nothing of the ruleset")
	}
	return host.ParseRuleset([]byte(listing), []byte(texts))
}
