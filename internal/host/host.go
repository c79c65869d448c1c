// Package host is one machine as it answers: files, commands, sockets, the
// Docker Engine. Everything Seawall knows about a machine passes through a
// [Host], and there are two kinds of them: [Live] asks this machine, a
// recorded one answers from a txtar file that [Record] wrote on another. On
// top of either, [Read] turns raw answers into [Facts].
//
// The rule of the house: ask the machine, not its files. `sshd -T` says what
// sshd would do; sshd_config only says what somebody wrote.
package host

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// ErrAbsent says that a thing is certainly not there: no such file, no such
// command, no Docker socket. It differs from every other error, after which
// the answer is unknown.
var ErrAbsent = errors.New("not there")

// Host answers questions about one machine. Implementations are safe for
// concurrent use and bound what they read. An error that wraps [ErrAbsent]
// means the thing does not exist; any other error carries a reason a person
// understands ("needs root", "no answer within 5s", "not recorded").
type Host interface {
	// ReadFile returns the content of one file, at most 4 MiB of it.
	ReadFile(ctx context.Context, path string) ([]byte, error)
	// Stat describes a path without following a final symlink.
	Stat(ctx context.Context, path string) (FileInfo, error)
	// ReadDir lists a directory, sorted by name, without following symlinks.
	ReadDir(ctx context.Context, path string) ([]FileInfo, error)
	// Run runs a command that only reads, with LC_ALL=C and no standard input.
	// A command that ran and failed is not an error: Output says its exit code.
	Run(ctx context.Context, name string, args ...string) (Output, error)
	// Docker answers GET path of the Docker Engine API with its JSON.
	Docker(ctx context.Context, path string) ([]byte, error)
	// Self says who is asking.
	Self(ctx context.Context) (Self, error)
}

// FileInfo is a path's mode, owner and size.
type FileInfo struct {
	Path    string // absolute
	Mode    fs.FileMode
	UID     uint32
	GID     uint32
	Size    int64
	ModTime time.Time
	Target  string // of a symlink
}

// Output is what a command said.
type Output struct {
	Stdout []byte
	Stderr []byte
	Exit   int
}

// Self is the process that asks: a fact that only root can read is unknown to
// anyone else.
type Self struct {
	UID  uint32
	Time time.Time
}
