//go:build lab

package controls

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	lab "github.com/openseawall/seawall/lab/openclaw"
)

// notRead are the checks of `openclaw security audit` that no control repeats:
// --deep brings them in under their own ids.
var notRead = map[string]string{
	"browser.control_invalid_config":                 "openclaw config validate says it",
	"channels.*.account.read_only_resolution":        "about the audit command, not the machine",
	"channels.*.warning.*":                           "free text of a channel's plugin",
	"gateway.probe_auth_secretref_unavailable":       "about the audit command, not the machine",
	"gateway.probe_failed":                           "about the audit command, not the machine",
	"hooks.installs_missing_integrity":               "install records are in SQLite",
	"hooks.installs_unpinned_npm_specs":              "install records are in SQLite",
	"hooks.installs_version_drift":                   "install records are in SQLite",
	"plugins.*.security_audit_failed":                "about the audit command, not the machine",
	"plugins.code_safety":                            "the code of plugins is the skill scanner's work",
	"plugins.code_safety.entry_escape":               "the code of plugins is the skill scanner's work",
	"plugins.code_safety.entry_path":                 "the code of plugins is the skill scanner's work",
	"plugins.code_safety.manifest_parse_error":       "the code of plugins is the skill scanner's work",
	"plugins.code_safety.scan_failed":                "the code of plugins is the skill scanner's work",
	"plugins.installs_missing_integrity":             "install records are in SQLite",
	"plugins.installs_unpinned_npm_specs":            "install records are in SQLite",
	"plugins.installs_version_drift":                 "install records are in SQLite",
	"sandbox.browser_container.docker_probe_timeout": "about the audit command, not the machine",
	"sandbox.browser_container.hash_epoch_stale":     "a stale container, no weakness",
	"sandbox.browser_container.hash_label_missing":   "a stale container, no weakness",
	"skills.workspace.scan_truncated":                "about the audit command; state-unreadable says it of Seawall's own walk",
	"summary.attack_surface":                         "a summary",
	"tools.exec.agent_skill_mcp_boundary_drift":      "needs the skill allowlists of every agent",
	"tools.exec.auto_allow_skills_enabled":           "host approvals are in SQLite",
}

var checkRow = regexp.MustCompile("(?m)^\\| `([a-zA-Z_.<>]+)` +\\|")

// TestCheckIDs holds CheckIDs against the catalogue of the installed
// OpenClaw: none is invented, and each of theirs is ours or has a reason.
func TestCheckIDs(t *testing.T) {
	dir := lab.Dir(t)
	text, err := os.ReadFile(filepath.Join(dir, "node_modules/openclaw/docs/gateway/security/audit-checks.md"))
	if err != nil {
		t.Fatal(err)
	}
	var theirs []string
	for _, m := range checkRow.FindAllStringSubmatch(string(text), -1) {
		if id := regexp.MustCompile(`<[a-zA-Z]+>`).ReplaceAllString(m[1], "*"); id != "checkId" {
			theirs = append(theirs, id)
		}
	}
	if len(theirs) < 100 {
		t.Fatalf("only %d checks were found", len(theirs))
	}
	var ours []string
	for _, c := range All {
		for _, id := range c.CheckIDs {
			ours = append(ours, id)
			if !slices.Contains(theirs, id) {
				t.Errorf("%s names the check %s, which OpenClaw has not got", c.ID, id)
			}
			if _, err := path.Match(id, ""); err != nil {
				t.Errorf("%s: %s: %v", c.ID, id, err)
			}
		}
	}
	for _, id := range theirs {
		_, reason := notRead[id]
		if covered := slices.Contains(ours, id); covered == reason {
			t.Errorf("%s: a control covers it: %v; a reason why none does: %v", id, covered, reason)
		}
	}
	t.Logf("%d of OpenClaw's %d checks are named by a control", len(theirs)-len(notRead), len(theirs))
}
