package model

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"

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

// rewritten returns what rewrite writes. Close closes the sources, which
// rewrite reads from.
func rewritten(rewrite func(io.Writer) error, sources ...io.Closer) io.ReadCloser {
	a := &answer{err: io.EOF, sources: sources}
	a.next, a.stop = iter.Pull(func(yield func([]byte) bool) {
		if err := whole(rewrite(pulled(yield))); err != nil {
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

// replace puts what rewrite writes in place of a body that has to be read to
// its end anyway, so that it goes out in one piece, with its length.
func replace(res *http.Response, rewrite func(io.Writer) error, decoded io.Closer) error {
	var body bytes.Buffer
	err := whole(rewrite(&body))
	decoded.Close()
	res.Body.Close()
	res.Body = io.NopCloser(&body)
	res.ContentLength = int64(body.Len())
	res.Header.Set("Content-Length", strconv.Itoa(body.Len()))
	return err
}

// whole is the error of a rewriter, unless it tells of an answer that ended with
// a notice: that is a whole one.
func whole(err error) error {
	if ended := (*wire.Ended)(nil); errors.As(err, &ended) {
		return nil
	}
	return err
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
