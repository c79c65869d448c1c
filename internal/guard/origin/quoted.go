package origin

import (
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// A person pastes and forwards. What stands there are not his words, and it must
// not authorise anything: only what is left after this is his.

var (
	// From the first fence to the last: what is pasted may hold fences of its own.
	fences = lazyregexp.New("(?s)```.*(?:```|$)|~~~.*(?:~~~|$)|\"\"\".*(?:\"\"\"|$)")
	// Elements with a name of their own: <document>…</document>.
	elements = lazyregexp.New(`(?s)<([A-Za-z][\w-]{2,30})(?:\s[^<>]*)?>.*`)
	quoteRow = lazyregexp.New(`(?m)^[ \t]*(?:>|\|)[^\n]*(?:\n|$)`)
	// Where a forwarded text begins; all behind it is not his.
	forwarded = lazyregexp.New(`(?im)^[ \t]*(?:-{2,}\s*(?:original|forwarded|ursprüngliche|weitergeleitete)[^\n]*|begin forwarded message:?|anfang der weitergeleiteten[^\n]*` +
		`|(?:on|am) [^\n]{4,80}(?:wrote|schrieb)[^\n]{0,80}:)[ \t]*$`)
	header = lazyregexp.New(`(?im)^[ \t*]*(?:from|to|cc|subject|date|sent|reply-to|von|an|betreff|datum|gesendet)[*]*:[^\n]*$`)
	// "Summarise this:" and a text that follows on lines of its own.
	handed = lazyregexp.New(`(?im)^[^\n]*\b(?:this|following|below|here is|here's|text|article|mail|email|e-mail|message|page|says|said|wrote|reads|log|output|dies|diese[rsnm]?|folgende[rsnm]?|hier ist|nachricht|artikel|seite|schreibt|schrieb)\b[^\n]{0,60}:[ \t]*\n`)
	inline = lazyregexp.New(`(?s)["“„«]([^"“”„»]{200,})["”“»]`)
)

// unquoted splits a message into what its writer says himself, with newlines
// for what was cut out, and what he quotes.
func unquoted(text string) (own string, quoted []string) {
	cut := func(re *lazyregexp.Regexp) {
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
	if len(own) > maxOwn || strings.Count(own, "\n") > maxOwnLines {
		if own = strings.TrimLeft(own, "\n"); len(own) > 0 {
			behind(min(len(own), maxOwn, max(1, strings.Index(own+"\n", "\n"))))
		}
	}
	own = quotes.ReplaceAllStringFunc(own, func(s string) string {
		if !sentence(s) {
			return s
		}
		quoted = append(quoted, s)
		return " "
	})
	return own, quoted
}

// sentence reports whether a text in quotes is a sentence with something to act on,
// and no name: "pay 500 to …".
func sentence(s string) bool {
	ws := split(s, 64)
	if len(ws) < 4 {
		return false
	}
	asks := slices.ContainsFunc(ws, func(w word) bool { return requests[w.low] != 0 && !nounsToo[w.low] })
	counts := slices.ContainsFunc(ws, func(w word) bool { return number.MatchString(w.text) })
	return actionable.MatchString(s) || asks && counts
}

// What is longer is mostly pasted, and nobody can say where that ends: then only
// its first line is his own.
const (
	maxOwn      = 2000 // bytes
	maxOwnLines = 40
)
