package posture

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// testdata/deep.json is what OpenClaw 2026.9.6 printed of a config made bad on
// purpose.
func deepOutput(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/deep.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func find(a *Audit, id string) *Result {
	i := slices.IndexFunc(a.Results, func(r Result) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &a.Results[i]
}

func TestMergeDeep(t *testing.T) {
	controls := []Control{
		{ID: "state-dir-mode", Severity: High, CheckIDs: []string{"fs.*.perms_world_writable", "fs.config.perms_writable"}, Check: func(*Facts) []Finding {
			return []Finding{On("/etc/x", "a"), On("/home/claw/.openclaw", "mode 0777"), On("/home/claw/.openclaw/openclaw.json", "mode 0666")}
		}},
		{ID: "gateway-rate-limit", CheckIDs: []string{"gateway.auth_no_rate_limit"}, Check: func(*Facts) []Finding { return nil }},
	}
	a := Run(t.Context(), facts(), controls)
	if err := MergeDeep(a, deepOutput(t)); err != nil {
		t.Fatal(err)
	}

	own := find(a, "state-dir-mode")
	if len(own.Findings) != 3 || find(a, "fs.state_dir.perms_world_writable") != nil || find(a, "fs.config.perms_writable") != nil {
		t.Errorf("what a control found is repeated: %+v", own)
	}
	for _, f := range own.Findings {
		if f.Object == "/home/claw/.openclaw" && !slices.Contains(f.CheckIDs, "fs.state_dir.perms_world_writable") {
			t.Errorf("the finding about the directory has the checkIds %v", f.CheckIDs)
		}
	}

	also := find(a, "gateway.auth_no_rate_limit")
	if also == nil || !strings.HasPrefix(also.Title, "OpenClaw also says: ") || also.Severity != Medium || also.Advice == "" {
		t.Errorf("where the control passed: %+v", also)
	}
	if r := find(a, "gateway-rate-limit"); r.Outcome != Passed {
		t.Errorf("the control itself is now %s", r.Outcome)
	}

	own2 := find(a, "gateway.control_ui.allowed_origins_wildcard")
	if own2 == nil || own2.Severity != High || own2.Family != Gateway || !own2.Deep {
		t.Errorf("a checkId that no control lists: %+v", own2)
	}
	if r := find(a, "summary.attack_surface"); r == nil || r.Severity != Info {
		t.Errorf("information: %+v", r)
	}
	if a.Counts.High != 7 {
		t.Errorf("the merged findings are not counted: %+v", a.Counts)
	}

	before, _ := json.Marshal(a)
	if err := MergeDeep(a, deepOutput(t)); err != nil {
		t.Fatal(err)
	}
	if after, _ := json.Marshal(a); string(before) != string(after) {
		t.Error("merging the same output twice changes the audit")
	}
}

func TestMergeDeepRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a sentence": "Config invalid", "another shape": `{"ok":true}`, "cut short": string(deepOutput(t)[:400]),
		"too long": strings.Repeat(" ", deepLimit+1),
	} {
		a := Run(t.Context(), facts(), nil)
		if err := MergeDeep(a, []byte(text)); err == nil {
			t.Errorf("%s was merged", name)
		}
		if len(a.Results) != 0 {
			t.Errorf("%s left results", name)
		}
	}
}

func TestMergeDeepUnknownSeverity(t *testing.T) {
	a := Run(t.Context(), facts(), nil)
	if err := MergeDeep(a, []byte(`{"findings":[{"checkId":"x.y","severity":"catastrophic","title":"t","detail":"d"},{"title":"no id"}]}`)); err != nil {
		t.Fatal(err)
	}
	if len(a.Results) != 1 || a.Results[0].Severity != High {
		t.Errorf("%+v", a.Results)
	}
}
