package posture

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/host"
)

func facts() *Facts { return &Facts{Facts: &host.Facts{}} }

// need returns a need in a fixed state.
func need(status host.Status, reason string) Need {
	return Need{"a fact", func(*Facts) (host.Status, string) { return status, reason }}
}

func TestOutcomes(t *testing.T) {
	finds := func(*Facts) []Finding { return Found("bad") }
	for _, c := range []struct {
		name    string
		control Control
		want    Outcome
		reasons []string
	}{
		{"well", Control{Check: func(*Facts) []Finding { return nil }}, Passed, nil},
		{"bad", Control{Check: finds}, Failed, nil},
		{"unknown is not asked", Control{Needs: []Need{need(host.Known, ""), need(host.Unknown, "needs root")}, Check: finds}, Unknown, []string{"a fact: needs root"}},
		{"unknown is never a pass", Control{Needs: []Need{need(host.Unknown, "")}, Check: func(*Facts) []Finding { return nil }}, Unknown, []string{"a fact: not read"}},
		{"every unknown is named", Control{Needs: []Need{need(host.Unknown, "a"), need(host.Unknown, "b")}}, Unknown, []string{"a fact: a", "a fact: b"}},
		{"absent", Control{Needs: []Need{need(host.Absent, "no sshd"), need(host.Unknown, "needs root")}, Check: finds}, NotApplicable, []string{"a fact: no sshd"}},
		{"a check that panics", Control{Check: func(*Facts) []Finding { panic("x") }}, Unknown, []string{"this check failed inside Seawall (x); please report it"}},
		{"a check that is not there", Control{}, Unknown, nil},
		{"a need that panics", Control{Needs: []Need{{Name: "a"}}, Check: finds}, Unknown, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Run(t.Context(), facts(), []Control{c.control}).Results[0]
			if got.Outcome != c.want || c.reasons != nil && !slices.Equal(got.Reasons, c.reasons) {
				t.Errorf("got %s %q, want %s %q", got.Outcome, got.Reasons, c.want, c.reasons)
			}
			if got.Outcome == Unknown && len(got.Reasons) == 0 {
				t.Error("unknown without a reason")
			}
		})
	}
}

func TestFactsThatNobodyReadNeverPass(t *testing.T) {
	for _, f := range []*Facts{facts(), {}} {
		for _, n := range []Need{OS, Users, SSHD, Ruleset, Daemon, Agent} {
			c := Control{ID: "x", Needs: []Need{n}, Check: func(*Facts) []Finding { return nil }}
			if got := Run(t.Context(), f, []Control{c}).Results[0].Outcome; got != Unknown {
				t.Errorf("need %s of nothing: %s", n.Name, got)
			}
		}
	}
}

func TestStoppedRunIsUnknown(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := Run(ctx, facts(), []Control{{ID: "x", Check: func(*Facts) []Finding { return nil }}})
	if a.Results[0].Outcome != Unknown || a.Counts.Unknown != 1 {
		t.Errorf("a stopped run says %+v", a.Results[0])
	}
}

func TestOrderAndCounts(t *testing.T) {
	of := func(id string, s Severity, found ...Finding) Control {
		return Control{ID: id, Severity: s, Check: func(*Facts) []Finding { return found }}
	}
	controls := []Control{
		of("d", Low, On("2", "x"), On("1", "x"), On("3", "x").At(Critical)),
		of("c", High, On("", "x")), of("b", High, On("", "x").At(Medium)), of("a", High, On("", "x")), of("e", Info),
	}
	want := ""
	for range 3 {
		a := Run(t.Context(), facts(), controls)
		var got []string
		for _, r := range a.Results {
			got = append(got, r.ID+":"+r.Severity.String())
			for _, f := range r.Findings {
				got = append(got, f.Object)
			}
		}
		if s := strings.Join(got, " "); want == "" {
			want = s
		} else if s != want {
			t.Fatalf("order differs: %s, then %s", want, s)
		}
		if a.Counts != (Counts{Critical: 1, High: 2, Medium: 1, Low: 2, Passed: 1}) {
			t.Errorf("counts: %+v", a.Counts)
		}
		if a.AtLeast(High) != 3 || a.AtLeast(Info) != 6 {
			t.Errorf("at least high: %d, at least info: %d", a.AtLeast(High), a.AtLeast(Info))
		}
		slices.Reverse(controls)
	}
	if want != "d:critical 3 1 2 a:high  c:high  b:medium  e:info" {
		t.Errorf("order: %s", want)
	}
}

func TestAcceptedIsNotOpen(t *testing.T) {
	a := Run(t.Context(), facts(), []Control{{ID: "a", Severity: High, Check: func(*Facts) []Finding { return Found("x") }}})
	a.Results[0].Findings[0].Accepted = &Acceptance{By: "ada"}
	a.Tally()
	if a.AtLeast(Info) != 0 || a.Counts != (Counts{Accepted: 1}) {
		t.Errorf("%+v", a.Counts)
	}
}

func TestDecodeRefusesAnotherSchema(t *testing.T) {
	for _, text := range []string{`{`, `{}`, `{"schemaVersion":2}`, `[]`} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

// The names that programs read.
func TestFieldNames(t *testing.T) {
	a := Run(t.Context(), facts(), []Control{{ID: "a", Check: func(*Facts) []Finding { return nil }}})
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"schemaVersion", "time", "host", "agents", "boundary", "verdict", "blast", "counts", "results", "ports", "changes"} {
		if _, ok := m[name]; !ok {
			t.Errorf("the JSON of an audit has no %q", name)
		}
	}
	if m["boundary"] != BoundaryUnknown {
		t.Errorf("boundary of a machine that was not read: %v", m["boundary"])
	}
}
