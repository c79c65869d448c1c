package approval

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/ledger"
)

// Sum is the SHA-256, in hex, of a tool and the canonical form of its arguments,
// a JSON object: RFC 8785, but each number as it is written, because 1 and 1.0
// are the same to some tools only. It is an error when the arguments have no one
// reading; then nobody can approve them.
func Sum(tool string, args []byte) (string, error) {
	form := jsontext.Value(strings.Clone(string(args)))
	err := form.Format(
		jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false),
		jsontext.ReorderRawObjects(true), jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false),
		jsontext.PreserveRawStrings(false), jsontext.EscapeForHTML(false), jsontext.EscapeForJS(false),
		jsontext.Multiline(false), jsontext.SpaceAfterColon(false), jsontext.SpaceAfterComma(false),
	)
	if err != nil {
		return "", fmt.Errorf("reading the arguments of %s: %w", tool, err)
	}
	return sum(tool, string(form)), nil
}

// sum hashes texts so that none can be moved from one into the next.
func sum(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Risk is what makes another question of the same action: what it can do.
func Risk(r ledger.Row) string {
	texts := []string{}
	if e := r.Effects; e != nil {
		for _, list := range [][]string{e.Kinds, e.Dangers, e.Hosts, e.URLs, e.To, e.Reads, e.Writes} {
			texts = append(append(texts, "effect"), sorted(list)...)
		}
	}
	return sum(texts...)
}

// covers reports whether a person who was shown the one decision has seen all that
// speaks against the other: the rules that ask, and where each value may come from.
// A call that is tried again comes out of a conversation that has grown, by its own
// notice at least, so fewer are as good as the same.
func covers(shown, now ledger.Row) bool {
	if !within(now.Policy, shown.Policy) {
		return false
	}
	for arg, labels := range now.Origins {
		was, ok := shown.Origins[arg]
		if !ok || !slices.Contains(was, anybody) && !within(labels, was) {
			return false
		}
	}
	return true
}

// anybody is the origin of a value that may come from everywhere.
const anybody = string(origin.Unknown)

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}
