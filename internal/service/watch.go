package service

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"

	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/state"
)

// watch looks whether the doors that are open are in the path of what OpenClaw
// says to its models.
func watch(dir *state.Dir) *proof.Watch {
	door := func() (netip.AddrPort, error) {
		i, err := Find(dir)
		if err != nil || i == nil {
			return netip.AddrPort{}, errors.Join(err, errors.New("no door is open"))
		}
		return netip.ParseAddrPort(i.Door)
	}
	return proof.New(dir, door, os.Stderr)
}

// Watch looks once and then watches until stop is called. What the first look
// finds stands in the state, for who starts it to say; what is new after that is
// told on standard error. It is for the process that may read the agent's files
// and processes, which the doors may not.
func Watch(ctx context.Context, dir *state.Dir) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done, w := make(chan struct{}), watch(dir)
	w.Tell(io.Discard)
	w.Look(ctx)
	w.Tell(os.Stderr)
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	return func() { cancel(); <-done }
}
