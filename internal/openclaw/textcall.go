package openclaw

import (
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// OpenClaw runs tool calls that a model wrote as plain text: it promotes them
// (wrapStreamFnPromoteStandaloneTextToolCalls). The whole text of the answer,
// or of each run between two blocks of reasoning, must be calls and white
// space; one other character, and nothing is promoted. The grammar is that of
// packages/tool-call-repair/src/{grammar,payload,promote}.ts:
//
//	[tool:NAME] {…}                        closed or not
//	[NAME] line break {…} [/NAME]          or [END_TOOL_REQUEST]
//	<|channel|>commentary to=NAME code {…} the channel mark or not, analysis, final
//	<function=NAME><parameter=K>V</parameter>…</function>
//	[tool:NAME] <parameter=K>V</parameter>…
//	[NAME] line break <parameter=K>V</parameter>… </function>
//
// Two things that only take calls away are left out, so that more is judged
// than runs: no call is promoted that begins in Markdown code (an indented
// line), and none when the name of one resolves to no tool.

const (
	maxTextName    = 120     // characters of a name
	maxTextPayload = 256_000 // bytes of a call's arguments
)

// TextCall is a tool call in the text of an answer.
type TextCall struct {
	Name    string         // as it is written
	Args    jsontext.Value // a JSON object, which may name something twice
	At, End int            // where it stands
	// Unclear tells that it depends on more than the text what the arguments
	// are: where its blocks part, or which of two statements counts.
	Unclear bool
}

// TextCalls returns the calls that OpenClaw makes of a text, nil when it makes
// none. breaks are the offsets, in order, at which one block of the answer ends
// and another begins: they count as line breaks in some places.
func TextCalls(text string, breaks []int) []TextCall {
	p := textParser{text, breaks}
	var calls []TextCall
	for at := p.space(0); at < len(text); {
		c, ok := p.jsonCall(at)
		if !ok {
			c, ok = p.xmlCall(at)
		}
		if !ok {
			return nil
		}
		calls = append(calls, c)
		at = p.space(c.End)
	}
	return calls
}

type textParser struct {
	text   string
	breaks []int
}

// space skips what is \s in JavaScript.
func (p textParser) space(at int) int {
	return len(p.text) - len(strings.TrimLeftFunc(p.text[at:], IsSpace))
}

func (p textParser) has(at int, s string) bool { return strings.HasPrefix(p.text[at:], s) }

// hasFold compares without case, in ASCII.
func (p textParser) hasFold(at int, s string) bool {
	return len(p.text)-at >= len(s) && foldASCII(p.text[at:at+len(s)]) == s
}

func (p textParser) blanks(at int) int {
	return at + len(p.text[at:]) - len(strings.TrimLeft(p.text[at:], " \t"))
}

// lineBreak skips blanks and a line break, or the end of a block.
func (p textParser) lineBreak(at int) (int, bool) {
	end := p.blanks(at)
	for _, br := range []string{"\r\n", "\n", "\r"} {
		if p.has(end, br) {
			return end + len(br), true
		}
	}
	if b := p.breakIn(at, end); b >= 0 {
		return b, true
	}
	return at, false
}

// breakIn is the first break of at ≤ b ≤ end, or -1.
func (p textParser) breakIn(at, end int) int {
	for _, b := range p.breaks {
		if b >= at && b <= end && b < len(p.text) {
			return b
		}
	}
	return -1
}

// name reads a name.
func (p textParser) name(at int, in func(byte) bool) (name string, end int, ok bool) {
	for end = at; end < len(p.text) && in(p.text[end]); end++ {
	}
	return p.text[at:end], end, end > at && end-at <= maxTextName
}

func isNameByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isXMLNameByte(c byte) bool { return isNameByte(c) || c == '.' || c == ':' }

// opening reads what stands before the arguments of a call.
func (p textParser) opening(at int) (name string, named bool, end int, ok bool) {
	switch {
	case p.has(at, "[tool:"):
		if name, end, ok = p.name(at+len("[tool:"), isNameByte); !ok || !p.has(end, "]") {
			return "", false, 0, false
		}
		return name, false, end + 1, true
	case p.has(at, "["):
		if name, end, ok = p.name(at+1, isNameByte); !ok || !p.has(end, "]") {
			return "", false, 0, false
		}
		end, ok = p.lineBreak(end + 1)
		return name, true, end, ok
	}
	return p.harmony(at)
}

var channels = []string{"commentary", "analysis", "final"}

func (p textParser) harmony(at int) (name string, named bool, end int, ok bool) {
	if p.has(at, "<|channel|>") {
		at += len("<|channel|>")
	}
	rest := ""
	for _, channel := range channels {
		if after, found := strings.CutPrefix(p.text[at:], channel); found {
			rest = after
		}
	}
	to := strings.TrimLeft(rest, " \t")
	if to == rest || !strings.HasPrefix(to, "to=") {
		return "", false, 0, false
	}
	name, end, ok = p.name(len(p.text)-len(to)+len("to="), isNameByte)
	code := p.blanks(end)
	if !ok || code == end || !p.has(code, "code") {
		return "", false, 0, false
	}
	end = p.space(code + len("code"))
	if p.has(end, "<|message|>") {
		end = p.space(end + len("<|message|>"))
	}
	return name, false, end, true
}

// jsonCall reads a call whose arguments are a JSON object.
func (p textParser) jsonCall(at int) (TextCall, bool) {
	name, named, start, ok := p.opening(at)
	if !ok {
		return TextCall{}, false
	}
	start = p.space(start)
	end := braces(p.text, start)
	if end < 0 || end-start > maxTextPayload {
		return TextCall{}, false
	}
	c := TextCall{Name: name, Args: jsontext.Value(p.text[start:end]), At: at, End: end}
	if !json.Valid(c.Args) {
		// What is nested deeper than Go reads may be valid elsewhere.
		if c.Unclear = deep(c.Args); !c.Unclear {
			return TextCall{}, false
		}
	}
	after := p.space(end)
	closed := false
	for _, closing := range []string{"<|call|>", "[END_TOOL_REQUEST]", "[/" + name + "]"} {
		if p.has(after, closing) && !(named && closing == "<|call|>") {
			c.End, closed = after+len(closing), true
			break
		}
		// A closing mark that was begun and not ended is no call to OpenClaw.
		if after < len(p.text) && strings.HasPrefix(closing, p.text[after:]) {
			return TextCall{}, false
		}
	}
	return c, closed || !named
}

// braces is where the object at start ends, by counting braces, or -1.
func braces(text string, start int) int {
	if start >= len(text) || text[start] != '{' {
		return -1
	}
	var b braceCounter
	for i := start; i < len(text); i++ {
		if b.next(text[i]) {
			return i + 1
		}
	}
	return -1
}

// braceCounter finds the end of a JSON object.
type braceCounter struct {
	depth             int
	inString, escaped bool
}

// next reads a character; true when it ends the object.
func (b *braceCounter) next(c byte) bool {
	switch {
	case b.escaped:
		b.escaped = false
	case b.inString:
		b.escaped = c == '\\'
		b.inString = c != '"'
	case c == '"':
		b.inString = true
	case c == '{':
		b.depth++
	case c == '}':
		b.depth--
		return b.depth == 0
	}
	return false
}

// deep reports whether JSON may be nested deeper than encoding/json reads.
func deep(v []byte) bool {
	n := 0
	for _, c := range v {
		if c == '{' || c == '[' {
			n++
		}
	}
	return n > 9_000
}

// xmlCall reads a call whose arguments are parameters, each a string.
func (p textParser) xmlCall(at int) (TextCall, bool) {
	c := TextCall{At: at}
	var ok bool
	end, function, named := at, false, false
	if p.hasFold(at, "<function=") {
		function = true
		if c.Name, end, ok = p.name(at+len("<function="), isXMLNameByte); !ok || !p.has(end, ">") {
			return TextCall{}, false
		}
		end++
	} else if c.Name, named, end, ok = p.opening(at); !ok || p.text[at] != '[' {
		return TextCall{}, false
	}
	start := end
	var params []xmlParam
	for {
		tag := p.space(end)
		switch {
		case p.hasFold(tag, "</function>") && (function || len(params) > 0):
			c.End = tag + len("</function>")
			return c.of(params), tag-start <= maxTextPayload
		case p.hasFold(tag, "<parameter="):
			param, paramEnd, ok := p.param(tag)
			if !ok {
				return TextCall{}, false
			}
			params, end = append(params, param), paramEnd
		case function || named || len(params) == 0 || p.begins(tag):
			return TextCall{}, false
		default: // the end may be missing behind [tool:NAME]
			c.End = end
			return c.of(params), end-start <= maxTextPayload
		}
	}
}

// begins reports whether the text ends within a mark of the XML form.
func (p textParser) begins(at int) bool {
	for _, mark := range []string{"</function>", "<parameter="} {
		if n := len(p.text) - at; n > 0 && n < len(mark) && foldASCII(p.text[at:]) == mark[:n] {
			return true
		}
	}
	return false
}

type xmlParam struct {
	name, value string
	unclear     bool
}

func (p textParser) param(at int) (param xmlParam, end int, ok bool) {
	param.name, end, ok = p.name(at+len("<parameter="), isXMLNameByte)
	if !ok || !p.has(end, ">") {
		return xmlParam{}, 0, false
	}
	start := end + 1
	closing := p.closing(start)
	if closing < 0 {
		return xmlParam{}, 0, false
	}
	value := p.text[start:closing]
	// The end of a block before the value is a line break to one version of
	// OpenClaw's reading and nothing to another.
	param.unclear = p.breakIn(start, p.blanks(start)) >= 0
	for _, br := range []string{"\r\n", "\n", "\r"} {
		if after, found := strings.CutPrefix(value, br); found {
			value = trimLineBreak(after)
			break
		}
	}
	param.value = value
	return param, closing + len("</parameter>"), true
}

// closing is where the next end of a parameter stands, or -1.
func (p textParser) closing(at int) int {
	for {
		i := strings.IndexByte(p.text[at:], '<')
		if i < 0 {
			return -1
		}
		if at += i; p.hasFold(at, "</parameter>") {
			return at
		}
		at++
	}
}

func trimLineBreak(s string) string {
	for _, br := range []string{"\r\n", "\n", "\r"} {
		if before, found := strings.CutSuffix(s, br); found {
			return before
		}
	}
	return s
}

// of puts the parameters into arguments.
func (c TextCall) of(params []xmlParam) TextCall {
	c.Args = append(c.Args, '{')
	for i, param := range params {
		if i > 0 {
			c.Args = append(c.Args, ',')
		}
		c.Args, _ = jsontext.AppendQuote(c.Args, param.name)
		c.Args, _ = jsontext.AppendQuote(append(c.Args, ':'), strings.ToValidUTF8(param.value, "\uFFFD"))
		c.Unclear = c.Unclear || param.unclear
	}
	c.Args = append(c.Args, '}')
	return c
}

// IsSpace reports what is \s in JavaScript: more than ASCII space, and the byte
// order mark, but not U+0085.
func IsSpace(r rune) bool {
	switch {
	case r >= '\t' && r <= '\r', r == ' ', r == '\u00a0', r == '\u1680', r >= '\u2000' && r <= '\u200a',
		r == '\u2028', r == '\u2029', r == '\u202f', r == '\u205f', r == '\u3000', r == '\ufeff':
		return true
	}
	return false
}

// foldASCII is s with the letters A to Z in lower case, of the same length.
func foldASCII(s string) string {
	return strings.Map(fold, s)
}

func fold(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// textName finds the first name of a tool in what may be calls, right or not.
var textName = lazyregexp.New(`(?i)\[(?:tool:)?([\w-]{1,120})\]|<function=([\w.:-]{1,120})|\bto=([\w-]{1,120})|DSML[|｜]+invoke\b[^<>]*\bname=["']?([^"'\s<>]{1,120})`)

// TextCallName is the name of the tool that a text seems to call, or "": for a
// person, not for a decision.
func TextCallName(text string) string {
	m := textName.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return strings.Join(m[1:], "") // of which one is not empty
}

// WriteTextCalls writes calls with other arguments, so that OpenClaw makes the
// same of them wherever they stand; ok is false when their names do not allow
// it.
func WriteTextCalls(calls []TextCall) (text string, ok bool) {
	var b strings.Builder
	for _, c := range calls {
		b.WriteString("[tool:" + c.Name + "]\n")
		b.Write(c.Args)
		b.WriteString("\n")
	}
	written := TextCalls(b.String(), nil)
	if len(written) != len(calls) {
		return "", false
	}
	for i, c := range written {
		if c.Name != calls[i].Name || string(c.Args) != string(calls[i].Args) {
			return "", false
		}
	}
	return b.String(), true
}
