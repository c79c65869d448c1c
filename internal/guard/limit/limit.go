// Package limit counts what the agents use, and says when it is more than the
// operator wants.
//
//	seawall limits set ──▶ limits.json ──▶ Book ──▶ guard (a question, or a notice)
//	calls, answers' usage × prices ──────▶ Book ◀─▶ used.json (once a second at most)
//
// What is used counts for the conversation and, over all conversations and agents
// together, for the hour, day and month of the machine's clock: scheduled jobs,
// heartbeats and sub-agents begin conversations of their own. A clock that goes
// back begins no new hour. A conversation's name is what the agent says: the
// limits that hold are those over all.
package limit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// The files of a state directory: what the operator has settled, and what is used.
const (
	File = state.Limits
	Used = "used.json"
)

// Window is a time over which something is counted.
type Window string

const (
	Session Window = "session" // one conversation
	Hour    Window = "hour"
	Day     Window = "day"
	Month   Window = "month"
)

// Windows are all, the shortest first.
var Windows = []Window{Session, Hour, Day, Month}

// Measure is what is counted.
type Measure string

const (
	Messages Measure = "messages" // calls that send something to somebody
	Calls    Measure = "calls"    // tool calls that were let through
	Tokens   Measure = "tokens"   // of models, both ways, cached ones included
	Money    Measure = "money"    // millionths of a US dollar; people read and write dollars
)

// Measures are all.
var Measures = []Measure{Messages, Calls, Tokens, Money}

// dollar is one, as [Money] is counted.
const dollar = 1_000_000

// Name names one limit: "day money".
type Name struct {
	Window  Window
	Measure Measure
}

func (n Name) String() string { return string(n.Window) + " " + string(n.Measure) }

// Parse reads the two words of a limit.
func Parse(window, measure string) (Name, error) {
	n := Name{Window(window), Measure(measure)}
	if !slices.Contains(Windows, n.Window) {
		return n, fmt.Errorf("%q is no time that is counted over: it may be session, hour, day or month", window)
	}
	if !slices.Contains(Measures, n.Measure) {
		return n, fmt.Errorf("%q is not counted: it may be messages, calls, tokens or money", measure)
	}
	return n, nil
}

// Defaults are the limits where the operator has settled none. An agent that works
// all day stays below them; one that runs in a loop does not.
var Defaults = map[Name]int64{
	{Session, Messages}: 200, {Session, Calls}: 5_000, {Session, Tokens}: 200_000_000, {Session, Money}: 20 * dollar,
	{Hour, Messages}: 60, {Hour, Calls}: 2_000, {Hour, Tokens}: 50_000_000, {Hour, Money}: 10 * dollar,
	{Day, Messages}: 300, {Day, Calls}: 10_000, {Day, Tokens}: 300_000_000, {Day, Money}: 25 * dollar,
	{Month, Messages}: 3_000, {Month, Calls}: 100_000, {Month, Tokens}: 3_000_000_000, {Month, Money}: 250 * dollar,
}

// most is the highest limit; what is more is none.
const most = 1 << 50

// Amount reads a limit of a measure as a person writes it: "5", "12.50", "20000";
// "none" is -1, no limit.
func Amount(m Measure, text string) (int64, error) {
	if text == "none" {
		return -1, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if m == Money {
		n *= dollar
	}
	if err != nil || n < 0 || !(n <= most) || m != Money && n != float64(int64(n)) {
		what := "a whole number"
		if m == Money {
			what = "an amount of US dollars such as 5 or 12.50"
		}
		return 0, fmt.Errorf("%q is no limit for %s: it is %s, or none", text, m, what)
	}
	return int64(n + 0.5), nil
}

// settings is what the file of the operator holds.
type settings struct {
	// Limits are those that differ from [Defaults], by window and measure; -1 is
	// none. Money is in millionths of a dollar.
	Limits map[Window]map[Measure]int64 `json:"limits,omitempty"`
	// Reset is when the operator last wanted to begin anew to count.
	Reset map[Window]time.Time `json:"reset,omitempty"`
}

// of returns a limit; ok is false where there is none.
func (s settings) of(n Name) (limit int64, ok bool) {
	if l, settled := s.Limits[n.Window][n.Measure]; settled {
		return l, l >= 0
	}
	l, ok := Defaults[n]
	return l, ok
}

// String is what differs from the defaults, in one line.
func (s settings) String() string {
	var all []string
	for _, w := range Windows {
		for _, m := range Measures {
			if l, settled := s.Limits[w][m]; settled {
				said := "none"
				if l >= 0 {
					said = Format(m, l)
				}
				all = append(all, fmt.Sprintf("%s %s %s", w, m, said))
			}
		}
	}
	if len(all) == 0 {
		return "as shipped"
	}
	return strings.Join(all, ", ")
}

const damaged = "the limits in %s are damaged: delete the file, and settle them again with `seawall limits set`"

func parse(path string, content []byte) (s settings, err error) {
	if len(content) > 0 && json.Unmarshal(content, &s) != nil {
		return s, fmt.Errorf(damaged, path)
	}
	for w, by := range s.Limits {
		for m, l := range by {
			if _, err := Parse(string(w), string(m)); err != nil || l > most {
				return s, fmt.Errorf(damaged, path)
			}
		}
	}
	return s, nil
}

func change(dir *state.Dir, f func(*settings)) error {
	return dir.Change(File, func(old []byte) ([]byte, error) {
		s, err := parse(dir.Path(File), old)
		if err != nil {
			return nil, err
		}
		f(&s)
		return json.MarshalIndent(s, "", "  ")
	})
}

// Set settles a limit: -1 is none. A Seawall that runs takes it over at the next
// call.
func Set(dir *state.Dir, n Name, limit int64) error {
	return change(dir, func(s *settings) {
		if s.Limits == nil {
			s.Limits = map[Window]map[Measure]int64{}
		}
		if s.Limits[n.Window] == nil {
			s.Limits[n.Window] = map[Measure]int64{}
		}
		s.Limits[n.Window][n.Measure] = limit
		if shipped, ok := Defaults[n]; ok && shipped == limit {
			delete(s.Limits[n.Window], n.Measure)
		}
	})
}

// Lift ends all limits: for an agent that is a measurement.
func Lift(dir *state.Dir) (err error) {
	for n := range Defaults {
		if e := Set(dir, n, -1); e != nil {
			err = e
		}
	}
	return err
}

// Reset begins anew to count over some windows. A Seawall that runs takes it over
// at the next call.
func Reset(dir *state.Dir, now time.Time, windows ...Window) error {
	return change(dir, func(s *settings) {
		if s.Reset == nil {
			s.Reset = map[Window]time.Time{}
		}
		for _, w := range windows {
			s.Reset[w] = now
		}
	})
}
