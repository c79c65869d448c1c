package keep

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/keep/notify"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/state"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// hears is a keeper whose messages are kept.
type hears struct {
	*Keeper
	got  []string
	fail bool
	said bytes.Buffer
}

func listen(t *testing.T) *hears {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	h := &hears{}
	h.restart(dir)
	return h
}

func (h *hears) restart(dir *state.Dir) {
	h.Keeper = New(dir, Doors, "vm", &h.said)
	h.send = func(_ context.Context, m notify.Message) (int, error) {
		if h.fail {
			return 0, errors.New("no answer")
		}
		h.got = append(h.got, m.Text)
		return 1, nil
	}
}

// look looks at so many minutes after noon and returns what was told then.
func (h *hears) look(t *testing.T, minute int, holds ...Condition) string {
	t.Helper()
	h.got = nil
	h.Look(t.Context(), holds, noon.Add(time.Duration(minute)*time.Minute))
	return strings.Join(h.got, "|")
}

func expect(t *testing.T, when, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: told %q, expected %q", when, got, want)
	}
}

var (
	disk  = Condition{Key: "disk", What: "The disk is full.", Do: "empty it"}
	away  = Condition{Key: "away", What: "OpenClaw is away.", For: 2 * time.Minute, Over: "OpenClaw is back."}
	port  = Condition{Key: "critical:port", What: "Critical: a port.", Old: true}
	other = Condition{Key: "critical:other", What: "Critical: another.", Old: true}
)

func TestToldOnce(t *testing.T) {
	h := listen(t)
	expect(t, "new", h.look(t, 0, disk), "The disk is full.\n→ empty it")
	expect(t, "it lasts", h.look(t, 1, disk), "")
	expect(t, "gone", h.look(t, 2), "")
	expect(t, "back soon", h.look(t, 10, disk), "")
	h.restart(h.dir)
	expect(t, "after a restart", h.look(t, 11, disk), "")
	expect(t, "gone for long", h.look(t, 120), "")
	expect(t, "back", h.look(t, 121, disk), "The disk is full.\n→ empty it")
}

func TestWhatWasThereBefore(t *testing.T) {
	h := listen(t)
	expect(t, "the first look", h.look(t, 0, port, disk), "The disk is full.\n→ empty it")
	expect(t, "a new one", h.look(t, 1, port, other, disk), "Critical: another.")
}

func TestItHasToLast(t *testing.T) {
	h := listen(t)
	expect(t, "begins", h.look(t, 0, away), "")
	expect(t, "ends", h.look(t, 1), "")
	expect(t, "begins again", h.look(t, 2, away), "")
	expect(t, "lasts", h.look(t, 3, away), "")
	expect(t, "has lasted", h.look(t, 4, away), "OpenClaw is away.")
	expect(t, "is over", h.look(t, 5), "OpenClaw is back.")
	expect(t, "stays over", h.look(t, 6), "")
}

func TestNobodyTookIt(t *testing.T) {
	h := listen(t)
	h.fail = true
	expect(t, "fails", h.look(t, 0, disk), "")
	expect(t, "fails again", h.look(t, 1, disk), "")
	if got := h.said.String(); got != "seawall: no answer\n" {
		t.Errorf("complained %q", got)
	}
	h.fail = false
	expect(t, "is taken", h.look(t, 2, disk), "The disk is full.\n→ empty it")
	expect(t, "once", h.look(t, 3, disk), "")
}

func TestManyAtOnce(t *testing.T) {
	h := listen(t)
	var all []Condition
	for _, name := range strings.Split("abcdefgh", "") {
		all = append(all, Condition{Key: name, What: name})
	}
	expect(t, "eight", h.look(t, 0, all...), "a\nb\nc\nd\ne\nand 3 more: seawall audit")
}

func machine(findings ...posture.Item) *posture.Audit {
	a := &posture.Audit{SchemaVersion: 1, Time: noon, Host: posture.Machine{Name: "vm"}, Ports: []posture.Port{}}
	for i, f := range findings {
		a.Results = append(a.Results, posture.Result{ID: string(rune('a' + i)), Title: "Thing " + f.Object, Outcome: posture.Failed, Findings: []posture.Item{f}, Severity: f.Severity})
	}
	return a
}

func TestDigest(t *testing.T) {
	d := Digest{From: noon.Add(-Weekly), To: noon, Standing: "protected", Agent: Work{Calls: 412, Stopped: 3, Asked: 2}}
	d.Before, d.Now = machine(), machine(posture.Item{Object: "low", Severity: posture.Low})
	m := d.Message("vm")
	if m.Title != "Seawall on vm: nothing to do" || m.Text != "17 Nov to 24 Nov, protected.\nChanged:\n• 1 finding from checks the last run did not make\nThe agent made 412 calls; 3 were stopped, 2 asked about." {
		t.Errorf("%q: %q", m.Title, m.Text)
	}
	high := posture.Item{Severity: posture.High}
	for _, o := range strings.Split("pqrstu", "") {
		high.Object = o
		d.Now.Results = append(d.Now.Results, machine(high).Results...)
	}
	d.Now.Results[2].Findings[0].Accepted = &posture.Acceptance{}
	d.Now.Ports = []posture.Port{{Proto: "tcp", Port: 3000, Process: "node"}}
	m = d.Message("vm")
	for _, want := range []string{"• high: Thing p\n", "and 2 more: seawall harden shows all\n", "new: port 3000 (node) open\n"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("%q is not in %q", want, m.Text)
		}
	}
	if m.Title != "Seawall on vm: 5 to do" || strings.Contains(m.Text, "Thing q") || strings.Count(m.Text, "\n") > 15 {
		t.Errorf("%q: %q", m.Title, m.Text)
	}
}

func TestDue(t *testing.T) {
	h := listen(t)
	a := machine()
	if last, err := Last(h.dir); last != nil || err != nil {
		t.Fatalf("%v, %v", last, err)
	}
	if err := Keep(h.dir, a, noon); err != nil {
		t.Fatal(err)
	}
	last, err := Last(h.dir)
	if err != nil || !last.Time.Equal(noon) {
		t.Fatalf("%+v, %v", last, err)
	}
	for at, want := range map[time.Time]bool{
		noon.Add(Weekly):                      true,
		noon.Add(Weekly - time.Minute):        false,
		noon.Add(Weekly + 12*time.Hour):       false, // midnight
		noon.Add(Weekly + 20*time.Hour):       true,  // in the morning
		noon.Add(Weekly + 19*time.Hour - 1e9): false,
	} {
		if got := Due(last, at); got != want {
			t.Errorf("due at %s: %v", at, got)
		}
	}
	if Due(nil, noon) {
		t.Error("due before the first")
	}
}
