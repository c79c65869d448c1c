package guard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// effects are those of a call as a row holds them.
func (g *Guard) effects(e effect.Effects) *ledger.Effects {
	clean := g.clean
	// Most calls hold no secret, and one look at all pieces tells.
	all := strings.Join(slices.Concat(e.Reads, e.Writes, e.Hosts, e.URLs, e.Commands, e.To, slices.Collect(maps.Values(e.Evidence))), "\n")
	if clean(all) == all {
		clean = func(s string) string { return s }
	}
	out := &ledger.Effects{
		Kinds: texts(e.Kinds), Dangers: texts(e.Dangers),
		Opaque: e.Opaque, Unseen: e.Unseen, Unparsed: g.clean(e.ParseError),
	}
	for _, list := range []struct {
		from []string
		to   *[]string
	}{{e.Reads, &out.Reads}, {e.Writes, &out.Writes}, {e.Hosts, &out.Hosts}, {e.URLs, &out.URLs}, {e.Commands, &out.Commands}, {e.To, &out.To}} {
		for _, s := range list.from {
			c := clean(s)
			out.Partial = out.Partial || c != s
			*list.to = append(*list.to, c)
		}
	}
	for danger, piece := range e.Evidence {
		if out.Evidence == nil {
			out.Evidence = map[string]string{}
		}
		out.Evidence[string(danger)] = clean(piece)
	}
	return out
}

// seen is what the policy saw beside the effects, and where in a text the
// detectors found it. across are the findings that another text has a part of.
func (g *Guard) seen(in policy.Input, text string, found, across []detect.Finding) *ledger.Seen {
	s := &ledger.Seen{
		Source: in.Source, Injection: in.Injection, Secrets: in.Secrets, Ambiguous: in.Ambiguous,
		Workspace: in.Workspace, Placeholders: in.Placeholders, Approved: in.Approved,
		Unproven: in.Unproven, Confidential: in.Confidential, OverLimit: in.OverLimit,
	}
	if in.Act == policy.Call {
		o := ledger.Provenance(in.Origin)
		s.Origin = &o
	}
	if s.Injection == verdictName(detect.Clean) {
		s.Injection = ""
	}
	if len(found) == 0 {
		return s
	}
	secrets := merge(g.secrets(text), detect.Secrets(text))
	for _, f := range found {
		signal := ledger.Signal{
			Kind: string(f.Kind), Rule: f.Rule, Title: f.Title, Verdict: verdictName(f.Verdict), At: f.Start,
			Place: around(text, secrets, f), Seam: slices.Contains(across, f),
		}
		if f.Kind == detect.Secret {
			signal.Sum = g.tell(text[f.Start:f.End])
			if len(g.known.Load().Find(text[f.Start:f.End])) > 0 {
				signal.Rule, signal.Title = detect.KnownSecret, "a secret of this machine"
			}
		}
		s.Signals = append(s.Signals, signal)
	}
	return s
}

// What stands around a finding is shown with it, and of a long one the
// beginning, in bytes.
const (
	leastAround = 40
	mostShown   = 150
)

// around is the place of a finding, without secrets.
func around(text string, secrets []detect.Finding, f detect.Finding) string {
	begin := max(0, f.Start-leastAround)
	end := min(len(text), min(f.End, f.Start+mostShown-2*leastAround)+leastAround)
	var within []detect.Finding
	for _, s := range secrets {
		if s.Start < end && begin < s.End {
			s.Start, s.End = max(s.Start, begin)-begin, min(s.End, end)-begin
			within = append(within, s)
		}
	}
	return oneLine(detect.Redact(text[begin:end], within, detect.DefaultMark))
}

// oneLine makes a text one line without what is not seen.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

// tell is what tells a secret from others, in hex, and says nothing about it.
func (g *Guard) tell(secret string) string {
	h := hmac.New(sha256.New, g.markKey)
	h.Write([]byte("wrong\x00" + secret))
	return hex.EncodeToString(h.Sum(nil))
}

// Recorded is what the policy saw of the decision in a row. It is not whole when
// the row does not hold all of it: then the policy could decide otherwise now.
func Recorded(r ledger.Row) (in policy.Input, whole bool) {
	in = policy.Input{Agent: r.Agent, Act: policy.Act(r.Act), Tool: r.Tool, Injection: verdictName(detect.Clean)}
	if in.Act != policy.Call {
		in.Tool = ""
	}
	if s := r.Seen; s != nil {
		in.Source, in.Secrets, in.Ambiguous, in.Workspace = s.Source, s.Secrets, s.Ambiguous, s.Workspace
		in.Placeholders, in.Approved, in.Unproven = s.Placeholders, s.Approved, s.Unproven
		in.OverLimit = s.OverLimit
		in.Confidential, in.Origin = s.Confidential, policy.Origin{Decided: true}
		if s.Origin != nil { // an older row has none, and nothing asked for one
			in.Origin = policy.Origin(*s.Origin)
		}
		if s.Injection != "" {
			in.Injection = s.Injection
		}
	}
	e := r.Effects
	if e == nil {
		return in, r.Seen != nil && in.Act != policy.Call
	}
	in.Effects = effect.Effects{
		Kinds: named[effect.Kind](e.Kinds), Dangers: named[effect.Danger](e.Dangers),
		Reads: e.Reads, Writes: e.Writes, Hosts: e.Hosts, URLs: e.URLs, Commands: e.Commands, To: e.To,
		Opaque: e.Opaque, Unseen: e.Unseen, ParseError: e.Unparsed,
	}
	return in, r.Seen != nil && !e.Partial
}

func texts[S ~string](list []S) (out []string) {
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

func named[S ~string](list []string) (out []S) {
	for _, s := range list {
		out = append(out, S(s))
	}
	return out
}
