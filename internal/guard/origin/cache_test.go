package origin

import (
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// TestBehindReadsOnce reads a call once by each way of reading it, and another
// call, or one that is too long to keep, for itself.
func TestBehindReadsOnce(t *testing.T) {
	cache, reads := NewCache(), 0
	read := func(p wire.Part) (tool, args string) {
		reads++
		return p.Tool + "!", p.Text
	}
	call := wire.Part{Tool: "exec", CallID: "1", Text: `{"command":"ls"}`}
	other := [32]byte{1}
	for i, c := range []struct {
		part  wire.Part
		by    [32]byte
		reads int
	}{
		{call, [32]byte{}, 1},
		{call, [32]byte{}, 1},
		{call, other, 2},
		{wire.Part{Tool: "exec", CallID: "2", Text: call.Text}, other, 3},
		{wire.Part{Tool: "exec1", CallID: "", Text: call.Text}, other, 4},
		{wire.Part{Tool: "exec", CallID: "1", Text: `{"command":"id"}`}, other, 5},
		{wire.Part{Tool: "exec", Text: strings.Repeat("x", longestCall+1)}, other, 6},
		{wire.Part{Tool: "exec", Text: strings.Repeat("x", longestCall+1)}, other, 7},
	} {
		tool, args := cache.Behind(c.part, c.by, read)
		if tool != c.part.Tool+"!" || args != c.part.Text || reads != c.reads {
			t.Errorf("%d: %s %.20s after %d reads, expected %d", i, tool, args, reads, c.reads)
		}
	}
}
