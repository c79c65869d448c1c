package wire

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

var literals = []string{
	`""`, `"plain"`, `"\n"`, `"a\nb\tc\"d\\e\/f\b\f\r"`, `"\\n"`, `"\\\\"`, `"\\u0041"`,
	`"\u0041\u00e9 \u20ac"`, `"\ud83d\ude00"`, `"x\ud83d\ude00\ud83d\ude00y\n"`,
	`"\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\n\ude00"`, `"\ud83dé"`, `"日本\n語"`, `"\u0000"`,
}

func TestTextIsWhatTheLiteralSays(t *testing.T) {
	for _, literal := range literals {
		want, _ := jsontext.AppendUnquote(nil, literal)
		if got := appendText(nil, []byte(literal)); string(got) != string(want) {
			t.Errorf("%s says %q, want %q", literal, got, want)
		}
	}
}

// FuzzText holds appendText against jsontext on every string that a request can
// hold.
func FuzzText(f *testing.F) {
	for _, literal := range literals {
		f.Add([]byte(literal))
	}
	f.Fuzz(func(t *testing.T, literal []byte) {
		var tree tree
		root, err := tree.parse(literal)
		if err != nil || root.kind() != '"' {
			return
		}
		want, _ := jsontext.AppendUnquote(nil, root.raw())
		if got := appendText(nil, root.raw()); string(got) != string(want) {
			t.Errorf("%s says %q, want %q", literal, got, want)
		}
	})
}
