package ticket

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func ticket(t testing.TB, tool, args string) Ticket {
	t.Helper()
	k, err := Of("/home/claw/.openclaw/openclaw.json", "0af7651916cd43dd8448eb211c80319c", tool, []byte(args))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOnce(t *testing.T) {
	b := New(time.Now)
	k := ticket(t, "exec", `{"command":"ls"}`)
	if uses(b, k) {
		t.Error("a ticket that was never issued could be used")
	}
	b.Issue(k)
	b.Issue(k)
	for range 2 {
		if !uses(b, k) {
			t.Error("the same call twice has no two tickets")
		}
	}
	if uses(b, k) {
		t.Error("a ticket could be used again")
	}
}

func TestOnlyForThisCall(t *testing.T) {
	b := New(time.Now)
	mine := ticket(t, "exec", `{"command":"ls"}`)
	b.Issue(mine)
	for name, change := range map[string]func(*Ticket){
		"another agent":      func(k *Ticket) { k.Agent = "/home/other/.openclaw/openclaw.json" },
		"another run":        func(k *Ticket) { k.Trace = "1af7651916cd43dd8448eb211c80319c" },
		"no run":             func(k *Ticket) { k.Trace = "" },
		"another tool":       func(k *Ticket) { k.Tool = "read" },
		"other arguments":    func(k *Ticket) { k.Args = ticket(t, "exec", `{"command":"ls -l"}`).Args },
		"another's argument": func(k *Ticket) { k.Args = ticket(t, "exec", `{"cmd":"ls"}`).Args },
	} {
		other := mine
		change(&other)
		if uses(b, other) {
			t.Errorf("%s could use the ticket", name)
		}
	}
	if !uses(b, mine) {
		t.Error("the ticket is gone")
	}
}

func TestNoTraceNoTicket(t *testing.T) {
	b := New(time.Now)
	k := ticket(t, "exec", `{}`)
	k.Trace = ""
	b.Issue(k)
	if uses(b, k) {
		t.Error("a call of no run has a ticket")
	}
}

func TestExpires(t *testing.T) {
	c := &clock{time.Unix(0, 0)}
	b := New(c.now)
	k := ticket(t, "exec", `{}`)
	b.Issue(k)
	c.at = c.at.Add(Life - 1)
	b.Issue(k)
	if !uses(b, k) {
		t.Error("the ticket expired too early")
	}
	b.Issue(k)
	c.at = c.at.Add(1)
	for range 2 {
		if !uses(b, k) {
			t.Error("the younger tickets expired with the older one, or before")
		}
	}
	b.Issue(k)
	c.at = c.at.Add(Life)
	if uses(b, k) {
		t.Error("an expired ticket could be used")
	}
}

// TestFull: what an agent does not use cannot fill the memory, and takes
// nobody else's tickets away.
func TestFull(t *testing.T) {
	b := New(time.Now)
	first, neighbour := ticket(t, "exec", `{"n":"first"}`), ticket(t, "exec", `{"n":"neighbour"}`)
	neighbour.Agent = "another"
	b.Issue(neighbour)
	b.Issue(first)
	last := first
	for i := range Limit {
		last = ticket(t, "exec", `{"n":"x`+strconv.Itoa(i)+`"}`)
		b.Issue(last)
	}
	if uses(b, first) {
		t.Error("the oldest ticket is still there")
	}
	if !uses(b, last) || !uses(b, neighbour) {
		t.Error("a ticket that should be there is not")
	}
	if n := b.agents[first.Agent].order.Len(); n >= Limit {
		t.Errorf("%d tickets are kept", n)
	}
}

// TestAgainstAModel plays at random against the simplest book there is.
func TestAgainstAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := &clock{time.Unix(0, 0)}
	b := New(c.now)
	type out struct {
		k     Ticket
		until time.Time
	}
	var model []out
	for step := range 20_000 {
		c.at = c.at.Add(time.Duration(r.IntN(20)) * time.Second)
		k := ticket(t, "exec", fmt.Sprintf(`{"n":"v%d"}`, r.IntN(5)))
		if r.IntN(2) == 0 {
			b.Issue(k)
			model = append(model, out{k, c.at.Add(Life)})
			continue
		}
		want := false
		for i := 0; i < len(model); i++ {
			if !c.at.Before(model[i].until) {
				model = append(model[:i], model[i+1:]...)
				i--
			} else if model[i].k == k {
				model, want = append(model[:i], model[i+1:]...), true
				break
			}
		}
		if got := uses(b, k); got != want {
			t.Fatalf("step %d: Use says %v, want %v", step, got, want)
		}
	}
	c.at = c.at.Add(Life)
	uses(b, ticket(t, "exec", `{}`))
	for agent, s := range b.agents {
		if s.order.Len() != 0 || len(s.same) != 0 {
			t.Errorf("%s keeps %d tickets under %d names after all have expired", agent, s.order.Len(), len(s.same))
		}
	}
}

// TestAtOnce: as many uses succeed as tickets were issued, however many ask.
func TestAtOnce(t *testing.T) {
	b := New(time.Now)
	k := ticket(t, "exec", `{"command":"date"}`)
	var used atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				b.Issue(k)
			}
		})
		all.Go(func() {
			for range 400 {
				if uses(b, k) {
					used.Add(1)
				}
			}
		})
	}
	all.Wait()
	for uses(b, k) {
		used.Add(1)
	}
	if n := used.Load(); n != 8*200 {
		t.Errorf("%d tickets were used of %d", n, 8*200)
	}
}

// uses takes a ticket that waits for nobody.
func uses(b *Book, t Ticket) bool {
	question, ok := b.Use(t)
	return ok && question == 0
}

func TestACallThatWaitsForAPerson(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	b := New(c.now)
	waits, other := ticket(t, "exec", `{"command":"rm -r build"}`), ticket(t, "read", `{"path":"a"}`)
	b.IssuePending(waits, 7)
	b.Issue(waits)
	b.Issue(other)
	if n, ok := b.Use(waits); n != 7 || !ok {
		t.Errorf("the first is of question %d, %v", n, ok)
	}
	c.at = c.at.Add(Life - time.Second)
	b.Renew(waits.Agent, waits.Trace)
	c.at = c.at.Add(Life - time.Second)
	again := New(c.now)
	b.Issue(waits)
	again.Restore(b.Outstanding())
	for name, b := range map[string]*Book{"the book": b, "another that took over": again} {
		if !uses(b, other) || !uses(b, waits) || !uses(b, waits) || uses(b, waits) {
			t.Errorf("after the wait %s has not the tickets of the run", name)
		}
	}
	c.at = c.at.Add(Life)
	b.Renew(waits.Agent, waits.Trace)
	b.IssuePending(Ticket{Agent: "a"}, 3)
	if len(b.Outstanding()) != 0 {
		t.Error("what had ended came back, or a call of no run has a ticket")
	}
}
