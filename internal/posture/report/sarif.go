package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/openseawall/seawall/internal/posture"
)

// SARIF writes the audit as a SARIF 2.1.0 log (OASIS sarif-v2.1.0): one rule a
// control, one result a finding. A control that could not be judged is a
// result of kind "open", one that passed is none. Each result has a fingerprint
// that stays as long as its object does, and the list of its suppressions,
// which is empty unless somebody accepted it.
func SARIF(w io.Writer, a *posture.Audit) error {
	run := sarifRun{
		Tool:       sarifTool{Driver: sarifDriver{Name: "Seawall", Version: a.Seawall, InformationURI: "https://github.com/openseawall/seawall", Rules: []sarifRule{}}},
		Results:    []sarifResult{},
		ColumnKind: "utf16CodeUnits",
		Invocations: []sarifInvocation{{
			ExecutionSuccessful: true, StartTime: a.Time.UTC().Format("2006-01-02T15:04:05Z"), Machine: a.Host.Name,
		}},
		Properties: map[string]any{"boundary": a.Boundary, "verdict": a.Verdict},
	}
	for i, r := range a.Results {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule(r))
		run.Results = append(run.Results, results(i, r)...)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	log := sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	}
	if err := enc.Encode(log); err != nil {
		return fmt.Errorf("writing the audit as SARIF: %w", err)
	}
	return nil
}

// levels are SARIF's (section 3.27.10) for each severity.
var levels = [...]string{posture.Info: "note", posture.Low: "note", posture.Medium: "warning", posture.High: "error", posture.Critical: "error"}

// scores are what code-scanning services read as security-severity, 0 to 10.
var scores = [...]string{posture.Info: "0.0", posture.Low: "3.0", posture.Medium: "5.5", posture.High: "8.0", posture.Critical: "9.5"}

func rule(r posture.Result) sarifRule {
	out := sarifRule{
		ID:               r.ID,
		ShortDescription: sarifText{clean(r.Title)},
		DefaultConfig:    sarifConfig{Level: levels[r.Severity]},
		Properties:       map[string]any{"tags": []string{"security", string(r.Family)}, "security-severity": scores[r.Severity]},
	}
	if r.Why != "" {
		out.FullDescription = &sarifText{clean(r.Why)}
	}
	if r.Advice != "" {
		out.Help = &sarifText{clean(r.Advice)}
	}
	if r.Source != "" {
		out.Properties["source"] = r.Source
	}
	return out
}

func results(index int, r posture.Result) []sarifResult {
	if r.Outcome == posture.Unknown {
		return []sarifResult{{
			RuleID: r.ID, RuleIndex: index, Kind: "open", Level: "none", Suppressions: []sarifSuppression{},
			Message:      sarifText{clean(r.Title + ": not known. " + strings.Join(r.Reasons, "; "))},
			Locations:    location(""),
			Fingerprints: fingerprint(r.ID, ""),
		}}
	}
	var out []sarifResult
	for _, f := range r.Findings {
		text := clean(f.Detail)
		if text == "" {
			text = clean(r.Title)
		}
		out = append(out, sarifResult{
			RuleID: r.ID, RuleIndex: index, Kind: "fail", Level: levels[f.Severity], Suppressions: suppressions(f),
			Message: sarifText{text}, Locations: location(f.Object), Fingerprints: fingerprint(r.ID, f.Object),
			Properties: resultProperties(f),
		})
	}
	return out
}

func resultProperties(f posture.Item) map[string]any {
	p := map[string]any{"severity": f.Severity.String()}
	if len(f.CheckIDs) > 0 {
		p["openclawCheckIds"] = f.CheckIDs
	}
	return p
}

// fileLine is a path with a line behind it: "/srv/compose.yml:12".
var fileLine = regexp.MustCompile(`^(/.*):(\d{1,7})$`)

// location is a file where the object is one, else a named thing of the machine.
func location(object string) []sarifLocation {
	object = clean(object)
	if !strings.HasPrefix(object, "/") {
		name := object
		if name == "" {
			name = "machine"
		}
		return []sarifLocation{{Logical: []sarifLogical{{Name: name, Kind: "resource"}}}}
	}
	file := object
	var region *sarifRegion
	if m := fileLine.FindStringSubmatch(object); m != nil {
		if line, err := strconv.Atoi(m[2]); err == nil && line > 0 {
			file, region = m[1], &sarifRegion{StartLine: line}
		}
	}
	uri := (&url.URL{Scheme: "file", Path: file}).String()
	return []sarifLocation{{Physical: &sarifPhysical{Artifact: sarifArtifact{URI: uri}, Region: region}}}
}

// fingerprint identifies a finding across runs by its control and object.
func fingerprint(id, object string) map[string]string {
	sum := sha256.Sum256([]byte(id + "\x00" + object))
	return map[string]string{"seawall/v1": hex.EncodeToString(sum[:16])}
}

func suppressions(f posture.Item) []sarifSuppression {
	out := []sarifSuppression{}
	if f.Accepted != nil {
		out = append(out, sarifSuppression{
			Kind: "external", Status: "accepted",
			Justification: clean(fmt.Sprintf("%s (%s, until %s)", f.Accepted.Why, f.Accepted.By, f.Accepted.Until.Format("2006-01-02"))),
		})
	}
	return out
}
