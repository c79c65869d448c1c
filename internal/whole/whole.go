// Package whole replaces files as a whole: readers, and a machine that loses
// power, see the old content or the new, never a part.
package whole

import (
	"io/fs"
	"os"
)

// Write replaces a file below an open directory. Nothing is followed out of
// it: what stands in the way of the new file is removed, and a link is replaced
// itself. Root gives the file to uid and gid; anyone else keeps it.
func Write(root *os.Root, name, temp string, content []byte, mode fs.FileMode, uid, gid int) (err error) {
	_ = root.Remove(temp)
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = root.Remove(temp)
		}
	}()
	_, err = f.Write(content)
	if err == nil && os.Geteuid() == 0 {
		err = f.Chown(uid, gid)
	}
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		return err
	}
	return Sync(root)
}

// Sync makes what was renamed or removed in a directory last.
func Sync(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
