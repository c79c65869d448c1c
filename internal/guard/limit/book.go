package limit

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

// near is when a limit is told of, and grace how far above a limit an answer may
// still be asked for that a turn needs to come to its end, both in per cent of it.
const (
	near  = 80
	grace = 110
)

// Conversation is what is counted for itself.
type Conversation struct {
	Key  string // tells it from all others
	Name string // for a person
}

// Book counts, and knows the limits. A nil Book counts nothing and has none. It is
// safe for concurrent use: of calls that are judged at the same moment, each sees
// what was counted before.
type Book struct {
	dir *state.Dir
	now func() time.Time

	saving sync.Mutex // one writes at a time

	mu       sync.Mutex
	settings settings
	file     os.FileInfo // that the settings were read from; nil without one
	wrong    string      // why they could not be read
	lost     string      // why nobody knows what was used before
	used     counters
	dirty    bool
}

// Open returns the book of a state directory, which tells the time by now. Where
// the file of what is used cannot be read, every limit is reached until it is reset.
func Open(dir *state.Dir, now func() time.Time) *Book {
	b := &Book{dir: dir, now: now}
	b.used, b.lost = read(dir)
	b.reread()
	return b
}

// read reads what is used; lost says why it cannot be.
func read(dir *state.Dir) (c counters, lost string) {
	c = newCounters()
	content, err := dir.Read(Used)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil || json.Unmarshal(content, &c) != nil || c.Windows == nil || c.Sessions == nil || c.gaps():
		return newCounters(), "what was used before cannot be read (" + dir.Path(Used) + "); to begin anew to count: seawall limits reset"
	}
	if c.Reset == nil {
		c.Reset = map[Window]time.Time{}
	}
	return c, ""
}

// gaps reports whether a counter is missing where one should be.
func (c *counters) gaps() bool {
	for _, is := range c.Windows {
		if is == nil {
			return true
		}
	}
	for _, is := range c.Sessions {
		if is == nil {
			return true
		}
	}
	return false
}

// reread takes over what the operator has settled since, and returns whether that
// is something new.
func (b *Book) reread() (changed bool) {
	info, err := os.Stat(b.dir.Path(File))
	if err != nil {
		info = nil
	}
	if state.Same(info, b.file) {
		return false
	}
	b.file = info
	var content []byte
	if info != nil {
		content, err = b.dir.Read(File)
	} else {
		err = nil
	}
	var s settings
	if err == nil {
		s, err = parse(b.dir.Path(File), content)
	}
	if b.wrong = ""; err != nil {
		b.wrong = err.Error()
		return true
	}
	b.settings = s
	if b.used.reset(s.Reset) {
		b.lost, b.dirty = "", true
	}
	return true
}

// Called counts a call that was let through.
func (b *Book) Called(s Conversation, message bool) {
	b.count(s, func(c *counter) {
		c.Calls++
		if message {
			c.Messages++
		}
	})
}

// Answered counts what an answer of a model used.
func (b *Book) Answered(s Conversation, u Use) { b.count(s, func(c *counter) { c.use(u) }) }

func (b *Book) count(s Conversation, add func(*counter)) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reread()
	for _, c := range b.used.each(s, b.now()) {
		add(c)
	}
	b.dirty = true
}

// Call returns the limit that stands against a call, or nil; message tells that it
// sends something to somebody.
func (b *Book) Call(s Conversation, message bool) *Reached {
	measures := []Measure{Money, Tokens, Calls}
	if message {
		measures = append(measures, Messages)
	}
	return b.against(s, 100, measures...)
}

// Turn returns the limit that stands against asking a model, or nil. A turn that
// has begun may come to its end a little above the limit.
func (b *Book) Turn(s Conversation, begun bool) *Reached {
	if begun {
		return b.against(s, grace, Money, Tokens)
	}
	return b.against(s, 100, Money, Tokens)
}

// against returns the first limit of which so many per cent are used.
func (b *Book) against(s Conversation, percent float64, measures ...Measure) *Reached {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reread()
	if why := b.wrong + b.lost; why != "" {
		return &Reached{Broken: why}
	}
	each := b.used.each(s, b.now())
	for _, m := range measures {
		for i, w := range Windows {
			n := Name{w, m}
			limit, ok := b.settings.of(n)
			if used := each[i].of(m); ok && float64(used) >= float64(limit)*percent/100 {
				return &Reached{Name: n, Used: used, Limit: limit}
			}
		}
	}
	return nil
}

// Save writes what is used, where that is not on the disk yet.
func (b *Book) Save() error {
	if b == nil {
		return nil
	}
	b.saving.Lock()
	defer b.saving.Unlock()
	b.mu.Lock()
	if !b.dirty || b.lost != "" {
		b.mu.Unlock()
		return nil
	}
	content, err := json.Marshal(b.used)
	b.dirty = false
	b.mu.Unlock()
	if err == nil {
		err = b.dir.Write(Used, content)
	}
	if err != nil {
		b.mu.Lock()
		b.dirty = true
		b.mu.Unlock()
		return fmt.Errorf("writing what is used of the limits: %w", err)
	}
	return nil
}

// Settled is what the operator has settled, in one line; a damaged file is said.
func (b *Book) Settled() string {
	if b == nil {
		return ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reread()
	if b.wrong != "" {
		return b.wrong
	}
	said := b.settings.String()
	for _, w := range Windows {
		if at, ok := b.settings.Reset[w]; ok {
			said += fmt.Sprintf("; %s counted anew from %s", w, at.Local().Format("2006-01-02 15:04"))
		}
	}
	return said
}
