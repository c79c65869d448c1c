package operator

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

// desk is one on a fresh state directory, at a time that the test moves.
func desk(t *testing.T) (*Desk, *state.Dir, *time.Time) {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	now := time.Unix(1_800_000_000, 0)
	return Open(dir, func() time.Time { return now }), dir, &now
}

func TestLanguages(t *testing.T) {
	for locale, want := range map[string]Language{
		"de": German, "de_AT.UTF-8": German, "DE-ch": German, "en_GB": English, "C": English, "C.UTF-8": English, "POSIX": English, "fr_FR.UTF-8": English, "": English, "den": English,
	} {
		if got := Locale(func(name string) string { return map[string]string{"LANG": locale}[name] }); got != want {
			t.Errorf("LANG=%s is %s", locale, got)
		}
	}
	env := func(name string) string {
		return map[string]string{"LC_ALL": "en_US.UTF-8", "LC_MESSAGES": "de_DE", "LANG": "de_DE"}[name]
	}
	if got := Locale(env); got != English {
		t.Errorf("LC_ALL comes first, and it is %s", got)
	}
}

func TestALanguageIsSettledOnce(t *testing.T) {
	d, dir, _ := desk(t)
	german := func(string) string { return "de_DE.UTF-8" }
	english := func(string) string { return "en_US.UTF-8" }
	if d.Language() != English {
		t.Error("before anything is settled it is not English")
	}
	for _, step := range []struct {
		asked string
		env   func(string) string
		want  Language
	}{{"", german, German}, {"", english, German}, {"en", german, English}, {"", german, English}, {"de", english, German}} {
		if err := Settle(dir, step.asked, step.env); err != nil {
			t.Fatal(err)
		}
		if got := d.Language(); got != step.want {
			t.Errorf("%+v: %s", step, got)
		}
	}
	if err := Settle(dir, "klingon", english); err == nil || !strings.Contains(err.Error(), "en (English) or de (German)") {
		t.Errorf("%v", err)
	}
	if err := dir.Write(languageFile, []byte("?")); err != nil || d.Language() != English {
		t.Errorf("%v, a file that says nothing is %s", err, d.Language())
	}
}

func TestAPassIsForOneConversation(t *testing.T) {
	d, dir, now := desk(t)
	if _, ok := d.Pass("t", "main", "one"); ok {
		t.Error("a text that nobody let through passes")
	}
	if err := Give(dir, Pass{ID: 41, Text: "t", Agent: "main", Given: *now}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir.Path(passesFile)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	for _, other := range [][3]string{{"u", "main", "one"}, {"t", "other", "one"}, {"t", "main", ""}, {"t", "main", strings.Repeat("x", 1<<20)}} {
		if _, ok := d.Pass(other[0], other[1], other[2]); ok {
			t.Errorf("%q passes", other)
		}
	}
	use := func(d *Desk, conversation string, want bool) {
		t.Helper()
		if id, ok := d.Pass("t", "main", conversation); ok != want || ok && id != 41 {
			t.Errorf("in %s: %d %v", conversation, id, ok)
		}
	}
	use(d, "one", true)
	use(d, "two", false)
	*now = now.Add(100 * 24 * time.Hour) // what was used stays
	use(d, "one", true)
	use(Open(dir, time.Now), "one", true) // also after a restart
	use(Open(dir, time.Now), "two", false)
	// Let through again, it is good for one more.
	if err := Give(dir, Pass{ID: 41, Text: "t", Agent: "main", Given: *now}); err != nil {
		t.Fatal(err)
	}
	use(d, "one", true)
	use(d, "two", true)
	use(d, "three", false)
}

func TestAPassEndsUnused(t *testing.T) {
	d, dir, now := desk(t)
	for range 3 { // the same permission
		if err := Give(dir, Pass{ID: 1, Text: "t", Agent: "main", Given: *now}); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := Passes(dir); len(all) != 1 || err != nil {
		t.Errorf("%v %v", all, err)
	}
	*now = now.Add(Unused)
	if _, ok := d.Pass("t", "main", "one"); ok {
		t.Error("after a day it passes")
	}
	if err := Give(dir, Pass{ID: 2, Text: "u", Agent: "main", Given: *now}); err != nil {
		t.Fatal(err)
	}
	if all, _ := Passes(dir); len(all) != 1 || all[0].ID != 2 {
		t.Errorf("%v", all)
	}
}

// TestAPassThatCannotBeWrittenDown lets nothing through: a restart would forget
// whose it is.
func TestAPassThatCannotBeWrittenDown(t *testing.T) {
	d, dir, now := desk(t)
	if err := Give(dir, Pass{ID: 1, Text: "t", Agent: "main", Given: *now}); err != nil {
		t.Fatal(err)
	}
	// A folder in its place cannot be replaced by a file.
	if err := os.MkdirAll(dir.Path(passesFile+".new/x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Pass("t", "main", "one"); ok {
		t.Error("it passes")
	}
	if err := os.WriteFile(dir.Path(passesFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Pass("t", "main", "one"); ok {
		t.Error("a damaged file lets it pass")
	}
	if err := Give(dir, Pass{ID: 1}); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("%v", err)
	}
}

func TestManyGiveAndUseAtOnce(t *testing.T) {
	d, dir, now := desk(t)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			if err := Give(dir, Pass{ID: int64(i), Text: fmt.Sprint(i), Agent: "main", Given: *now}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	used := make(chan string, 100)
	for i := range 100 {
		wait.Go(func() {
			if _, ok := Open(dir, d.now).Pass("7", "main", fmt.Sprint(i)); ok {
				used <- fmt.Sprint(i)
			}
		})
	}
	wait.Wait()
	if all, _ := Passes(dir); len(all) != 20 || len(used) != 1 {
		t.Errorf("%d passes, %d conversations used one", len(all), len(used))
	}
}

func TestPassesAreBounded(t *testing.T) {
	_, dir, now := desk(t)
	for i := range maxPasses + 5 {
		if err := Give(dir, Pass{ID: int64(i), Text: fmt.Sprint(i), Given: *now}); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := Passes(dir); len(all) != maxPasses || all[0].ID != 5 || err != nil {
		t.Errorf("%d, the first %d, %v", len(all), all[0].ID, err)
	}
}

type failing struct{}

func (failing) Decide(policy.Input) policy.Decision {
	return policy.Decision{Verdict: policy.Deny, Err: errors.New("oh")}
}

func TestOnlyAReadingIsLetThrough(t *testing.T) {
	_, dir, now := desk(t)
	rules, err := policy.Load(policy.Default())
	if err != nil {
		t.Fatal(err)
	}
	good := ledger.Row{ID: 7, Act: "read", Decision: "deny", Detail: "person: hidden text", Action: "a1", Agent: "main"}
	for name, edit := range map[string]func(*ledger.Row){
		"a call": func(r *ledger.Row) { r.Act = "call" }, "a reply": func(r *ledger.Row) { r.Act = "reply" }, "an event": func(r *ledger.Row) { *r = ledger.Row{ID: 7, Kind: "event"} },
		"one that passed": func(r *ledger.Row) { r.Decision = "allow" }, "one that was pruned": func(r *ledger.Row) { r.Action = "" },
	} {
		row := good
		edit(&row)
		if err := Let(dir, rules, row, *now); err == nil || !strings.Contains(err.Error(), "#7 ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Let(dir, failing{}, good, *now); err == nil || !strings.Contains(err.Error(), "an error in the policy") {
		t.Errorf("%v", err)
	}
	if all, _ := Passes(dir); len(all) > 0 {
		t.Errorf("%v", all)
	}
	if err := Let(dir, rules, good, *now); err != nil {
		t.Error(err)
	}
}

// TestWhatWasSaidStays over a change of language and a restart.
func TestWhatWasSaidStays(t *testing.T) {
	d, dir, _ := desk(t)
	say := func(d *Desk, place, notice string) string { return d.Said(place, func() string { return notice }) }
	if got := say(d, "a", "Stopped: x. (#1)"); got != "Stopped: x. (#1)" {
		t.Errorf("%q", got)
	}
	for name, d := range map[string]*Desk{"the same": d, "after a restart": Open(dir, time.Now)} {
		if got := say(d, "a", "Gestoppt: x. (#2)"); got != "Stopped: x. (#1)" {
			t.Errorf("%s: %q", name, got)
		}
	}
	for i := range maxNotices {
		say(d, fmt.Sprint(i), "n")
	}
	if got := say(d, "a", "new"); got != "new" || len(d.said.Text) != maxNotices || len(d.said.Order) != maxNotices {
		t.Errorf("%q, %d are kept", got, len(d.said.Text))
	}
	for _, damaged := range []string{"{", "null", `{"order":["x"],"text":{}}`, `{"order":[],"text":null}`, "[]"} {
		if err := dir.Write(noticesFile, []byte(damaged)); err != nil {
			t.Fatal(err)
		}
		if got := say(Open(dir, time.Now), "x", "said"); got != "said" {
			t.Errorf("%s: %q", damaged, got)
		}
	}
}
