package keep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/keep/notify"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/report"
	"github.com/openseawall/seawall/internal/state"
)

// DigestFile holds the audit that the last digest was made of. Its age is that of
// the digest.
const DigestFile = "digest.json"

const (
	// Weekly is how often a digest is sent.
	Weekly = 7 * 24 * time.Hour
	// A digest is no reason to wake anybody.
	morning, evening = 8, 20
	// A digest fits a phone's screen: so much of each of its parts.
	mostTodo, mostChanges = 3, 4
)

// Digest is all that can wait for a week.
type Digest struct {
	From, To time.Time
	Now      *posture.Audit // nil: the machine was not audited
	Before   *posture.Audit // a week ago; nil: there was no digest yet
	Standing string         // protected, watching, …
	Agent    Work
}

// Work is what the agent did in the time of a digest.
type Work struct {
	Calls, Stopped, Asked int
	Would                 int  // of the calls: would have asked, and were only observed
	Cut                   bool // there were more, which were not counted
}

// mostRows is how many rows of the record one digest counts.
const mostRows = 200_000

// Worked counts what the record has of the agent's calls since a time.
func Worked(ctx context.Context, dir *state.Dir, since time.Time) (w Work, err error) {
	w.Cut, err = ledger.Each(ctx, dir, ledger.Filter{Since: since, Brief: true}, mostRows, func(row ledger.Row) {
		if row.Act != "call" {
			return
		}
		if row.Would != "" {
			w.Would++
		}
		switch row.Decision {
		case "allow", "redact":
			w.Calls++
		case "ask":
			w.Asked++
		case "deny":
			w.Stopped++
		}
	})
	return w, err
}

// Todo are the open findings of medium severity and above, what takes away most
// first, as pieces of advice.
func (d Digest) todo() []string {
	if d.Now == nil {
		return []string{"look at this machine: seawall audit"}
	}
	var out []string
	for _, r := range d.Now.Results { // worst first
		for _, f := range r.Findings {
			if f.Accepted != nil || f.Severity < posture.Medium {
				continue
			}
			if said := fmt.Sprintf("%s: %s", f.Severity, r.Title); !slices.Contains(out, said) {
				out = append(out, said)
			}
		}
	}
	return out
}

func (d Digest) changes() []string {
	if d.Now == nil || d.Before == nil || d.Before.Host.Name != d.Now.Host.Name {
		return nil
	}
	return report.Changes(d.Before, d.Now)
}

// Message is the digest as it is sent. It says "nothing to do" when so.
func (d Digest) Message(machine string) notify.Message {
	var b bytes.Buffer
	todo, changes := d.todo(), d.changes()
	title := fmt.Sprintf("Seawall on %s: %d to do", machine, len(todo))
	if len(todo) == 0 {
		title = fmt.Sprintf("Seawall on %s: nothing to do", machine)
	}
	fmt.Fprintf(&b, "%s to %s, %s.\n", d.From.Format("2 Jan"), d.To.Format("2 Jan"), d.Standing)
	some(&b, todo, mostTodo, "seawall harden shows all")
	if len(changes) > 0 {
		fmt.Fprintln(&b, "Changed:")
		some(&b, changes, mostChanges, "seawall audit")
	}
	b.WriteString(d.Agent.String())
	return notify.Message{Title: title, Text: strings.TrimSpace(b.String())}
}

// some writes the first of a list, and how many are left.
func some(b *bytes.Buffer, list []string, most int, rest string) {
	for _, s := range list[:min(most, len(list))] {
		fmt.Fprintln(b, "• "+s)
	}
	if left := len(list) - most; left > 0 {
		fmt.Fprintf(b, "and %d more: %s\n", left, rest)
	}
}

func (w Work) String() string {
	more := ""
	if w.Cut {
		more = "more than "
	}
	said := fmt.Sprintf("The agent made %s%s; %d were stopped, %d asked about.", more, calls(w.Calls), w.Stopped, w.Asked)
	if w.Would > 0 {
		said += fmt.Sprintf(" %d would have asked: seawall observe report", w.Would)
	}
	return said
}

func calls(n int) string {
	if n == 1 {
		return "1 call"
	}
	return fmt.Sprintf("%d calls", n)
}

// Last returns the audit of the last digest and when that was sent; nil before
// the first.
func Last(dir *state.Dir) (*posture.Audit, error) {
	content, err := dir.Read(DigestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return posture.Decode(content)
}

// Due reports whether a digest has to be sent at a time of the machine's clock.
// The first audit begins the first week.
func Due(last *posture.Audit, now time.Time) bool {
	hour := now.Hour()
	return last != nil && now.Sub(last.Time) >= Weekly && hour >= morning && hour < evening
}

// Keep keeps the audit of a digest that was sent, for the next.
func Keep(dir *state.Dir, a *posture.Audit, now time.Time) error {
	copied := *a
	copied.Time = now
	var content bytes.Buffer
	if err := report.JSON(&content, &copied); err != nil {
		return err
	}
	return dir.Write(DigestFile, content.Bytes())
}
