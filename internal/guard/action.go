package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Action is one tool call, under the name of the real tool.
type Action struct {
	Turn
	ID        string // of the call, under which its result comes back
	Tool      string
	Args      []byte        // a JSON object
	Ambiguous bool          // it has more than one reading
	Schema    effect.Schema // how the tool was offered
	// Secrets are those that the model was not shown in this conversation, by the
	// mark that it reads instead.
	Secrets map[string]string
}

// Judge decides one action and records it. No row in the record, no action.
// Where the policy lets a file keep secrets, it judges what will be in it.
func (g *Guard) Judge(ctx context.Context, a Action) Decision {
	written := unescaped(a.Args)
	a.Schema.Settled = g.Operator.Settled(a.Tool)
	effects := effect.OfCall(a.Tool, a.Args, a.Schema)
	from, private := effect.Source(a.Tool, a.Schema)
	in := policy.Input{
		Agent: a.Agent, Act: policy.Call, Tool: a.Tool,
		Effects: effects, Ambiguous: a.Ambiguous,
		Injection: verdictName(detect.Clean), Workspace: within(a.Workspace, effects.Writes),
		Source: string(from), Confidential: private,
	}
	var origins map[string][]string
	in.Origin, origins = g.provenance(a, effects)
	unproven := g.Unproven(a.Config)
	in.Unproven = unproven != nil
	secrets := g.unless(g.secrets(written), written)
	restored := g.kept(a, in, written)
	if restored != "" {
		in.Effects = effect.OfCall(a.Tool, []byte(restored), a.Schema)
		in.Workspace = within(a.Workspace, in.Effects.Writes)
		in.Secrets = rules(g.unless(g.secrets(restored), restored))
	} else {
		in.Secrets, in.Placeholders = rules(secrets), len(marked(written)) > 0
	}
	over := g.over(a, in.Effects)
	if over != nil {
		in.OverLimit = over.Name.String()
	}
	d, halted := g.halt()
	if !halted {
		d = g.decide(in)
	}
	if d.Verdict == policy.Redact {
		// A call cannot run with a hole in it.
		d.Verdict = policy.Deny
	}
	d = d.of(unproven).above(over)
	d.Risk, d.Origins = in.Effects.Risk(), origins
	row := ledger.Row{
		Act: "call", Tool: a.Tool, Action: exactly(a),
		Detail:  g.clean(written),
		Effects: g.effects(in.Effects), Seen: g.seen(in, written, secrets, nil),
		Origins: origins,
	}
	var question *approval.Question
	if d.Verdict == policy.Ask {
		d, row.Approval, question = g.needed(a, in, d, row)
		row.Seen = seenApproved(row.Seen, d)
		if question != nil && g.lets(in) {
			d, row.Would = d.observed()
			question = nil
		}
	}
	if d.Restore = restored != "" && d.Verdict <= policy.Ask; d.Verdict != policy.Allow {
		d.what = summary(a.Tool, in.Effects)
	}
	d = g.leave(ctx, a, in.Effects, d)
	d = g.ask(g.keep(ctx, a.Turn, d, row), question, row.Detail)
	if d.Verdict == policy.Allow {
		g.await(a, d.ID)
		g.tally(a, in.Effects)
	}
	return d
}

// kept are the arguments of a call with the secrets put back that it writes into
// a file, where the policy lets that file keep them and none of them is missing;
// "" otherwise.
func (g *Guard) kept(a Action, in policy.Input, written string) string {
	rules := marked(written)
	if len(rules) == 0 {
		return ""
	}
	in.Act, in.Secrets = policy.Keep, rules
	if g.decide(in).Verdict != policy.Allow {
		return ""
	}
	restored := Restore(string(a.Args), a.Secrets)
	for _, mark := range marks.FindAllString(unescaped([]byte(restored)), -1) {
		if _, known := a.Secrets[mark]; !known {
			return ""
		}
	}
	return restored
}

// hidden is a character of a JSON string that could stand there as it is.
var hidden = regexp.MustCompile(`\\u00[2-7][0-9a-fA-F]`)

// unescaped are arguments as a person and a detector read them, whether they
// are JSON or not: characters that anyone may hide behind \u stand for
// themselves.
func unescaped(args []byte) string {
	return hidden.ReplaceAllStringFunc(string(args), func(escape string) string {
		c, _ := strconv.ParseUint(escape[2:], 16, 8)
		if c == '"' || c == '\\' || c == 0x7f {
			return escape
		}
		return string(rune(c))
	})
}

// summary names a call in a few words: the tool, and the piece of it that says
// most.
func summary(tool string, effects effect.Effects) string {
	if worst := effects.Worst(); worst != "" {
		return tool + " (" + worst + ")"
	}
	return tool
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
