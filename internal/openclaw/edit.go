package openclaw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// Edit changes one value of a config: it sets what stands at Path, making the
// objects on the way when they are missing, or deletes the key.
type Edit struct {
	Path   []string
	Set    any // anything encoding to JSON; ignored by a deletion
	Delete bool
}

// Change is an edit as it was made, with all that [Restore] needs to take it
// back byte for byte. It holds what was in the file, which may be a secret.
type Change struct {
	File string   `json:"file,omitempty"` // "" when the config came without a path
	Path []string `json:"path"`
	// Old and New are the value's text before and after; nil when there was
	// or is none.
	Old []byte `json:"old,omitempty"`
	New []byte `json:"new,omitempty"`
	// Was became Now, at the byte At: the whole text that was replaced, with the
	// commas and spaces around an added member. Now ends Tail bytes after the
	// value.
	Was  []byte `json:"was,omitempty"`
	Now  []byte `json:"now,omitempty"`
	At   int    `json:"at"`
	Tail int    `json:"tail,omitempty"`
}

// Edit returns the text of the config's own file with the edits made. Only the
// edited values differ: comments, order, quotes and indentation stay. An edit
// that belongs into an included file is an error; [Config.EditFiles] makes it.
func (c *Config) Edit(edits ...Edit) ([]byte, error) {
	files, _, err := c.EditFiles(edits...)
	if err != nil {
		return nil, err
	}
	for file := range files {
		if file != c.src.path {
			return nil, fmt.Errorf("the change belongs into %s, which %s includes", file, c.src.name())
		}
	}
	if text, ok := files[c.src.path]; ok {
		return text, nil
	}
	return bytes.Clone(c.src.text), nil
}

// EditFiles makes edits where the values stand, in the file itself or in one
// that it includes, and returns the new text of every file that changed, with
// the changes in the order they were made. An edit that says what is there
// already changes nothing. The result is parsed again: when anything but the
// edited paths came out different, nothing is returned but an error.
func (c *Config) EditFiles(edits ...Edit) (map[string][]byte, []Change, error) {
	want := c.root.plain()
	now := c
	var changes []Change
	for len(edits) > 0 {
		e := edits[0]
		if missing := now.missing(e); missing != nil {
			edits = append([]Edit{*missing}, edits...)
			continue
		}
		edits = edits[1:]
		value, err := plainJSON(e)
		if err != nil {
			return nil, nil, err
		}
		if want, err = apply(want, e, value); err != nil {
			return nil, nil, fmt.Errorf("setting %s in %s: %w", JoinPath(e.Path), c.src.name(), err)
		}
		change, err := now.splice(e, value)
		if err != nil {
			return nil, nil, fmt.Errorf("setting %s in %s: %w", JoinPath(e.Path), c.src.name(), err)
		}
		if change == nil {
			continue
		}
		if now, err = now.with(change); err != nil {
			return nil, nil, fmt.Errorf("setting %s in %s: the changed text does not parse, so nothing was changed: %w", JoinPath(e.Path), c.src.name(), err)
		}
		if !now.says(e, value) {
			return nil, nil, fmt.Errorf("setting %s in %s: the changed text says something else, so nothing was changed", JoinPath(e.Path), c.src.name())
		}
		changes = append(changes, change.Change)
	}
	if !reflect.DeepEqual(comparableJSON(now.root.plain()), comparableJSON(want)) {
		return nil, nil, fmt.Errorf("changing %s: the result is not what was asked for, so nothing was changed", c.src.name())
	}
	files := map[string][]byte{}
	for _, s := range now.sources {
		if old := c.source(s.path); old == nil || !bytes.Equal(old.text, s.text) {
			files[s.path] = s.text
		}
	}
	return files, changes, nil
}

// says reports whether an edit shows in the config.
func (c *Config) says(e Edit, value any) bool {
	n := c.find(e.Path)
	if e.Delete || n == nil {
		return e.Delete && n == nil
	}
	return reflect.DeepEqual(comparableJSON(n.plain()), comparableJSON(value))
}

// missing returns the edit that makes the first object on the way which does
// not exist. Each object is a change of its own, so that taking changes back
// takes an object away only when nothing else has come into it.
func (c *Config) missing(e Edit) *Edit {
	if e.Delete {
		return nil
	}
	for i := 1; i < len(e.Path); i++ {
		if c.find(e.Path[:i]) == nil {
			return &Edit{Path: e.Path[:i], Set: map[string]any{}}
		}
	}
	return nil
}

func (c *Config) source(file string) *source {
	for _, s := range c.sources {
		if s.path == file {
			return s
		}
	}
	return nil
}

// placed is a change with the file it belongs into.
type placed struct {
	Change
	src *source
}

// with returns the config after one change, its files read from memory.
func (c *Config) with(p *placed) (*Config, error) {
	texts := map[string][]byte{}
	for _, s := range c.sources {
		texts[s.path] = s.text
	}
	old := p.src.text
	texts[p.src.path] = slices.Concat(old[:p.At], p.Now, old[p.At+len(p.Was):])
	return c.reload(texts)
}

func (c *Config) reload(texts map[string][]byte) (*Config, error) {
	read := func(_ context.Context, p string) ([]byte, error) {
		if t, ok := texts[p]; ok {
			return t, nil
		}
		return nil, fmt.Errorf("%s was not read before", p)
	}
	if len(c.sources) == 1 {
		return parseSource(&source{path: c.src.path, text: texts[c.src.path]})
	}
	// Roots were checked when the files were read first.
	return loadText(context.Background(), c.src.path, texts[c.src.path], []string{"/"}, read, func(p string) (string, error) { return p, nil })
}

// splice finds the text that one edit replaces. It returns nil when the value
// is there already.
func (c *Config) splice(e Edit, value any) (*placed, error) {
	if len(e.Path) == 0 {
		return nil, errors.New("the whole config cannot be replaced")
	}
	if n := c.find(e.Path); n != nil {
		if e.Delete {
			return c.remove(e.Path)
		}
		if reflect.DeepEqual(comparableJSON(n.plain()), comparableJSON(value)) {
			return nil, nil
		}
		if err := c.unambiguous(e.Path); err != nil {
			return nil, err
		}
		text := n.src.write(value, n.src.text[n.start:n.end], n.src.indentAt(n.start))
		old := bytes.Clone(n.src.text[n.start:n.end])
		return &placed{Change{File: n.src.path, Path: slices.Clone(e.Path), Old: old, New: text, Was: old, Now: text, At: n.start}, n.src}, nil
	}
	if e.Delete {
		return nil, nil
	}
	return c.add(e.Path, value)
}

// unambiguous refuses a path that leads through a key which stands twice.
func (c *Config) unambiguous(p []string) error {
	for i := range p {
		n := c.find(p[:i])
		if n.kind != objectKind {
			continue
		}
		count := 0
		for _, m := range n.members {
			if m.key == p[i] {
				count++
			}
		}
		if count > 1 {
			return fmt.Errorf("%s stands %d times; remove all but the last, which is the one that counts", JoinPath(p[:i+1]), count)
		}
	}
	return nil
}

// add inserts a member into the object that its path leads to.
func (c *Config) add(p []string, value any) (*placed, error) {
	parent := p[:len(p)-1]
	n := c.find(parent)
	if n == nil || n.kind != objectKind {
		return nil, fmt.Errorf("%s is no object", JoinPath(parent))
	}
	if err := c.unambiguous(parent); err != nil {
		return nil, err
	}
	return n.insert(slices.Clone(p), value), nil
}

// insert adds a member at the end of an object, in the object's own style.
func (n *node) insert(p []string, value any) *placed {
	s, key := n.src, p[len(p)-1]
	own := n.ownMembers()
	change := Change{File: s.path, Path: p}
	if len(own) == 0 {
		inner := s.text[n.start+1 : n.end-1]
		outer := s.indentAt(n.start)
		pad, close := " ", " "
		if bytes.ContainsAny(s.text, "\n\r") {
			pad, close = s.newline()+outer+s.unit(), s.newline()+outer
		}
		literal := s.write(value, nil, outer+s.unit())
		change.New = literal
		change.At = n.start + 1
		change.Now = []byte(pad + s.key(key, nil) + ": " + string(literal))
		if len(bytes.TrimSpace(inner)) > 0 { // comments or an $include: they stay, behind the new member
			change.Now, change.Tail = append(change.Now, ','), 1
		} else {
			change.Was, change.Tail = bytes.Clone(inner), len(close)
			change.Now = append(change.Now, close...)
		}
		return &placed{change, s}
	}
	last := own[len(own)-1]
	comma, end := s.after(last.value.end)
	separator := s.before(last.start)
	if behind := s.text[last.value.end:end]; separator == " " && bytes.Contains(behind, []byte("//")) {
		separator = s.newline() + s.indentAt(last.start) // a line comment ends with its line
	}
	literal := s.write(value, nil, s.indentAt(last.start))
	change.New = literal
	member := separator + s.key(key, &last) + ": " + string(literal)
	if comma >= 0 {
		// After the trailing comma, and after the comment of its line.
		change.Now, change.Tail, change.At = []byte(member+","), 1, end
		return &placed{change, s}
	}
	change.Was = bytes.Clone(s.text[last.value.end:end])
	change.Now = slices.Concat([]byte(","), change.Was, []byte(member))
	change.At = last.value.end
	return &placed{change, s}
}

// ownMembers are those written in the object's own braces, not merged in from
// another file.
func (n *node) ownMembers() []member {
	var own []member
	for _, m := range n.members {
		if m.value.src == n.src && m.start > n.start && m.value.end < n.end {
			own = append(own, m)
		}
	}
	slices.SortFunc(own, func(a, b member) int { return a.start - b.start })
	return own
}

// remove deletes a member with its comma and the space before it.
func (c *Config) remove(p []string) (*placed, error) {
	parent := c.find(p[:len(p)-1])
	if parent.kind != objectKind {
		return nil, errors.New("only a key of an object can be deleted")
	}
	if err := c.unambiguous(p); err != nil {
		return nil, err
	}
	m := parent.get(p[len(p)-1])
	s := m.value.src
	from, to := s.spaceBefore(m.start), m.value.end
	if comma, _ := s.after(m.value.end); comma >= 0 {
		to = comma + 1
	} else if before := bytes.TrimRight(s.text[:from], " \t\r\n"); len(before) > 0 && before[len(before)-1] == ',' {
		from = len(before) - 1
	}
	old := bytes.Clone(s.text[m.value.start:m.value.end])
	return &placed{Change{File: s.path, Path: slices.Clone(p), Old: old, Was: bytes.Clone(s.text[from:to]), At: from}, s}, nil
}

// spaceBefore returns where the white space before an offset begins, on the
// same line and the line break before it.
func (s *source) spaceBefore(at int) int {
	i := at
	for i > 0 && (s.text[i-1] == ' ' || s.text[i-1] == '\t') {
		i--
	}
	if i > 0 && s.text[i-1] == '\n' {
		i--
		if i > 0 && s.text[i-1] == '\r' {
			i--
		}
	} else if i > 0 && s.text[i-1] == '\r' {
		i--
	}
	return i
}

// before is the white space that separates members, as it stands before the
// key at an offset: a line break with the indentation, or a blank.
func (s *source) before(at int) string {
	if space := string(s.text[s.spaceBefore(at):at]); strings.ContainsAny(space, "\n\r") {
		return space
	}
	return " "
}

// after looks behind a value: at its comma, or -1, and at the end of what
// belongs to its line: a comment up to the line break.
func (s *source) after(at int) (comma, end int) {
	comma, end = -1, at
	for i := at; i < len(s.text); {
		r, size := utf8.DecodeRune(s.text[i:])
		switch {
		case r == ',' && comma < 0:
			comma = i
			end = i + 1
		case r == '/':
			next := commentEnd(s.text, i)
			if next < 0 {
				return comma, end
			}
			// A comment on a later line belongs to what follows.
			if !bytes.ContainsAny(s.text[max(at, comma):i], "\n\r") {
				end = next
			}
			i = next
			continue
		case r == '\n', r == '\r':
			if comma >= 0 {
				return comma, end
			}
		case r == ' ', r == '\t', r == '\ufeff':
		default:
			return comma, end
		}
		i += size
	}
	return comma, end
}

// newline is the file's own line break.
func (s *source) newline() string {
	i := bytes.IndexAny(s.text, "\n\r")
	switch {
	case i < 0 || s.text[i] == '\n':
		return "\n"
	case i+1 < len(s.text) && s.text[i+1] == '\n':
		return "\r\n"
	default:
		return "\r"
	}
}

// unit is one step of the file's indentation: that of its first indented
// line, or two blanks.
func (s *source) unit() string {
	if m := indented.FindSubmatch(s.text); m != nil {
		return string(m[1])
	}
	return "  "
}

var indented = lazyregexp.New(`[\n\r]([ \t]+)[^ \t\n\r/*]`)

// indentAt is the indentation of the line that an offset is on.
func (s *source) indentAt(at int) string {
	line := s.text[bytes.LastIndexAny(s.text[:at], "\n\r")+1 : at]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

var (
	bareKey    = lazyregexp.New(`^[A-Za-z_$][A-Za-z0-9_$]*$`)
	anyBareKey = lazyregexp.New(`[{,\s][A-Za-z_$][A-Za-z0-9_$]*\s*:`)
)

// key writes a key as its neighbour is written; without one as most keys of
// the file are.
func (s *source) key(key string, neighbour *member) string {
	quoted := bytes.Contains(s.text, []byte(`":`)) || !anyBareKey.Match(s.text)
	quote := byte('"')
	if neighbour != nil {
		quote = s.text[neighbour.start]
		quoted = quote == '"' || quote == '\''
	}
	if !quoted && bareKey.MatchString(key) {
		return key
	}
	return s.quote(key, quote)
}

// quote writes a string, in single quotes when the place before had them.
func (s *source) quote(text string, quote byte) string {
	if quote == '\'' && !strings.ContainsAny(text, "'\\") && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '\u2028' || r == '\u2029' }) {
		return "'" + text + "'"
	}
	b, _ := jsontext.AppendQuote(nil, text)
	return string(b)
}

// write encodes a value in place of old (nil when there was none), its further
// lines indented by indent and the file's unit.
func (s *source) write(value any, old []byte, indent string) []byte {
	if text, ok := value.(string); ok && len(old) > 0 {
		return []byte(s.quote(text, old[0]))
	}
	compact, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		panic("openclaw: a value that was JSON is not: " + err.Error()) // plainJSON made it
	}
	if !bytes.ContainsAny(s.text, "\n\r") || len(compact) < 3 {
		return compact
	}
	out := jsontext.Value(compact)
	if err := out.Indent(jsontext.WithIndentPrefix(indent), jsontext.WithIndent(s.unit())); err != nil {
		return compact
	}
	return bytes.ReplaceAll(bytes.TrimSpace(out), []byte("\n"), []byte(s.newline()))
}

// plainJSON turns what an edit sets into map[string]any, []any, string,
// float64, bool or nil.
func plainJSON(e Edit) (any, error) {
	if e.Delete {
		return nil, nil
	}
	b, err := json.Marshal(e.Set)
	if err != nil {
		return nil, fmt.Errorf("setting %s: the value is not JSON", JoinPath(e.Path))
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("setting %s: the value is not JSON", JoinPath(e.Path))
	}
	return v, nil
}

// apply makes an edit to plain values: what the config must say afterwards.
func apply(v any, e Edit, value any) (any, error) {
	if len(e.Path) == 0 {
		return value, nil
	}
	rest := Edit{Path: e.Path[1:], Delete: e.Delete}
	switch at := v.(type) {
	case map[string]any:
		next := maps.Clone(at)
		inner, ok := at[e.Path[0]]
		if e.Delete && (!ok || len(e.Path) == 1) {
			delete(next, e.Path[0])
			return next, nil
		}
		if !ok {
			inner = map[string]any{}
		}
		changed, err := apply(inner, rest, value)
		next[e.Path[0]] = changed
		return next, err
	case []any:
		i, err := strconv.Atoi(e.Path[0])
		if err != nil || i < 0 || i >= len(at) || e.Delete && len(e.Path) == 1 {
			return nil, fmt.Errorf("%s is no item that can be changed", e.Path[0])
		}
		next := slices.Clone(at)
		next[i], err = apply(at[i], rest, value)
		return next, err
	default:
		if e.Delete {
			return v, nil
		}
		return nil, fmt.Errorf("there is no object to put %s into", e.Path[0])
	}
}

// comparableJSON makes NaN equal to itself.
func comparableJSON(v any) any {
	switch v := v.(type) {
	case float64:
		if v != v {
			return "NaN"
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = comparableJSON(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = comparableJSON(x)
		}
		return out
	}
	return v
}

// Restored is what taking changes back came to.
type Restored struct {
	// Files are the new texts by path ("" for a config without one); a file
	// that needs no change is not among them.
	Files map[string][]byte
	// Kept are changes that somebody has changed since, so that they stay.
	Kept []Change
}

// Restore takes changes back, the last first. Where nothing else was changed
// since, every file becomes what it was, byte for byte; edits elsewhere stay;
// a value that is no longer what the change wrote stays too, and is reported
// in Kept. A change that is already taken back is passed over, so that an
// interrupted Restore can be repeated.
func (c *Config) Restore(changes []Change) (Restored, error) {
	now := c
	var kept []Change
	for _, change := range slices.Backward(changes) {
		p, mine, err := now.undo(change)
		if err != nil {
			return Restored{}, fmt.Errorf("taking back %s in %s: %w", JoinPath(change.Path), c.src.name(), err)
		}
		if !mine {
			kept = append(kept, change)
			continue
		}
		if p == nil {
			continue
		}
		if now, err = now.with(p); err != nil {
			return Restored{}, fmt.Errorf("taking back %s in %s: the text does not parse then, so nothing was changed: %w", JoinPath(change.Path), c.src.name(), err)
		}
	}
	slices.Reverse(kept)
	files := map[string][]byte{}
	for _, s := range now.sources {
		if old := c.source(s.path); old == nil || !bytes.Equal(old.text, s.text) {
			files[s.path] = s.text
		}
	}
	return Restored{Files: files, Kept: kept}, nil
}

// undo finds the text that takes one change back. mine is false when somebody
// changed the value since; a nil place means that there is nothing to do.
func (c *Config) undo(change Change) (p *placed, mine bool, err error) {
	n := c.find(change.Path)
	if n == nil {
		if change.Old == nil {
			return nil, true, nil // added, and gone
		}
		if change.New != nil {
			return nil, false, nil // changed, and deleted by somebody
		}
		if p := c.reinsert(change); p != nil {
			return p, true, nil
		}
		value, err := literal(change.Old)
		if err != nil {
			return nil, false, err
		}
		p, err := c.add(change.Path, value)
		return p, true, err
	}
	switch {
	case same(n, change.Old) && change.Old != nil:
		return nil, true, nil // taken back already
	case change.New == nil || !same(n, change.New):
		return nil, false, nil
	case change.Old == nil:
		end := n.end + change.Tail
		if at := end - len(change.Now); at >= 0 && end <= len(n.src.text) && bytes.Equal(n.src.text[at:end], change.Now) {
			return &placed{Change{Was: change.Now, Now: change.Was, At: at}, n.src}, true, nil
		}
		p, err := c.remove(change.Path)
		return p, true, err
	default:
		return &placed{Change{Was: n.src.text[n.start:n.end], Now: change.Old, At: n.start}, n.src}, true, nil
	}
}

// reinsert puts a deleted member back at the byte it stood at, when the text
// there is still such that exactly this member comes of it; else nil.
func (c *Config) reinsert(change Change) *placed {
	src := c.source(change.File)
	if src == nil || change.At > len(src.text) {
		return nil
	}
	p := &placed{Change{Path: change.Path, Now: change.Was, At: change.At}, src}
	back, err := c.with(p)
	if err != nil {
		return nil
	}
	n := back.find(change.Path)
	if n == nil || !same(n, change.Old) {
		return nil
	}
	rest, err := apply(back.root.plain(), Edit{Path: change.Path, Delete: true}, nil)
	if err != nil || !reflect.DeepEqual(comparableJSON(rest), comparableJSON(c.root.plain())) {
		return nil
	}
	return p
}

// same reports whether a node says what a literal says.
func same(n *node, text []byte) bool {
	if text == nil {
		return false
	}
	v, err := literal(text)
	return err == nil && reflect.DeepEqual(comparableJSON(n.plain()), comparableJSON(v))
}

// literal reads one JSON5 value.
func literal(text []byte) (any, error) {
	c, err := ParseConfig(slices.Concat([]byte("{v:"), text, []byte("\n}")))
	if err != nil {
		return nil, errors.New("the old value that was kept is not JSON5")
	}
	v, _ := c.At("v")
	return v, nil
}
