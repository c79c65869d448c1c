package state

import (
	"errors"
	"testing"
)

// TestCached reads a file once for as long as it is the same, and what went wrong
// again.
func TestCached(t *testing.T) {
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var c Cached[string]
	reads := 0
	read := func() (string, error) {
		reads++
		content, err := d.Read("f")
		if string(content) == "damaged" {
			err = errors.New("damaged")
		}
		return string(content), err
	}
	write := func(content string) {
		t.Helper()
		if err := d.Write("f", []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		do    func()
		want  string
		reads int
		fails bool
	}{
		{func() {}, "", 0, false},
		{func() { write("one") }, "one", 1, false},
		{func() {}, "one", 1, false},
		{func() { write("two") }, "two", 2, false},
		{func() { write("damaged") }, "damaged", 3, true},
		{func() {}, "damaged", 4, true},
		{func() {
			if err := d.Remove("f"); err != nil {
				t.Fatal(err)
			}
		}, "", 4, false},
	} {
		step.do()
		got, err := c.Get(d, "f", read)
		if got != step.want || reads != step.reads || (err != nil) != step.fails {
			t.Errorf("%q, %v after %d reads; want %q after %d", got, err, reads, step.want, step.reads)
		}
	}
}
