package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Action is one tool call, under the name of the real tool.
type Action struct {
	Turn
	Tool      string
	Args      []byte // a JSON object
	Ambiguous bool   // it has more than one reading
}

// Judge decides one action and records it. No row in the record, no action.
func (g *Guard) Judge(ctx context.Context, a Action) Decision {
	effects := effect.Of(a.Tool, a.Args)
	args := unescaped(a.Args)
	secrets := g.secrets(args)
	d := g.decide(policy.Input{
		Agent: a.Agent, Act: policy.Call, Tool: a.Tool,
		Effects: effects, Ambiguous: a.Ambiguous, Secrets: rules(secrets),
		Injection: verdictName(detect.Clean),
	})
	if d.Verdict == policy.Redact {
		// A call cannot run with a hole in it.
		d.Verdict = policy.Deny
	}
	return g.keep(ctx, a.Turn, d, ledger.Row{
		Act: "call", Tool: a.Tool, Action: digest(a.Tool + "\x00" + string(a.Args)),
		Detail: detect.Redact(args, merge(secrets, detect.Secrets(args)), detect.DefaultMark),
	})
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

// Stopped tells the person in the chat that a call was stopped.
func (g *Guard) Stopped(a Action, d Decision) string { return Notice(g.clean(a.Summary()), d) }

// Summary names the action in a few words: the tool, and the piece of it that
// says most.
func (a Action) Summary() string {
	effects := effect.Of(a.Tool, a.Args)
	for _, danger := range effects.Dangers {
		if e := effects.Evidence[danger]; e != "" {
			return a.Tool + " (" + e + ")"
		}
	}
	return a.Tool
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
