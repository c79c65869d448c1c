package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/openseawall/seawall/internal/whole"
)

// Layout is the file that says how the files of a directory are to be read.
const Layout = "layout.json"

// layout is the number of the layout that this Seawall writes. It is raised
// when an older Seawall would misread what a newer one writes. The record has a
// number of its own, and keeps its own copy.
const layout = 1

// written is the content of the layout file.
type written struct {
	Layout  int    `json:"layout"`
	Seawall string `json:"seawall"` // the version that wrote it first
}

// Upgrade makes the directory one of this Seawall's layout. Of an older one all
// files but the record are copied into the folder "layout-N" before anything is
// changed, so that the older Seawall can be put back. A newer one is refused.
// The directory has to be locked.
func (d *Dir) Upgrade(version string) error { return d.upgrade(layout, version) }

// Fits says why this Seawall cannot use the directory: its layout is newer, or
// not known. It changes nothing.
func (d *Dir) Fits(version string) error {
	_, err := d.layout(layout, version)
	return err
}

// layout reads the layout of the directory, 0 where it is not written down, and
// refuses one above the highest that is known.
func (d *Dir) layout(highest int, version string) (int, error) {
	content, err := d.Read(Layout)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	var is written
	if err == nil {
		err = json.Unmarshal(content, &is)
	}
	switch {
	case err != nil || is.Layout < 1:
		return 0, fmt.Errorf("%s is damaged: delete it if no newer Seawall ever ran on this directory", d.Path(Layout))
	case is.Layout > highest:
		return 0, fmt.Errorf("the state directory %s was written by a newer Seawall (%s, layout %d), which this one (%s, layout %d) cannot read: install that one again, or put its copy of the old files back (%s)",
			d.path, is.Seawall, is.Layout, version, highest, d.Path(copyOf(highest)))
	}
	return is.Layout, nil
}

func (d *Dir) upgrade(to int, version string) error {
	is, err := d.layout(to, version)
	if err != nil || is == to {
		return err
	}
	// Before there was such a file all directories were of the first layout.
	if is = max(is, 1); is < to {
		if err := d.keep(copyOf(is)); err != nil {
			return fmt.Errorf("copying the state directory %s before it is changed: %w", d.path, cause(err))
		}
	}
	content, err := json.Marshal(written{to, version})
	if err != nil {
		return err
	}
	return d.Write(Layout, append(content, '\n'))
}

func copyOf(layout int) string { return fmt.Sprintf("layout-%d", layout) }

// keep copies all files but the record into a folder of the directory. What an
// interrupted copy left is made again.
func (d *Dir) keep(folder string) error {
	if err := d.root.RemoveAll(folder); err != nil {
		return err
	}
	to, err := d.Folder(folder)
	if err != nil {
		return err
	}
	defer to.Close()
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), Ledger) || e.Name() == "lock" {
			continue
		}
		content, err := d.Read(e.Name())
		if err == nil {
			err = to.Write(e.Name(), content)
		}
		if err != nil {
			return err
		}
	}
	return whole.Sync(d.root)
}
