package openclaw

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// Diff shows what a change does to a config as a unified diff, without any
// secret: values of keys that hold credentials, of headers and of environment
// variables become "(secret 1)", "(secret 2)" and so on, the same value
// always the same number. Long words in comments, where old keys are kept, are
// covered too. It is "" when nothing differs or new is nil.
func Diff(name string, old, new []byte) string {
	if bytes.Equal(old, new) || new == nil {
		return ""
	}
	m := masker{numbers: map[string]int{}}
	before, err := m.mask(old)
	after, err2 := m.mask(new)
	if err != nil || err2 != nil {
		return fmt.Sprintf("%s changes; the difference is not shown, because its text does not parse and may hold secrets\n", name)
	}
	return string(diff.Diff(name, before, name+" (new)", after))
}

// masker numbers secrets over both sides of a diff.
type masker struct{ numbers map[string]int }

type span struct {
	start, end int
	text       string
}

func (m *masker) mask(text []byte) ([]byte, error) {
	c, err := ParseConfig(text)
	if err != nil {
		return nil, err
	}
	var spans []span
	m.values(c.root, nil, &spans)
	spans = append(spans, comments(text)...)
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	var out []byte
	at := 0
	for _, s := range spans {
		if s.start < at {
			continue
		}
		out = append(append(out, text[at:s.start]...), s.text...)
		at = s.end
	}
	out = append(out, text[at:]...)
	return bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n")), nil
}

// values collects the secret strings below a node.
func (m *masker) values(n *node, path []string, into *[]span) {
	for _, x := range n.members {
		m.values(x.value, append(path[:len(path):len(path)], x.key), into)
	}
	for _, x := range n.items {
		m.values(x, path, into)
	}
	s, ok := n.scalar.(string)
	if !ok || s == "" || !secretAt(path, s) {
		return
	}
	number, known := m.numbers[s]
	if !known {
		number = len(m.numbers) + 1
		m.numbers[s] = number
	}
	*into = append(*into, span{n.start, n.end, fmt.Sprintf(`"(secret %d)"`, number)})
}

// secretKey are the names of keys that hold a credential. It is wider than
// OpenClaw's own list (src/config/recovery-policy.ts), which knows whole names
// only.
var secretKey = lazyregexp.New(`(?i)(key|token|secret|passw(or)?d|passphrase|credential|bearer|auth|cookie|webhook|dsn)s?$`)

// secretAt reports whether the string at a path is to be covered. ${NAME} and
// the parts of a secret reference are no secrets.
func secretAt(path []string, s string) bool {
	if _, ok := EnvName(s); ok || len(path) == 0 {
		return false
	}
	last, parent := path[len(path)-1], ""
	if len(path) > 1 {
		parent = path[len(path)-2]
	}
	switch {
	case (last == "source" || last == "provider" || last == "id") && secretKey.MatchString(parent):
		return false
	case last == "auth", last == "mode":
		return false // a mode: "api-key", "token"
	case parent == "headers" || path[0] == "env":
		return true
	case secretKey.MatchString(last):
		return true
	default:
		u, err := url.Parse(s)
		return err == nil && u.Scheme != "" && (u.User != nil || u.RawQuery != "")
	}
}

var longWord = lazyregexp.New(`[A-Za-z0-9+/=_.-]{16,}`)

// comments covers the long words in all comments of a text.
func comments(text []byte) []span {
	var spans []span
	for i := 0; i < len(text); {
		switch text[i] {
		case '"', '\'':
			end, problem := stringEnd(text, i)
			if problem != "" {
				return spans
			}
			i = end
		case '/':
			end := commentEnd(text, i)
			if end < 0 {
				return spans
			}
			for _, w := range longWord.FindAllIndex(text[i:end], -1) {
				word := string(text[i+w[0] : i+w[1]])
				if strings.ContainsAny(word, "0123456789") {
					spans = append(spans, span{i + w[0], i + w[1], "(covered)"})
				}
			}
			i = end
		default:
			i++
		}
	}
	return spans
}
