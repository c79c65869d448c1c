// Package damage reads from the record what an agent did in a time: what ran,
// what it wrote, where it went, what it sent and to whom, whose keys were used,
// and whose words it read. It is what one needs next after a freeze.
//
//	rows asked, decided, done ──Of──▶ Report
//
// It says what was let through, so what may have been done: a call without a row
// done has an unknown outcome. What a program that was let run did beyond what
// its command shows, no row knows.
package damage

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/ledger"
)

// Report is what was let through in a time, each list in the order in which it
// was first seen.
type Report struct {
	Since   time.Time `json:"since,omitzero"`
	Calls   int       `json:"calls"`   // that were let through
	Denied  int       `json:"denied"`  // decisions that stopped something
	Unknown int       `json:"unknown"` // calls whose outcome is not known
	Ran     []Item    `json:"ran"`     // commands
	Written []Item    `json:"written"` // paths
	Reached []Item    `json:"reached"` // hosts
	Sent    []Item    `json:"sent"`    // tool and recipient
	Keys    []Item    `json:"keys"`    // routes whose key was used, secrets that were put back
	Read    []Item    `json:"read"`    // results by tool, messages of visitors
}

// Item is one thing, and the rows that tell of it.
type Item struct {
	What    string    `json:"what"`
	Rows    []int64   `json:"rows"`  // at most 20, the newest last
	Times   int       `json:"times"` // how often
	Unknown int       `json:"unknown,omitempty"`
	Last    time.Time `json:"last"`
}

const (
	maxRows  = 20   // of one item
	maxItems = 5000 // of one list; beyond it all is "more"
)

// more stands for what no list has room for.
const more = "more"

// Of reads a report from the rows of a record, oldest first.
func Of(rows iter.Seq2[ledger.Row, error], since time.Time) (Report, error) {
	c := collector{lists: map[*[]Item]map[string]int{}}
	r := &c.report
	*r = Report{Since: since, Ran: []Item{}, Written: []Item{}, Reached: []Item{}, Sent: []Item{}, Keys: []Item{}, Read: []Item{}}
	for row, err := range rows {
		if err != nil {
			return *r, err
		}
		switch {
		case row.Kind == ledger.Decided && row.Decision == "deny":
			r.Denied++
		case row.Kind == ledger.Decided && row.Act == "call" && row.Decision == "allow":
			c.call(row)
		case row.Kind == ledger.Done && row.Act == "call":
			c.note(&r.Read, row, "results of "+row.Tool)
		}
		if row.Kind == ledger.Decided && row.Route != "" && row.Door == "model" && row.Decision != "deny" {
			c.note(&r.Keys, row, "route "+row.Route)
		}
		if row.Speaker == "visitor" && row.Kind != ledger.Asked && row.Kind != ledger.Done {
			c.note(&r.Read, row, visitor(row))
		}
	}
	return *r, nil
}

// collector puts what is the same together.
type collector struct {
	report Report
	lists  map[*[]Item]map[string]int
}

func (c *collector) note(list *[]Item, row ledger.Row, what string) {
	index := c.lists[list]
	if index == nil {
		index = map[string]int{}
		c.lists[list] = index
	}
	i, known := index[what]
	if !known && len(*list) >= maxItems {
		what = more
		i, known = index[what]
	}
	if !known {
		i = len(*list)
		index[what] = i
		*list = append(*list, Item{What: what})
	}
	item := &(*list)[i]
	item.Times++
	item.Last = row.Time
	if row.Outcome == ledger.Unknown {
		item.Unknown++
	}
	if item.Rows = append(item.Rows, row.ID); len(item.Rows) > maxRows {
		item.Rows = slices.Delete(item.Rows, 0, len(item.Rows)-maxRows)
	}
}

// call notes all that a call that was let through may have done.
func (c *collector) call(row ledger.Row) {
	r := &c.report
	r.Calls++
	if row.Outcome == ledger.Unknown {
		r.Unknown++
	}
	e := row.Effects
	if e == nil { // a row of an older Seawall
		c.note(&r.Ran, row, strings.TrimSpace(row.Tool+" "+row.Detail))
		return
	}
	if slices.Contains(e.Kinds, "execute") {
		c.note(&r.Ran, row, ran(row))
	}
	for _, path := range e.Writes {
		c.note(&r.Written, row, path)
	}
	for _, host := range e.Hosts {
		c.note(&r.Reached, row, host)
	}
	// A command that sends is told by its hosts; a tool that does, by its name.
	if slices.Contains(e.Kinds, "send") && !slices.Contains(e.Kinds, "execute") && len(e.Hosts) == 0 {
		for _, to := range orNobody(e.To) {
			c.note(&r.Sent, row, row.Tool+" to "+to)
		}
	}
	if s := row.Seen; s != nil {
		for _, rule := range s.Secrets {
			c.note(&r.Keys, row, "put into what "+row.Tool+" wrote: "+rule)
		}
	}
}

func orNobody(to []string) []string {
	if len(to) == 0 {
		return []string{"a recipient that is not named"}
	}
	return to
}

// ran is a call as a person would type it: the command, or the tool and its
// arguments.
func ran(row ledger.Row) string {
	var args map[string]any
	if json.Unmarshal([]byte(row.Detail), &args) == nil {
		for _, name := range []string{"command", "cmd", "code", "data"} {
			if s, ok := args[name].(string); ok && s != "" {
				return tool(row.Tool) + s
			}
		}
	}
	return strings.TrimSpace(row.Tool + " " + row.Detail)
}

// tool is left away where it says nothing.
func tool(name string) string {
	if name == "exec" {
		return ""
	}
	return name + ": "
}

// visitor is whose words began a run.
func visitor(row ledger.Row) string {
	s := "a visitor's words"
	if row.Channel != "" {
		s += ", " + row.Channel
	}
	if row.Sender != "" {
		s += ", " + row.Sender
	}
	return s
}
