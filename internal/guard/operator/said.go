package operator

import (
	"encoding/json"
)

// noticesFile holds the notices that stand in place of a text.
const noticesFile = "notices.json"

// maxNotices is how many are kept; beyond it the oldest goes.
const maxNotices = 1024

// notices are what was said in place of a text, the oldest first.
type notices struct {
	Order []string          `json:"order"` // keys
	Text  map[string]string `json:"text"`
}

// Said returns the notice that was said in place of a text before, or says it
// now and keeps it: what stands in a conversation stays the same bytes, however
// language, rules or detectors change, because a provider's prompt cache ends
// where they differ. One that cannot be kept is said all the same.
func (d *Desk) Said(key string, say func() string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.said == nil {
		d.said = &notices{Text: map[string]string{}}
		// A file that is missing or damaged only costs what it would have saved.
		if content, err := d.dir.Read(noticesFile); err == nil {
			var kept notices
			if json.Unmarshal(content, &kept) == nil && kept.Text != nil && len(kept.Order) == len(kept.Text) {
				d.said = &kept
			}
		}
	}
	if notice, ok := d.said.Text[key]; ok {
		return notice
	}
	notice := say()
	d.said.Order, d.said.Text[key] = append(d.said.Order, key), notice
	for len(d.said.Order) > maxNotices {
		delete(d.said.Text, d.said.Order[0])
		d.said.Order = d.said.Order[1:]
	}
	if content, err := json.Marshal(d.said); err == nil {
		_ = d.dir.Write(noticesFile, content)
	}
	return notice
}
