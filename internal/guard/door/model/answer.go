package model

import (
	"errors"
	"io"
	"iter"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// answer is a provider's answer on its way through the guard. It is rewritten
// as it is read, on the reader's own goroutine: nothing waits in between, and
// what panics ends this exchange alone.
type answer struct {
	next    func() ([]byte, bool)
	stop    func()
	rest    []byte // written and not read yet
	err     error
	sources []io.Closer
}

// rewritten returns what rewrite writes. An answer that ended with a notice is
// a whole one. Close closes the sources, which rewrite reads from.
func rewritten(rewrite func(io.Writer) error, sources ...io.Closer) io.ReadCloser {
	a := &answer{err: io.EOF, sources: sources}
	a.next, a.stop = iter.Pull(func(yield func([]byte) bool) {
		err := rewrite(pulled(yield))
		var ended *wire.Ended
		if err != nil && !asError(err, &ended) {
			a.err = err
		}
	})
	return a
}

// Read implements io.Reader.
func (a *answer) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		var more bool
		if a.rest, more = a.next(); !more {
			return 0, a.err
		}
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close implements io.Closer.
func (a *answer) Close() error {
	a.stop()
	var all error
	for _, s := range a.sources {
		all = errors.Join(all, s.Close())
	}
	return all
}

// pulled writes to whoever pulls. What it was given is read before Write
// returns.
type pulled func([]byte) bool

// Write implements io.Writer.
func (yield pulled) Write(p []byte) (int, error) {
	if !yield(p) {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}
