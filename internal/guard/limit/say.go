package limit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Reached is a limit that is near or reached, with what is used of it.
type Reached struct {
	Name  Name
	Used  int64
	Limit int64
	// Session is the conversation's name, of one that is a conversation's.
	Session string
	Since   time.Time // its window's beginning
	// Broken says why nobody knows what is used; then nothing else is set.
	Broken string
}

// Key tells it from the same limit in another window.
func (r Reached) Key() string {
	return r.Name.String() + " " + r.Since.UTC().Format(time.RFC3339)
}

// Percent is how much of the limit is used.
func (r Reached) Percent() int64 {
	if r.Limit <= 0 {
		return 100
	}
	return int64(float64(r.Used) / float64(r.Limit) * 100)
}

// What is used of each measure, in both languages.
var said = map[Measure][2]string{
	Messages: {"messages are sent", "Nachrichten %s gesendet sind"},
	Calls:    {"tool calls are made", "Werkzeugaufrufe %s gemacht sind"},
	Tokens:   {"tokens are used", "Token %s verbraucht sind"},
	Money:    {"are spent", "%s ausgegeben sind"},
}

var whose = map[Window][2]string{
	Session: {"this conversation's", "dieses Gesprächs"},
	Hour:    {"the hour's", "dieser Stunde"},
	Day:     {"the day's", "dieses Tages"},
	Month:   {"the month's", "dieses Monats"},
}

// String says it as a part of a sentence: "the month's 20.00 USD are spent: 20.13".
func (r Reached) String() string {
	if r.Broken != "" {
		return r.Broken
	}
	return fmt.Sprintf("%s %s %s: %s", whose[r.Name.Window][0], Format(r.Name.Measure, r.Limit), said[r.Name.Measure][0], bare(r.Name.Measure, r.Used))
}

// German says it as the end of a sentence that begins with "weil".
func (r Reached) German() string {
	if r.Broken != "" {
		return ""
	}
	return fmt.Sprintf("die %s "+said[r.Name.Measure][1]+": %s", Format(r.Name.Measure, r.Limit), whose[r.Name.Window][1], bare(r.Name.Measure, r.Used))
}

// Near says how much of a limit is used, as a whole sentence.
func (r Reached) Near() string {
	if r.Broken != "" {
		return strings.ToUpper(r.Broken[:1]) + r.Broken[1:] + "."
	}
	of := ""
	if r.Session != "" {
		of = " (" + r.Session + ")"
	}
	return fmt.Sprintf("%d %% of %s limit of %s%s are used: %s%s.", r.Percent(), whose[r.Name.Window][0], Format(r.Name.Measure, r.Limit), unit(r.Name.Measure), bare(r.Name.Measure, r.Used), of)
}

func unit(m Measure) string {
	if m == Money {
		return ""
	}
	return " " + string(m)
}

// Format is an amount as a person reads it: "20.00 USD", "1,000".
func Format(m Measure, n int64) string {
	if m == Money {
		return bare(m, n) + " USD"
	}
	return bare(m, n)
}

// bare is an amount without its unit.
func bare(m Measure, n int64) string {
	if m == Money {
		return strconv.FormatFloat(float64(n)/dollar, 'f', 2, 64)
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
