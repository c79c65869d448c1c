package model

import (
	"context"
	"errors"
	"net/http"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// untilFrozen is a context that ends with the exchange, or when the operator
// freezes the agent: with it the provider is left, whether it thinks or answers.
func (x *exchange) untilFrozen(ctx context.Context) (until context.Context, leave func()) {
	until, cancel := context.WithCancelCause(ctx)
	leave = func() { cancel(nil) }
	forget := x.door.guard.Operator.OnFreeze(func() { cancel(wire.ErrHalted) })
	x.after = append(x.after, leave, forget)
	return until, leave
}

func halted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), wire.ErrHalted) }

// halt answers a request of which nothing was answered yet.
func (x *exchange) halt(w http.ResponseWriter) {
	if x.turn == nil || x.counted {
		refuse(w, http.StatusForbidden, "the agent is frozen; `seawall thaw` ends it")
		return
	}
	x.say(w, x.turn.Tell(wire.Halted))
}
