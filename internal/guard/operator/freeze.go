package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// Glance is how soon whoever waits for a freeze hears of it.
const Glance = 100 * time.Millisecond

// Frozen says that nothing may happen: every door denies, whatever the policy.
// That its file is there is enough.
type Frozen struct {
	Since time.Time `json:"since"`
	By    string    `json:"by"` // "anna, by seawall freeze"
}

// String is a whole sentence without its full stop.
func (f Frozen) String() string {
	return fmt.Sprintf("Frozen since %s, by %s", f.Since.Local().Format("2006-01-02 15:04"), f.By)
}

// Key tells one freeze from another; that of none is "".
func (f *Frozen) Key() string {
	if f == nil {
		return ""
	}
	return f.Since.UTC().Format(time.RFC3339Nano) + " " + f.By
}

// Freeze freezes the doors of a state directory, whether they are open or not.
// Where they are frozen already, it returns since when, and false.
func Freeze(dir *state.Dir, by string, now time.Time) (Frozen, bool, error) {
	f, fresh := Frozen{Since: now, By: by}, true
	err := dir.Change(state.Frozen, func(old []byte) ([]byte, error) {
		if len(old) > 0 {
			f, fresh = parseFrozen(dir, old), false
			return old, nil
		}
		return json.Marshal(f)
	})
	return f, fresh, err
}

// Thaw ends a freeze; without one it returns nil. What is done because of the
// freeze, see [WhileFrozen], is over when it returns.
func Thaw(dir *state.Dir) (*Frozen, error) {
	f := FrozenIn(dir)
	if f == nil {
		return nil, nil
	}
	release, err := dir.Await(thawLock)
	if err != nil {
		return f, fmt.Errorf("ending the freeze: %w", err)
	}
	defer release()
	return f, dir.Remove(state.Frozen)
}

// thawLock is held by whoever thaws, or does what a thaw has to wait for.
const thawLock = state.Frozen + ".lock"

// WhileFrozen does something that must not happen after a thaw, and reports
// whether there is a freeze: without one it does nothing. A thaw waits for it, so
// it must take less than ten seconds.
func WhileFrozen(dir *state.Dir, do func() error) (frozen bool, err error) {
	release, err := dir.Await(thawLock)
	if err != nil {
		return true, fmt.Errorf("acting on the freeze: %w", err)
	}
	defer release()
	if FrozenIn(dir) == nil {
		return false, nil
	}
	return true, do()
}

// FrozenIn returns the freeze of a state directory, or nil. What cannot be read
// is one.
func FrozenIn(dir *state.Dir) *Frozen {
	// Most of the time there is none, and each decision asks.
	if _, err := os.Lstat(dir.Path(state.Frozen)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	content, err := dir.Read(state.Frozen)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f := parseFrozen(dir, content)
	return &f
}

func parseFrozen(dir *state.Dir, content []byte) Frozen {
	var f Frozen
	if json.Unmarshal(content, &f) != nil || f.Since.IsZero() {
		f = Frozen{By: "a file that cannot be read, " + dir.Path(state.Frozen)}
		if info, err := os.Lstat(dir.Path(state.Frozen)); err == nil {
			f.Since = info.ModTime()
		}
	}
	return f
}

// Frozen returns the freeze in force, or nil.
func (d *Desk) Frozen() *Frozen { return FrozenIn(d.dir) }

// waiters are those who want to hear of a freeze. While there are any, one
// goroutine looks for it.
type waiters struct {
	mu      sync.Mutex
	all     map[*func()]struct{}
	looking bool
}

// OnFreeze calls f once there is a freeze: before it returns, or from another
// goroutine within [Glance] of it. stop ends the wait.
func (d *Desk) OnFreeze(f func()) (stop func()) {
	w := &d.waiting
	w.mu.Lock()
	if w.all == nil {
		w.all = map[*func()]struct{}{}
	}
	w.all[&f] = struct{}{}
	if !w.looking {
		w.looking = true
		go d.look()
	}
	w.mu.Unlock()
	d.wake()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, &f)
	}
}

// look looks for a freeze as long as somebody waits for one.
func (d *Desk) look() {
	for {
		time.Sleep(Glance)
		d.wake()
		if d.waiting.none() {
			return
		}
	}
}

// none reports that nobody waits, and that nobody looks from now on.
func (w *waiters) none() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looking = len(w.all) > 0
	return !w.looking
}

// wake calls those who wait, when there is a freeze. Who comes while it looks
// waits for the next: it may have been thawed by then.
func (d *Desk) wake() {
	var all map[*func()]struct{}
	w := &d.waiting
	w.mu.Lock()
	if len(w.all) > 0 && d.Frozen() != nil {
		all, w.all = w.all, nil
	}
	w.mu.Unlock()
	for f := range all {
		(*f)()
	}
}
