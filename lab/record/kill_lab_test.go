//go:build lab

package record

import (
	"os"
	"testing"
	"time"
)

// kills is how often the door is killed.
const kills = 200

// TestKilled kills the door at random moments under load. It has to come up by
// itself each time, and nothing that was handed on may be missing.
func TestKilled(t *testing.T) {
	dir, err := os.MkdirTemp("/var/tmp", "swlab-kill-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path, upstream, a := newState(t, dir), provider(t), &acted{numbers: map[int]bool{}}
	start := time.Now()
	d := begin(t, path, upstream.URL)
	for i := range kills {
		d.underLoad(t, a, func() {
			if i%2 > 0 { // on a busy machine it may have handed nothing on by then
				a.another(t)
			}
			moment(100 * time.Millisecond)
		})
		d = begin(t, path, upstream.URL)
		if i%20 == 19 {
			check(t, path, a)
		}
	}
	check(t, path, a)
	d.kill()
	if len(a.numbers) < kills/2 {
		t.Errorf("only %d calls were handed on in %d lives", len(a.numbers), kills)
	}
	t.Logf("killed %d times in %s: %d answers, %d calls handed on, none missing", kills, time.Since(start).Round(time.Second), a.answers, len(a.numbers))
}
