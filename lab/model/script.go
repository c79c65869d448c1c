package model

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"
)

// Script decides what the model answers. It is called for one request at a
// time.
type Script interface {
	Answer(*Request) Answer
}

// Func is a script as a function.
type Func func(*Request) Answer

// Answer calls f.
func (f Func) Answer(r *Request) Answer { return f(r) }

// Steps answers one after the other, whatever is asked. A request after the
// last step gets an error that says so.
func Steps(answers ...Answer) Script {
	return &steps{answers: answers}
}

type steps struct {
	mu      sync.Mutex
	answers []Answer
	next    int
}

func (s *steps) Answer(*Request) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == len(s.answers) {
		return Fail(400, "the script of this test has no further step")
	}
	s.next++
	return s.answers[s.next-1]
}

// Always gives the same answer to every request.
func Always(a Answer) Script { return Func(func(*Request) Answer { return a }) }

// order is how a person at a terminal asks the echo script for a tool call.
var order = regexp.MustCompile(`(?s)TOOL:([\w.:-]+):(\{.*\})`)

// Echo is a script for trying things by hand: a message with
// TOOL:name:{arguments} makes it call that tool, then repeat the result;
// anything else it repeats.
func Echo() Script {
	return Func(func(r *Request) Answer {
		if result, ok := r.LastResult(); ok {
			return Reply(Say("The tool answered: " + result))
		}
		said := r.LastUser()
		if m := order.FindStringSubmatch(said); m != nil && json.Valid([]byte(m[2])) {
			return Reply(Use(m[1], m[2]))
		}
		return Reply(Say("You said: " + strings.TrimSpace(said)))
	})
}
