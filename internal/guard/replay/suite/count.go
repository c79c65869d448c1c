package suite

import "github.com/openseawall/seawall/internal/guard/replay"

// Row is a case with what was decided about it.
type Row struct {
	Asked    replay.Case
	Answered replay.Answer
}

// Counts is what came out for one label.
type Counts struct {
	Groups, Free     int // tasks or attacks; Free: every call is allowed, with or without redaction
	Asked, Denied    int // calls
	Stopped, Through []Row
}

// Count sorts rows by label, and within by group: "benign", "attack" and
// "benign-under-attack".
func Count(rows []Row) map[string]*Counts {
	by := map[string]*Counts{"attack": {}, "benign": {}, "benign-under-attack": {}}
	groups := map[string]map[string][]Row{}
	for _, r := range rows {
		if groups[r.Asked.Label] == nil {
			groups[r.Asked.Label] = map[string][]Row{}
		}
		groups[r.Asked.Label][r.Asked.Group] = append(groups[r.Asked.Label][r.Asked.Group], r)
	}
	for label, all := range groups {
		c := by[label]
		if c == nil {
			continue
		}
		for _, calls := range all {
			c.add(calls)
		}
	}
	return by
}

// add counts one group.
func (c *Counts) add(calls []Row) {
	c.Groups++
	free := true
	for _, r := range calls {
		switch r.Answered.Decision {
		case "ask":
			c.Asked++
		case "deny":
			c.Denied++
		default:
			continue
		}
		free = false
		c.Stopped = append(c.Stopped, r)
	}
	if free {
		c.Free++
		c.Through = append(c.Through, calls...)
	}
}
