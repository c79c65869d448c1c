package openclaw

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"
)

const (
	// maxConfigBytes bounds one config file; OpenClaw itself reads included
	// files up to 2 MiB.
	maxConfigBytes = 4 << 20
	// maxTokens bounds the values and brackets of one file, because each costs
	// memory many times its text.
	maxTokens = 400_000
	// maxDepth bounds nesting, because the JavaScript parser recurses.
	maxDepth = 200
)

// SyntaxError is a place in a config file that is not JSON5.
type SyntaxError struct {
	File         string // path, or "openclaw.json" when the text came without one
	Line, Column int    // from 1; columns count characters
	Problem      string // "a regular expression", "a key without a value"
}

func (e *SyntaxError) Error() string {
	advice := "fix it"
	if strings.HasSuffix(e.File, "openclaw.json") {
		advice += " or restore " + e.File + ".bak"
	}
	return fmt.Sprintf("%s line %d, column %d: %s is not JSON5; %s", e.File, e.Line, e.Column, e.Problem, advice)
}

// source is one file of a config, as it was read.
type source struct {
	path string // "" when the text came without one
	text []byte
}

// node is one value with its place in its file. An object that was merged
// from several files has the place of the part that wins, and members from
// all of them.
type node struct {
	src        *source
	start, end int // byte offsets in src.text
	kind       kind
	members    []member
	items      []*node
	scalar     any // string, float64, bool or nil
}

type kind uint8

const (
	scalarKind kind = iota
	objectKind
	arrayKind
)

// member is a key with its value. Among members of the same key the last wins.
type member struct {
	key        string
	start, end int // of the key
	value      *node
}

// get returns the winning member of a key, or nil.
func (n *node) get(key string) *member {
	if n == nil {
		return nil
	}
	for i := len(n.members) - 1; i >= 0; i-- {
		if n.members[i].key == key {
			return &n.members[i]
		}
	}
	return nil
}

// plain returns the node as plain Go: map[string]any, []any, string, float64,
// bool or nil.
func (n *node) plain() any {
	switch n.kind {
	case objectKind:
		m := make(map[string]any, len(n.members))
		for _, x := range n.members {
			m[x.key] = x.value.plain()
		}
		return m
	case arrayKind:
		a := make([]any, len(n.items))
		for i, x := range n.items {
			a[i] = x.plain()
		}
		return a
	default:
		return n.scalar
	}
}

// parse reads one file: first the tokens are checked, so that nothing but
// JSON5 in bounded depth reaches the JavaScript parser, then the file in
// parentheses is parsed as an expression, whose nodes carry byte offsets.
func (s *source) parse() (*node, error) {
	if len(s.text) > maxConfigBytes {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that Seawall reads", s.name(), len(s.text), maxConfigBytes)
	}
	value, err := s.scan()
	if err != nil {
		return nil, err
	}
	if !value {
		return nil, s.wrong(0, "an empty file")
	}
	program, err := parser.ParseFile(nil, "", "("+string(s.text)+"\n)", 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, s.foreign(err)
	}
	if len(program.Body) != 1 {
		return nil, s.wrong(0, "this")
	}
	statement, ok := program.Body[0].(*ast.ExpressionStatement)
	if !ok {
		return nil, s.wrong(0, "this")
	}
	return s.convert(statement.Expression)
}

func (s *source) name() string {
	if s.path == "" {
		return "openclaw.json"
	}
	return s.path
}

// wrong returns the error that says what stands at an offset.
func (s *source) wrong(offset int, problem string) error {
	line, column := s.place(offset)
	return &SyntaxError{File: s.name(), Line: line, Column: column, Problem: problem}
}

// place returns line and column of an offset, both from 1. LF, CRLF and CR
// end a line.
func (s *source) place(offset int) (line, column int) {
	before := string(s.text[:min(offset, len(s.text))])
	line = 1 + strings.Count(before, "\n") + strings.Count(strings.ReplaceAll(before, "\r\n", ""), "\r")
	last := strings.LastIndexAny(before, "\r\n")
	return line, 1 + utf8.RuneCountInString(before[last+1:])
}

// foreign turns the JavaScript parser's first complaint into ours.
func (s *source) foreign(err error) error {
	var list parser.ErrorList
	if !errors.As(err, &list) || len(list) == 0 {
		return s.wrong(0, "this")
	}
	at := list[0].Position
	if at.Line == 1 {
		at.Column-- // the parenthesis in front
	}
	line, column := s.place(len(s.text))
	if at.Line > line || at.Line == line && at.Column >= column {
		return &SyntaxError{File: s.name(), Line: line, Column: column, Problem: "an end before the last brace is closed"}
	}
	return &SyntaxError{File: s.name(), Line: at.Line, Column: max(at.Column, 1), Problem: "this"}
}

// offset translates a position of the parenthesised text.
func offset(i file.Idx) int { return int(i) - 2 }

func (s *source) convert(e ast.Expression) (*node, error) {
	switch e := e.(type) {
	case *ast.ObjectLiteral:
		return s.convertObject(e)
	case *ast.ArrayLiteral:
		n := &node{src: s, start: offset(e.LeftBracket), end: offset(e.RightBracket) + 1, kind: arrayKind}
		for _, x := range e.Value {
			if x == nil {
				return nil, s.wrong(n.start, "a list with a hole")
			}
			item, err := s.convert(x)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		return n, nil
	case *ast.StringLiteral:
		text, err := s.characters(offset(e.Idx), e.Value)
		return s.leaf(offset(e.Idx), len(e.Literal), text), err
	case *ast.BooleanLiteral:
		return s.leaf(offset(e.Idx), len(e.Literal), e.Value), nil
	case *ast.NullLiteral:
		return s.leaf(offset(e.Idx), len("null"), nil), nil
	case *ast.NumberLiteral, *ast.Identifier, *ast.UnaryExpression:
		return s.convertNumber(e)
	default:
		return nil, s.wrong(offset(e.Idx0()), "an expression")
	}
}

func (s *source) leaf(start, length int, v any) *node {
	return &node{src: s, start: start, end: start + length, scalar: v}
}

func (s *source) convertObject(e *ast.ObjectLiteral) (*node, error) {
	n := &node{src: s, start: offset(e.LeftBrace), end: offset(e.RightBrace) + 1, kind: objectKind}
	for _, p := range e.Value {
		keyed, ok := p.(*ast.PropertyKeyed)
		if !ok || keyed.Computed || keyed.Kind != ast.PropertyKindValue {
			return nil, s.wrong(offset(p.Idx0()), "a key without a value")
		}
		key, ok := keyed.Key.(*ast.StringLiteral)
		if !ok {
			return nil, s.wrong(offset(p.Idx0()), "a key that is neither a name nor a string")
		}
		name, err := s.characters(offset(key.Idx), key.Value)
		if err != nil {
			return nil, err
		}
		value, err := s.convert(keyed.Value)
		if err != nil {
			return nil, err
		}
		start := offset(key.Idx)
		n.members = append(n.members, member{key: name, start: start, end: start + len(key.Literal), value: value})
	}
	return n, nil
}

// characters returns a string's characters. Half of a surrogate pair cannot be
// kept in Go's strings, so that it is refused.
func (s *source) characters(offset int, v unistring.String) (string, error) {
	text := v.String()
	if strings.ContainsRune(text, utf8.RuneError) {
		for _, unit := range surrogates(v.AsUtf16()) {
			if unit {
				return "", s.wrong(offset, "half a surrogate pair")
			}
		}
	}
	return text, nil
}

// surrogates marks the units that are one half of a pair without the other.
func surrogates(units []uint16) []bool {
	lone := make([]bool, len(units))
	for i, u := range units {
		high, low := u >= 0xd800 && u < 0xdc00, u >= 0xdc00 && u < 0xe000
		lone[i] = high && (i+1 == len(units) || units[i+1] < 0xdc00 || units[i+1] >= 0xe000) ||
			low && (i == 0 || units[i-1] < 0xd800 || units[i-1] >= 0xdc00)
	}
	return lone
}

func (s *source) convertNumber(e ast.Expression) (*node, error) {
	sign, start := 1.0, offset(e.Idx0())
	if unary, ok := e.(*ast.UnaryExpression); ok {
		if unary.Operator != token.MINUS && unary.Operator != token.PLUS {
			return nil, s.wrong(start, "an expression")
		}
		if unary.Operator == token.MINUS {
			sign = -1
		}
		e = unary.Operand
	}
	switch e := e.(type) {
	case *ast.NumberLiteral:
		var f float64
		switch v := e.Value.(type) {
		case int64:
			f = float64(v)
		case float64:
			f = v
		default:
			return nil, s.wrong(start, "a number of this form")
		}
		return s.leaf(start, offset(e.Idx)+len(e.Literal)-start, sign*f), nil
	case *ast.Identifier:
		f, ok := map[string]float64{"Infinity": math.Inf(1), "NaN": math.NaN()}[e.Name.String()]
		if !ok {
			return nil, s.wrong(offset(e.Idx), "the bare word "+e.Name.String())
		}
		return s.leaf(start, offset(e.Idx)+len(e.Name.String())-start, sign*f), nil
	default:
		return nil, s.wrong(start, "an expression")
	}
}

// scan walks the tokens of a file: strings, comments, words, numbers and
// punctuation. It refuses what JavaScript would take and JSON5 does not, two
// values without punctuation between them (so that no chain of operators or
// keywords can make the parser recurse) and nesting beyond [maxDepth]. value
// tells that there is more than space and comments.
func (s *source) scan() (value bool, err error) {
	t := s.text
	if i := invalidUTF8(t); i >= 0 {
		return false, s.wrong(i, "a byte that is not UTF-8")
	}
	depth, tokens, afterValue := 0, 0, false
	for i := 0; i < len(t); {
		r, size := utf8.DecodeRune(t[i:])
		end := i + size
		switch {
		case r == '\ufeff' || unicode.IsSpace(r) && r != '\u0085' || r == '\u2028' || r == '\u2029':
			i = end
			continue
		case r == '/':
			next := commentEnd(t, i)
			if next < 0 {
				return false, s.wrong(i, "a slash outside a string")
			}
			i = next
			continue
		case r == '{' || r == '[':
			if depth++; depth > maxDepth {
				line, column := s.place(i)
				return false, fmt.Errorf("%s line %d, column %d: nested more than %d deep, which no OpenClaw config is", s.name(), line, column, maxDepth)
			}
			afterValue = false
		case r == '}' || r == ']':
			depth--
			afterValue = false
		case r == ',' || r == ':':
			afterValue = false
		case afterValue:
			return false, s.wrong(i, "a value without a comma before it")
		case r == '"' || r == '\'':
			stop, problem := stringEnd(t, i)
			if problem != "" {
				return false, s.wrong(i, problem)
			}
			end, afterValue = stop, true
		default:
			end = wordEnd(t, i)
			if end == i || !isWord(string(t[i:end])) {
				return false, s.wrong(i, fmt.Sprintf("%q", clip(string(t[i:max(end, i+size)]))))
			}
			afterValue = true
		}
		if tokens++; tokens > maxTokens {
			return false, fmt.Errorf("%s holds more than %d values and brackets, which no OpenClaw config does", s.name(), maxTokens)
		}
		value, i = true, end
	}
	return value, nil
}

func clip(s string) string {
	if len(s) > 12 {
		return "this"
	}
	return s
}

func invalidUTF8(t []byte) int {
	if utf8.Valid(t) {
		return -1
	}
	for i := 0; i < len(t); {
		r, size := utf8.DecodeRune(t[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// commentEnd returns the offset after the comment that begins at i, or -1
// when none does.
func commentEnd(t []byte, i int) int {
	rest := string(t[i:min(i+2, len(t))])
	switch rest {
	case "//":
		for i < len(t) {
			r, size := utf8.DecodeRune(t[i:])
			if r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' {
				break
			}
			i += size
		}
		return i
	case "/*":
		for j := i + 2; j+1 < len(t); j++ {
			if t[j] == '*' && t[j+1] == '/' {
				return j + 2
			}
		}
	}
	return -1
}

// stringEnd returns the offset after the string that begins at i. Escapes
// that only JavaScript knows are refused: \1 to \9, \0 before a digit, \u{…}.
func stringEnd(t []byte, i int) (end int, problem string) {
	quote := t[i]
	for j := i + 1; j < len(t); j++ {
		switch c := t[j]; {
		case c == quote:
			return j + 1, ""
		case c == '\n' || c == '\r':
			return 0, "a string that ends with its line"
		case c == '\\' && j+1 < len(t):
			j++
			next := byte(0)
			if j+1 < len(t) {
				next = t[j+1]
			}
			switch {
			case t[j] >= '1' && t[j] <= '9', t[j] == '0' && next >= '0' && next <= '9', t[j] == 'u' && next == '{':
				return 0, `the escape \` + string(t[j])
			case t[j] == '\r' && next == '\n':
				j++
			}
		}
	}
	return 0, "a string without an end"
}

// wordEnd returns the offset after the word or number that begins at i.
func wordEnd(t []byte, i int) int {
	for i < len(t) {
		r, size := utf8.DecodeRune(t[i:])
		if r != '$' && r != '_' && r != '.' && r != '+' && r != '-' && r != '\\' && r != '\u200c' && r != '\u200d' &&
			!unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.In(r, unicode.Nl, unicode.Mn, unicode.Mc, unicode.Pc) {
			break
		}
		i += size
	}
	return i
}

// isWord reports whether a word is a JSON5 number, a literal or a name that
// can be a key. An escape in a name is refused: it has no use but to hide.
func isWord(w string) bool {
	if strings.ContainsRune(w, '\\') {
		return false
	}
	unsigned := w
	if w[0] == '+' || w[0] == '-' {
		unsigned = w[1:]
	}
	if unsigned == "Infinity" || unsigned == "NaN" || isNumber(unsigned) {
		return true
	}
	return !strings.ContainsAny(w, "+-.") && (w[0] < '0' || w[0] > '9')
}

// isNumber reports whether an unsigned word is a JSON5 number: hexadecimal,
// or decimal with an optional leading or trailing point and an exponent.
func isNumber(w string) bool {
	if hex, ok := strings.CutPrefix(strings.ToLower(w), "0x"); ok {
		return hex != "" && strings.Trim(hex, "0123456789abcdef") == ""
	}
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(w), "e")
	if scientific {
		exponent = strings.TrimPrefix(strings.TrimPrefix(exponent, "+"), "-")
		if !digits(exponent) {
			return false
		}
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	switch {
	case len(whole) > 1 && whole[0] == '0':
		return false
	case point:
		return (whole == "" || digits(whole)) && (fraction == "" || digits(fraction)) && whole+fraction != ""
	default:
		return digits(whole)
	}
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
