package operator

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestWhatIsWrongIsKept(t *testing.T) {
	d, dir, now := desk(t)
	if len(d.Wrong()) != 0 {
		t.Error("before anything is said something is wrong")
	}
	a, b := Content{"injection-override", "a1"}, Content{"github-token", "b2"}
	for range 2 { // said twice is said once
		if err := Silence(dir, Wrong{7, *now, a}, Wrong{7, *now, b}); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir.Path(WrongFile)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	all, err := AllWrong(dir)
	if err != nil || len(all) != 2 || all[0].ID != 7 || !all[0].Given.Equal(*now) {
		t.Errorf("%v %v", all, err)
	}
	for range 2 { // the second time from memory
		if got := d.Wrong(); len(got) != 2 || !got[a] || !got[b] || got[Content{a.Rule, b.Sum}] {
			t.Errorf("%v", got)
		}
	}
	// What is taken back is found again.
	if err := dir.Write(WrongFile, []byte(`[{"id":7,"rule":"github-token","sum":"b2"}]`)); err != nil || d.Wrong()[a] || !d.Wrong()[b] {
		t.Errorf("%v %v", err, d.Wrong())
	}
	if err := dir.Remove(WrongFile); err != nil || len(d.Wrong()) != 0 {
		t.Errorf("%v %v", err, d.Wrong())
	}
}

// TestADamagedFileSilencesNothing, and nothing is added to it.
func TestADamagedFileSilencesNothing(t *testing.T) {
	d, dir, now := desk(t)
	for _, damaged := range []string{"{", `{"id":1}`, `[{"id":"x"}]`} {
		if err := dir.Write(WrongFile, []byte(damaged)); err != nil {
			t.Fatal(err)
		}
		if len(d.Wrong()) != 0 {
			t.Errorf("%s: %v", damaged, d.Wrong())
		}
		if err := Silence(dir, Wrong{1, *now, Content{"x", "y"}}); err == nil || !strings.Contains(err.Error(), "wrong.json is damaged") {
			t.Errorf("%s: %v", damaged, err)
		}
	}
}

func TestWhatIsWrongIsBounded(t *testing.T) {
	d, dir, _ := desk(t)
	var many []Wrong
	for i := range maxWrong + 5 {
		many = append(many, Wrong{int64(i), time.Time{}, Content{"x", fmt.Sprint(i)}})
	}
	if err := Silence(dir, many...); err != nil {
		t.Fatal(err)
	}
	if got := d.Wrong(); len(got) != maxWrong || got[Content{"x", "4"}] || !got[Content{"x", "5"}] {
		t.Errorf("%d", len(got))
	}
}
