package detect

import "strings"

// Mark gives what stands in a text where a secret was. The secret is handed
// over for a caller who has to put it back later; of one longer than 4 KiB in
// a stream, only the beginning.
type Mark func(f Finding, secret string) string

// DefaultMark says what was taken out: "[secret: an OpenAI API key]".
func DefaultMark(f Finding, _ string) string { return "[secret: " + f.Title + "]" }

// Redact puts a mark in place of each finding. Findings are in order and do
// not overlap, as Secrets and Known.Find give them.
func Redact(text string, findings []Finding, mark Mark) string {
	if len(findings) == 0 {
		return text
	}
	if mark == nil {
		mark = DefaultMark
	}
	var b strings.Builder
	b.Grow(len(text))
	at := 0
	for _, f := range findings {
		if f.Start < at || f.End > len(text) {
			continue
		}
		b.WriteString(text[at:f.Start])
		b.WriteString(mark(f, text[f.Start:f.End]))
		at = f.End
	}
	b.WriteString(text[at:])
	return b.String()
}
