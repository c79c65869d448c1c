package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// most is the size in bytes above which a file of the directory is none of
// Seawall's. The record, which is larger, is not read by this package.
const most = 32 << 20

// plain opens a file of the directory that is one: not a link, which would lead
// root elsewhere, nor a pipe or device, on which it would wait. Under root it must
// belong to the directory's owner, so that it is none that he could not read and
// change himself, under a name of his (a hard link).
func (d *Dir) plain(name string, flag int) (*os.File, error) {
	f, err := d.open(name, flag)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if is := ownerOf(info); err == nil && os.Geteuid() == 0 && is != d.uid {
		err = fmt.Errorf("it belongs to %s, and the directory to %s: chown %[2]s it, or delete it", userName(is), userName(d.uid))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (d *Dir) open(name string, flag int) (*os.File, error) {
	return OpenPlain(d.root, name, flag, 0o600)
}

// OpenPlain opens a file that stands in a directory under its own name, whose
// ever it is: not a link, which would lead elsewhere, nor a pipe or device, on
// which one would wait.
func OpenPlain(in *os.Root, name string, flag int, mode fs.FileMode) (*os.File, error) {
	if named, err := in.Lstat(name); err == nil && !named.Mode().IsRegular() {
		return nil, errPlain
	}
	f, err := in.OpenFile(name, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, mode)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	named, e := in.Lstat(name) // os.Root follows links within the directory
	if err = errors.Join(err, e); err == nil && (!info.Mode().IsRegular() || !os.SameFile(info, named)) {
		err = errPlain
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

var errPlain = errors.New("it is a link or no plain file: delete it")

func ownerOf(info os.FileInfo) int {
	if info == nil {
		return -1
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
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

// owned opens a plain file to write, or makes it as the directory's owner's.
func (d *Dir) owned(name string) (*os.File, error) {
	f, err := d.plain(name, os.O_RDWR)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	f, err = d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return d.plain(name, os.O_RDWR) // somebody was first
	}
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
