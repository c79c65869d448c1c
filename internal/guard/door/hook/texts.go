package hook

import (
	"context"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
)

// message looks at what is about to go out to a channel, whoever wrote it: the
// answer of a model that is not behind the door, a tool's message, a job's. What
// came through the model door has nothing left to cut.
func (d *Door) message(ctx context.Context, config string, q question) answer {
	reply := d.guard.Reply(ctx, d.vouchedFor(config, q).Turn)
	out := make([]string, len(q.Texts))
	for i, text := range q.Texts {
		out[i] = reply.Text(i, text, true)
	}
	return answer{Allow: true, Texts: out}
}

// result looks at what a call brought whose run did not pass the model door: there
// it would have been read on its way to the model.
func (d *Door) result(ctx context.Context, config string, q question) answer {
	reader, turn := d.guard.Reader(), d.vouchedFor(config, q).Turn
	texts := make([]guard.Text, len(q.Texts))
	for i, text := range q.Texts {
		texts[i] = guard.Text{Turn: turn, Source: guard.Tool, Tool: q.Tool, Text: text, Follows: i > 0}
	}
	reader.Join(texts)
	out := make([]string, len(texts))
	for i, text := range texts {
		switch r := reader.Read(ctx, text); r.Verdict {
		case policy.Allow:
			out[i] = text.Text
		case policy.Redact:
			out[i] = r.Redacted
		default:
			out[i] = d.guard.Removed(text, r)
		}
	}
	return answer{Allow: true, Texts: out}
}
