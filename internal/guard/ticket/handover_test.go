package ticket

import (
	"testing"
	"time"
)

func TestAnotherBookTakesOver(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	call := Ticket{Agent: "a", Trace: "t", Tool: "exec"}
	other := Ticket{Agent: "a", Trace: "t", Tool: "read"}
	book := New(clock)
	book.Issue(call)
	book.Issue(call)
	book.Issue(other)
	if !uses(book, call) {
		t.Fatal("a ticket was not there")
	}
	left := book.Outstanding()

	next := New(clock)
	next.Restore(left)
	if !uses(next, other) || !uses(next, call) || uses(next, call) {
		t.Error("the next book does not hold exactly what was out")
	}

	now = now.Add(Life)
	late := New(clock)
	late.Restore(left)
	if uses(late, other) {
		t.Error("a ticket outlived its time in another book")
	}

	now = now.Add(-3 * Life) // the clock jumped back
	early := New(clock)
	early.Restore(left)
	if uses(early, other) {
		t.Error("a clock that jumped back made a ticket last longer")
	}
}
