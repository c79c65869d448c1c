package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/openseawall/seawall/internal/guard/ticket"
)

// handoverFile holds what a door that ended knew and the next one needs, so
// that an update of Seawall stops no call that was let through before it.
const handoverFile = "handover.json"

// handover is what one door leaves to the next.
type handover struct {
	Tickets []ticket.Outstanding `json:"tickets"`
	Spans   []string             `json:"spans"` // requests that were seen, the oldest first
}

// HandOver leaves what the door knows to the one that opens after it on the
// same state directory.
func (d *Door) HandOver() error {
	content, err := json.Marshal(handover{d.tickets.Outstanding(), d.watch.spans.Keys()})
	if err != nil {
		return fmt.Errorf("leaving the tickets to the next door: %w", err)
	}
	return d.dir.Write(handoverFile, content)
}

// takeOver takes what the door before this one left, once. One that was killed
// leaves nothing, and one that left something unreadable has left nothing: the
// calls it let through are asked for again.
func (d *Door) takeOver() error {
	content, err := d.dir.Read(handoverFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.dir.Remove(handoverFile); err != nil {
		return err
	}
	var left handover
	if json.Unmarshal(content, &left) != nil {
		return nil
	}
	d.tickets.Restore(left.Tickets)
	for _, span := range left.Spans {
		d.watch.spans.Add(span, struct{}{})
	}
	return nil
}
