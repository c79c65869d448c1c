package posture

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// deepLimit bounds what is read of `openclaw security audit`: ten times what
// the longest real one printed.
const deepLimit = 4 << 20

// deepReport is what `openclaw security audit --json` prints
// (docs/gateway/security/audit-checks.md of OpenClaw).
type deepReport struct {
	Findings *[]deepFinding `json:"findings"`
	Error    struct {
		Message string `json:"message"`
	} `json:"error"` // when it refused to run
}

type deepFinding struct {
	CheckID     string `json:"checkId"`
	Severity    string `json:"severity"`
	Title       string `json:"title"`
	Detail      string `json:"detail"`
	Remediation string `json:"remediation"`
}

// deepSeverity maps OpenClaw's three severities. Its critical becomes high:
// OpenClaw says critical of single settings, Seawall keeps the word for a
// machine or a boundary that is already lost. A severity it does not know is
// read as high.
var deepSeverity = map[string]Severity{"critical": High, "warn": Medium, "info": Info}

// MergeDeep adds what OpenClaw's own audit found (its --json output) to an
// audit, nothing twice:
//
//   - a control of Seawall's that lists the checkId and has findings keeps
//     them; the one about the same object, else the first, names the checkId;
//   - where that control passed or could not judge, OpenClaw's finding becomes
//     a result of its own, titled "OpenClaw also says: …";
//   - a checkId that no control lists becomes a result under its own name.
//
// Merging the same output again changes nothing.
func MergeDeep(a *Audit, out []byte) error {
	if len(out) > deepLimit {
		return fmt.Errorf("reading the output of openclaw security audit: it is longer than %d MiB", deepLimit>>20)
	}
	var report deepReport
	if err := json.Unmarshal(out, &report); err != nil {
		return fmt.Errorf("reading the output of openclaw security audit: %w; run `openclaw security audit --json` to see it", err)
	}
	if report.Findings == nil && report.Error.Message != "" {
		return fmt.Errorf("openclaw security audit did not run: %.300s", oneLine(report.Error.Message))
	}
	if report.Findings == nil {
		return fmt.Errorf("reading the output of openclaw security audit: it has no findings list; this version of OpenClaw may print something else")
	}
	for _, f := range *report.Findings {
		if f.CheckID != "" {
			a.mergeDeep(f)
		}
	}
	a.Sort()
	a.Tally()
	return nil
}

func (a *Audit) mergeDeep(f deepFinding) {
	title := f.Title
	var first *Result // that speaks of the same, though perhaps of another setting
	for i := range a.Results {
		r := &a.Results[i]
		switch {
		case r.Deep || !r.covers(f.CheckID):
		case r.Outcome != Failed:
			title = "OpenClaw also says: " + f.Title
		case r.same(f) >= 0:
			r.confirm(f, r.same(f))
			return
		case first == nil:
			first = r
		}
	}
	if first != nil {
		first.confirm(f, 0)
		return
	}
	a.addDeep(f, title)
}

// covers reports whether a control lists a checkId; "channels.*.warning.*"
// covers what OpenClaw numbers.
func (r Result) covers(checkID string) bool {
	return slices.ContainsFunc(r.CheckIDs, func(p string) bool {
		hit, err := path.Match(p, checkID)
		return err == nil && hit
	})
}

// same returns the first of a result's findings that is about the same object or
// names the same setting, or -1.
func (r *Result) same(f deepFinding) int {
	settings := setting.FindAllString(f.Detail, -1)
	return slices.IndexFunc(r.Findings, func(item Item) bool {
		return item.Object != "" && strings.Contains(f.Detail, item.Object) ||
			slices.ContainsFunc(settings, func(s string) bool { return strings.Contains(item.Detail, s) })
	})
}

// setting is a path into OpenClaw's config, as its audit writes it.
var setting = regexp.MustCompile(`\b[a-z][A-Za-z0-9]*(\.[A-Za-z0-9_*-]+){2,}`)

// confirm attaches a checkId to the finding that says the same.
func (r *Result) confirm(f deepFinding, at int) {
	if item := &r.Findings[at]; !slices.Contains(item.CheckIDs, f.CheckID) {
		item.CheckIDs = append(item.CheckIDs, f.CheckID)
	}
}

func (a *Audit) addDeep(f deepFinding, title string) {
	severity, known := deepSeverity[f.Severity]
	if !known {
		severity = High
	}
	item := Item{Detail: oneLine(f.Detail), Severity: severity, CheckIDs: []string{f.CheckID}}
	i := slices.IndexFunc(a.Results, func(r Result) bool { return r.Deep && r.ID == f.CheckID })
	if i < 0 {
		a.Results = append(a.Results, Result{
			ID: f.CheckID, Title: title, Family: Gateway, Severity: severity, Outcome: Failed, Findings: []Item{item},
			Advice: oneLine(f.Remediation), Source: "openclaw security audit", CheckIDs: []string{f.CheckID}, Deep: true,
		})
		return
	}
	r := &a.Results[i]
	if !slices.ContainsFunc(r.Findings, func(x Item) bool { return x.Detail == item.Detail }) {
		r.Findings = append(r.Findings, item)
		r.Severity = max(r.Severity, severity)
	}
}

// oneLine joins OpenClaw's lines, some of which are lists.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
