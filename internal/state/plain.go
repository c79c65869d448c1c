package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// most is the size in bytes above which a file of the directory is none of
// Seawall's. The record, which is larger, is not read by this package.
const most = 32 << 20

// plain opens a file of the directory that is one: not a link, which would lead
// root elsewhere, nor a pipe or device, on which it would wait. Under root a file
// must also be the directory's own: its owner's, root's, or one of the others
// that are named. With a second name (a hard link) it is not root's to give.
func (d *Dir) plain(name string, flag int, others ...int) (*os.File, error) {
	f, err := d.root.OpenFile(name, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0o600)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return nil, errors.New("it is a link or no plain file: delete it")
	}
	if err != nil {
		return nil, err
	}
	if err := d.own(f, name, others); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (d *Dir) own(f *os.File, name string, others []int) error {
	named, err := d.root.Lstat(name)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	is := info.Sys().(*syscall.Stat_t)
	owner := int(is.Uid)
	switch {
	case !named.Mode().IsRegular() || !info.Mode().IsRegular():
		return errors.New("it is a link or no plain file: delete it")
	case os.Geteuid() != 0 || owner == d.uid || slices.Contains(others, owner):
		return nil
	case owner != 0:
		return fmt.Errorf("it belongs to %s: delete it", userName(is.Uid))
	case is.Nlink > 1:
		return errors.New("it is root's, under a second name: delete it")
	}
	return nil
}

// read reads a plain file that is not too large.
func (d *Dir) read(name string) ([]byte, error) {
	f, err := d.plain(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(content) > most {
		err = fmt.Errorf("it is larger than %d MB, which no file of Seawall's is: delete it", most>>20)
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}

// owned opens a plain file to write, makes it when it is not there, and gives
// it to the directory's owner.
func (d *Dir) owned(name string) (*os.File, error) {
	f, err := d.plain(name, os.O_RDWR|os.O_CREATE)
	if err == nil && os.Geteuid() == 0 {
		if err = f.Chown(d.uid, d.gid); err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}
