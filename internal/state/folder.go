package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Folder opens a directory in the directory, and makes it when it is not there.
func (d *Dir) Folder(name string) (*Dir, error) {
	err := d.root.Mkdir(name, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making %s: %w", d.Path(name), cause(err))
	}
	in, err := d.folder(name)
	if err == nil && os.Geteuid() == 0 {
		err = in.root.Lchown(".", d.uid, d.gid)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", d.Path(name), cause(err))
	}
	return in, nil
}

// folder opens a directory that stands in the directory under its own name. Its
// owner is the directory's.
func (d *Dir) folder(name string) (*Dir, error) {
	named, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	root, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil && !os.SameFile(info, named) {
		err = errors.New("it is a link: delete it")
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return &Dir{path: d.Path(name), root: root, uid: d.uid, gid: d.gid}, nil
}

// Names returns the names of what is in the directory, in order.
func (d *Dir) Names() ([]string, error) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.path, cause(err))
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}
