package effect

import "slices"

// maxWords bounds the words of a text that are compared.
const maxWords = 4096

// IsVerb reports whether a word, folded, is one by which a tool's name says what it does.
func IsVerb(word string) bool { return verbs[word] != noVerb }

// AsksFor reports whether a person's words ask for what a tool does: they hold a
// verb of its kind, and its noun where it has one that means something. Of a tool
// without a verb they hold a word of its name.
func AsksFor(text, tool string, s Schema) bool {
	u := useOf(tool, s)
	said := wordsOf(text, maxWords)
	if len(u.verbs) == 0 {
		return slices.ContainsFunc(wordsOf(lastPart(tool), 32), func(w string) bool { return len(w) > 2 && slices.Contains(said, w) })
	}
	return slices.ContainsFunc(said, func(w string) bool { return u.does(verbs[w]) }) &&
		(u.head == noNoun || slices.ContainsFunc(said, func(w string) bool { return nouns[singular(w)]&u.head != 0 }))
}
