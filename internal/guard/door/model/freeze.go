package model

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// untilFrozen is a context that ends when the operator freezes the agent: with
// it the provider is left, whether it thinks or answers.
func (d *Door) untilFrozen(r *http.Request) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(r.Context())
	forget := d.guard.Operator.OnFreeze(func() { cancel(wire.ErrHalted) })
	return ctx, func() { forget(); cancel(nil) }
}

func halted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), wire.ErrHalted) }

// haltable is the body of an answer that ends, in the middle of what it says,
// when its context does.
type haltable struct {
	io.ReadCloser
	ctx context.Context
}

// Read implements io.Reader.
func (h haltable) Read(p []byte) (int, error) {
	if halted(h.ctx) {
		return 0, wire.ErrHalted
	}
	n, err := h.ReadCloser.Read(p)
	if err != nil && err != io.EOF && halted(h.ctx) {
		err = wire.ErrHalted
	}
	return n, err
}

// halt answers a request of which nothing was answered yet.
func (x *exchange) halt(w http.ResponseWriter) {
	if x.turn == nil || x.counted {
		refuse(w, http.StatusForbidden, "the agent is frozen; `seawall thaw` ends it")
		return
	}
	x.say(w, x.turn.Tell(wire.Halted))
}
