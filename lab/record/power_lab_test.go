//go:build lab

package record

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// cuts is how often the power goes.
const cuts = 50

// TestPowerCut takes the power at random moments under load. The record lies on
// an ext4 on a loop device, and that device's file on another ext4: the pages of
// the outer one are the cache of the inner one's disk. When the outer one is shut
// down, all that was not synced to the device is lost, as far as it had not been
// written by chance. What was handed on until then must be in the record, which
// has to come up by itself.
//
// A file that is written and not synced beside it shows that the cut is one.
func TestPowerCut(t *testing.T) {
	dir, err := os.MkdirTemp("/var/tmp", "swlab-power-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	outer := newDisk(t, filepath.Join(dir, "outer.img"), 160<<20)
	inner := newDisk(t, filepath.Join(outer.path, "inner.img"), 96<<20)
	path, upstream, a := newState(t, inner.path), provider(t), &acted{numbers: map[int]bool{}}
	start, lost := time.Now(), 0
	d := begin(t, path, upstream.URL)
	for i := range cuts {
		unsynced := filepath.Join(inner.path, fmt.Sprintf("unsynced-%d", i))
		d.underLoad(t, a, func() {
			if i%2 > 0 {
				a.another(t)
			}
			moment(300 * time.Millisecond)
			if err := os.WriteFile(unsynced, []byte("gone in a moment"), 0o600); err != nil {
				t.Error(err)
			}
			outer.cut()
		})
		inner.unmount()
		outer.unmount()
		outer.mount()
		inner.mount()
		if content, err := os.ReadFile(unsynced); err != nil || len(content) == 0 {
			lost++
		}
		d = begin(t, path, upstream.URL)
		check(t, path, a)
	}
	d.kill()
	if lost < cuts/2 {
		t.Errorf("what was not synced was lost in %d of %d cuts: that is no loss of power", lost, cuts)
	}
	if len(a.numbers) < cuts/2 {
		t.Errorf("only %d calls were handed on before %d cuts", len(a.numbers), cuts)
	}
	t.Logf("the power went %d times in %s: %d calls handed on, none missing; an unsynced file was lost %d times", cuts, time.Since(start).Round(time.Second), len(a.numbers), lost)
}
