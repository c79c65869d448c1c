//go:build lab && proof

package debian

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/controls"
)

// seen is what three auditors say of the machine at one time.
type seen struct {
	seawall  *posture.Audit
	openclaw []claws
	lynis    string
}

func (v *vps) see(t *testing.T) seen {
	t.Helper()
	return seen{v.audit(t), v.openclawAudit(t), v.lynis(t)}
}

// known are the controls for a check of OpenClaw's.
func known(check string) (ids []string) {
	for _, c := range controls.All {
		if slices.Contains(c.CheckIDs, check) {
			ids = append(ids, "`"+c.ID+"`")
		}
	}
	return ids
}

// ofTheAudit are checks of OpenClaw's that say nothing of the machine.
var ofTheAudit = map[string]string{"gateway.probe_failed": "about the audit command, which has no token of the gateway's"}

// says is the severity that OpenClaw's audit gives a check, or "".
func (s seen) says(check string) string {
	for _, f := range s.openclaw {
		if f.CheckID == check {
			return f.Severity
		}
	}
	return ""
}

func (s seen) count(severity string) (n int) {
	for _, f := range s.openclaw {
		if f.Severity == severity {
			n++
		}
	}
	return n
}

// explained wants no critical of OpenClaw's, and no warning that no control names.
func (s seen) explained(t *testing.T) {
	t.Helper()
	for _, f := range s.openclaw {
		if f.Severity == "critical" || f.Severity == "warn" && len(known(f.CheckID)) == 0 && ofTheAudit[f.CheckID] == "" {
			t.Errorf("OpenClaw's audit of the hardened machine: %s %s: %s", f.Severity, f.CheckID, f.Title)
		}
	}
}

// table is what docs/harden-proof.md holds.
func table(before, after seen, steps string, took time.Duration) string {
	var b strings.Builder
	b.WriteString("# What harden leaves, measured\n\nWritten by `make harden-proof`: a Debian 12 that systemd booted in a container, with sshd, Docker that publishes a container, and\na real OpenClaw with a user of its own, Telegram and A2A. Packages come from a local folder. [harden.md](harden.md) says what was done.\n\n")
	fmt.Fprintf(&b, "Applied: %s, in %d s.\n\n", steps, int(took.Seconds()))
	b.WriteString("| | before | after |\n| --- | --- | --- |\n")
	was, is := before.seawall.Counts, after.seawall.Counts
	for _, row := range []struct {
		name    string
		was, is any
	}{
		{"Seawall: critical", was.Critical, is.Critical}, {"Seawall: high", was.High, is.High}, {"Seawall: medium", was.Medium, is.Medium},
		{"OpenClaw's own audit, deep: critical", before.count("critical"), after.count("critical")},
		{"OpenClaw's own audit, deep: warnings", before.count("warn"), after.count("warn")},
		{"Lynis' hardening index", before.lynis, after.lynis},
	} {
		fmt.Fprintf(&b, "| %s | %v | %v |\n", row.name, row.was, row.is)
	}
	b.WriteString("\n## What OpenClaw's audit says, and the control that says it here\n\n| check | before | after | control |\n| --- | --- | --- | --- |\n")
	var checks []string
	for _, f := range slices.Concat(before.openclaw, after.openclaw) {
		if f.Severity != "info" && !slices.Contains(checks, f.CheckID) {
			checks = append(checks, f.CheckID)
		}
	}
	slices.Sort(checks)
	for _, check := range checks {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", check, before.says(check), after.says(check), cmp.Or(strings.Join(known(check), ", "), ofTheAudit[check]))
	}
	b.WriteString("\n## At medium or above, afterwards\n\n| control | |\n| --- | --- |\n")
	for _, r := range after.seawall.Results {
		if r.Outcome == posture.Failed && r.Severity >= posture.Medium {
			why := "only a person knows what is right"
			if slices.Contains(ofTheHost, r.ID) {
				why = "the kernel is the host's: a container may not set it"
			}
			fmt.Fprintf(&b, "| `%s` (%s) | %s |\n", r.ID, r.Severity, why)
		}
	}
	return b.String()
}

// publish writes the table to the file that the environment names.
func publish(t *testing.T, text string) {
	t.Helper()
	t.Log(text)
	if file := os.Getenv("SEAWALL_PROOF_TABLE"); file != "" {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
}
