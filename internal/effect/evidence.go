package effect

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// maxEvidence bounds a piece of evidence, in runes.
const maxEvidence = 120

// secretShapes are what evidence must not repeat, and what stands instead.
var secretShapes = []struct {
	re   *lazyregexp.Regexp
	with string
}{
	// NAME=value, "password": "value", --token value: the value goes.
	{lazyregexp.New(`(\b[A-Za-z_][A-Za-z0-9_]*=)("[^"]*"?|'[^']*'?|[^\s;|&)]+)`), "${1}…"},
	{lazyregexp.New(`(?i)((?:password|passwd|secret|token|api_?key|credential)s?["']?\s*[:\s]\s*)("[^"]*"?|'[^']*'?|[^\s;|&)]+)`), "${1}…"},
	{lazyregexp.New(`(?i)\b((?:bearer|basic)\s+)[^\s"']+`), "${1}…"},
	{lazyregexp.New(`(://[^/\s:@]*:)[^/\s@]+@`), "${1}…@"},
	{lazyregexp.New(`((?:^|\s)-u\s*['"]?[^\s:'"]+:)[^\s'"]+`), "${1}…"},
	{lazyregexp.New(`\b(?:sk|pk|rk|gh[opsu]|github_pat|glpat|xox[abprs]|AKIA|ASIA|AIza|eyJ|npm|hf|oc-sent)[-_A-Za-z0-9][-_A-Za-z0-9.]{9,}`), "…"},
	{lazyregexp.New(`[A-Za-z0-9+_=-]{32,}`), "…"},
}

// evidence makes a piece of an action fit to be shown and recorded: one line,
// short, printable, no secrets.
func evidence(piece string) string {
	piece = strings.ToValidUTF8(readable(piece), "�")
	// A long text is cut before it is searched, a little further than it will
	// be shown, so that no secret is cut in half and missed.
	if len(piece) > 8*maxEvidence {
		piece = strings.ToValidUTF8(piece[:8*maxEvidence], "")
	}
	for _, s := range secretShapes {
		piece = s.re.ReplaceAllString(piece, s.with)
	}
	piece = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c):
			return -1
		}
		return c
	}, piece)
	piece = strings.TrimRight(strings.Join(strings.Fields(piece), " "), "; ")
	if utf8.RuneCountInString(piece) > maxEvidence {
		piece = string([]rune(piece)[:maxEvidence-1]) + "…"
	}
	return piece
}

// Unknown stands in the strings of Effects for a piece that cannot be known.
const Unknown = "…"

// readable shows a value with its unknown pieces, and the agent's home, as a
// person would write them.
func readable(s string) string {
	if strings.HasPrefix(s, home) {
		s = "~" + s[len(home):]
	}
	return strings.ReplaceAll(s, hole, Unknown)
}
