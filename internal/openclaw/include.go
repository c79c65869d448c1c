package openclaw

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
)

// The rules of $include are those of src/config/includes.ts: a path relative
// to the including file, inside the config's directory (or one named by
// OPENCLAW_INCLUDE_ROOTS) also after symlinks; a list is merged in order;
// keys beside $include win over what it brings; lists are joined.
const (
	includeKey       = "$include"
	maxIncludeDepth  = 10
	maxIncludeFiles  = 256 // OpenClaw knows no such limit; hostile configs do
	maxIncludeLength = 4096
	maxIncludeBytes  = 2 << 20
)

// Include is one $include of a config.
type Include struct {
	Path  []string // where it stands in the config
	Files []string // as written
	Line  int
}

// LoadConfig reads an openclaw.json and all it includes, merged as OpenClaw
// merges them. roots are further directories that may be included from
// (OPENCLAW_INCLUDE_ROOTS). The error names the file that was missing, outside
// or not JSON5; one that wraps [host.ErrAbsent] means there is no config.
func LoadConfig(ctx context.Context, h host.Host, file string, roots ...string) (*Config, error) {
	text, err := h.ReadFile(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return loadText(ctx, file, text, roots, h.ReadFile, func(p string) (string, error) { return realPath(ctx, h, p) })
}

func loadText(ctx context.Context, file string, text []byte, roots []string, read func(context.Context, string) ([]byte, error), real func(string) (string, error)) (*Config, error) {
	c, err := parseSource(&source{path: file, text: text})
	if err != nil {
		return nil, err
	}
	l := &loader{ctx: ctx, config: c, roots: append([]string{path.Dir(file)}, roots...), read: read, real: real}
	if c.root, err = l.resolve(c.root, nil, []string{path.Clean(file)}); err != nil {
		return nil, err
	}
	if c.root.kind != objectKind {
		return nil, fmt.Errorf("%s: the file it includes is no object", file)
	}
	return c, nil
}

// Includes lists the $include directives of the file and, after [LoadConfig],
// of the files it includes.
func (c *Config) Includes() []Include {
	if c == nil {
		return nil
	}
	if c.included == nil {
		collectIncludes(c.root, nil, &c.included)
	}
	return c.included
}

// Files lists the paths of all files that the config was read from.
func (c *Config) Files() []string {
	if c == nil {
		return nil
	}
	var files []string
	for _, s := range c.sources {
		files = append(files, s.path)
	}
	return files
}

func collectIncludes(n *node, at []string, into *[]Include) {
	for _, m := range n.members {
		if m.key == includeKey {
			*into = append(*into, newInclude(m, at))
			continue
		}
		collectIncludes(m.value, append(at[:len(at):len(at)], m.key), into)
	}
	for i, x := range n.items {
		collectIncludes(x, append(at[:len(at):len(at)], fmt.Sprint(i)), into)
	}
}

func newInclude(m member, at []string) Include {
	line, _ := m.value.src.place(m.start)
	in := Include{Path: slices.Clone(at), Line: line}
	if s, ok := m.value.scalar.(string); ok {
		in.Files = []string{s}
	}
	for _, x := range m.value.items {
		if s, ok := x.scalar.(string); ok {
			in.Files = append(in.Files, s)
		}
	}
	return in
}

type loader struct {
	ctx    context.Context
	config *Config
	roots  []string
	read   func(context.Context, string) ([]byte, error)
	real   func(string) (string, error)
}

// resolve replaces every $include below a node. chain is the files that led
// here, the including one last.
func (l *loader) resolve(n *node, at, chain []string) (*node, error) {
	var err error
	switch n.kind {
	case arrayKind:
		items := slices.Clone(n.items)
		for i, x := range items {
			if items[i], err = l.resolve(x, append(at[:len(at):len(at)], fmt.Sprint(i)), chain); err != nil {
				return nil, err
			}
		}
		copied := *n
		copied.items = items
		return &copied, nil
	case objectKind:
		own := *n
		own.members = nil
		for _, m := range n.members {
			if m.key == includeKey {
				continue
			}
			if m.value, err = l.resolve(m.value, append(at[:len(at):len(at)], m.key), chain); err != nil {
				return nil, err
			}
			own.members = append(own.members, m)
		}
		directive := n.get(includeKey)
		if directive == nil {
			return &own, nil
		}
		return l.include(*directive, &own, at, chain)
	default:
		return n, nil
	}
}

func (l *loader) include(directive member, own *node, at, chain []string) (*node, error) {
	in := newInclude(directive, at)
	where := fmt.Sprintf("%s line %d", chain[len(chain)-1], in.Line)
	listed := directive.value.kind == arrayKind
	if !listed && len(in.Files) == 0 || listed && len(in.Files) != len(directive.value.items) {
		return nil, fmt.Errorf("%s: $include takes a path or a list of paths", where)
	}
	l.config.included = append(l.config.included, in)
	var merged *node
	if listed {
		merged = &node{src: own.src, start: own.start, end: own.end, kind: objectKind}
	}
	for _, name := range in.Files {
		part, err := l.load(name, where, at, chain)
		if err != nil {
			return nil, err
		}
		if merged == nil {
			merged = part
		} else {
			merged = merge(merged, part)
		}
	}
	if len(own.members) == 0 {
		return merged, nil
	}
	if merged.kind != objectKind {
		return nil, fmt.Errorf("%s: keys beside $include need an included object, and %s is none", where, in.Files[0])
	}
	return merge(merged, own), nil
}

func (l *loader) load(name, where string, at, chain []string) (*node, error) {
	file := name
	if !path.IsAbs(file) {
		file = path.Join(path.Dir(chain[len(chain)-1]), file)
	}
	file = path.Clean(file)
	switch {
	case strings.ContainsRune(name, 0) || len(name) >= maxIncludeLength || len(file) >= maxIncludeLength:
		return nil, fmt.Errorf("%s: the path of $include is not one OpenClaw takes", where)
	case !l.inside(file, l.roots):
		return nil, fmt.Errorf("%s: $include %q leaves the config's directory; OpenClaw refuses it unless OPENCLAW_INCLUDE_ROOTS names its directory", where, name)
	case slices.Contains(chain, file):
		return nil, fmt.Errorf("%s: $include %q includes itself", where, name)
	case len(chain) > maxIncludeDepth:
		return nil, fmt.Errorf("%s: $include is nested more than %d deep", where, maxIncludeDepth)
	case len(l.config.sources) > maxIncludeFiles:
		return nil, fmt.Errorf("%s: more than %d files are included", where, maxIncludeFiles)
	}
	if err := l.checkReal(file, name, where); err != nil {
		return nil, err
	}
	text, err := l.read(l.ctx, file)
	if err != nil {
		return nil, fmt.Errorf("%s: reading $include %q: %w", where, name, err)
	}
	if len(text) > maxIncludeBytes {
		return nil, fmt.Errorf("%s: $include %q is bigger than the %d bytes OpenClaw reads", where, name, maxIncludeBytes)
	}
	src := l.sourceOf(file, text)
	n, err := src.parse()
	if err != nil {
		return nil, err
	}
	l.config.noteDuplicates(n, at)
	return l.resolve(n, at, append(chain[:len(chain):len(chain)], file))
}

// sourceOf returns the source of a file that may be included in two places.
func (l *loader) sourceOf(file string, text []byte) *source {
	for _, s := range l.config.sources {
		if s.path == file {
			return s
		}
	}
	src := &source{path: file, text: text}
	l.config.sources = append(l.config.sources, src)
	return src
}

// checkReal refuses a file that a symlink places outside of all roots.
func (l *loader) checkReal(file, name, where string) error {
	real, err := l.real(file)
	if err != nil {
		return fmt.Errorf("%s: following $include %q: %w", where, name, err)
	}
	roots := make([]string, 0, len(l.roots))
	for _, r := range l.roots {
		if rr, err := l.real(r); err == nil {
			roots = append(roots, rr)
		}
	}
	if !l.inside(real, roots) {
		return fmt.Errorf("%s: $include %q is a link that leaves the config's directory; OpenClaw refuses it", where, name)
	}
	return nil
}

func (l *loader) inside(file string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		root = path.Clean(root)
		return file == root || strings.HasPrefix(file, strings.TrimSuffix(root, "/")+"/")
	})
}

// merge lays b over a: objects member by member, lists joined, anything else
// from b. A list joined from two files has b's place, so that only b's items
// can be edited.
func merge(a, b *node) *node {
	switch {
	case a.kind == objectKind && b.kind == objectKind:
		out := *b
		out.members = nil
		at := map[string]int{}
		for _, m := range a.members {
			out.put(at, m)
		}
		winner := map[string]int{}
		for i, m := range b.members {
			winner[m.key] = i
		}
		for i, m := range b.members {
			if winner[m.key] != i {
				continue
			}
			if j, ok := at[m.key]; ok {
				m.value = merge(out.members[j].value, m.value)
			}
			out.put(at, m)
		}
		return &out
	case a.kind == arrayKind && b.kind == arrayKind:
		out := *b
		out.items = slices.Concat(a.items, b.items)
		return &out
	default:
		return b
	}
}

// put sets a member in its place, or at the end.
func (n *node) put(at map[string]int, m member) {
	if i, ok := at[m.key]; ok {
		n.members[i] = m
		return
	}
	at[m.key] = len(n.members)
	n.members = append(n.members, m)
}

// realPath follows symlinks of a path, at most forty of them.
func realPath(ctx context.Context, h host.Host, p string) (string, error) {
	rest, done := strings.Split(strings.Trim(path.Clean(p), "/"), "/"), "/"
	for links := 0; len(rest) > 0; {
		next := path.Join(done, rest[0])
		info, err := h.Stat(ctx, next)
		switch {
		case errors.Is(err, host.ErrAbsent):
			return path.Join(next, path.Join(rest[1:]...)), nil
		case err != nil:
			// A parent that cannot be looked at is taken as it is written.
			done, rest = next, rest[1:]
			continue
		case info.Target == "":
			done, rest = next, rest[1:]
			continue
		}
		if links++; links > 40 {
			return "", fmt.Errorf("%s: too many symlinks", p)
		}
		target := info.Target
		if !path.IsAbs(target) {
			target = path.Join(done, target)
		}
		rest, done = append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), rest[1:]...), "/"
	}
	return done, nil
}
