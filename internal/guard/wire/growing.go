package wire

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sync"
)

// What is kept of conversations, so that only what was added to them has to be
// read.
const (
	maxConversations = 128
	maxRemembered    = 24 << 20 // bytes, of bodies and texts
)

// Conversations reads requests like ParseRequest, and faster where a
// conversation goes on: what stands before and behind the new messages is the
// same, byte for byte, as in a request that was read before, and so reads the
// same. It compares the bytes themselves; nothing depends on what a request
// claims to go on from. It is safe for concurrent use.
type Conversations struct {
	mu     sync.Mutex
	recent []*Request // the last one first; none is ever changed
	size   int
}

// Parse reads a request body as ParseRequest does.
func (c *Conversations) Parse(api API, body []byte) (*Request, error) {
	c.mu.Lock()
	recent := slices.Clone(c.recent)
	c.mu.Unlock()
	from, same := longest(recent, api, body)
	var q *Request
	if from != nil {
		q = from.goOn(same, body)
	}
	if q == nil {
		var err error
		if q, err = ParseRequest(api, body); err != nil {
			return nil, err
		}
		from = nil
	}
	c.remember(q, from)
	return q, nil
}

// remember keeps a request, which takes the place of the one it went on from.
func (c *Conversations) remember(q, from *Request) {
	if q.list.end == 0 || 2*len(q.body) > maxRemembered {
		return
	}
	kept := *q // the caller may release its own
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.recent, from); i >= 0 && len(from.list.ends) > 1 {
		c.forget(i)
	}
	c.recent = slices.Insert(c.recent, 0, &kept)
	for c.size += 2 * len(q.body); c.size > maxRemembered || len(c.recent) > maxConversations; {
		c.forget(len(c.recent) - 1)
	}
}

func (c *Conversations) forget(i int) {
	c.size -= 2 * len(c.recent[i].body)
	c.recent = slices.Delete(c.recent, i, i+1)
}

// Release lets go of what an answer does not need, which may take long.
func (q *Request) Release() {
	h := sha256.New()
	for _, p := range q.Parts {
		h.Write(p.Sum[:])
	}
	q.instead = h.Sum(nil)
	q.Parts, q.spans, q.objects, q.body, q.declared, q.list = nil, nil, nil, nil, nil, list{}
	q.Tools = slices.Clone(q.Tools) // what is remembered keeps its own
	for i := range q.Tools {
		q.Tools[i].put(nil)
	}
}

// longest finds the request with which a body shares the most messages from the
// first one on, and how many these are. Agents change the last messages of a
// conversation when it goes on (a mark for the provider's cache moves), and many
// conversations of an agent begin alike, with its instructions.
func longest(recent []*Request, api API, body []byte) (from *Request, same int) {
	for _, old := range recent {
		if old.API != api || old.Previous != "" {
			continue
		}
		n := len(old.list.ends)
		for _, k := range []int{n, n - 1, n - 2, n - 3, 1} {
			if k <= same || !old.shares(k, body) {
				continue
			}
			if from, same = old, k; k > 1 {
				return from, same // it went on from here: the last one is the longest
			}
			break
		}
	}
	return from, same
}

// shares reports whether a body is the same as the request's up to the end of
// its kth message and from the end of its last one. The message is an object:
// after its closing brace nothing of it can follow.
func (q *Request) shares(k int, body []byte) bool {
	if k < 1 || k > len(q.list.ends) {
		return false
	}
	end, tail := int(q.list.ends[k-1]), q.body[q.list.end:]
	if len(body) < end+len(tail) || q.body[end-1] != '}' {
		return false
	}
	near := max(0, end-64) // nearly always says no at once
	return bytes.Equal(q.body[near:end], body[near:end]) && bytes.HasSuffix(body, tail) && bytes.Equal(q.body[:near], body[:near])
}

// goOn reads a body that shares the first messages, and all that stands around
// the list of them. It returns nil when what is between is not a list's
// elements.
func (q *Request) goOn(same int, body []byte) *Request {
	end, shift := int(q.list.ends[same-1]), len(body)-len(q.body)
	added := body[end : q.list.end+shift]
	src := make([]byte, 0, len(added)+3)
	src = append(append(append(src, "[0"...), added...), ']')
	t := trees.Get().(*tree)
	defer t.release()
	root, err := t.parseAt(src, 1)
	if err != nil {
		return nil
	}
	moved := func(s span) span {
		if s.start >= q.list.end {
			return span{s.start + shift, s.end + shift}
		}
		return s
	}
	parts := int(q.list.parts[same-1])
	r := &reading{Request: new(Request), called: map[string]string{}, at: end - len("[0")}
	*r.Request = *q
	r.body = body
	r.Parts, r.spans = slices.Clone(q.Parts[:parts]), slices.Clone(q.spans[:parts])
	for i := range q.list.before {
		r.spans[i] = moved(r.spans[i])
	}
	r.objects = nil
	for i, s := range q.objects {
		if i < parts {
			if r.objects == nil {
				r.objects = map[int]span{}
			}
			r.objects[i] = s
		}
	}
	r.Tools, r.declared = slices.Clone(q.Tools), slices.Clone(q.declared)
	for i, s := range r.declared {
		if s.end > 0 {
			r.declared[i] = moved(s)
			r.Tools[i].put(body[r.declared[i].start:r.declared[i].end])
		}
	}
	for _, p := range r.Parts {
		if p.Call {
			r.called[p.CallID] = p.Tool
		}
	}
	r.list = list{ends: slices.Clone(q.list.ends[:same]), parts: slices.Clone(q.list.parts[:same]), before: q.list.before, end: q.list.end + shift}
	r.elements(root.items().next())
	for i := parts; i < len(r.spans); i++ {
		// Each in memory of its own, so that none keeps another's.
		if s := r.spans[i]; s.end > s.start {
			r.say(i, appendText(make([]byte, 0, s.end-s.start), body[s.start:s.end]))
		} else if p := &r.Parts[i]; p.Text != "" {
			p.Sum = sha256.Sum256([]byte(p.Text))
		}
	}
	return r.Request
}
