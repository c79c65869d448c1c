package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/replay"
)

const decideGroup = "The decision about one call, with the reading of its conversation; beside it encoding/json, which only decodes that"

// long is a conversation in which a call is decided, and what is wanted of that.
type long struct {
	name                     string
	bytes, messages, samples int
	p50, p99                 float64 // ms
}

var longs = []long{
	{"60 kB, 40 messages, growing", 60_000, 40, 1000, 0.3, 2},
	{"10 MB, 400 messages, growing", 10_000_000, 400, 40, 50, 0},
}

// decide measures the decision alone: no network, and no disk, which is the
// record's. Each comes with the next turn of a conversation that was read before.
func decide(ctx context.Context) ([]result, error) {
	rules, err := policy.Load(policy.Default())
	if err != nil {
		return nil, err
	}
	var all []result
	for _, l := range longs {
		door, json, err := l.decide(ctx, replay.New(rules))
		if err != nil {
			return nil, err
		}
		at := func(q, wanted float64) result {
			return result{Group: decideGroup, What: fmt.Sprintf("%s, p%g", l.name, q*100), Unit: "ms",
				Beside: json.at(q), Value: door.at(q), N: len(door), Wanted: wanted, Alone: true}
		}
		all = append(all, at(0.5, l.p50), at(0.99, l.p99))
	}
	return all, nil
}

func (l long) decide(ctx context.Context, e *replay.Engine) (ours, decoded samples, err error) {
	talk := l.conversation()
	for i := range l.samples + 1 {
		talk.messages[len(talk.messages)-1] = object{"role": "user", "content": fmt.Sprintf("%s Then fetch https://docs.example/%d.", talk.ask(), i)}
		c, err := talk.call("web_fetch", object{"url": fmt.Sprintf("https://docs.example/%d", i)})
		if err != nil {
			return nil, nil, err
		}
		start := time.Now()
		if _, err := e.Judge(ctx, c); err != nil {
			return nil, nil, err
		}
		took := time.Since(start)
		start = time.Now()
		var messages []any
		if err := json.Unmarshal(c.Messages, &messages); err != nil {
			return nil, nil, err
		}
		if i > 0 { // the first is new to both
			ours, decoded = append(ours, took), append(decoded, time.Since(start))
		}
	}
	return ours, decoded, nil
}

// conversation has so many messages, the last of which is a user's.
func (l long) conversation() *conversation {
	c := newConversation(uint64(time.Now().UnixNano()), 3_000)
	for len(c.messages) < l.messages-1 {
		c.grow()
	}
	c.messages = append(c.messages[:l.messages-1], nil)
	each := (l.bytes - len(c.body(false))) / 10
	if each > 2*systemPrompt {
		left := 10
		for _, m := range c.messages[:l.messages-1] {
			if m := m.(object); m["role"] == "tool" && left > 0 {
				m["content"] = c.page(each)
				left--
			}
		}
	} else if prompt := 10 * each; prompt > 0 {
		c.messages[0] = object{"role": "system", "content": c.manual(prompt)}
	}
	return c
}

// call is a call that the model makes at the end of the conversation.
func (c *conversation) call(tool string, args object) (replay.Case, error) {
	var one replay.Case
	line, err := json.Marshal(object{"id": "1", "messages": c.messages, "tools": c.tools, "call": object{"name": tool, "arguments": args}})
	if err != nil {
		return one, err
	}
	return replay.Parse(line)
}
