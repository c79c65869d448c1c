package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	xast "github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/openseawall/seawall/internal/effect"
)

// An exception is a permit that names the rules which it lifts from the calls
// that it describes:
//
//	@except("credential-files")
//	permit (principal, action == Action::"call", resource == Tool::"exec")
//	when { context.commands == ["ssh-keygen"] && context.reads == ["~/.ssh/deploy_key"] };
//
// It permits nothing: without those rules the call is decided as any other. In
// Cedar alone no permit lifts a forbid, so the two are brought together here.

// What exceptions may be about.
var (
	callAction  = cedar.NewEntityUID("Action", cedar.String(Call))
	replyAction = cedar.NewEntityUID("Action", cedar.String(Reply))
)

// firm are the rules of Seawall's own protection: no exception lifts them.
var firm = []string{"guard", "unreadable", "ambiguous"}

// excepts returns the rules that a permit lifts; nil for one that is no exception.
func excepts(c *cedar.Policy) (names []string, err error) {
	note, ok := c.Annotations()["except"]
	if !ok {
		return nil, nil
	}
	if c.Effect() != cedar.Permit {
		return nil, fmt.Errorf("@except(%q) stands on a forbid; write a permit that says which calls the rule does not stop", note)
	}
	for name := range strings.SplitSeq(string(note), ",") {
		names = append(names, strings.TrimSpace(name))
	}
	ast := (*xast.Policy)(c.AST())
	_, anything := ast.Resource.(xast.ScopeTypeAll)
	switch action, ok := ast.Action.(xast.ScopeTypeEq); {
	case !ok || action.Entity != callAction && action.Entity != replyAction:
		return nil, fmt.Errorf("the exception to %q is not about calls or replies; its head needs action == Action::\"call\" (or \"reply\")", note)
	case anything && len(ast.Conditions) == 0:
		return nil, fmt.Errorf("the exception to %q describes every call; delete the rule instead, or say which calls it does not stop", note)
	}
	return names, nil
}

// check refuses an exception to what is no rule, or to one that must stand.
func (p *Policy) check(x exception) error {
	for _, name := range x.lifts {
		m, known := p.meanings[cedar.PolicyID(name)]
		switch {
		case slices.Contains(firm, name):
			return fmt.Errorf("the rule %q protects the guard itself and has no exceptions; delete this one", name)
		case !known || m.verdict == Allow:
			return fmt.Errorf("@except(%q) names no rule that forbids anything; correct the name, or delete the exception", name)
		case m.verdict == Redact:
			return fmt.Errorf("the rule %q takes secrets out, to which there are no exceptions; `seawall why ID --wrong` says that one is none", name)
		}
	}
	return nil
}

// exception is one that was checked.
type exception struct {
	namedRule
	lifts   []string
	expires time.Time // zero is never
	place   Place
}

// lifted returns which exception lifts which rule from a request.
func (p *Policy) lifted(req cedar.Request) (map[cedar.PolicyID]cedar.PolicyID, error) {
	if len(p.exceptions) == 0 || req.Action != callAction && req.Action != replyAction || protected(req.Context) {
		return nil, nil
	}
	var all rules
	now := time.Now()
	for _, x := range p.exceptions {
		if x.expires.IsZero() || now.Before(x.expires) {
			all = append(all, x.namedRule)
		}
	}
	_, said := cedar.Authorize(all, nil, req)
	for _, e := range said.Errors {
		return nil, fmt.Errorf("the exception %q could not be evaluated: %s", e.PolicyID, e.Message)
	}
	by := map[cedar.PolicyID]cedar.PolicyID{}
	for _, r := range said.Reasons {
		for _, x := range p.exceptions {
			if x.id != r.PolicyID {
				continue
			}
			for _, name := range x.lifts {
				by[cedar.PolicyID(name)] = x.id
			}
		}
	}
	return by, nil
}

// protected reports whether a call touches what guards this machine, or cannot be
// read in one way: from such a call nothing is lifted, whatever an exception says.
// A context that does not tell is protected.
func protected(c cedar.Record) bool {
	for _, name := range []cedar.String{"unparsed", "ambiguous"} {
		if v, ok := c.Get(name); !ok || v != types.Boolean(false) {
			return true
		}
	}
	for name, stands := range map[cedar.String]func(string) bool{
		"kinds":   func(s string) bool { return s == string(effect.Guard) },
		"dangers": func(s string) bool { return s == string(effect.DisableGuard) },
		"reads":   effect.Seawalls,
		"writes":  effect.Seawalls,
	} {
		v, _ := c.Get(name)
		set, ok := v.(types.Set)
		if !ok {
			return true
		}
		for member := range set.All() {
			if s, ok := member.(types.String); !ok || stands(string(s)) {
				return true
			}
		}
	}
	return false
}
