package wire

import (
	"context"
	"io"
	"sync"
	"time"
)

// verdict asks the judge about a call. Where a person has to give the verdict, a
// stream is held meanwhile: what came before the call is out, and now and then an
// event goes out that says nothing. An answer in one piece is not held, since
// nothing could tell its reader that it is still coming.
func (w *rewriter) verdict(c Call) Verdict {
	v := w.judge.Call(w.ctx, c)
	if v.Wait == nil || w.in == nil {
		return v
	}
	w.in.readAhead(w.ctx)
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	given := make(chan Verdict, 1)
	go func() { given <- v.Wait(ctx) }()
	tick := time.NewTicker(max(quiet, time.Millisecond))
	defer tick.Stop()
	for {
		if w.out.flush() != nil {
			stop() // nobody reads it any more
		}
		select {
		case v := <-given:
			return v
		case <-tick.C:
			w.format.pulse()
		}
	}
}

// readAhead goes on reading the source while the answer is held: a provider may
// hang up on who does not read.
func (r *sse) readAhead(ctx context.Context) {
	if _, ok := r.src.(*ahead); ok {
		return
	}
	a := &ahead{}
	a.changed.L = &a.mu
	src := r.src
	r.src = a
	stop := context.AfterFunc(ctx, func() { a.end(context.Cause(ctx)) })
	go func() {
		defer stop()
		a.fill(src)
	}()
}

// ahead is a source that is read ahead, by at most maxHeld.
type ahead struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     []byte
	err     error
}

func (a *ahead) fill(src io.Reader) {
	piece := make([]byte, 32<<10)
	for {
		n, err := src.Read(piece)
		a.mu.Lock()
		a.buf = append(a.buf, piece[:n]...)
		a.changed.Broadcast()
		for len(a.buf) > maxHeld && a.err == nil {
			a.changed.Wait()
		}
		over := a.err != nil
		a.mu.Unlock()
		if err != nil {
			a.end(err)
		}
		if err != nil || over {
			return
		}
	}
}

// end ends what is read, behind what was read already; the first error counts.
func (a *ahead) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = err
	}
	a.changed.Broadcast()
}

// Read implements io.Reader.
func (a *ahead) Read(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.buf) == 0 && a.err == nil {
		a.changed.Wait()
	}
	if len(a.buf) == 0 {
		return 0, a.err
	}
	n := copy(p, a.buf)
	if a.buf = a.buf[n:]; len(a.buf) == 0 {
		a.buf = nil
	}
	a.changed.Broadcast()
	return n, nil
}
