package detect

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// leastKnown is the shortest value that is looked for, in bytes: a shorter
// one would be found in ordinary words.
const leastKnown = 8

// KnownSecret is the rule of a secret of this machine.
const KnownSecret = "known-secret"

// Known finds the secrets of this machine, wherever and however they stand in a
// text: as they are, in base64 (at any offset), in base 16, percent-encoded,
// escaped as in JSON. It holds the values; it never shows them.
type Known struct {
	alone *set // the values
	all   *set // the values, then the vendors' shapes
}

// NewKnown looks for values of at least eight bytes, each in full or, where it
// is longer than 4 KiB, by its first 4 KiB.
func NewKnown(values []string) *Known {
	var shapes []shape
	for _, v := range values {
		v = strings.TrimSpace(v)
		if len(v) < leastKnown {
			continue
		}
		shapes = append(shapes, shape{rule: KnownSecret, title: "a secret of this machine", begins: forms(v)})
	}
	return &Known{alone: newSet(shapes), all: newSet(append(shapes, vendors...))}
}

// Find gives the places where a value of this machine stands.
func (k *Known) Find(text string) []Finding {
	if k == nil || len(k.alone.shapes) == 0 {
		return nil
	}
	return k.alone.find(text)
}

// forms are the ways in which a value can stand in a text.
func forms(v string) []string {
	hexed := hex.EncodeToString([]byte(v))
	all := []string{
		v, hexed, strings.ToUpper(hexed),
		url.QueryEscape(v), url.PathEscape(v), percent(v),
		strings.NewReplacer("\n", `\n`, "\t", `\t`, "\r", `\r`, `"`, `\"`, `\`, `\\`).Replace(v),
	}
	for before := range 3 {
		all = append(all, inBase64(base64.RawStdEncoding, v, before), inBase64(base64.RawURLEncoding, v, before))
	}
	for i, f := range all {
		all[i] = f[:min(len(f), most)]
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// inBase64 is what is sure to stand in the base64 of a text in which v follows
// on before other bytes, modulo three: all but the signs that v shares with
// its neighbours.
func inBase64(enc *base64.Encoding, v string, before int) string {
	s := enc.EncodeToString([]byte(strings.Repeat("\x00", before) + v))
	if before > 0 {
		s = s[before+1:]
	}
	if (before+len(v))%3 != 0 {
		s = s[:len(s)-1]
	}
	return s
}

// percent encodes every byte, as nobody has to but anybody may (RFC 3986, 2.1).
func percent(v string) string {
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		b.WriteByte('%')
		b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{v[i]})))
	}
	return b.String()
}
