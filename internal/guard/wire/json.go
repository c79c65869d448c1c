package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxDepth  = 512     // nesting of a JSON text
	maxValues = 1 << 20 // values in one JSON text that are looked at one by one
)

var (
	errNotUTF8 = errors.New("it is not valid UTF-8")
	errDepth   = fmt.Errorf("it is nested deeper than %d", maxDepth)
	errValues  = fmt.Errorf("it holds more than %d values", maxValues)
	errTrail   = errors.New("something follows its end")
)

// opaque names the members whose values are copied and never looked into: no
// call and no text of a conversation stands there, only much JSON.
var opaque = map[string]bool{
	"parameters": true, "input_schema": true, "usage": true,
	"metadata": true, "response_format": true, "obfuscation": true,
}

// tree is one JSON text, read once by jsontext: exact names, no name twice,
// and of every value the place where it stands, so that an edit can be a
// splice. It keeps src.
type tree struct {
	src   []byte
	nodes []node
}

// node is a value of a tree. Zero links mean none: node 0 is the root, which
// is nobody's child.
type node struct {
	kind          jsontext.Kind
	name, nameEnd int32 // its member name with quotes, both 0 in an array
	start, end    int32
	first         int32 // first child
	prev, next    int32 // siblings
}

// value is a place in a tree; the zero value is "not there", and everything
// asked of it is empty too.
type value struct {
	t *tree
	i int32
}

type parser struct {
	d     jsontext.Decoder
	src   bytes.Buffer
	t     *tree
	depth int
}

var parsers = sync.Pool{New: func() any { return new(parser) }}

// A half of a surrogate pair written as an escape is let through: JavaScript
// cuts texts between the halves. Everything else that is not UTF-8 is not.
var lenient = jsontext.AllowInvalidUTF8(true)

// parse reads src, which must be one JSON value and UTF-8, into t and gives
// its root.
func (t *tree) parse(src []byte) (value, error) { return t.parseAt(src, 0) }

// parseAt reads a value that stands that deep in another.
func (t *tree) parseAt(src []byte, depth int) (value, error) {
	if !utf8.Valid(src) {
		return value{}, errNotUTF8
	}
	t.src, t.nodes = src, t.nodes[:0]
	p := parsers.Get().(*parser)
	defer p.release()
	p.src = *bytes.NewBuffer(src)
	p.d.Reset(&p.src, lenient)
	p.t, p.depth = t, depth
	if _, err := p.value(0, 0); err != nil {
		return value{}, err
	}
	if _, err := p.d.ReadToken(); err != io.EOF {
		return value{}, errTrail
	}
	return value{t, 0}, nil
}

func (p *parser) release() {
	p.src = bytes.Buffer{}
	p.d.Reset(&p.src)
	p.t = nil
	parsers.Put(p)
}

// value reads the next value, whose member name stands at [name,nameEnd).
func (p *parser) value(name, nameEnd int32) (int32, error) {
	i := int32(len(p.t.nodes))
	if i >= maxValues {
		return 0, errValues
	}
	kind := p.d.PeekKind()
	p.t.nodes = append(p.t.nodes, node{kind: kind, name: name, nameEnd: nameEnd})
	if kind == '{' || kind == '[' {
		if nameEnd == 0 || !opaque[string(p.t.src[name+1:nameEnd-1])] {
			return i, p.container(i, kind)
		}
	}
	raw, err := p.d.ReadValue()
	if err != nil {
		return 0, err
	}
	n := &p.t.nodes[i]
	n.end = int32(p.d.InputOffset())
	n.start = n.end - int32(len(raw))
	if kind == '{' || kind == '[' {
		return i, p.checkDepth(raw)
	}
	return i, nil
}

// container reads what is inside an object or array.
func (p *parser) container(i int32, kind jsontext.Kind) error {
	if p.depth++; p.depth > maxDepth {
		return errDepth
	}
	defer func() { p.depth-- }()
	if _, err := p.d.ReadToken(); err != nil {
		return err
	}
	p.t.nodes[i].start = int32(p.d.InputOffset()) - 1
	last := int32(0)
	for {
		switch k := p.d.PeekKind(); k {
		case '}', ']':
			if _, err := p.d.ReadToken(); err != nil {
				return err
			}
			p.t.nodes[i].end = int32(p.d.InputOffset())
			return nil
		case jsontext.KindInvalid:
			_, err := p.d.ReadToken()
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		var name, nameEnd int32
		if kind == '{' {
			raw, err := p.d.ReadValue()
			if err != nil {
				return err
			}
			nameEnd = int32(p.d.InputOffset())
			name = nameEnd - int32(len(raw))
		}
		c, err := p.value(name, nameEnd)
		if err != nil {
			return err
		}
		if last == 0 {
			p.t.nodes[i].first = c
		} else {
			p.t.nodes[last].next, p.t.nodes[c].prev = c, last
		}
		last = c
	}
}

// checkDepth bounds the nesting of a value that was read in one piece.
func (p *parser) checkDepth(raw []byte) error {
	if bytes.Count(raw, []byte("["))+bytes.Count(raw, []byte("{")) <= maxDepth-p.depth {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), lenient)
	for {
		if _, err := d.ReadToken(); err != nil {
			return nil // its end: it was read before
		}
		if p.depth+d.StackDepth() > maxDepth {
			return errDepth
		}
	}
}

func (v value) ok() bool { return v.t != nil }

func (v value) node() *node { return &v.t.nodes[v.i] }

func (v value) kind() jsontext.Kind {
	if v.t == nil {
		return 0
	}
	return v.node().kind
}

// null reports whether nothing is there, or null.
func (v value) null() bool { return v.t == nil || v.node().kind == 'n' }

// raw is the value as it stands.
func (v value) raw() []byte {
	if v.t == nil {
		return nil
	}
	n := v.node()
	return v.t.src[n.start:n.end]
}

// first is the first member of an object or element of an array.
func (v value) first() value {
	if v.t == nil || v.node().first == 0 {
		return value{}
	}
	return value{v.t, v.node().first}
}

// items is the first element of an array, nothing of anything else.
func (v value) items() value {
	if v.kind() != '[' {
		return value{}
	}
	return v.first()
}

// next is the member or element after v.
func (v value) next() value {
	if n := v.node().next; n != 0 {
		return value{v.t, n}
	}
	return value{}
}

// get is the member of that exact name.
func (v value) get(name string) value {
	if v.kind() != '{' {
		return value{}
	}
	for i := v.node().first; i != 0; i = v.t.nodes[i].next {
		n := &v.t.nodes[i]
		if sameText(v.t.src[n.name:n.nameEnd], name) {
			return value{v.t, i}
		}
	}
	return value{}
}

// key is the member name of a value in an object.
func (v value) key() []byte {
	n := v.node()
	if n.nameEnd == 0 {
		return nil
	}
	return unquote(v.t.src[n.name:n.nameEnd])
}

// text is what a string says, nil of anything else. It may be a part of the
// source.
func (v value) text() []byte {
	if v.kind() != '"' {
		return nil
	}
	return unquote(v.raw())
}

// str is text as a string.
func (v value) str() string { return string(v.text()) }

// is reports whether the value is that string.
func (v value) is(s string) bool { return v.kind() == '"' && sameText(v.raw(), s) }

// number is the value as JavaScript reads it.
func (v value) number() (float64, bool) {
	if v.kind() != '0' {
		return 0, false
	}
	raw := v.raw()
	if len(raw) == 1 {
		return float64(raw[0] - '0'), true
	}
	return parseFloat(raw)
}

func sameText(literal []byte, s string) bool {
	if inner := literal[1 : len(literal)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner) == s
	}
	return string(unquote(literal)) == s
}

func unquote(literal []byte) []byte {
	if inner := literal[1 : len(literal)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	b, _ := jsontext.AppendUnquote(nil, literal) // it was read before: only half surrogates err
	return b
}

// quote appends s as a JSON string.
func quote(dst []byte, s string) []byte {
	b, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		b, _ = jsontext.AppendQuote(dst, strings.ToValidUTF8(s, "\uFFFD"))
	}
	return b
}
