package openclaw

import (
	"math"
	"strconv"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// Config is one openclaw.json with the offsets of all it says, so that a
// single value can be changed without touching another byte. A nil Config
// answers like an empty one.
//
// Values are what the file says, before OpenClaw fills in defaults and before
// it replaces ${NAME} by the environment (see [EnvName]).
type Config struct {
	root     *node
	src      *source   // the file itself
	sources  []*source // with all that were included
	included []Include

	// Duplicates are keys that stand more than once in an object: OpenClaw
	// takes the last, a person reads the first.
	Duplicates []Place
}

// Place is a path of the config and where it is written.
type Place struct {
	Path []string
	File string // "" when the text came without a name
	Line int
}

// ParseConfig reads the text of an openclaw.json, which is JSON5 (see
// docs/gateway/configuration.md of OpenClaw). It does not follow $include:
// [LoadConfig] does. An error is a [*SyntaxError] unless the file is too big
// or too deep.
func ParseConfig(text []byte) (*Config, error) {
	return parseSource(&source{text: text})
}

func parseSource(s *source) (*Config, error) {
	root, err := s.parse()
	if err != nil {
		return nil, err
	}
	if root.kind != objectKind {
		return nil, s.wrong(root.start, "a config that is no object")
	}
	c := &Config{root: root, src: s, sources: []*source{s}}
	c.noteDuplicates(root, nil)
	return c, nil
}

// maxDuplicates bounds Duplicates: a person needs one to act.
const maxDuplicates = 100

func (c *Config) noteDuplicates(n *node, path []string) {
	seen := map[string]bool{}
	for _, m := range n.members {
		at := append(path[:len(path):len(path)], m.key)
		if seen[m.key] && len(c.Duplicates) < maxDuplicates {
			line, _ := m.value.src.place(m.start)
			c.Duplicates = append(c.Duplicates, Place{Path: at, File: m.value.src.path, Line: line})
		}
		seen[m.key] = true
		c.noteDuplicates(m.value, at)
	}
	for i, x := range n.items {
		c.noteDuplicates(x, append(path[:len(path):len(path)], strconv.Itoa(i)))
	}
}

// find walks to a value. Items of an array have their number as key.
func (c *Config) find(path []string) *node {
	if c == nil {
		return nil
	}
	n := c.root
	for _, key := range path {
		switch n.kind {
		case objectKind:
			m := n.get(key)
			if m == nil {
				return nil
			}
			n = m.value
		case arrayKind:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(n.items) {
				return nil
			}
			n = n.items[i]
		default:
			return nil
		}
	}
	return n
}

// SplitPath takes a dotted path apart; `\.` is a dot in a key.
func SplitPath(path string) []string {
	if path == "" {
		return nil
	}
	parts := strings.Split(strings.ReplaceAll(path, `\.`, "\x00"), ".")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "\x00", ".")
	}
	return parts
}

// JoinPath is the inverse of [SplitPath].
func JoinPath(path []string) string {
	parts := make([]string, len(path))
	for i, p := range path {
		parts[i] = strings.ReplaceAll(p, ".", `\.`)
	}
	return strings.Join(parts, ".")
}

// Get returns the value at a dotted path ("gateway.bind"): map[string]any,
// []any, string, float64, bool or nil. An empty path is the whole config.
func (c *Config) Get(path string) (any, bool) { return c.At(SplitPath(path)...) }

// At is Get for keys that may contain dots.
func (c *Config) At(path ...string) (any, bool) {
	n := c.find(path)
	if n == nil {
		return nil, false
	}
	return n.plain(), true
}

// String returns the string at a path; ok is false when nothing or something
// else stands there.
func (c *Config) String(path string) (s string, ok bool) { return scalarAt[string](c, path) }

// Bool returns the truth value at a path.
func (c *Config) Bool(path string) (b, ok bool) { return scalarAt[bool](c, path) }

// Int returns the whole number at a path.
func (c *Config) Int(path string) (i int64, ok bool) {
	f, ok := scalarAt[float64](c, path)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

func scalarAt[T any](c *Config, path string) (v T, ok bool) {
	if n := c.find(SplitPath(path)); n != nil {
		v, ok = n.scalar.(T)
	}
	return v, ok
}

// Strings returns the list of strings at a path; ok is false when anything
// else is in it.
func (c *Config) Strings(path string) (list []string, ok bool) {
	n := c.find(SplitPath(path))
	if n == nil || n.kind != arrayKind {
		return nil, false
	}
	for _, item := range n.items {
		s, ok := item.scalar.(string)
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// Keys returns the keys of the object at a path in the order of the file,
// each once; nil when there is no object.
func (c *Config) Keys(path string) []string { return c.keys(SplitPath(path)...) }

func (c *Config) keys(path ...string) []string {
	n := c.find(path)
	if n == nil {
		return nil
	}
	var keys []string
	seen := map[string]bool{}
	for _, m := range n.members {
		if !seen[m.key] {
			seen[m.key] = true
			keys = append(keys, m.key)
		}
	}
	return keys
}

// Place says where the value at a path is written.
func (c *Config) Place(path ...string) (Place, bool) {
	n := c.find(path)
	if n == nil {
		return Place{}, false
	}
	line, _ := n.src.place(n.start)
	return Place{Path: path, File: n.src.path, Line: line}, true
}

// Text returns the file as it was read.
func (c *Config) Text() []byte { return c.src.text }

// envName is what OpenClaw takes for the name of a variable
// (src/config/env-substitution.ts): ${lower} stays text.
var envName = lazyregexp.New(`\$?\$\{([A-Z_][A-Z0-9_]*)\}`)

// EnvNames returns the environment variables that OpenClaw puts into a
// string: ${NAME}, but not the escaped $${NAME}.
func EnvNames(s string) []string {
	var names []string
	for _, m := range envName.FindAllStringSubmatch(s, -1) {
		if !strings.HasPrefix(m[0], "$$") {
			names = append(names, m[1])
		}
	}
	return names
}

// EnvName returns the variable when the whole string is ${NAME}.
func EnvName(s string) (name string, ok bool) {
	m := envName.FindStringSubmatch(s)
	if m == nil || m[0] != s || strings.HasPrefix(s, "$$") {
		return "", false
	}
	return m[1], true
}
