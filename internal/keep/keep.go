// Package keep tells the operator what cannot wait, and once a week all else.
//
//	conditions that hold now ──Look──▶ a message for each that is new
//	audit of a week ago, audit of now, record ──Write──▶ digest
//
// It is quiet when nothing is wrong: what was told is not told again while it
// lasts, nor when it goes and comes back soon. A message that nobody took is
// tried again, since the condition still holds; so there is no queue that could
// be lost.
package keep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/keep/notify"
	"github.com/openseawall/seawall/internal/state"
)

// The files that remember what was told: by the doors, and by the watch, which
// tells of the doors.
const (
	Doors = "told.json"
	Watch = "told-watch.json"
)

// Condition is something that is wrong now and that a person should know at
// once.
type Condition struct {
	// Key tells one from another from look to look: "disk:/".
	Key string
	// What is one sentence, Do the one thing to do about it.
	What, Do string
	// For is how long it has to last before it is told.
	For time.Duration
	// Old is what was there when Seawall looked for the first time, which the
	// first audit has said: only what is new is told.
	Old bool
	// Over, when it is set, is told once it holds no longer.
	Over string
}

const (
	// flap is how long a condition has to be gone to be told again.
	flap = time.Hour
	// again is how soon a message is tried that nobody took.
	again = time.Minute
	// together is how many conditions one message names; a machine that burns has
	// more, and the audit says them all.
	together = 5
)

// told is what the file holds.
type told struct {
	Known map[string]mark `json:"known"` // by key
}

type mark struct {
	Told time.Time `json:"told,omitzero"` // zero: it was there before anybody could be told
	Seen time.Time `json:"seen"`
	Over string    `json:"over,omitempty"`
}

// Keeper tells. It is for one goroutine.
type Keeper struct {
	dir   *state.Dir
	file  string // Doors or Watch
	name  string // of the machine
	send  func(context.Context, notify.Message) (taken int, err error)
	since map[string]time.Time // a condition holds, for those not told yet
	tried time.Time            // a message was not taken
	said  string               // the error that was complained of
	// complaints is where it is said that nobody took a message.
	complaints io.Writer
}

// New returns the keeper of a state directory, who remembers in a file, on a
// machine of that name.
func New(dir *state.Dir, file, name string, complaints io.Writer) *Keeper {
	return &Keeper{
		dir: dir, file: file, name: name, since: map[string]time.Time{}, complaints: complaints,
		send: func(ctx context.Context, m notify.Message) (int, error) { return notify.Send(ctx, dir, m) },
	}
}

// Look takes what holds at a moment and tells what is new of it.
func (k *Keeper) Look(ctx context.Context, holds []Condition, now time.Time) {
	if now.Sub(k.tried) < again {
		return
	}
	t, first, err := k.load()
	if err != nil {
		k.complain(err)
		return
	}
	news, changed := k.compare(&t, holds, first, now)
	if len(news) > 0 {
		// Without a destination nobody is told, and what holds is known all the
		// same: who adds one tomorrow hears of what comes then.
		taken, err := k.send(ctx, message(k.name, news))
		if k.complain(err); err != nil && taken == 0 {
			k.tried = now
			return
		}
	}
	if changed {
		if err := k.save(t); err != nil {
			k.complain(err)
		}
	}
}

// compare takes in what holds and returns what is to be told.
func (k *Keeper) compare(t *told, holds []Condition, first bool, now time.Time) (news []Condition, changed bool) {
	here := map[string]bool{}
	for _, c := range holds {
		here[c.Key] = true
		if m, known := t.Known[c.Key]; known {
			if now.Sub(m.Seen) > flap/4 {
				m.Seen, changed = now, true
				t.Known[c.Key] = m
			}
			continue
		}
		if k.since[c.Key].IsZero() {
			k.since[c.Key] = now
		}
		if now.Sub(k.since[c.Key]) < c.For {
			continue
		}
		m := mark{Told: now, Seen: now, Over: c.Over}
		if first && c.Old {
			m.Told, m.Over = time.Time{}, ""
		} else {
			news = append(news, c)
		}
		t.Known[c.Key], changed = m, true
	}
	for key := range k.since {
		if !here[key] || !t.Known[key].Seen.IsZero() {
			delete(k.since, key)
		}
	}
	for key, m := range t.Known {
		switch {
		case here[key]:
		case m.Over != "":
			news, changed = append(news, Condition{Key: key, What: m.Over}), true
			m.Over = ""
			t.Known[key] = m
		case now.Sub(m.Seen) > flap:
			delete(t.Known, key)
			changed = true
		}
	}
	return news, changed
}

// message says some conditions, the first in its title.
func message(name string, news []Condition) notify.Message {
	m := notify.Message{Title: "Seawall on " + name}
	var text strings.Builder
	for i, c := range news {
		if i == together {
			fmt.Fprintf(&text, "and %d more: seawall audit\n", len(news)-together)
			break
		}
		fmt.Fprintln(&text, c.What)
		if c.Do != "" {
			fmt.Fprintln(&text, "→ "+c.Do)
		}
	}
	m.Text = strings.TrimSpace(text.String())
	return m
}

// complain says an error once.
func (k *Keeper) complain(err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != k.said && said != "" {
		fmt.Fprintln(k.complaints, "seawall:", said)
	}
	k.said = said
}

// load returns what was told; first reports that nothing was yet.
func (k *Keeper) load() (t told, first bool, err error) {
	content, err := k.dir.Read(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return told{Known: map[string]mark{}}, true, nil
	}
	if err == nil && (json.Unmarshal(content, &t) != nil || t.Known == nil) {
		// It is only a memory: some things are told twice.
		return told{Known: map[string]mark{}}, false, nil
	}
	return t, false, err
}

func (k *Keeper) save(t told) error {
	content, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return k.dir.Write(k.file, content)
}
