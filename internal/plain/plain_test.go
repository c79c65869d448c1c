package plain

import (
	"fmt"
	"strings"
	"testing"
)

func TestNothingTalksToATerminal(t *testing.T) {
	const hostile = "a\x1b[2J\x1b]52;c;aWQ=\x07\rb\tc\nd\u009b31me\x9b1m ü"
	if got := Line(hostile); strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) || !strings.HasSuffix(got, " ü") {
		t.Errorf("Line: %q", got)
	}
	var out strings.Builder
	fmt.Fprint(Writer(&out), hostile)
	if got := out.String(); got != Text(hostile) || strings.ContainsAny(got, "\x1b\a\r\u009b") || !strings.Contains(got, "b\tc\nd") {
		t.Errorf("Writer: %q", got)
	}
}
