package openclaw

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// DeepSeek's models write calls in a markup of their own, anywhere in the text
// of a chat completion, and OpenClaw runs them (packages/ai/src/transports:
// deepseek-dsml-grammar.ts, openai-completions-dsml.ts):
//
//	<｜DSML｜tool_calls><｜DSML｜invoke name="x"><｜DSML｜parameter name="k">v</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜tool_calls>
//
// Only where a model's settings say that it thinks as DeepSeek does, which is
// not on the wire: it is looked for in every chat.

var (
	dsmlMarkers = []string{"|DSML|", "｜DSML｜", "｜｜DSML｜｜"}
	dsmlKinds   = []string{"tool_calls", "tool_call", "function_calls", "tool_use_error"}
	dsmlTokens  = tokens()
)

// dsmlToken is a mark at which OpenClaw cuts something out of a text.
type dsmlToken struct {
	text string
	call bool // it begins calls
}

func tokens() []dsmlToken {
	var list []dsmlToken
	for _, m := range dsmlMarkers {
		for _, k := range dsmlKinds {
			list = append(list, dsmlToken{"<" + m + k + ">", k != "tool_use_error"}, dsmlToken{"</" + m + k + ">", false})
		}
	}
	return list
}

// DSML finds DeepSeek's calls in a text as it comes. The zero value is at the
// beginning of a text.
type DSML struct {
	got   []byte // what may become a token
	block []byte // from the token that begins calls on
	scan  dsmlScan
	end   string // the token that ends them
}

// DSMLEvent is what a character ended.
type DSMLEvent uint8

const (
	DSMLNothing DSMLEvent = iota
	DSMLToken             // a token that is not within calls
	DSMLCalls             // a block of calls: see Calls
	DSMLNested            // a block within a block, on which OpenClaw gives up
)

// Held reports whether the text ends in what is, or may become, calls.
func (d *DSML) Held() bool {
	return d.block != nil || len(d.got) > 0 && slices.ContainsFunc(dsmlTokens, func(t dsmlToken) bool {
		return t.call && strings.HasPrefix(t.text, string(d.got))
	})
}

// Size is the length of the end of the text that is, or may become, calls.
func (d *DSML) Size() int { return max(len(d.block), len(d.got)) }

// Idle reports whether the text does not end in the beginning of a token.
func (d *DSML) Idle() bool { return d.Size() == 0 }

// Next reads a character.
func (d *DSML) Next(r rune) DSMLEvent {
	if d.block != nil {
		return d.inside(r)
	}
	if len(d.got) == 0 && r != '<' {
		return DSMLNothing
	}
	d.got = append(d.got, string(r)...)
	known := false
	for _, t := range dsmlTokens {
		switch {
		case t.text == string(d.got) && t.call:
			d.block, d.got = append([]byte(nil), d.got...), nil
			d.scan = dsmlScan{offset: len(d.block)}
			d.end = "</" + t.text[1:]
			return DSMLNothing
		case t.text == string(d.got):
			d.got = d.got[:0]
			return DSMLToken
		}
		known = known || strings.HasPrefix(t.text, string(d.got))
	}
	if !known {
		d.got = d.got[:0]
		if r == '<' {
			d.got = append(d.got, '<')
		}
	}
	return DSMLNothing
}

func (d *DSML) inside(r rune) DSMLEvent {
	d.block = append(d.block, string(r)...)
	if r != '>' {
		if len(d.block) > maxTextPayload {
			return DSMLNested // OpenClaw gives up on that, too
		}
		return DSMLNothing
	}
	return d.scan.to(string(d.block), d.end)
}

// dsmlScan is scanDeepSeekDsmlToolBlock, which goes on where it was: the end of
// a block counts outside of an invocation only.
type dsmlScan struct {
	offset int
	start  int    // of an invocation's tag that is open, 0 if none is
	close  string // the end of the invocation, when its tag is complete
}

var dsmlInvoke = lazyregexp.New(`^<(\|DSML\||｜DSML｜|｜｜DSML｜｜)invoke\b[^<>]*>$`)

func (s *dsmlScan) to(text, end string) DSMLEvent {
	for s.offset < len(text) {
		switch {
		case s.close != "":
			i := strings.Index(text[s.offset:], s.close)
			if i < 0 {
				s.offset = max(s.offset, len(text)-len(s.close)+1)
				return DSMLNothing
			}
			s.offset += i + len(s.close)
			s.close = ""
		case s.start > 0:
			if !s.openTag(text) {
				return DSMLNothing
			}
		default:
			if e, done := s.next(text, end); done {
				return e
			}
		}
	}
	return DSMLNothing
}

// openTag reads on in the tag of an invocation; false when its end is not there.
func (s *dsmlScan) openTag(text string) bool {
	i := strings.IndexAny(text[s.offset:], "<>")
	if i < 0 {
		s.offset = len(text)
		return false
	}
	at := s.offset + i
	if text[at] == '<' {
		s.offset, s.start = at, 0
		return true
	}
	m := dsmlInvoke.FindStringSubmatch(text[s.start : at+1])
	if m == nil {
		s.offset, s.start = s.start+1, 0
		return true
	}
	s.offset, s.start, s.close = at+1, 0, "</"+m[1]+"invoke>"
	return true
}

// next finds the next token outside of an invocation.
func (s *dsmlScan) next(text, end string) (e DSMLEvent, done bool) {
	for {
		i := strings.IndexByte(text[s.offset:], '<')
		if i < 0 {
			s.offset = len(text)
			return DSMLNothing, true
		}
		at := s.offset + i
		rest := text[at:]
		if strings.HasPrefix(rest, end) {
			return DSMLCalls, true
		}
		partial := len(end) > len(rest) && strings.HasPrefix(end, rest)
		for _, m := range dsmlMarkers {
			if strings.HasPrefix(rest, "<"+m+"invoke") {
				s.start, s.offset = at, at+len("<"+m+"invoke")
				return DSMLNothing, false
			}
			for _, k := range dsmlKinds[:3] {
				if strings.HasPrefix(rest, "<"+m+k+">") {
					return DSMLNested, true
				}
			}
			partial = partial || len(rest) < len(m)+len("<function_calls>") && strings.HasPrefix(rest, "<"+m) || strings.HasPrefix("<"+m, rest)
		}
		if partial {
			s.offset = at
			return DSMLNothing, true
		}
		s.offset = at + 1
	}
}

// Cut reports whether the text holds an end of the block in an invocation, or
// where none is open any more. OpenClaw takes what is no call out of the text up
// to the first such end, and what stands behind it is left.
func (d *DSML) Cut() bool {
	i := bytes.Index(d.block, []byte(d.end))
	return i >= 0 && i+len(d.end) < len(d.block)
}

// Take returns the calls of the block that just ended, and goes on behind it.
func (d *DSML) Take() []TextCall {
	block := string(d.block)
	*d = DSML{got: d.got[:0]}
	return dsmlCalls(block)
}

// Reset forgets what was held.
func (d *DSML) Reset() { *d = DSML{got: d.got[:0]} }

var (
	dsmlInvokeOpen = lazyregexp.New(`<(\|DSML\||｜DSML｜|｜｜DSML｜｜)invoke\b([^<>]*)>`)
	dsmlParamOpen  = lazyregexp.New(`<(\|DSML\||｜DSML｜|｜｜DSML｜｜)parameter\b([^>]*)>`)
	dsmlName       = lazyregexp.New(`\bname=("([^"]*)"|'([^']*)'|([^\s>]+))`)
)

// dsmlCalls is parseDeepSeekDsmlToolCallBlock.
func dsmlCalls(block string) []TextCall {
	body := block[strings.IndexByte(block, '>')+1 : strings.LastIndexByte(block, '<')]
	var calls []TextCall
	for at := 0; ; {
		m := dsmlInvokeOpen.FindStringSubmatchIndex(body[at:])
		if m == nil {
			return calls
		}
		start := at + m[1]
		end := "</" + body[at+m[2]:at+m[3]] + "invoke>"
		length := strings.Index(body[start:], end)
		if length < 0 {
			return calls
		}
		if name := dsmlAttribute(body[at+m[4] : at+m[5]]); name != "" {
			if c, ok := dsmlArguments(body[start : start+length]); ok {
				c.Name = name
				calls = append(calls, c)
			}
		}
		at = start + length + len(end)
	}
}

func dsmlAttribute(attributes string) string {
	m := dsmlName.FindStringSubmatch(attributes)
	if m == nil {
		return ""
	}
	return dsmlDecode(m[2] + m[3] + m[4])
}

// dsmlDecode decodes in OpenClaw's order, the ampersand last.
func dsmlDecode(s string) string {
	for _, e := range [][2]string{{"&quot;", `"`}, {"&apos;", "'"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}} {
		s = strings.ReplaceAll(s, e[0], e[1])
	}
	return s
}

func dsmlArguments(body string) (c TextCall, ok bool) {
	var params []xmlParam
	missing := map[string]bool{}
	for at := 0; ; {
		m := dsmlParamOpen.FindStringSubmatchIndex(body[at:])
		if m == nil {
			break
		}
		start := at + m[1]
		end := "</" + body[at+m[2]:at+m[3]] + "parameter>"
		length := -1
		if !missing[end] {
			length = strings.Index(body[start:], end)
		}
		if length < 0 {
			missing[end] = true
			at += m[0] + 1
			continue
		}
		if name := dsmlAttribute(body[at+m[4] : at+m[5]]); name != "" && length > 0 {
			params = append(params, xmlParam{name: name, value: dsmlDecode(body[start : start+length]), unclear: name == "__proto__"})
		}
		at = start + length + len(end)
	}
	if len(params) > 0 {
		return c.of(params), true
	}
	trimmed := bytes.TrimFunc([]byte(body), IsSpace)
	if !bytes.HasPrefix(trimmed, []byte("{")) || !json.Valid(trimmed) || len(bytes.Trim(trimmed, "{} \t\r\n")) == 0 {
		c.Args, c.Unclear = trimmed, true
		return c, deep(trimmed)
	}
	c.Args = jsontext.Value(trimmed)
	return c, true
}
