package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/posture"
)

//go:embed report.html
var htmlText string

// htmlFixes is how many fixes stand at the top of the page; every other stands
// beside its finding.
const htmlFixes = 10

var htmlTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"clean":  clean,
	"counts": counts,
	"join":   func(list []string) string { return clean(strings.Join(list, ", ")) },
	"when":   func(t time.Time) string { return t.UTC().Format("2 January 2006 15:04 MST") },
	"day":    func(t time.Time) string { return t.Format("2 January 2006") },
	"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).Parse(htmlText))

// htmlPage is what the page is made of.
type htmlPage struct {
	*posture.Audit
	Agent    string
	Fixes    []htmlFix
	Families []htmlFamily
}

type htmlFix struct {
	Severity          posture.Severity
	Title, Advice, ID string
}

// htmlFamily is the results of one family by their outcome.
type htmlFamily struct {
	Name            posture.Family
	Failed, Unknown []posture.Result
	Passed, Absent  []string // ids
}

// HTML writes the audit as one page that fetches nothing: no script, no picture,
// no font. It is readable in the dark, on paper, by keyboard and by ear.
func HTML(w io.Writer, a *posture.Audit) error {
	p := htmlPage{Audit: a, Agent: agentName(a.Agents)}
	fixes := ranked(a)
	for _, f := range fixes[:min(htmlFixes, len(fixes))] {
		p.Fixes = append(p.Fixes, htmlFix{f.severity, f.title, f.advice, f.id})
	}
	for _, name := range (&page{a: a}).families() {
		if f := htmlFamilyOf(a, name); len(f.Failed)+len(f.Unknown)+len(f.Passed)+len(f.Absent) > 0 {
			p.Families = append(p.Families, f)
		}
	}
	if err := htmlTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("writing the audit as HTML: %w", err)
	}
	return nil
}

func htmlFamilyOf(a *posture.Audit, name posture.Family) htmlFamily {
	f := htmlFamily{Name: name}
	for _, r := range a.Results {
		switch {
		case r.Family != name:
		case r.Outcome == posture.Failed:
			f.Failed = append(f.Failed, r)
		case r.Outcome == posture.Unknown:
			f.Unknown = append(f.Unknown, r)
		case r.Outcome == posture.Passed:
			f.Passed = append(f.Passed, r.ID)
		default:
			f.Absent = append(f.Absent, r.ID)
		}
	}
	return f
}
