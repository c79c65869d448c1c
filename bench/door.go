package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	doorGroup   = "The model door beside the same provider without it"
	memoryGroup = "Memory and start"
)

// ways is the same request by each way, in turn.
type ways struct{ direct, plain, door samples }

// of is where a request goes on its nth turn, and where its time is kept; the
// order changes.
func (w *ways) of(s *stage, n int) [3]way {
	all := [3]way{{s.origin, &w.direct}, {s.plain, &w.plain}, {s.door, &w.door}}
	return [3]way{all[n%3], all[(n+1)%3], all[(n+2)%3]}
}

type way struct {
	origin string
	times  *samples
}

func (w *ways) results(what string, p50, p99 float64) []result {
	at := func(q, wanted float64) result {
		return result{Group: doorGroup, What: fmt.Sprintf("%s, p%g", what, q*100), Unit: "ms",
			Beside: w.direct.at(q), Plain: w.plain.at(q), Value: w.door.at(q), N: len(w.door), Wanted: wanted}
	}
	return []result{at(0.5, p50), at(0.99, p99)}
}

// client calls the provider, either way.
type client struct {
	*stage
	http *http.Client
}

func newClient(s *stage) *client {
	return &client{s, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2048, DisableCompression: true}}}
}

// call sends a request and hands its answer to take.
func (c *client) call(ctx context.Context, origin string, body []byte, kind string, take func(io.Reader) error) error {
	url := origin + "/v1/chat/completions"
	if origin == c.door {
		url = origin + "/" + routeID + "/v1/chat/completions"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(answerHeader, kind)
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return fmt.Errorf("%s answered %s: %s", origin, res.Status, said)
	}
	return take(res.Body)
}

// read reads an answer to its end.
func read(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// turn measures one request by each way.
func (c *client) turn(ctx context.Context, w *ways, body []byte, kind string) error {
	for _, way := range w.of(c.stage, len(w.door)) {
		start := time.Now()
		if err := c.call(ctx, way.origin, body, kind, read); err != nil {
			return fmt.Errorf("request %d to %s: %w", len(*way.times), way.origin, err)
		}
		*way.times = append(*way.times, time.Since(start))
	}
	return nil
}

// size is a request's size and what is wanted of it.
type size struct {
	name                            string
	bytes, conversations, turns     int
	cold50, cold99, grow50, growp99 float64 // ms
}

var sizes = []size{
	{name: "0.9 kB", bytes: 900, conversations: 300},
	{name: "60 kB", bytes: 60_000, conversations: 60, turns: 12, cold50: 5, grow50: 0.5, growp99: 2},
	{name: "200 kB", bytes: 200_000, conversations: 25, turns: 12, grow50: 1},
}

// growing measures conversations: the first request of each is new to the
// door, then they grow turn by turn.
func (c *client) growing(ctx context.Context) ([]result, error) {
	var all []result
	seed := uint64(time.Now().UnixNano())
	for _, s := range sizes {
		var cold, growing ways
		for range s.conversations {
			seed++
			talk := newConversation(seed, s.bytes)
			if err := c.turn(ctx, &cold, talk.body(false), answerText); err != nil {
				return nil, err
			}
			for range s.turns {
				talk.grow()
				if err := c.turn(ctx, &growing, talk.body(false), answerText); err != nil {
					return nil, err
				}
			}
		}
		if s.turns > 0 {
			all = append(all, growing.results(s.name+", growing", s.grow50, s.growp99)...)
		}
		all = append(all, cold.results(s.name+", never seen before", s.cold50, s.cold99)...)
	}
	return all, nil
}

// acting measures turns that the model answers with a call: it is judged, and
// its row is on the disk before it goes on.
func (c *client) acting(ctx context.Context) ([]result, error) {
	var w ways
	talk := newConversation(uint64(time.Now().UnixNano()), 60_000)
	for range 100 {
		talk.grow()
		if err := c.turn(ctx, &w, talk.body(false), answerCall); err != nil {
			return nil, err
		}
	}
	return w.results("60 kB, growing, answered with a tool call", 0, 0), nil
}

// streaming measures when tokens come.
func (c *client) streaming(ctx context.Context) ([]result, error) {
	var first, later, end ways
	seed := uint64(time.Now().UnixNano())
	for range 4 {
		seed++
		talk := newConversation(seed, 60_000)
		if err := c.call(ctx, c.door, talk.body(true), answerText, read); err != nil {
			return nil, err
		}
		for range 12 {
			talk.grow()
			n := len(first.door)
			body, f, l, e := talk.body(true), first.of(c.stage, n), later.of(c.stage, n), end.of(c.stage, n)
			for i := range f {
				if err := c.listen(ctx, f[i].origin, body, f[i].times, l[i].times, e[i].times); err != nil {
					return nil, fmt.Errorf("a stream through %s: %w", f[i].origin, err)
				}
			}
		}
	}
	all := first.results("60 kB, growing, stream: first token", 1, 0)
	all = append(all, later.results("on its way: each later token", 0, 0)...)
	return append(all, end.results(fmt.Sprintf("whole stream of %d tokens", tokens), 0, 0)[0]), nil
}

// listen measures one stream: until its first token, each later token's way
// from the provider, and until its end.
func (c *client) listen(ctx context.Context, origin string, body []byte, first, later, end *samples) error {
	start, n := time.Now(), 0
	err := c.call(ctx, origin, body, answerLive, func(r io.Reader) error {
		return eachToken(r, func(sent time.Time) {
			if n++; n == 1 {
				*first = append(*first, time.Since(start))
			} else {
				*later = append(*later, time.Since(sent))
			}
		})
	})
	*end = append(*end, time.Since(start))
	if err == nil && n != tokens {
		err = fmt.Errorf("%s gave %d of %d tokens", origin, n, tokens)
	}
	return err
}

// eachToken reads a stream and gives the time at which each token was sent.
func eachToken(r io.Reader, got func(sent time.Time)) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		_, rest, found := strings.Cut(lines.Text(), `"content":"word `)
		if !found {
			continue
		}
		digits, _, _ := strings.Cut(rest, " ")
		ns, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return fmt.Errorf("a token came that was not sent: %w", err)
		}
		got(time.Unix(0, ns))
	}
	return lines.Err()
}

const atOnce = 50

// throughput is how many requests of growing conversations are answered in a
// second by turns, direct and through the door. Each has a message that is new.
func (c *client) throughput(ctx context.Context, slices int, each time.Duration) (result, error) {
	bodies := make([][]byte, atOnce)
	seed := uint64(time.Now().UnixNano())
	for i := range bodies {
		talk := newConversation(seed+uint64(i), 60_000)
		talk.messages = append(talk.messages, object{"role": "user", "content": newest + " " + talk.paragraph(10)})
		bodies[i] = talk.body(false)
		if err := c.call(ctx, c.door, bodies[i], answerText, read); err != nil {
			return result{}, err
		}
	}
	var direct, plain, door int64
	for range slices {
		for _, way := range []struct {
			origin string
			count  *int64
		}{{c.origin, &direct}, {c.plain, &plain}, {c.door, &door}} {
			n, err := c.load(ctx, way.origin, bodies, each)
			if err != nil {
				return result{}, err
			}
			*way.count += n
		}
	}
	seconds := each.Seconds() * float64(slices)
	return result{Group: doorGroup, What: fmt.Sprintf("60 kB, growing, %d at once", atOnce), Unit: "/s",
		Beside: float64(direct) / seconds, Plain: float64(plain) / seconds, Value: float64(door) / seconds, N: int(door), Wanted: 0.5}, nil
}

// newest stands in the last message and is changed for every request.
const newest = "request 0000000000000000"

var requests atomic.Int64

func (c *client) load(ctx context.Context, origin string, bodies [][]byte, d time.Duration) (int64, error) {
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for _, body := range bodies {
		all.Go(func() {
			body := bytes.Clone(body)
			at := bytes.LastIndex(body, []byte(newest)) + len("request ")
			for time.Now().Before(end) {
				copy(body[at:at+16], fmt.Sprintf("%016d", requests.Add(1)))
				if err := c.call(ctx, origin, body, answerText, read); err != nil {
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

const openStreams = 1000

// streamsOpen is the memory that streams take which are open and say nothing.
func (c *client) streamsOpen(ctx context.Context) (result, error) {
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
			return result{}, fmt.Errorf("opening %d streams: %w", openStreams, err)
		}
	}
	after, _ := resident(c.pid)
	cancel()
	all.Wait()
	return result{Group: memoryGroup, What: fmt.Sprintf("door, %d streams open", openStreams), Unit: "MB", Value: after / 1e6, Wanted: 100,
		Note: fmt.Sprintf("%.1f kB a stream", (after-before)/1e3/openStreams)}, nil
}
