package origin

import (
	"crypto/sha256"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/wire"
)

// Parts are those of a conversation as it stands on the wire. whose says of a part
// that is attributed to a user whose it is, and what of it are his words; schemas
// are the tools as they were offered, by their names.
func Parts(from []wire.Part, whose func(wire.Part) (Label, string), schemas map[string]effect.Schema) []Part {
	parts := make([]Part, 0, len(from))
	args := map[string]string{}
	sources := map[string]whence{}
	for _, w := range from {
		p := Part{Text: w.Text, Sum: w.Sum}
		switch {
		case w.Role == wire.Tool:
			at, ok := sources[w.Tool]
			if !ok {
				at.class, at.private = effect.Source(w.Tool, schemas[w.Tool])
				sources[w.Tool] = at
			}
			p.Class, p.Private = at.class, at.private
			p.Label, p.Tool, p.Args, p.Schema = Label(at.class), w.Tool, args[w.CallID], schemas[w.Tool]
			if p.Tool == "" {
				p.Label, p.Tool = Unknown, "?"
			}
		case w.Role == wire.Assistant:
			p.Model = true
			if w.Call {
				args[w.CallID] = w.Text
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

type whence struct {
	class   effect.Class
	private bool
}
