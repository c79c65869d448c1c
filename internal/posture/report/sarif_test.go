package report

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // ships the standard's schema
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/openseawall/seawall/internal/posture"
)

// officialSchema returns the JSON schema of SARIF 2.1.0 (errata 01) as OASIS
// publishes it and the go-sarif module ships it, in a constant of its source.
func officialSchema(t *testing.T) string {
	t.Helper()
	pkg, err := build.Import("github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.Dir, "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var schema string
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && len(lit.Value) > 10_000 {
			schema, err = strconv.Unquote(lit.Value)
		}
		return true
	})
	if err != nil || !strings.Contains(schema, "sarif-schema-2.1.0.json") {
		t.Fatalf("go-sarif has no schema of SARIF 2.1.0 where it was (%v)", err)
	}
	return schema
}

func sarif(t *testing.T, a *posture.Audit) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := SARIF(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(officialSchema(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSARIFIsValid(t *testing.T) {
	schema := sarifSchema(t)
	accepted := worstAudit(t)
	accepted.Results[0].Findings[0].Accepted = &posture.Acceptance{By: "ada", Why: "behind a tunnel", Until: accepted.Time.Add(90 * 24 * time.Hour)}
	accepted.Results[1].Findings[0].Object = "/srv/a b/ü%zz.yml:12"
	for name, a := range map[string]*posture.Audit{"worst": accepted, "bare": bareAudit(t), "good": goodAudit(t), "empty": {SchemaVersion: 1}} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(sarif(t, a)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := bytes.Replace(sarif(t, accepted), []byte(`"kind": "open"`), []byte(`"kind": "unknown"`), 1)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(broken))
	if err != nil {
		t.Fatal(err)
	}
	if schema.Validate(value) == nil {
		t.Error("the schema accepts a kind that SARIF does not have: it is not checking")
	}
}

func TestSARIFResults(t *testing.T) {
	a := worstAudit(t)
	var log sarifLog
	if err := json.Unmarshal(sarif(t, a), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Tool.Driver.Rules) != len(some) {
		t.Errorf("%d rules for %d controls", len(run.Tool.Driver.Rules), len(some))
	}
	byRule, seen := map[string][]sarifResult{}, map[string]bool{}
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("%s points to the rule %s", r.RuleID, run.Tool.Driver.Rules[r.RuleIndex].ID)
		}
		if seen[r.Fingerprints["seawall/v1"]] {
			t.Errorf("%s: two results with one fingerprint", r.RuleID)
		}
		seen[r.Fingerprints["seawall/v1"]] = true
		byRule[r.RuleID] = append(byRule[r.RuleID], r)
	}
	if r := byRule["docker-socket"]; len(r) != 1 || r[0].Kind != "open" || r[0].Level != "none" {
		t.Errorf("a control that could not judge is %+v", r)
	}
	if r := byRule["state-dir-mode"]; len(r) != 0 {
		t.Errorf("a control that passed has results: %+v", r)
	}
	exec := byRule["gateway-exec-unasked"][0]
	if at := exec.Locations[0].Physical; at == nil || at.Artifact.URI != "file:///root/.openclaw/openclaw.json" || at.Region.StartLine != 1 || exec.Level != "error" {
		t.Errorf("a finding about a line of a file is %+v", exec)
	}
	if at := byRule["ssh-password-login"][0].Locations[0]; at.Physical != nil || at.Logical[0].Name != "22" {
		t.Errorf("a finding about a port is at %+v", at)
	}
}
