package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// WrongFile holds the contents in which a detector was wrong.
const WrongFile = "wrong.json"

// maxWrong is how many are kept; beyond it the oldest goes, and is found again.
const maxWrong = 1024

// Content names one content in which a rule finds what is not there.
type Content struct {
	Rule string `json:"rule"`
	// Sum is the SHA-256 of the text as it was decoded, in hex, or of a secret
	// the row's Sum of it.
	Sum string `json:"sum"`
}

// Wrong is what the operator said about one row's findings.
type Wrong struct {
	ID    int64     `json:"id"` // the row that told of them
	Given time.Time `json:"given"`
	Content
}

// Silence has what was found in these contents never found again.
func Silence(dir *state.Dir, wrong ...Wrong) error {
	return dir.Change(WrongFile, func(old []byte) ([]byte, error) {
		all, err := parseWrong(dir, old)
		if err != nil {
			return nil, err
		}
		known := map[Content]bool{}
		for _, w := range all {
			known[w.Content] = true
		}
		for _, w := range wrong {
			if !known[w.Content] {
				known[w.Content] = true
				all = append(all, w)
			}
		}
		return json.MarshalIndent(all[max(0, len(all)-maxWrong):], "", "  ")
	})
}

// AllWrong returns what was said in a state directory, the oldest first; none is
// no error.
func AllWrong(dir *state.Dir) ([]Wrong, error) {
	content, err := dir.Read(WrongFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseWrong(dir, content)
}

func parseWrong(dir *state.Dir, content []byte) (all []Wrong, err error) {
	if len(content) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, fmt.Errorf("%s is damaged, so everything in it is found again: delete it, and say again what is wrong", dir.Path(WrongFile))
	}
	return all, nil
}

// Wrong are the contents in which a detector was wrong, as the file has them
// now. A file that cannot be read has none. The map is not changed.
func (d *Desk) Wrong() map[Content]bool {
	contents, _ := d.silenced.Get(d.dir, WrongFile, func() (map[Content]bool, error) {
		contents := map[Content]bool{}
		all, _ := AllWrong(d.dir)
		for _, w := range all {
			contents[w.Content] = true
		}
		return contents, nil
	})
	return contents
}
