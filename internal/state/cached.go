package state

import (
	"io/fs"
	"os"
	"sync/atomic"
)

// Cached is what was made of a file of a state directory, until the file is another.
// The zero value is ready, and safe for concurrent use.
type Cached[T any] struct{ last atomic.Pointer[cached[T]] }

type cached[T any] struct {
	info fs.FileInfo
	made T
}

// Get returns what read makes of a file as it is now, without reading it again while
// it is the same. Where there is no file it is the zero value. What comes with an
// error is read anew the next time. What is returned is everybody's, and not to
// be changed.
func (c *Cached[T]) Get(d *Dir, name string, read func() (T, error)) (made T, err error) {
	info, err := os.Stat(d.Path(name))
	if err != nil {
		return made, nil
	}
	if last := c.last.Load(); last != nil && Same(info, last.info) {
		return last.made, nil
	}
	if made, err = read(); err == nil {
		c.last.Store(&cached[T]{info, made})
	}
	return made, err
}

// Same reports whether a file was not replaced between two looks at it, of which
// either may have found none: files of a state directory are written whole, so
// another content is another file.
func Same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
