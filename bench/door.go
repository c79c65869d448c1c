package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const doorGroup = "The model door beside the same provider without it"

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

// leaving measures how long the provider goes on with a stream whose client
// has gone.
func (c *client) leaving(ctx context.Context) ([]result, error) {
	var w ways
	body := newConversation(uint64(time.Now().UnixNano()), 60_000).body(true)
	for n := range 30 {
		for _, way := range w.of(c.stage, n) {
			d, err := c.leave(ctx, way.origin, body)
			if err != nil {
				return nil, fmt.Errorf("leaving a stream through %s: %w", way.origin, err)
			}
			*way.times = append(*way.times, d)
		}
	}
	return w.results("client leaves a stream: provider is told", 0, 100), nil
}

// leave leaves a stream after its first token.
func (c *client) leave(ctx context.Context, origin string, body []byte) (time.Duration, error) {
	leaving, leave := context.WithCancel(ctx)
	defer leave()
	var left time.Time
	err := c.call(leaving, origin, body, answerHold, func(r io.Reader) error {
		if _, err := io.ReadAtLeast(r, make([]byte, 4096), 1); err != nil {
			return err
		}
		left = time.Now()
		leave()
		return nil
	})
	if err != nil {
		return 0, err
	}
	for range 1000 {
		res, err := c.http.Get(c.origin + leftPath)
		if err != nil {
			return 0, err
		}
		said, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return 0, err
		}
		if ns, _ := strconv.ParseInt(string(said), 10, 64); ns > left.UnixNano() {
			return time.Duration(ns - left.UnixNano()), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, errors.New("the provider was never told")
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
