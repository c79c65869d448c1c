package approval

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

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

// Risk is what makes another question of the same action: what it can do, which
// rules ask, and where its values come from.
func Risk(r ledger.Row) string {
	texts := append([]string{"policy"}, sorted(r.Policy)...)
	if e := r.Effects; e != nil {
		for _, list := range [][]string{e.Kinds, e.Dangers, e.Hosts, e.URLs, e.To, e.Reads, e.Writes} {
			texts = append(append(texts, "effect"), sorted(list)...)
		}
	}
	for _, arg := range names(r.Origins) {
		texts = append(append(texts, "origin", arg), sorted(r.Origins[arg])...)
	}
	return sum(texts...)
}
