package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const memoryGroup = "Memory and start"

// memory measures a fresh process of the door from its first idle moment on.
func (c *client) memory(ctx context.Context) ([]result, error) {
	if err := c.startDoor(); err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Second)
	idle, own := resident(c.pid)
	all := []result{{Group: memoryGroup, What: "door, idle", Unit: "MB", Value: idle / 1e6, Wanted: 40, Note: mb(own) + " of it its own, the rest the program's file"}}
	return each(ctx, func(context.Context) ([]result, error) { return all, nil }, c.streamsOpen, c.growth)
}

const openStreams = 1000

// streamsOpen is the memory that streams take which are open and say nothing.
func (c *client) streamsOpen(ctx context.Context) ([]result, error) {
	before, _ := resident(c.pid)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body := newConversation(uint64(time.Now().UnixNano()), 900).body(true)
	opened := make(chan error, openStreams)
	var all sync.WaitGroup
	for range openStreams {
		all.Go(func() {
			err := c.call(ctx, c.door, body, answerHold, func(r io.Reader) error {
				_, err := io.ReadAtLeast(r, make([]byte, 4096), 1)
				opened <- err
				<-ctx.Done()
				return nil
			})
			if err != nil {
				opened <- err
			}
		})
	}
	for range openStreams {
		if err := <-opened; err != nil {
			cancel()
			all.Wait()
			return nil, fmt.Errorf("opening %d streams: %w", openStreams, err)
		}
	}
	after, _ := resident(c.pid)
	cancel()
	all.Wait()
	return []result{{Group: memoryGroup, What: fmt.Sprintf("door, %d streams open", openStreams), Unit: "MB", Value: after / 1e6, Wanted: 100,
		Note: fmt.Sprintf("%.1f kB a stream", (after-before)/1e3/openStreams)}}, nil
}

// How many requests memory must not grow over, and when it is looked at first.
const (
	manyRequests  = 100_000
	firstRequests = 10_000
)

// growth compares a door's memory after many requests with that after a tenth
// of them. One in ten has 60 kB, the others 0.9 kB, and each a text that is new.
func (c *client) growth(ctx context.Context) ([]result, error) {
	var bodies [10][]byte
	for i := range bodies {
		size := 900
		if i == 0 {
			size = 60_000
		}
		talk := newConversation(uint64(time.Now().UnixNano()), size)
		talk.messages = append(talk.messages, object{"role": "user", "content": newest + " " + talk.paragraph(2)})
		bodies[i] = talk.body(false)
	}
	var sent atomic.Int64
	run := func(until int64) error {
		var failed atomic.Pointer[error]
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for n := sent.Add(1); n <= until && ctx.Err() == nil; n = sent.Add(1) {
					body := bytes.Clone(bodies[n%10])
					renew(newestIn(body))
					if err := c.call(ctx, c.door, body, answerText, read); err != nil {
						failed.Store(&err)
						return
					}
				}
			})
		}
		all.Wait()
		sent.Store(until)
		if err := failed.Load(); err != nil {
			return *err
		}
		return ctx.Err()
	}
	// settled is what stays when nothing is asked for a moment.
	settled := func() float64 {
		time.Sleep(time.Second)
		rss, _ := resident(c.pid)
		return rss
	}
	if err := run(firstRequests); err != nil {
		return nil, err
	}
	first := settled()
	if err := run(manyRequests); err != nil {
		return nil, err
	}
	last := settled()
	return []result{
		{Group: memoryGroup, What: fmt.Sprintf("door, after %d requests", firstRequests), Unit: "MB", Value: first / 1e6},
		{Group: memoryGroup, What: fmt.Sprintf("door, after %d requests", manyRequests), Unit: "MB", Value: last / 1e6, Wanted: 1.1 * first / 1e6,
			Note: "wanted is a tenth more than before, at most"},
	}, nil
}
