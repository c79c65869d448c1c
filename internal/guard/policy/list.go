package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
)

// Rules are all rules that forbid something, in the order of their documents.
func (p *Policy) Rules() (all []Rule) {
	for _, f := range p.forbids {
		r, _ := p.Rule(string(f.id))
		all = append(all, r)
	}
	return all
}

// Exception is a permit that lifts rules from the calls that it describes.
type Exception struct {
	Name    string    `json:"name"`
	Lifts   []string  `json:"lifts"`
	Expires time.Time `json:"expires,omitzero"` // after that day it lifts nothing
	Place
}

// Exceptions are all exceptions, in the order of their documents.
func (p *Policy) Exceptions() (all []Exception) {
	for _, x := range p.exceptions {
		all = append(all, Exception{string(x.id), x.lifts, x.expires, x.place})
	}
	return all
}

// day is how @expires names the last day of an exception, in UTC.
const day = "2006-01-02"

// expires reads @expires; the zero time is never.
func expires(c *cedar.Policy) (time.Time, error) {
	note, ok := c.Annotations()["expires"]
	if !ok {
		return time.Time{}, nil
	}
	last, err := time.Parse(day, string(note))
	if err != nil {
		return time.Time{}, fmt.Errorf("@expires(%q) is no day; write it as @expires(\"2027-01-31\")", note)
	}
	return last.AddDate(0, 0, 1), nil
}

// Remember returns an exception, to be put into remembered.cedar, that lifts what
// asks about a call from every call like it until the end of a day: the same tool of
// the same agent, with the same effects, to exactly the same recipients and hosts, with
// nothing private beyond what goes along here. An error is a sentence that says why
// there is none: what cannot be taken back is asked about each time.
func (p *Policy) Remember(name string, in Input, until time.Time) (string, error) {
	all, permitted, err := p.Explain(in)
	if err != nil {
		return "", errErring
	}
	var lifts []string
	for _, r := range all {
		switch {
		case r.Excepted != "":
		case r.Decision != Ask.String():
			return "", errNotAsked
		default:
			lifts = append(lifts, r.Name)
		}
	}
	switch {
	case !permitted || len(lifts) == 0:
		return "", errNotAsked
	case !in.reversible():
		return "", errIrreversible
	}
	// A tool that nobody can look into is known by its name and by whom it names.
	seen := in
	seen.Effects.Opaque = false
	if err := seen.liftable(lifts); err != nil && (err != errNowhere || len(in.Effects.To) == 0) {
		return "", err
	}
	line := fmt.Sprintf("@name(%s)\n@except(%s)\n@expires(%s)\n%s", quoted(name), quoted(strings.Join(lifts, ", ")),
		quoted(until.UTC().Format(day)), in.alike())
	with, err := p.With(line)
	if err != nil {
		return "", fmt.Errorf("the line for it would be refused: %w", err)
	}
	if with.Decide(in).Verdict != Allow {
		return "", errErring
	}
	return line, nil
}

// alike is a permit for calls to the same places.
func (in Input) alike() string {
	c := in.record()
	var conditions []string
	for _, name := range []cedar.String{"kinds", "recipients", "hosts", "commands", "private"} {
		value, _ := c.Get(name)
		if set := value.(cedar.Set); set.Len() > 0 {
			conditions = append(conditions, fmt.Sprintf("context.%s == %s", name, list(set)))
		} else {
			conditions = append(conditions, fmt.Sprintf("context.%s.isEmpty()", name))
		}
	}
	conditions = append(conditions, "context.dangers.isEmpty() && !context.unseen")
	return fmt.Sprintf("permit (principal == Agent::%s, action == Action::\"call\", resource == Tool::%s)\nwhen {\n  %s\n};\n",
		quoted(in.Agent), quoted(in.Tool), strings.Join(conditions, " &&\n  "))
}
