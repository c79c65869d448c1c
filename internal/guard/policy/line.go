package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/openseawall/seawall/internal/effect"
)

// Why no line of the policy would let something through.
var (
	errText         = errors.New("a rule sees what was found in a text, not the text: a line for this one would let through every other like it")
	errProtected    = errors.New("it touches what guards this machine; nothing lifts that, and if you want it done you do it by hand")
	errUnclear      = errors.New("it cannot be read in one way only, so nobody knows what a line would let through")
	errUnproven     = errors.New("this OpenClaw is not proven: go back to the one that is; or edit the rule unproven-openclaw, if you want to trust it")
	errLimit        = errors.New("a limit is reached, which is no matter of this call: `seawall limits` shows and sets them")
	errOpaque       = errors.New("a part of it cannot be read, so a line for it would let through what nobody has seen")
	errRelative     = errors.New("no rule can see in which folder a path of it starts; written in full (/home/…), it could have one")
	errNowhere      = errors.New("it sends something, and no rule can see where to, so a line for it would let it go anywhere")
	errSecret       = errors.New("a secret stands in it, which the record does not hold, so no line can name it")
	errRedacts      = errors.New("a rule takes secrets out of it, to which there are no exceptions")
	errNotAsked     = errors.New("nothing asks about it, or something forbids it")
	errIrreversible = errors.New("it cannot be taken back, so it is asked about each time")
	errErring       = errors.New("a rule could not be evaluated: `seawall policy check` says which")
)

// Line returns the smallest piece of policy that would let a call through: it
// describes this call by all that a rule can see of it, and nothing else. name is
// what the exception will be called. An error is a sentence that says why there
// is none.
func (p *Policy) Line(name string, in Input) (string, error) {
	if in.Act != Call {
		return "", errText
	}
	all, permitted, err := p.Explain(in)
	if err != nil {
		return "", errErring
	}
	var lifts []string
	for _, r := range all {
		switch {
		case r.Excepted != "":
			continue
		case r.Decision == Redact.String():
			return "", errRedacts
		}
		lifts = append(lifts, r.Name)
	}
	if err := in.liftable(lifts); err != nil {
		return "", err
	}
	var text strings.Builder
	if len(lifts) > 0 {
		fmt.Fprintf(&text, "@name(%s)\n@except(%s)\n%s", quoted(name), quoted(strings.Join(lifts, ", ")), in.described())
	}
	if !permitted {
		if len(lifts) > 0 {
			text.WriteString("\n")
			name += "-permit"
		}
		fmt.Fprintf(&text, "@name(%s)\n%s", quoted(name), in.described())
	}
	with, err := p.With(text.String())
	if err != nil {
		return "", fmt.Errorf("the line for it would be refused: %w", err)
	}
	if with.Decide(in).Verdict != Allow {
		return "", errErring
	}
	return text.String(), nil
}

// liftable says why no exception may be written for a call.
func (in Input) liftable(rules []string) error {
	e := in.Effects
	own := func(s string) bool { return strings.Contains(strings.ToLower(s), "seawall") }
	pieces := slices.Concat(e.Reads, e.Writes, e.Commands)
	for _, piece := range e.Evidence {
		pieces = append(pieces, piece)
	}
	switch {
	case slices.Contains(e.Dangers, effect.DisableGuard), slices.Contains(e.Kinds, effect.Guard),
		slices.Contains(rules, "guard"), slices.ContainsFunc(pieces, own):
		return errProtected
	case in.Ambiguous, e.ParseError != "", slices.ContainsFunc(rules, func(r string) bool { return slices.Contains(firm, r) }):
		return errUnclear
	case slices.Contains(rules, Unproven):
		return errUnproven
	case slices.Contains(rules, OverLimit):
		return errLimit
	case e.Opaque:
		return errOpaque
	case slices.Contains(e.Kinds, effect.Send) && len(e.Hosts) == 0:
		return errNowhere
	}
	for _, s := range slices.Concat(e.Reads, e.Writes, e.Hosts, e.URLs, e.Commands) {
		switch {
		case strings.Contains(s, effect.Unknown):
			return errOpaque
		case strings.Contains(s, "[secret"):
			return errSecret
		}
	}
	if len(e.Dangers) > 0 && slices.ContainsFunc(slices.Concat(e.Reads, e.Writes), relative) {
		return errRelative
	}
	return nil
}

// relative reports whether a path starts where the call does.
func relative(path string) bool {
	return !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "~")
}

// described is a permit for calls of which a rule sees the same.
func (in Input) described() string {
	c := in.record()
	var has, not []string
	for _, name := range []cedar.String{"dangers", "kinds", "commands", "reads", "writes", "hosts", "urls", "recipients", "private", "secrets"} {
		value, _ := c.Get(name)
		if set := value.(types.Set); set.Len() > 0 {
			has = append(has, fmt.Sprintf("context.%s == %s", name, list(set)))
		} else {
			not = append(not, fmt.Sprintf("context.%s.isEmpty()", name))
		}
	}
	not = append(not, "!context.opaque")
	for _, fact := range []struct {
		name string
		is   bool
	}{{"context.placeholders", in.Placeholders}, {"context.unseen", in.Effects.Unseen}} {
		if fact.is {
			has = append(has, fact.name)
		} else {
			not = append(not, "!"+fact.name)
		}
	}
	conditions := has
	for line := range slices.Chunk(not, 4) {
		conditions = append(conditions, strings.Join(line, " && "))
	}
	return fmt.Sprintf("permit (principal == Agent::%s, action == Action::\"call\", resource == Tool::%s)\nwhen {\n  %s\n};\n",
		quoted(in.Agent), quoted(in.Tool), strings.Join(conditions, " &&\n  "))
}

// list is a set of strings in Cedar's terms, in order.
func list(s types.Set) string {
	var all []string
	for v := range s.All() {
		all = append(all, string(v.MarshalCedar()))
	}
	slices.Sort(all)
	return "[" + strings.Join(all, ", ") + "]"
}

func quoted(s string) string { return string(cedar.String(s).MarshalCedar()) }
