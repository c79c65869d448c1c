package approval

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// Notifier brings a short text to the operator, wherever he is.
type Notifier interface {
	Notify(ctx context.Context, text string) error
}

// again is how long questions of one kind are gathered behind the last message
// about such.
const again = 10 * time.Minute

// Pusher tells the operator of questions that wait. It is not safe for concurrent
// use.
type Pusher struct {
	Desk *Desk
	To   Notifier
	Host string // as ssh knows this machine

	last map[string]time.Time // by kind: when it was told
}

// kind is what makes questions one message: the tool, and the rules that ask.
func (q Question) kind() string { return q.Row.Tool + "\x00" + strings.Join(q.Row.Policy, "\x00") }

// Look tells of what was asked since it was told last: of a kind once in a while,
// and of nothing in quiet hours, which say it when they end. What nobody could be
// told of is told at the next look.
func (p *Pusher) Look(ctx context.Context) error {
	now := p.Desk.now()
	if QuietIn(p.Desk.dir).at(now) {
		return nil
	}
	all, err := p.Desk.list()
	if err != nil {
		return err
	}
	kinds := map[string][]Question{}
	var order []string
	for _, q := range all {
		if q.Pushed || q.Stand(now) != Waiting || now.Sub(p.last[q.kind()]) < again {
			continue
		}
		if len(kinds[q.kind()]) == 0 {
			order = append(order, q.kind())
		}
		kinds[q.kind()] = append(kinds[q.kind()], q)
	}
	for _, kind := range order {
		if err := p.To.Notify(ctx, p.text(kinds[kind])); err != nil {
			return err
		}
		if p.last == nil {
			p.last = map[string]time.Time{}
		}
		p.last[kind] = now
		p.Desk.pushed(kinds[kind])
	}
	return nil
}

// text is the shortest by which questions of one kind can be judged, with the way
// to answer.
func (p *Pusher) text(of []Question) string {
	q := of[0]
	if len(of) == 1 {
		return fmt.Sprintf("%s\n%s.\nssh %s seawall approve %d", q.Brief(), q.Row.Why, p.Host, q.N)
	}
	return fmt.Sprintf("%d questions about %s: %s.\nThe first: %s\nssh %s seawall approve", len(of), q.Row.Tool, q.Row.Why, q.Brief(), p.Host)
}

// pushed notes that the operator was told.
func (d *Desk) pushed(told []Question) {
	_ = change(d.dir, func(all *questions) error {
		for _, q := range told {
			if is := all.find(q.N); is != nil {
				is.Pushed = true
			}
		}
		return nil
	})
}

// quietFile holds the quiet hours of a state directory.
const quietFile = "quiet"

// Quiet are the hours of a day in which nobody is told of a question; the zero
// value is none.
type Quiet struct{ From, To time.Duration } // since midnight

// ParseQuiet reads what a person wrote: "22:00-07:00", or "none".
func ParseQuiet(s string) (q Quiet, err error) {
	if s == "none" {
		return q, nil
	}
	from, to, ok := strings.Cut(s, "-")
	a, err1 := time.Parse("15:04", strings.TrimSpace(from))
	b, err2 := time.Parse("15:04", strings.TrimSpace(to))
	if !ok || err1 != nil || err2 != nil || a.Equal(b) {
		return q, fmt.Errorf("%q are no hours: write them as 22:00-07:00, or none", s)
	}
	since := func(t time.Time) time.Duration {
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	return Quiet{since(a), since(b)}, nil
}

// String is what ParseQuiet reads.
func (q Quiet) String() string {
	if q.From == q.To {
		return "none"
	}
	clock := func(d time.Duration) string { return time.Time{}.Add(d).Format("15:04") }
	return clock(q.From) + "-" + clock(q.To)
}

// SetQuiet settles the quiet hours of a state directory.
func SetQuiet(dir *state.Dir, q Quiet) error { return dir.Write(quietFile, []byte(q.String()+"\n")) }

// QuietIn returns those of a state directory. A file that says nothing is none.
func QuietIn(dir *state.Dir) Quiet {
	content, err := dir.Read(quietFile)
	if err != nil {
		return Quiet{}
	}
	q, _ := ParseQuiet(strings.TrimSpace(string(content)))
	return q
}

func (q Quiet) at(t time.Time) bool {
	t = t.Local()
	now := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if q.From <= q.To {
		return q.From <= now && now < q.To
	}
	return q.From <= now || now < q.To
}
