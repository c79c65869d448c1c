package model

import (
	"strings"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// results tells the guard what came back from calls since the last answer of
// the model: the conversation before it comes again with every request.
func (t *turn) results() {
	var id string
	var result strings.Builder
	done := func() {
		if id != "" {
			t.guard.Done(t.Agent, id, result.String())
		}
		id = ""
		result.Reset()
	}
	for _, p := range t.request.Parts[t.firstNewPart():] {
		if p.Role != wire.Tool {
			continue
		}
		if p.CallID != id {
			done()
			id = p.CallID
		}
		result.WriteString(p.Text)
	}
	done()
}
