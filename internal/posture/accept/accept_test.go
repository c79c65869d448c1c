package accept_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/accept"
	"github.com/openseawall/seawall/internal/state"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// machine is an audit with two open ports and no boundary.
func machine() *posture.Audit {
	a := &posture.Audit{Results: []posture.Result{
		{ID: "firewall-port", Outcome: posture.Failed, Findings: []posture.Item{
			{Object: "0.0.0.0:3000", Detail: "open for 3 days, by node", Severity: posture.High},
			{Object: "0.0.0.0:8443", Detail: "open, by nginx", Severity: posture.Medium},
		}},
		{ID: "ssh-port", Outcome: posture.Passed},
		{ID: posture.BoundaryControl.ID, Outcome: posture.Failed, Findings: []posture.Item{{Detail: "it is root", Severity: posture.Critical}}},
	}}
	a.Tally()
	return a
}

func open(t *testing.T) *state.Dir {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

func add(t *testing.T, dir *state.Dir, object string) {
	t.Helper()
	_, err := accept.Add(dir, machine(), accept.Wish{Control: "firewall-port", Object: object, By: "anna", Why: "it is meant to be"}, now)
	if err != nil {
		t.Fatal(err)
	}
}

// left returns the objects of firewall-port that are open, at a time, on a
// machine that was changed.
func left(t *testing.T, dir *state.Dir, at time.Time, change func(*posture.Item)) []string {
	t.Helper()
	all, err := accept.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	a := machine()
	change(&a.Results[0].Findings[0])
	accept.Apply(a, all, at)
	var open []string
	for _, f := range a.Results[0].Findings {
		if f.Accepted == nil {
			open = append(open, f.Object)
		}
	}
	if want := 2 - len(open); a.Counts.Accepted != want {
		t.Errorf("%d are counted as accepted, %d are", a.Counts.Accepted, want)
	}
	return open
}

func TestAcceptedUntil(t *testing.T) {
	const both = "0.0.0.0:3000 0.0.0.0:8443"
	for _, c := range []struct {
		name   string
		object string
		at     time.Time
		change func(*posture.Item)
		open   string
	}{
		{"one object", "0.0.0.0:3000", now, nil, "0.0.0.0:8443"},
		{"all that the control has", "", now, nil, ""},
		{"the last day", "", now.Add(accept.For - time.Second), nil, ""},
		{"the day after", "", now.Add(accept.For), nil, both},
		{"time that passes is no change", "", now, func(f *posture.Item) { f.Detail = "open for 4 days, by node" }, ""},
		{"another program", "", now, func(f *posture.Item) { f.Detail = "open for 3 days, by nc" }, "0.0.0.0:3000"},
		{"another object", "", now, func(f *posture.Item) { f.Object = "0.0.0.0:3001" }, "0.0.0.0:3001"},
		{"it got worse", "", now, func(f *posture.Item) { f.Severity = posture.Critical }, "0.0.0.0:3000"},
		{"it got better", "", now, func(f *posture.Item) { f.Severity = posture.Low }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := open(t)
			add(t, dir, c.object)
			change := c.change
			if change == nil {
				change = func(*posture.Item) {}
			}
			if got := strings.Join(left(t, dir, c.at, change), " "); got != c.open {
				t.Errorf("open are %q, not %q", got, c.open)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	why := "it is meant to be"
	for _, c := range []struct {
		wish accept.Wish
		says string
	}{
		{accept.Wish{Control: posture.BoundaryControl.ID, Why: why}, "cannot be accepted"},
		{accept.Wish{Control: "firewall-port", Why: " \n"}, "say why it stays"},
		{accept.Wish{Control: "firewall-port", Why: strings.Repeat("a", 501)}, "a sentence is enough"},
		{accept.Wish{Control: "nothing", Why: why}, "no control"},
		{accept.Wish{Control: "ssh-port", Why: why}, "nothing to accept"},
		{accept.Wish{Control: "firewall-port", Why: why, Object: "0.0.0.0:1"}, "it finds something on 0.0.0.0:3000, 0.0.0.0:8443"},
		{accept.Wish{Control: "firewall-port", Why: why, Until: now}, "is over already"},
		{accept.Wish{Control: "firewall-port", Why: why, Until: now.AddDate(2, 0, 0)}, "a year at most"},
	} {
		dir := open(t)
		if _, err := accept.Add(dir, machine(), c.wish, now); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, expected %q", c.wish, err, c.says)
		}
		if all, err := accept.Load(dir); len(all) > 0 || err != nil {
			t.Errorf("%+v: it is kept (%v): %v", c.wish, err, all)
		}
	}
}

func TestRemove(t *testing.T) {
	dir := open(t)
	add(t, dir, "")
	if n, err := accept.Remove(dir, "firewall-port", "0.0.0.0:8443"); n != 1 || err != nil {
		t.Fatalf("%d removed, %v", n, err)
	}
	if got := left(t, dir, now, func(*posture.Item) {}); len(got) != 1 || got[0] != "0.0.0.0:8443" {
		t.Errorf("open are %v", got)
	}
	if _, err := accept.Remove(dir, "ssh-port", ""); err == nil || !strings.Contains(err.Error(), "nothing of ssh-port") {
		t.Errorf("removing what is not there: %v", err)
	}
}

// TestBoundary has a file say what Add refuses.
func TestBoundary(t *testing.T) {
	dir, a := open(t), machine()
	boundary := &a.Results[2]
	boundary.ID = "another"
	all, err := accept.Add(dir, a, accept.Wish{Control: "another", Why: "so"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if accept.Apply(a, all, now); boundary.Findings[0].Accepted == nil {
		t.Fatal("another finding of the same words is not accepted")
	}
	boundary.ID, all[0].Control = posture.BoundaryControl.ID, posture.BoundaryControl.ID
	if accept.Apply(a, all, now); boundary.Findings[0].Accepted != nil || a.Counts.Critical != 1 {
		t.Error("a file says that a missing boundary is accepted, and it is")
	}
}

func TestDamaged(t *testing.T) {
	dir := open(t)
	if err := os.WriteFile(dir.Path(state.Accepted), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := accept.Load(dir); err == nil || len(all) > 0 || !strings.Contains(err.Error(), "is damaged, so nothing is accepted") {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := accept.Add(dir, machine(), accept.Wish{Control: "firewall-port", Why: "so"}, now); err == nil {
		t.Error("a damaged file was written over")
	}
}
