package install

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/packaging"
)

// Lacking names what `install` would still do to make the service whole, but for
// opening the doors: the rest of an install that was interrupted, or what
// somebody has taken away since. Where nobody has made a service it is nothing.
func Lacking(ctx context.Context, m Machine, dir *state.Dir) ([]string, error) {
	j, err := readJournal(dir)
	if err != nil {
		return nil, err
	}
	b := &builder{Machine: m, dir: dir, journal: j, plan: &Plan{}}
	status := b.Status(ctx)
	if len(j.Files) == 0 && !j.Account && !status.Enabled {
		return nil, nil
	}
	program := localProgram
	if b.packaged(packaging.Program) {
		program = packaging.Program
	}
	if !m.exists(program) {
		b.plan.add("write "+program, nil)
	}
	b.account()
	if err := b.units(program); err != nil {
		return nil, err
	}
	if !status.Enabled {
		b.plan.add("start "+strings.Join(enabled(), ", ")+" with the machine", nil)
	}
	var steps []string
	for _, s := range b.plan.Steps {
		steps = append(steps, s.What)
	}
	return steps, nil
}

// Edited are the units that somebody edited in their place, where an update
// does not reach them.
func Edited(m Machine, dir *state.Dir) ([]string, error) {
	j, err := readJournal(dir)
	if err != nil {
		return nil, err
	}
	var edited []string
	for _, u := range packaging.Units(localProgram) {
		path := filepath.Join(unitFolder, u.Name)
		content, err := fs.ReadFile(m.FS, strings.TrimPrefix(path, "/"))
		if err != nil {
			continue
		}
		if known, same := j.wrote(path, content); !(known && same) && string(content) != u.Text && !shipped(u.Name, string(content)) {
			edited = append(edited, path)
		}
	}
	return edited, nil
}

// shipped reports whether a unit is a package's, copied.
func shipped(name, text string) bool {
	for _, u := range packaging.Units(packaging.Program) {
		if u.Name == name {
			return u.Text == text
		}
	}
	return false
}
