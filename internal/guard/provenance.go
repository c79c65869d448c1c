package guard

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/guard/policy"
)

// provenance says where the values of a call come from, in the policy's terms, and
// by argument as the record has it. Of a call whose conversation nobody saw, as of
// one that a program makes, they are unknown.
func (g *Guard) provenance(a Action, e effect.Effects) (policy.Origin, map[string][]string) {
	arguments := effect.Decisive(a.Tool, a.Args, a.Schema)
	call := origin.Call{Tool: a.Tool, Arguments: arguments, Kinds: e.Kinds}
	call.Class, _ = effect.Source(a.Tool, a.Schema)
	if slices.Contains(e.Kinds, effect.Execute) {
		call.Command = commandOf(a.Args)
	}
	f := a.Talk.Of(call)
	if a.Order.Covers(a.Tool, arguments, e.Kinds) {
		f.Decided, f.Named = true, true
	}
	o := policy.Origin{Values: texts(f.Labels), Decided: f.Decided, Named: f.Named, Link: f.Link, Private: texts(f.Private)}
	for _, l := range f.Labels {
		o.Quoted = o.Quoted || l == origin.Quoted
	}
	o.Audience = audience(a, arguments, f)
	switch a.Speaker.Who {
	case Owner:
		o.Asker = policy.AskerOperator
	case Visitor:
		o.Asker = policy.AskerOther
	}
	by := make(map[string][]string, len(f.Origins))
	for arg, labels := range f.Origins {
		by[g.clean(arg)] = texts(labels)
	}
	return o, by
}

// audience is who will see what a call sends.
func audience(a Action, arguments []effect.Argument, f origin.Found) string {
	// In a run that nobody vouched for, nobody knows who asked.
	asked := a.Talk != nil || a.Speaker.Who != Unvouched
	switch {
	case a.Tool == "message" && asked && !slices.ContainsFunc(arguments, leads):
		return policy.AudienceAsker // OpenClaw answers where it was asked
	case len(f.Private) > 0:
		return policy.AudienceOthers
	}
	return policy.AudienceNobody
}

// leads reports whether an argument says where something goes.
func leads(a effect.Argument) bool {
	switch a.Kind {
	case effect.Recipient, effect.URL, effect.Host, effect.Path:
		return true
	}
	return false
}

// commandOf is the shell command that stands in a call's arguments, or "".
func commandOf(args []byte) string {
	var in struct{ Command, Cmd, Script string }
	if json.Unmarshal(args, &in) != nil {
		return ""
	}
	return cmp.Or(in.Command, in.Cmd, in.Script)
}
