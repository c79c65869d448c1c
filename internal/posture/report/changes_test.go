package report

import (
	"slices"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/posture"
)

func result1(outcome posture.Outcome, objects ...string) posture.Result {
	r := posture.Result{ID: "ssh-password-login", Title: "SSH accepts passwords", Severity: posture.High, Outcome: outcome}
	for _, o := range objects {
		r.Findings = append(r.Findings, posture.Item{Object: o, Severity: posture.High})
	}
	return r
}

func TestChanges(t *testing.T) {
	audit := func(rs ...posture.Result) *posture.Audit { return &posture.Audit{Boundary: "user", Results: rs} }
	line := func(w posture.When, objects ...string) *posture.Audit {
		return &posture.Audit{Blast: []posture.Line{{Kind: "secrets", Reach: "carry away", When: w, Objects: objects}}}
	}
	ports := func(p ...posture.Port) *posture.Audit { return &posture.Audit{Ports: p} }
	node := posture.Port{Proto: "tcp", Address: "0.0.0.0", Port: 3000, Process: "node"}
	node6 := posture.Port{Proto: "tcp", Address: "::", Port: 3000, Process: "node"}
	for _, c := range []struct {
		name      string
		prev, cur *posture.Audit
		want      []string
	}{
		{"same", audit(result1(posture.Failed, "22")), audit(result1(posture.Failed, "22")), nil},
		{"new finding", audit(result1(posture.Passed)), audit(result1(posture.Failed, "22")), []string{"new: SSH accepts passwords (22)"}},
		{"one more object", audit(result1(posture.Failed, "22")), audit(result1(posture.Failed, "22", "2222")), []string{"new: SSH accepts passwords (2222)"}},
		{"cured", audit(result1(posture.Failed, "")), audit(result1(posture.Passed)), []string{"gone: SSH accepts passwords"}},
		{"thing removed", audit(result1(posture.Failed, "22")), audit(result1(posture.NotApplicable)), []string{"gone: SSH accepts passwords (22)"}},
		{"no longer known is not cured", audit(result1(posture.Failed, "22")), audit(result1(posture.Unknown)), []string{"no longer known: SSH accepts passwords"}},
		{"now known", audit(result1(posture.Unknown)), audit(result1(posture.Failed, "22")), []string{"now known: SSH accepts passwords (22)"}},
		{"known and well", audit(result1(posture.Unknown)), audit(result1(posture.Passed)), nil},
		{"a check of a newer version", audit(), audit(result1(posture.Failed, "22", "23")), []string{"2 findings from checks the last run did not make"}},
		{"a check of an older version", audit(result1(posture.Failed, "22")), audit(), nil},
		{"boundary", &posture.Audit{Boundary: "user"}, &posture.Audit{Boundary: "none"}, []string{"boundary: was user, is none"}},
		{"port opened", &posture.Audit{Ports: []posture.Port{}}, ports(node), []string{"new: port 3000 (node) open"}},
		{"ports were not read", &posture.Audit{}, ports(node), nil},
		{"port opened beside another", ports(node), ports(node, posture.Port{Proto: "udp", Port: 53}), []string{"new: port 53/udp open"}},
		{"port on both families", ports(posture.Port{Proto: "tcp", Port: 22}), ports(posture.Port{Proto: "tcp", Port: 22}, node, node6), []string{"new: port 3000 (node) open"}},
		{"port shut", ports(node), &posture.Audit{Ports: []posture.Port{}}, []string{"gone: port 3000 (node)"}},
		{"reach", line(posture.Asks, "A"), line(posture.Freely, "A", "B"), []string{"to carry away: was asks, is freely", "it can now carry away B"}},
		{"update", &posture.Audit{Agents: []posture.OpenClaw{{StateDir: "/s", Version: "1"}}}, &posture.Audit{Agents: []posture.OpenClaw{{StateDir: "/s", Version: "2"}}}, []string{"OpenClaw in /s: was 1, is 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Changes(c.prev, c.cur); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCompareOnlyWithItself(t *testing.T) {
	a := worstAudit(t)
	other := worstAudit(t)
	other.Host.Name, other.Time = "elsewhere", other.Time.Add(-time.Hour)
	a.Since, a.Changes = nil, nil
	Compare(other, a)
	Compare(nil, a)
	if a.Since != nil || a.Changes != nil {
		t.Error("an audit was compared with another machine's")
	}
}
