package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// conversation is an agent's talk with its model in OpenClaw's form: a system
// prompt, tools, and messages, all of which go out again with every turn. The
// same seed gives the same words; another seed shares no text with it.
type conversation struct {
	*writer
	tools    []any
	messages []any
	calls    int
}

// OpenClaw's own system prompt, and how many tools it offers.
const (
	systemPrompt = 48_000 // bytes
	offered      = 12
)

// newConversation returns one whose request has about size bytes and ends with
// the result of a tool.
func newConversation(seed uint64, size int) *conversation {
	c := &conversation{writer: &writer{rand.New(rand.NewPCG(seed, 4780))}}
	prompt, tools := systemPrompt, offered
	if size < 2*systemPrompt/3 {
		prompt, tools = size/3, 1
	}
	c.messages = append(c.messages, object{"role": "system", "content": c.manual(prompt)})
	for i := range tools {
		c.tools = append(c.tools, c.tool(i))
	}
	c.messages = append(c.messages, object{"role": "user", "content": c.ask()},
		object{"role": "user", "content": fmt.Sprintf("Runtime: agent=main | session=agent:main:main | sessionId=%016x | host=vps", c.Uint64())})
	for small := size < systemPrompt; !small && len(c.body(false)) < size-500; {
		c.grow()
	}
	return c
}

// grow adds what one more turn of the agent brings: the call that the model
// answered with, and its result.
func (c *conversation) grow() {
	c.calls++
	id := fmt.Sprintf("call_%016x", c.Uint64())
	name, args, result := c.work()
	encoded, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	c.messages = append(c.messages,
		object{"role": "assistant", "content": nil, "tool_calls": []any{object{
			"id": id, "type": "function", "function": object{"name": name, "arguments": string(encoded)}}}},
		object{"role": "tool", "tool_call_id": id, "content": result})
	if c.calls%6 == 0 {
		c.messages = append(c.messages,
			object{"role": "assistant", "content": c.paragraph(3)},
			object{"role": "user", "content": c.ask()})
	}
}

// body is the request for the next answer.
func (c *conversation) body(stream bool) []byte {
	request := object{"model": "bench-1", "messages": c.messages, "tools": c.tools, "tool_choice": "auto", "stream": stream}
	if stream {
		request["stream_options"] = object{"include_usage": true}
	}
	b, err := json.Marshal(request)
	if err != nil {
		panic(err)
	}
	return b
}

type object = map[string]any

var toolNames = []string{"exec", "read", "write", "edit", "apply_patch", "process", "web_fetch", "web_search", "sessions_list", "sessions_send", "memory_search", "cron"}

func (c *conversation) tool(i int) object {
	return object{"type": "function", "function": object{
		"name": toolNames[i], "description": c.paragraph(2),
		"parameters": object{"type": "object", "required": []string{"path"}, "properties": object{
			"path":    object{"type": "string", "description": c.sentence()},
			"command": object{"type": "string", "description": c.sentence()},
			"limit":   object{"type": "integer", "minimum": 1, "description": c.sentence()},
		}},
	}}
}

// work is one call of a tool and what it gave: a file, a page, a command's
// output or an API's answer, in turn.
func (c *conversation) work() (name string, args object, result string) {
	switch c.calls % 4 {
	case 0:
		path := c.path("go")
		return "read", object{"path": path}, c.source(path)
	case 1:
		return "exec", object{"command": "git log --stat -n 8 -- " + c.path("ts"), "timeout": 60}, c.log(14)
	case 2:
		return "web_fetch", object{"url": "https://docs." + c.pick(nouns) + ".example/" + c.pick(nouns)}, c.page(1200)
	}
	return "exec", object{"command": "curl -s http://127.0.0.1:9000/api/" + c.pick(nouns)}, c.records(6)
}
