package operator

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

func TestAFreezeStaysUntilItIsThawed(t *testing.T) {
	d, dir, now := desk(t)
	if d.Frozen() != nil {
		t.Fatal("a new state is frozen")
	}
	f, fresh, err := Freeze(dir, "anna", *now)
	if err != nil || !fresh || f.By != "anna" || !f.Since.Equal(*now) {
		t.Fatalf("%+v %v %v", f, fresh, err)
	}
	if info, err := os.Stat(dir.Path(state.Frozen)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if f, fresh, err := Freeze(dir, "bert", now.Add(time.Hour)); err != nil || fresh || f.By != "anna" || !f.Since.Equal(*now) {
		t.Errorf("a second freeze: %+v %v %v", f, fresh, err)
	}
	for name, d := range map[string]*Desk{"the same": d, "after a restart": Open(dir, time.Now)} {
		if f := d.Frozen(); f == nil || f.By != "anna" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f, err := Thaw(dir); err != nil || f == nil || f.By != "anna" {
		t.Errorf("%+v %v", f, err)
	}
	if f, err := Thaw(dir); err != nil || f != nil || d.Frozen() != nil {
		t.Errorf("after the thaw: %+v %v", f, err)
	}
}

// TestAThawWaits for what is done because of the freeze; after it nothing is.
func TestAThawWaits(t *testing.T) {
	_, dir, now := desk(t)
	if _, _, err := Freeze(dir, "anna", *now); err != nil {
		t.Fatal(err)
	}
	thawed := make(chan error)
	frozen, err := WhileFrozen(dir, func() error {
		go func() {
			_, err := Thaw(dir)
			thawed <- err
		}()
		time.Sleep(50 * time.Millisecond) // in which one that did not wait would be done
		if FrozenIn(dir) == nil {
			t.Error("it is thawed while something is done because it is frozen")
		}
		return io.EOF
	})
	if !frozen || err != io.EOF {
		t.Errorf("%v %v", frozen, err)
	}
	if err := <-thawed; err != nil {
		t.Fatal(err)
	}
	frozen, err = WhileFrozen(dir, func() error { t.Error("something was done after the thaw"); return nil })
	if frozen || err != nil {
		t.Errorf("%v %v", frozen, err)
	}
}

// TestEachFreezeIsAnother, also within the minute that a sentence tells.
func TestEachFreezeIsAnother(t *testing.T) {
	_, dir, now := desk(t)
	keys := map[string]bool{FrozenIn(dir).Key(): true}
	for i := range 3 {
		if _, _, err := Freeze(dir, "anna", now.Add(time.Duration(i)*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		key := FrozenIn(dir).Key()
		keys[key] = true
		if again := FrozenIn(dir).Key(); again != key {
			t.Error("a freeze is another when it is read again")
		}
		if _, err := Thaw(dir); err != nil {
			t.Fatal(err)
		}
	}
	if len(keys) != 4 || !keys[""] {
		t.Errorf("%v", keys)
	}
}

// TestWhatCannotBeReadIsFrozen, since a door that cannot tell must not act.
func TestWhatCannotBeReadIsFrozen(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"empty":     func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"cut off":   func(path string) error { return os.WriteFile(path, []byte(`{"since":"20`), 0o600) },
		"null":      func(path string) error { return os.WriteFile(path, []byte(`null`), 0o600) },
		"no time":   func(path string) error { return os.WriteFile(path, []byte(`{"by":"x"}`), 0o600) },
		"a folder":  func(path string) error { return os.Mkdir(path, 0o700) },
		"a link":    func(path string) error { return os.Symlink(filepath.Join(t.TempDir(), "away"), path) },
		"a link up": func(path string) error { return os.Symlink("../../etc/passwd", path) },
	} {
		d, dir, _ := desk(t)
		if err := spoil(dir.Path(state.Frozen)); err != nil {
			t.Fatal(err)
		}
		if f := d.Frozen(); f == nil || !strings.Contains(f.By, state.Frozen) && name != "a link up" {
			t.Errorf("%s: %+v", name, f)
		}
		if f, err := Thaw(dir); err != nil || f == nil || d.Frozen() != nil {
			t.Errorf("%s is not thawed: %+v %v", name, f, err)
		}
	}
}

func TestWhoWaitsHearsOfAFreezeOnce(t *testing.T) {
	d, dir, now := desk(t)
	var heard, gone atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Add(1)
		stop := d.OnFreeze(func() { heard.Add(1); all.Done() })
		defer stop()
		d.OnFreeze(func() { gone.Add(1) })()
	}
	if _, _, err := Freeze(dir, "anna", *now); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	at := false
	defer d.OnFreeze(func() { at = true })()
	if !at {
		t.Error("who begins to wait while there is a freeze does not hear of it at once")
	}
	if _, err := Thaw(dir); err != nil {
		t.Fatal(err)
	}
	again := make(chan struct{})
	defer d.OnFreeze(func() { close(again) })()
	if _, _, err := Freeze(dir, "anna", *now); err != nil {
		t.Fatal(err)
	}
	<-again
	if heard.Load() != 50 || gone.Load() != 0 {
		t.Errorf("%d heard of it, and %d who did not wait any more", heard.Load(), gone.Load())
	}
}

func BenchmarkNotFrozen(b *testing.B) {
	dir, err := state.Open(filepath.Join(b.TempDir(), "state"))
	if err != nil {
		b.Fatal(err)
	}
	defer dir.Close()
	d := Open(dir, time.Now)
	for b.Loop() {
		if d.Frozen() != nil {
			b.Fatal("frozen")
		}
	}
}
