package origin

import (
	"regexp"
	"strings"
)

// A person pastes and forwards. What stands there are not his words, and it must
// not authorise anything: only what is left after this is his.

var (
	// From the first fence to the last: what is pasted may hold fences of its own.
	fences = regexp.MustCompile("(?s)```.*(?:```|$)|~~~.*(?:~~~|$)|\"\"\".*(?:\"\"\"|$)")
	// Elements with a name of their own: <document>…</document>.
	elements = regexp.MustCompile(`(?s)<([A-Za-z][\w-]{2,30})(?:\s[^<>]*)?>.*`)
	quoteRow = regexp.MustCompile(`(?m)^[ \t]*(?:>|\|)[^\n]*(?:\n|$)`)
	// Where a forwarded text begins; all behind it is not his.
	forwarded = regexp.MustCompile(`(?im)^[ \t]*(?:-{2,}\s*(?:original|forwarded|ursprüngliche|weitergeleitete)[^\n]*|begin forwarded message:?|anfang der weitergeleiteten[^\n]*` +
		`|(?:on|am) [^\n]{4,80}(?:wrote|schrieb)[^\n]{0,80}:)[ \t]*$`)
	header = regexp.MustCompile(`(?im)^[ \t*]*(?:from|to|cc|subject|date|sent|reply-to|von|an|betreff|datum|gesendet)[*]*:[^\n]*$`)
	// "Summarise this:" and a text that follows on lines of its own.
	handed = regexp.MustCompile(`(?im)^[^\n]*\b(?:this|following|below|here is|here's|text|article|mail|email|e-mail|message|page|says|said|wrote|reads|log|output|dies|diese[rsnm]?|folgende[rsnm]?|hier ist|nachricht|artikel|seite|schreibt|schrieb)\b[^\n]{0,60}:[ \t]*\n`)
	inline = regexp.MustCompile(`(?s)["“„«]([^"“”„»]{200,})["”“»]`)
)

// unquoted splits a message into what its writer says himself, with newlines
// for what was cut out, and what he quotes.
func unquoted(text string) (own string, quoted []string) {
	cut := func(re *regexp.Regexp) {
		own = re.ReplaceAllStringFunc(own, func(s string) string {
			quoted = append(quoted, s)
			return "\n"
		})
	}
	behind := func(at int) {
		if at >= 0 && strings.TrimSpace(own[at:]) != "" {
			quoted = append(quoted, own[at:])
			own = own[:at] + "\n"
		}
	}
	own = text
	cut(fences)
	cut(elements)
	if at := forwarded.FindStringIndex(own); at != nil {
		behind(at[0])
	}
	if rows := header.FindAllStringIndex(own, 4); len(rows) > 1 && rows[1][0]-rows[0][1] < 3 {
		behind(rows[0][0])
	}
	cut(quoteRow)
	if at := handed.FindStringIndex(own); at != nil && len(strings.TrimSpace(own[at[1]:])) > 60 {
		behind(at[1])
	}
	cut(inline)
	cut(long)
	return own, quoted
}

// long is a paragraph that nobody types into a chat.
var long = regexp.MustCompile(`(?:[^\n]*\n){40,}|[^\n]{1000}[^\n]{1000,}`)
