// Package plain keeps what others wrote (an agent, the doors, a provider) from
// talking to the terminal of whoever reads it: a control character could move
// the cursor, change what stands there, or type an answer.
package plain

import (
	"io"
	"strings"
)

// Line is a text on one line: each control character is a blank.
func Line(s string) string { return strings.Map(blank, s) }

// Text keeps the ends of lines, and tabs, as well.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return blank(r)
	}, s)
}

// blank replaces the control characters of ISO 6429, C0 and C1.
func blank(r rune) rune {
	if r < ' ' || r >= 0x7f && r < 0xa0 {
		return ' '
	}
	return r
}

// Writer writes on what is written to it as Text.
func Writer(to io.Writer) io.Writer { return writer{to} }

type writer struct{ to io.Writer }

func (w writer) Write(b []byte) (int, error) {
	if _, err := io.WriteString(w.to, Text(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}
