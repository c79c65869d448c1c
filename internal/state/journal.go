package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// A journal says what to put back on the machine, and where. Root follows it, so
// it must be written by nobody else: root's journals stand beside the state
// directory, in a folder of root's own ("<state>-root"). Anybody else's stand in
// the state directory, which is theirs.

// ReadJournal returns a journal; errors.Is(err, fs.ErrNotExist) tells that there
// is none. foreign says that somebody else than this user could have written it:
// root must show a person what it would do by it, and ask.
func (d *Dir) ReadJournal(name string) (content []byte, foreign bool, err error) {
	if os.Geteuid() != 0 {
		content, err = d.Read(name)
		return content, false, err
	}
	own, err := d.journals(false)
	if err == nil {
		defer own.Close()
		if content, err = own.Read(name); !errors.Is(err, fs.ErrNotExist) {
			return content, false, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	// Whose the directory is now does not tell whose it was.
	content, err = d.Read(name)
	return content, true, err
}

// WriteJournal replaces a journal, and takes the state directory's own copy of
// it away where root has one of its own.
func (d *Dir) WriteJournal(name string, content []byte) error {
	if os.Geteuid() != 0 {
		return d.Write(name, content)
	}
	own, err := d.journals(true)
	if err != nil {
		return err
	}
	defer own.Close()
	if err := own.Write(name, content); err != nil {
		return err
	}
	return d.Remove(name)
}

// RemoveJournal deletes a journal; one that is not there is no error.
func (d *Dir) RemoveJournal(name string) error {
	if os.Geteuid() == 0 {
		own, err := d.journals(false)
		if err == nil {
			err = own.Remove(name)
			own.Close()
			_ = os.Remove(d.JournalPath("")) // unless another journal is in it
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return d.Remove(name)
}

// JournalPath returns the path of a journal of this user's, or of their folder.
func (d *Dir) JournalPath(name string) string {
	folder := d.path
	if os.Geteuid() == 0 {
		folder += "-root"
	}
	if name == "" {
		return folder
	}
	return folder + string(os.PathSeparator) + name
}

// journals opens the folder of root's journals.
func (d *Dir) journals(make bool) (*Dir, error) {
	path := d.JournalPath("")
	if make {
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("making the folder of root's journals: %w", err)
		}
	}
	named, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of root's journals: %w", err)
	}
	if is := named.Sys().(*syscall.Stat_t); !named.IsDir() || is.Uid != 0 || named.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s, which is for root's journals, is not root's alone: look at what is in it, then delete it", path)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of root's journals: %w", err)
	}
	if info, err := root.Stat("."); err != nil || !os.SameFile(info, named) {
		root.Close()
		return nil, errors.Join(fmt.Errorf("%s was exchanged while it was opened", path), err)
	}
	return &Dir{path: path, root: root}, nil
}

// JournalFolder opens a folder among this user's journals, for one that is more
// than a file; make makes it. errors.Is(err, fs.ErrNotExist) tells that there is
// none.
func (d *Dir) JournalFolder(name string, make bool) (*Dir, error) {
	in := d
	if os.Geteuid() == 0 {
		own, err := d.journals(make)
		if err != nil {
			return nil, err
		}
		defer own.Close()
		in = own
	}
	if make {
		return in.Folder(name)
	}
	return in.folder(name)
}

// Subfolder opens a folder of the directory that has to be there;
// errors.Is(err, fs.ErrNotExist) tells that it is not.
func (d *Dir) Subfolder(name string) (*Dir, error) { return d.folder(name) }
