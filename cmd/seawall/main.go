// Command seawall makes a self-hosted OpenClaw agent safe to run: it audits
// the machine, and stands between the agent and its model.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/openseawall/seawall/internal/plain"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	// Whoever asks again after that long is not made to wait.
	context.AfterFunc(ctx, func() { time.AfterFunc(patience, stop) })
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// patience is how long a command that was told to end has for taking back what
// it did.
const patience = 5 * time.Second

// endings are the signals after which a command still takes back what it has
// to. The end of an SSH session is one, unless nohup says that it is not.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// The exit codes of every command.
const (
	exitOK       = 0
	exitFindings = 1 // it ran, and the answer is no
	exitFailed   = 2 // it could not run
)

// errNo is the error of a command that ran and whose answer is no; all
// that is to be said has been printed.
var errNo = errors.New("the answer is no")

func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errNo):
		return exitFindings
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "seawall: stopped")
		return exitFailed
	}
	fmt.Fprintln(plain.Writer(os.Stderr), "seawall:", err)
	return exitFailed
}
