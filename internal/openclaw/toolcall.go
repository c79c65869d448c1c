package openclaw

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

const (
	maxUnwrap = 8       // calls within calls
	maxRepair = 256_000 // bytes of arguments that are read leniently; OpenClaw repairs 64,000
)

// ToolCall is a tool call as OpenClaw would run it.
type ToolCall struct {
	Tool  string // the tool that runs
	Name  string // as it was written
	Known bool   // Tool is one that OpenClaw would find
	// Args is a JSON object, strictly written, that every reader reads alike.
	// It is nil when the arguments have no certain reading.
	Args jsontext.Value
	// Lenient: Args is not what was written, but the one reading of it: strict
	// JSON, with what the tool takes ([ToolParam]). Hand on Args.
	Lenient bool
	// Code: an argument is JavaScript that calls further tools when it runs
	// (code mode's exec, tool_search_code), which the wire does not show.
	Code bool
}

// Unwrap reads a tool call and the call within it: OpenClaw hides most of its
// tools behind tool_call {id, args}. calls holds the outer call first; the
// last is the tool that acts. ambiguous tells that the call must not run as it
// stands, because another reader may read it differently or not at all: a
// repeated name, text that is no JSON or no UTF-8, selectors that disagree,
// nesting without end.
func (t *Toolset) Unwrap(name, id string, args []byte) (calls []ToolCall, ambiguous bool) {
	for range maxUnwrap {
		call := ToolCall{Name: name}
		call.Tool, call.Known = t.Resolve(name, id)
		var err error
		if call.Args, call.Lenient, err = ParseArgs(args); err != nil {
			return append(calls, call), true
		}
		decoded := call.Args
		if t.Entities && len(calls) == 0 {
			decoded = decodeEntities(call.Args)
		}
		fields := object(decoded)
		taken, changed := asTaken(call.Tool, decoded, fields)
		if (call.Lenient || changed) && !bytes.Equal(decoded, call.Args) {
			// What is handed on would be decoded once more.
			return append(calls, call), true
		}
		call.Args, call.Lenient = taken, call.Lenient || changed
		call.Code = call.Tool == "tool_search_code" || call.Tool == "exec" && (t.CodeMode || fields["code"] != nil)
		calls = append(calls, call)
		if call.Tool != "tool_call" || t.literal {
			return calls, false
		}
		inner, ok := t.innerCall(fields)
		if !ok {
			return calls, true
		}
		name, id, args = inner.name, "", inner.args
	}
	return calls, true
}

type inner struct {
	name string
	args []byte
}

var selectors = []string{"id", "toolId", "name"}

// innerCall reads the arguments of tool_call as readToolSearchCallArgs and
// prepareToolSearchDispatcherArguments do (src/agents/tool-search-request.ts):
// the tool is id, toolId or name, a catalog id "source:owner:tool" or a bare
// name; its arguments are args or input, or else all other keys; keys "args.x"
// count as x; without a selector the whole call may stand in args.
func (t *Toolset) innerCall(fields map[string]jsontext.Value) (inner, bool) {
	if !slices.ContainsFunc(selectors, func(s string) bool { return fields[s] != nil }) {
		if fields = dispatched(fields); fields == nil {
			return inner{}, false
		}
	}
	input := first(fields, "args", "input")
	if text, ok := unquoted(input); ok {
		// Validation turns a text that is a JSON object into the object.
		input = jsontext.Value(text)
		if parsed, _, err := ParseArgs(input); err == nil {
			input = parsed
		}
	}
	nested := object(input)
	switch {
	case input != nil && nested == nil:
		return inner{}, false
	case len(nested) > 0:
		tool, ok := unquoted(first(fields, selectors...))
		return inner{catalogName(trim(tool)), encode(overlay(dotted(fields), nested))}, ok && trim(tool) != ""
	default:
		return t.flatCall(fields)
	}
}

// dispatched moves a call that stands whole in args or input to where it
// belongs; nil when there is none.
func dispatched(fields map[string]jsontext.Value) map[string]jsontext.Value {
	nested := object(first(fields, "args", "input"))
	selector := first(nested, selectors...)
	if selector == nil {
		return nil
	}
	rest := map[string]jsontext.Value{}
	for k, v := range fields {
		if k != "args" && k != "input" {
			rest[k] = v
		}
	}
	merged := overlay(rest, nested)
	merged["id"] = selector
	return merged
}

// flatCall reads a call whose arguments stand beside its selector. OpenClaw
// takes the selector that names a tool of its catalog, and the others for
// arguments. The catalog, with its plugins' tools, is not on the wire: where
// two selectors could name a tool, nothing is certain.
func (t *Toolset) flatCall(fields map[string]jsontext.Value) (inner, bool) {
	var given, taken []string
	tool := ""
	for _, s := range selectors {
		if first(fields, s) == nil {
			continue
		}
		given = append(given, s)
		value, ok := unquoted(fields[s])
		if !ok || !toolLike.MatchString(value) {
			continue
		}
		if tool != "" && value != tool {
			return inner{}, false
		}
		tool, taken = value, append(taken, s)
	}
	if len(given) == 0 {
		return inner{}, false
	}
	if tool == "" {
		taken = given[:1]
		tool, _ = unquoted(fields[given[0]])
	} else if !t.has[catalogName(tool)] && taken[0] != given[0] {
		return inner{}, false
	}
	rest := map[string]jsontext.Value{}
	for k, v := range fields {
		if k != "args" && k != "input" && !slices.Contains(taken, k) && !isDotted(k) {
			rest[k] = v
		}
	}
	return inner{catalogName(trim(tool)), encode(overlay(dotted(fields), rest))}, trim(tool) != ""
}

// toolLike is what providers accept for the name of a tool, or a catalog id.
var toolLike = lazyregexp.New(`^[A-Za-z0-9_.:/@-]{1,256}$`)

func isDotted(key string) bool { return strings.HasPrefix(key, "args.") && len(key) > len("args.") }

// dotted are the keys "args.x" without their prefix.
func dotted(fields map[string]jsontext.Value) map[string]jsontext.Value {
	short := map[string]jsontext.Value{}
	for k, v := range fields {
		if isDotted(k) {
			short[k[len("args."):]] = v
		}
	}
	return short
}

// overlay lays b over a.
func overlay(a, b map[string]jsontext.Value) map[string]jsontext.Value {
	for k, v := range b {
		a[k] = v
	}
	return a
}

// catalogName takes the tool out of a catalog id ("openclaw:core:exec").
func catalogName(id string) string {
	if parts := strings.SplitN(id, ":", 3); len(parts) == 3 && slices.Contains([]string{"openclaw", "mcp", "client"}, parts[0]) {
		return parts[2]
	}
	return id
}

func first(fields map[string]jsontext.Value, keys ...string) jsontext.Value {
	for _, k := range keys {
		if v := fields[k]; v != nil && !bytes.Equal(v, []byte("null")) {
			return v
		}
	}
	return nil
}

// object returns the members of a strict JSON object, or nil.
func object(v jsontext.Value) map[string]jsontext.Value {
	if len(v) == 0 || v[0] != '{' {
		return nil
	}
	return members(jsontext.NewDecoder(bytes.NewReader(v)))
}

// members returns what an object holds; nil where it cannot be read, or says one
// name twice and differently.
func members(dec *jsontext.Decoder) map[string]jsontext.Value {
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	fields := map[string]jsontext.Value{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil
		}
		key := name.String()
		value, err := dec.ReadValue()
		if said, ok := fields[key]; err != nil || ok && !bytes.Equal(said, value) {
			return nil
		}
		fields[key] = value.Clone()
	}
	return fields
}

func encode(fields map[string]jsontext.Value) []byte {
	out := []byte{'{'}
	for _, k := range sortedKeys(fields) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, k)
		out = append(append(out, ':'), fields[k]...)
	}
	return append(out, '}')
}

func unquoted(v jsontext.Value) (string, bool) {
	if len(v) == 0 || v[0] != '"' {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, v)
	return string(text), err == nil
}

// Errors of [ParseArgs].
var (
	ErrRepeatedName = errors.New("a name stands twice in the arguments, and readers differ in which one counts")
	ErrNotUTF8      = errors.New("the arguments are not UTF-8")
	ErrNotAnObject  = errors.New("the arguments are no JSON object")
)

// ParseArgs reads the arguments of a tool call into one strict JSON object.
// What small models write wrong and has one reading comes out right, with
// lenient true: trailing commas, single quotes, bare keys and comments (JSON5),
// raw control characters and unknown escapes in strings (as OpenClaw repairs
// them for Anthropic, packages/ai/src/utils/json-parse.ts), typographic quotes,
// and a little text around the object (attempt.tool-call-argument-repair.ts).
// Empty arguments are {}.
func ParseArgs(text []byte) (args jsontext.Value, lenient bool, err error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return jsontext.Value("{}"), false, nil
	}
	if invalidUTF8(text) >= 0 {
		return nil, false, ErrNotUTF8
	}
	args, err = strictObject(text)
	if errors.Is(err, ErrRepeatedName) {
		if once := sayOnce(text); once != nil {
			return once, true, nil
		}
	}
	if err == nil || errors.Is(err, ErrRepeatedName) {
		return args, false, err
	}
	for _, repair := range []func([]byte) []byte{repairStrings, trimAround, plainQuotes} {
		fixed := repair(text)
		if fixed == nil {
			continue
		}
		if args, err = strictObject(fixed); err == nil || errors.Is(err, ErrRepeatedName) {
			return args, true, err
		}
	}
	args, err = json5Object(text)
	return args, true, err
}

// strictObject accepts a JSON object without repeated names, alone.
func strictObject(text []byte) (jsontext.Value, error) {
	v := jsontext.Value(bytes.TrimSpace(text)).Clone()
	if len(v) == 0 || v[0] != '{' {
		return nil, ErrNotAnObject
	}
	dec := jsontext.NewDecoder(bytes.NewReader(v))
	got, err := dec.ReadValue()
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return nil, ErrRepeatedName
	}
	if err != nil || len(got) != len(v) {
		return nil, ErrNotAnObject
	}
	return v, nil
}

// sayOnce leaves out of an object what it says twice in the same words; nil
// when some of it is said twice and differently, or deeper inside.
func sayOnce(text []byte) jsontext.Value {
	fields := members(jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true)))
	if fields == nil {
		return nil
	}
	args, err := strictObject(encode(fields))
	if err != nil {
		return nil
	}
	return args
}

func json5Object(text []byte) (jsontext.Value, error) {
	if len(text) > maxRepair {
		return nil, ErrNotAnObject
	}
	c, err := ParseConfig(text)
	if err != nil {
		return nil, ErrNotAnObject
	}
	if len(c.Duplicates) > 0 {
		return nil, ErrRepeatedName
	}
	if !finite(c.root) {
		return nil, ErrNotAnObject
	}
	b, err := json.Marshal(c.root.plain())
	if err != nil {
		return nil, ErrNotAnObject
	}
	return b, nil
}

func finite(n *node) bool {
	if f, ok := n.scalar.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return false
	}
	for _, m := range n.members {
		if !finite(m.value) {
			return false
		}
	}
	return !slices.ContainsFunc(n.items, func(x *node) bool { return !finite(x) })
}

// repairStrings escapes raw control characters in strings and doubles
// backslashes before letters that are no escape, as OpenClaw does.
func repairStrings(text []byte) []byte {
	var out []byte
	inString, changed := false, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case !inString:
			inString = c == '"'
			out = append(out, c)
		case c == '"':
			inString = false
			out = append(out, c)
		case c == '\\' && validEscape(text[i+1:]):
			out = append(out, c, text[i+1])
			i++
		case c == '\\':
			out = append(out, '\\', '\\')
			changed = true
		case c < ' ':
			quoted, _ := jsontext.AppendQuote(nil, string(rune(c)))
			out = append(out, quoted[1:len(quoted)-1]...)
			changed = true
		default:
			out = append(out, c)
		}
	}
	if !changed {
		return nil
	}
	return out
}

func validEscape(rest []byte) bool {
	if len(rest) == 0 {
		return false
	}
	if rest[0] == 'u' {
		return len(rest) > 4 && hex4.Match(rest[1:5])
	}
	return strings.IndexByte(`"\/bfnrt`, rest[0]) >= 0
}

var (
	hex4     = lazyregexp.New(`^[0-9a-fA-F]{4}$`)
	leading  = lazyregexp.New("^(?i)(?:[.:'\"`-]|(?:functions?|tools?)[._:/-]?)[a-z0-9\\s\"'`.:/_\\\\-]{0,96}$")
	trailing = lazyregexp.New(`^[^\s{}\[\]":,\\]{1,3}$`)
)

// trimAround cuts off a short prefix such as "functions.exec:" and up to three
// stray characters behind the object.
func trimAround(text []byte) []byte {
	start := bytes.IndexByte(text, '{')
	if start < 0 {
		return nil
	}
	end := objectEnd(text, start)
	if end < 0 {
		return nil
	}
	before, after := bytes.TrimSpace(text[:start]), bytes.TrimSpace(text[end:])
	if len(before) > 0 && !leading.Match(before) || len(after) > 0 && !trailing.Match(after) {
		return nil
	}
	return text[start:end]
}

// objectEnd returns the offset after the brace that closes the one at start.
func objectEnd(text []byte, start int) int {
	depth, inString := 0, false
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// plainQuotes turns typographic quotes into plain ones when the text has no
// plain ones, so that nothing else can be meant.
func plainQuotes(text []byte) []byte {
	s := string(text)
	if !strings.ContainsAny(s, "“”„‟") || strings.Contains(s, `"`) {
		return nil
	}
	return []byte(strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "‟", `"`).Replace(s))
}

// entity is what OpenClaw decodes in arguments (src/shared/html-entities.ts):
// only with a semicolon.
var entity = lazyregexp.New(`&(?:#[xX][0-9a-fA-F]+|#[0-9]+|[A-Za-z][A-Za-z0-9]+);`)

// decodeEntities decodes the strings of an object, not its names.
func decodeEntities(args jsontext.Value) jsontext.Value {
	if !bytes.ContainsRune(args, '&') && !bytes.Contains(args, []byte(`\u0026`)) {
		return args
	}
	dec := jsontext.NewDecoder(bytes.NewReader(args))
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out, jsontext.Multiline(false))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			break
		}
		kind, count := dec.StackIndex(dec.StackDepth())
		isName := kind == '{' && count%2 == 1
		if token.Kind() == '"' && !isName {
			token = jsontext.String(unescape(token.String()))
		}
		if err := enc.WriteToken(token); err != nil {
			return args
		}
	}
	return jsontext.Value(bytes.TrimSpace(out.Bytes())).Clone()
}

func unescape(s string) string {
	return entity.ReplaceAllStringFunc(s, func(e string) string {
		if e[1] == '#' {
			return numericEntity(e)
		}
		if decoded, ok := namedEntity(e); ok {
			return decoded
		}
		switch lower := strings.ToLower(e); lower {
		case "&amp;", "&quot;", "&apos;", "&lt;", "&gt;":
			return html.UnescapeString(lower)
		}
		return e
	})
}

// namedEntity decodes a whole name: html.UnescapeString also takes the
// beginning of one ("&nothing;" for "&not").
func namedEntity(e string) (string, bool) {
	decoded := html.UnescapeString(e)
	return decoded, decoded != e && (decoded == ";" || !strings.HasSuffix(decoded, ";"))
}

func numericEntity(e string) string {
	digits, base := e[2:len(e)-1], 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseInt(digits, base, 32)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return e
	}
	return string(rune(n))
}
