package report

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/openseawall/seawall/internal/posture"
)

// families in the order of the report: from what strangers reach to what is kept.
var families = []posture.Family{
	posture.Gateway, posture.SSH, posture.Firewall, posture.Docker, posture.Compose,
	posture.Secrets, posture.Skills, posture.Integrations, posture.Tunnels, posture.State, posture.System, posture.Updates,
}

// everything writes all results, family by family.
func (p *page) everything() {
	p.head()
	if len(p.a.Blast) > 0 {
		p.stacked(p.a.Blast)
		p.gap()
	}
	for _, f := range p.families() {
		p.family(f)
	}
	p.changes(len(p.a.Changes))
	p.para(" ", counts(p.a.Counts), p.ink.strong)
}

// families are the known ones in their order, then any other.
func (p *page) families() []posture.Family {
	out := slices.Clone(families)
	for _, r := range p.a.Results {
		if !slices.Contains(out, r.Family) {
			out = append(out, r.Family)
		}
	}
	return out
}

func (p *page) family(f posture.Family) {
	var passed, absent []string
	var unknown []posture.Result
	titled := false
	for _, r := range p.a.Results {
		if r.Family != f {
			continue
		}
		if !titled {
			p.row(" " + p.ink.title.Render(strings.ToUpper(string(f))))
			titled = true
		}
		switch r.Outcome {
		case posture.Failed:
			p.failed(r)
		case posture.Unknown:
			unknown = append(unknown, r)
		case posture.Passed:
			passed = append(passed, r.ID)
		case posture.NotApplicable:
			absent = append(absent, r.ID)
		}
	}
	if !titled {
		return
	}
	p.unknown(unknown)
	if len(passed) > 0 {
		p.para(" "+p.ink.good.Render("✓ passed")+"  ", strings.Join(passed, ", "), p.ink.faint)
	}
	if len(absent) > 0 {
		p.para(" – not here  ", strings.Join(absent, ", "), p.ink.faint)
	}
	p.gap()
}

func (p *page) failed(r posture.Result) {
	mark := "✗ "
	if r.Severity == posture.Info {
		mark = "· "
	}
	p.para(" "+p.ink.severity[r.Severity].Render(mark+r.Severity.String())+"  ", r.Title, p.ink.strong)
	p.row("   " + p.ink.faint.Render(clean(r.ID)))
	for _, f := range r.Findings {
		p.finding(r, f)
	}
	p.detail("why", r.Why)
	p.detail("fix", r.Advice)
	p.detail("source", r.Source)
}

func (p *page) finding(r posture.Result, f posture.Item) {
	text := f.Detail
	if f.Object != "" && !strings.Contains(f.Detail, f.Object) {
		text = f.Object + ": " + text
	}
	if f.Severity != r.Severity {
		text = f.Severity.String() + ": " + text
	}
	if f.Advice != "" && f.Advice != r.Advice {
		text += " → " + f.Advice
	}
	if len(f.CheckIDs) > 0 && !r.Deep {
		text += " (OpenClaw's audit says so too: " + strings.Join(f.CheckIDs, ", ") + ")"
	}
	if x := f.Accepted; x != nil {
		text += fmt.Sprintf(" (accepted by %s until %s: %s)", x.By, x.Until.Format("2 Jan 2006"), x.Why)
	}
	p.para("   • ", text, lipgloss.NewStyle())
}

func (p *page) detail(name, text string) {
	if text != "" {
		p.para(fmt.Sprintf("     %-7s", name), text, p.ink.faint)
	}
}

// unknown writes what could not be judged: what is missing, and below it all
// that it leaves open.
func (p *page) unknown(list []posture.Result) {
	for len(list) > 0 {
		why := list[0].Reasons
		var open []string
		list = slices.DeleteFunc(list, func(r posture.Result) bool {
			same := slices.Equal(r.Reasons, why)
			if same {
				open = append(open, r.ID)
			}
			return same
		})
		p.para(" ? not known  ", strings.Join(why, "; "), p.ink.strong)
		p.para("   • ", strings.Join(open, ", "), lipgloss.NewStyle())
	}
}
