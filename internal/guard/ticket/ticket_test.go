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
	if b.Use(k) {
		t.Error("a ticket that was never issued could be used")
	}
	b.Issue(k)
	b.Issue(k)
	for range 2 {
		if !b.Use(k) {
			t.Error("the same call twice has no two tickets")
		}
	}
	if b.Use(k) {
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
		if b.Use(other) {
			t.Errorf("%s could use the ticket", name)
		}
	}
	if !b.Use(mine) {
		t.Error("the ticket is gone")
	}
}

func TestNoTraceNoTicket(t *testing.T) {
	b := New(time.Now)
	k := ticket(t, "exec", `{}`)
	k.Trace = ""
	b.Issue(k)
	if b.Use(k) {
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
	if !b.Use(k) {
		t.Error("the ticket expired too early")
	}
	b.Issue(k)
	c.at = c.at.Add(1)
	for range 2 {
		if !b.Use(k) {
			t.Error("the younger tickets expired with the older one, or before")
		}
	}
	b.Issue(k)
	c.at = c.at.Add(Life)
	if b.Use(k) {
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
	if b.Use(first) {
		t.Error("the oldest ticket is still there")
	}
	if !b.Use(last) || !b.Use(neighbour) {
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
		if got := b.Use(k); got != want {
			t.Fatalf("step %d: Use says %v, want %v", step, got, want)
		}
	}
	c.at = c.at.Add(Life)
	b.Use(ticket(t, "exec", `{}`))
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
				if b.Use(k) {
					used.Add(1)
				}
			}
		})
	}
	all.Wait()
	for b.Use(k) {
		used.Add(1)
	}
	if n := used.Load(); n != 8*200 {
		t.Errorf("%d tickets were used of %d", n, 8*200)
	}
}
