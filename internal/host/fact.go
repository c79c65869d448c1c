package host

import "fmt"

// Status says whether a fact was read.
type Status uint8

const (
	// Unknown is a fact that could not be read; Reason says why. It is the zero
	// value, so that a fact nobody read is never taken for a pass.
	Unknown Status = iota
	// Known is a fact whose Value was read.
	Known
	// Absent is a fact about something that this machine certainly has not got.
	Absent
)

// Fact is one answer of the machine: a value, the certainty that there is
// nothing to know, or the reason why it could not be read.
type Fact[T any] struct {
	Value  T
	Status Status
	Reason string
}

// Is returns a known fact.
func Is[T any](v T) Fact[T] { return Fact[T]{Value: v, Status: Known} }

// None returns the fact that there is no such thing here; reason says what was
// looked for ("sshd is not installed").
func None[T any](reason string) Fact[T] { return Fact[T]{Status: Absent, Reason: reason} }

// NotRead returns a fact that stays unknown, with the reason.
func NotRead[T any](format string, args ...any) Fact[T] {
	return Fact[T]{Status: Unknown, Reason: fmt.Sprintf(format, args...)}
}

// State returns status and reason without the value, whatever its type.
func (f Fact[T]) State() (Status, string) { return f.Status, f.Reason }

// Ok reports whether the value was read.
func (f Fact[T]) Ok() bool { return f.Status == Known }
