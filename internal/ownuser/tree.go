package ownuser

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

const (
	// maxText is how big a file may be whose text is looked through for paths.
	maxText = 8 << 20
	// maxFiles bounds a tree.
	maxFiles = 1 << 20
)

// copier copies a tree from one owner to another. Either may be an agent's that
// wishes no good: nothing is followed out of the tree, and only plain files of
// the tree's owner are read.
type copier struct {
	paths    Paths
	uid, gid int // of the copies
	// owner is whose files are read; -1 takes anybody's (the tree is root's, who
	// reads them anyway).
	owner int
	left  []string // what was not copied, each with the reason
	names []string // the same, names alone
	n     int
}

func (c *copier) leave(name, format string, args ...any) {
	c.names = append(c.names, name)
	c.left = append(c.left, name+": "+fmt.Sprintf(format, args...))
}

// tree copies what is below from to below to, which is made.
func (c *copier) tree(ctx context.Context, from, to string) error {
	src, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat(".")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	dst, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer dst.Close()
	err = fs.WalkDir(src.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if c.n++; c.n > maxFiles {
			return fmt.Errorf("%s holds more than %d files", from, maxFiles)
		}
		if name == "." {
			return nil
		}
		if entry.IsDir() {
			return c.folder(src, dst, name)
		}
		return c.entry(src, dst, name)
	})
	if err != nil {
		return err
	}
	if err := c.own(dst, ".", info); err != nil {
		return err
	}
	return syncTree(dst)
}

func (c *copier) folder(src, dst *os.Root, name string) error {
	info, err := src.Lstat(name)
	if err != nil {
		return err
	}
	if err := dst.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return c.own(dst, name, info)
}

// own gives a copy its owner, mode and time. What a mode gives beyond reading,
// writing and running is not copied.
func (c *copier) own(dst *os.Root, name string, info fs.FileInfo) error {
	err := dst.Lchown(name, c.uid, c.gid)
	if err == nil {
		err = dst.Chmod(name, info.Mode().Perm())
	}
	if err == nil {
		err = dst.Chtimes(name, info.ModTime(), info.ModTime())
	}
	return err
}

// entry copies what is no folder, and leaves what it must not.
func (c *copier) entry(src, dst *os.Root, name string) error {
	info, err := src.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	switch {
	case c.owner >= 0 && int(st.Uid) != c.owner:
		c.leave(name, "it belongs to somebody else")
		return nil
	case strings.HasSuffix(name, "-shm"): // SQLite makes it anew
		return nil
	case info.Mode()&fs.ModeSymlink != 0:
		return c.link(src, dst, name)
	case !info.Mode().IsRegular():
		c.leave(name, "it is no file (%s)", info.Mode().Type())
		return nil
	case st.Nlink > 1 && c.owner >= 0:
		c.leave(name, "it has a second name elsewhere (a hard link)")
		return nil
	}
	return c.file(src, dst, name, info)
}

// link copies a link, whoever's file it leads to: it gives no right to that. One
// into a moved tree leads to its new place.
func (c *copier) link(src, dst *os.Root, name string) error {
	target, err := src.Readlink(name)
	if err != nil {
		return err
	}
	_ = dst.Remove(name)
	if err := dst.Symlink(c.paths.of(target), name); err != nil {
		return err
	}
	return dst.Lchown(name, c.uid, c.gid)
}

// outside reports whether a link's target is not below the tree.
func outside(name, target string) bool {
	return filepath.IsAbs(target) || !filepath.IsLocal(filepath.Join(filepath.Dir(name), target))
}

func (c *copier) file(src, dst *os.Root, name string, info fs.FileInfo) error {
	in, err := src.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	if is, err := in.Stat(); err != nil || !os.SameFile(is, info) {
		return fmt.Errorf("%s changed while it was copied: %w", name, err)
	}
	var content io.Reader = in
	if info.Size() <= maxText {
		text, err := io.ReadAll(io.LimitReader(in, maxText+1))
		if err != nil {
			return err
		}
		content = bytes.NewReader(c.moved(text))
	}
	temp := name + ".seawall-new"
	_ = dst.Remove(temp)
	out, err := dst.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	if err == nil {
		err = out.Sync()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = c.own(dst, temp, info)
	}
	if err == nil {
		err = dst.Rename(temp, name)
	}
	return err
}

// moved is a file's content with the paths of its new place: that of a text.
func (c *copier) moved(content []byte) []byte {
	if bytes.IndexByte(content, 0) >= 0 || !utf8.Valid(content) {
		return content
	}
	return c.paths.In(content)
}

func syncTree(dst *os.Root) error {
	f, err := dst.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// databases are SQLite's files below a folder.
func databases(folder string) (paths []string, err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		header := make([]byte, len(sqliteHeader))
		if _, err := io.ReadFull(f, header); err == nil && string(header) == sqliteHeader {
			paths = append(paths, filepath.Join(folder, name))
		}
		return nil
	})
	return paths, err
}

// sum is the SHA-256 of a file, in hex.
func sum(root *os.Root, name string) (string, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
