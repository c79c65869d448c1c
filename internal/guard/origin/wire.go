package origin

import (
	"crypto/sha256"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/wire"
)

// Parts are those of a conversation as it stands on the wire. whose says of a part
// that is attributed to a user whose it is, and what of it are his words; schemas
// are the tools as they were offered, by their names. behind says which tool a call
// of the conversation really was, and with what; nil takes it as it stands.
func Parts(from []wire.Part, whose func(wire.Part) (Label, string), behind func(wire.Part) (tool, args string), schemas map[string]effect.Schema) []Part {
	parts := make([]Part, 0, len(from))
	calls := map[string]call{}
	sources := map[string]whence{}
	for _, w := range from {
		p := Part{Text: w.Text, Sum: w.Sum}
		switch {
		case w.Role == wire.Tool:
			of, ok := calls[w.CallID]
			if !ok {
				of.tool = w.Tool
			}
			at, ok := sources[of.tool]
			if !ok {
				at.class, at.private = effect.Source(of.tool, schemas[of.tool])
				sources[of.tool] = at
			}
			p.Class, p.Private, p.Label = at.class, at.private, Label(at.class)
			p.Tool, p.Args, p.Schema = of.tool, of.args, schemas[of.tool]
			if p.Tool == "" {
				p.Label, p.Tool = Unknown, "?"
			}
		case w.Role == wire.Assistant:
			if p.Model = true; w.Call && behind != nil {
				tool, args := behind(w)
				calls[w.CallID] = call{tool, args}
			} else if w.Call {
				calls[w.CallID] = call{w.Tool, w.Text}
			}
		case w.Role == wire.System:
			p.Label = System
		default:
			if p.Label, p.Text = whose(w); p.Text != w.Text {
				p.Sum = [sha256.Size]byte{}
			}
		}
		parts = append(parts, p)
	}
	return parts
}

type call struct{ tool, args string }

type whence struct {
	class   effect.Class
	private bool
}
