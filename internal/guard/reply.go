package guard

import (
	"context"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Reply lets the words of one answer through to a person, as they stream. It is
// for one goroutine.
type Reply struct {
	guard  *Guard
	ctx    context.Context
	turn   Turn
	blocks map[int]*detect.Stream
	kept   map[string]bool // rules whose finding stands in the record
	begun  bool
	silent bool   // the policy lets no words through
	notice string // to say once instead of them
}

// Reply returns a filter for one answer of the model. Secrets that the policy
// wants out are cut out; where it lets no words through at all, a notice stands
// for them. A record that cannot be kept makes nothing pass that would not
// otherwise.
func (g *Guard) Reply(ctx context.Context, t Turn) *Reply {
	return &Reply{guard: g, ctx: ctx, turn: t, blocks: map[int]*detect.Stream{}, kept: map[string]bool{}}
}

// Text takes the next piece of a block of the answer and returns what may go
// on. final ends the block.
func (r *Reply) Text(block int, s string, final bool) string {
	if !r.begun {
		r.begin()
	}
	if r.silent {
		s, r.notice = r.notice, ""
		return s
	}
	stream, ok := r.blocks[block]
	if !ok {
		stream = detect.NewStream(r.guard.known.Load(), r.cut)
		r.blocks[block] = stream
	}
	out := stream.Write(s)
	if final {
		out += stream.Close()
		delete(r.blocks, block)
	}
	return out
}

// begin asks the policy whether the model may speak at all.
func (r *Reply) begin() {
	r.begun = true
	in := r.input(nil)
	d := r.guard.decide(in)
	if d.Verdict == policy.Ask && r.guard.lets(in) {
		row := ledger.Row{Act: "reply", Detail: "assistant", Seen: r.guard.seen(in, "", nil, nil)}
		d, row.Would = d.observed()
		r.guard.keep(r.ctx, r.turn, d, row)
		return
	}
	if d.Verdict >= policy.Ask {
		r.silent = true
		r.notice = r.guard.mute(r.turn, r.guard.keep(r.ctx, r.turn, d, ledger.Row{Act: "reply", Detail: "assistant", Seen: r.guard.seen(in, "", nil, nil)}))
	}
}

// cut is what stands in the answer where a secret was.
func (r *Reply) cut(f detect.Finding, secret string) string {
	if r.guard.wrong(f, secret, "") {
		return secret
	}
	in := r.input([]string{f.Rule})
	d := r.guard.decide(in)
	if d.Verdict == policy.Allow {
		return secret
	}
	if !r.kept[f.Rule] {
		d = r.guard.keep(r.ctx, r.turn, d, ledger.Row{Act: "reply", Detail: "assistant: " + f.Title, Seen: r.guard.seen(in, secret, []detect.Finding{{Kind: f.Kind, Rule: f.Rule, Title: f.Title, Verdict: f.Verdict, End: len(secret)}}, nil)})
		r.kept[f.Rule] = !d.Unkept
	}
	return r.guard.mark(f, secret)
}

func (r *Reply) input(secrets []string) policy.Input {
	return policy.Input{
		Agent: r.turn.Agent, Act: policy.Reply, Source: string(Assistant),
		Injection: verdictName(detect.Clean), Secrets: secrets,
	}
}
