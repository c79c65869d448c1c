package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const loadGroup = "Many clients at once, 60 kB, growing"

const atOnce = 50

// Each way is taken in turn, this often and this long.
const (
	loadTurns = 4
	loadTurn  = 1500 * time.Millisecond
)

// load is how many requests of growing conversations are answered in a second,
// by turns: by a provider that answers at once, where the door competes with
// client and provider for the processor, and by one that takes a little while,
// as all do in life.
func (c *client) load(ctx context.Context) ([]result, error) {
	bodies := make([][]byte, atOnce)
	seed := uint64(time.Now().UnixNano())
	for i := range bodies {
		talk := newConversation(seed+uint64(i), 60_000)
		talk.messages = append(talk.messages, object{"role": "user", "content": newest + " " + talk.paragraph(10)})
		bodies[i] = talk.body(false)
		if err := c.call(ctx, c.door, bodies[i], answerText, read); err != nil {
			return nil, err
		}
	}
	full, cost, err := c.throughput(ctx, bodies, answerText, fmt.Sprintf("%d at once, provider answers at once: processor is full", atOnce), 0.5)
	if err != nil {
		return nil, err
	}
	waiting, _, err := c.throughput(ctx, bodies, answerSlow, fmt.Sprintf("%d at once, provider takes %s", atOnce, thinking), 0.5)
	return []result{full, waiting, cost}, err
}

// throughput also tells what a request costs the processor in the proxies'
// processes.
func (c *client) throughput(ctx context.Context, bodies [][]byte, kind, what string, wanted float64) (rate, cost result, err error) {
	var n [3]int64
	var spent [3]time.Duration
	for range loadTurns {
		for i, way := range []struct {
			origin string
			pid    int
		}{{c.origin, 0}, {c.plain, c.plainPID}, {c.door, c.pid}} {
			before := processorOf(way.pid)
			done, err := c.press(ctx, way.origin, bodies, kind)
			if err != nil {
				return rate, cost, err
			}
			n[i] += done
			spent[i] += processorOf(way.pid) - before
		}
	}
	seconds := loadTurn.Seconds() * loadTurns
	rate = result{Group: loadGroup, What: what, Unit: "/s", Beside: float64(n[0]) / seconds, Plain: float64(n[1]) / seconds,
		Value: float64(n[2]) / seconds, N: int(n[2]), Wanted: wanted}
	cost = result{Group: loadGroup, What: "processor of a request in the proxy's process", Unit: "ms",
		Plain: ms(spent[1]) / float64(n[1]), Value: ms(spent[2]) / float64(n[2]), N: int(n[2])}
	return rate, cost, nil
}

// newest stands in the last message and is changed for every request.
const newest = "request 0000000000000000"

var requests atomic.Int64

// press asks for a turn's time and returns how many answers came.
func (c *client) press(ctx context.Context, origin string, bodies [][]byte, kind string) (int64, error) {
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	end := time.Now().Add(loadTurn)
	for _, body := range bodies {
		all.Go(func() {
			body := bytes.Clone(body)
			newest := newestIn(body)
			for time.Now().Before(end) {
				renew(newest)
				if err := c.call(ctx, origin, body, kind, read); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return done.Load(), nil
}

// newestIn is where newest stands in a body.
func newestIn(body []byte) []byte {
	at := bytes.LastIndex(body, []byte(newest))
	return body[at : at+len(newest)]
}

// renew makes a message one that nobody has seen.
func renew(newest []byte) { copy(newest, fmt.Sprintf("request %016d", requests.Add(1))) }
