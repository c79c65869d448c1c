package openclaw

// TextScan reads a text as it comes and knows whether it can still become what
// [TextCalls] accepts. It errs on the side of holding: what it lets go becomes
// no call, what it holds may become none either. The zero value is at the
// beginning of a text.
type TextScan struct {
	state scanState
	form  scanForm
	marks []mark // that may stand here
	got   int    // characters of them, or of the end of a value
	name  []byte // in brackets
	n     int    // characters of a name
	size  int    // bytes of a call's arguments
	blank bool   // a blank stands where one must
	// What is in brackets may be, or must be, [END_TOOL_REQUEST].
	mayEnd, mustEnd bool
	param           bool // the name is a parameter's
	brace           braceCounter
	seen            bool // something that is not white space
}

type scanForm uint8

const (
	functionForm scanForm = iota
	toolBracket
	namedBracket
	harmonyForm
)

type scanState uint8

const (
	atBlock       scanState = iota // white space, then a call
	inMark                         // one of marks
	inBracket                      // the name in [name] or [tool:name]
	inClosing                      // behind the "[" of [/name], [END_TOOL_REQUEST], or the next call
	inClosingName                  // the name in [/name]
	behindName                     // blanks and a line break behind [name]
	atArgs                         // white space, then arguments
	atChannel                      // the name of Harmony's channel
	atTo                           // blanks, then to=
	inName                         // Harmony's name
	atCode                         // blanks, then code
	atMessage                      // white space, then a mark or arguments
	inJSON                         // an object
	behindJSON                     // white space, then the end of the call or the next call
	inXMLName                      // a name up to ">"
	inValue                        // the value of a parameter
	behindParam                    // white space, then another parameter or the end
	scanDead                       // no call any more
)

// mark is a fixed piece of the grammar and what follows it.
type mark struct {
	text string
	next scanState
	fold bool
}

const endOfValue = "</parameter>"

var (
	parameterMark = mark{"<parameter=", inXMLName, true}
	messageMark   = mark{"<|message|>", atArgs, false}
	functionEnd   = mark{"</function>", atBlock, true}
	channelMarks  = []mark{{channels[0], atTo, false}, {channels[1], atTo, false}, {channels[2], atTo, false}}
	blockMarks    = append([]mark{{"<function=", inXMLName, true}, {"<|channel|>", atChannel, false}}, channelMarks...)
	closeMarks    = append([]mark{{"<|call|>", atBlock, false}}, blockMarks...)
	insideMarks   = []mark{parameterMark, functionEnd}
	behindMarks   = append([]mark{parameterMark, functionEnd}, blockMarks...)
)

// Alive reports whether calls may still come of the text.
func (s *TextScan) Alive() bool { return s.state != scanDead }

// Blank reports whether there was only white space so far.
func (s *TextScan) Blank() bool { return !s.seen }

// Whole reports whether the text may be calls as it stands.
func (s *TextScan) Whole() bool {
	return s.state == atBlock || s.state == behindJSON && s.form != namedBracket || s.state == behindParam && s.form == toolBracket
}

// Break tells that a block of the answer ends here and another begins.
func (s *TextScan) Break() {
	if s.state == behindName {
		s.state = atArgs
	}
}

// Next reads a character; false when no call can come of the text any more.
func (s *TextScan) Next(r rune) bool {
	if !s.step(r) {
		s.state = scanDead
	}
	s.seen = s.seen || !IsSpace(r)
	return s.Alive()
}

func (s *TextScan) step(r rune) bool {
	switch s.state {
	case inMark:
		return s.match(r)
	case inBracket:
		return s.bracket(r)
	case inClosing, inClosingName:
		return s.closing(r)
	case inName, inXMLName:
		return s.nameRune(r)
	case inJSON:
		return s.json(r)
	case inValue:
		return s.value(r)
	case atChannel:
		return s.expect(r, channelMarks)
	case behindName:
		if r == '\n' || r == '\r' {
			s.state = atArgs
			return true
		}
		return r == ' ' || r == '\t'
	case atTo, atCode:
		return s.blankThenMark(r)
	}
	return IsSpace(r) && s.state != scanDead || s.begin(r)
}

// begin reads the first character after white space.
func (s *TextScan) begin(r rune) bool {
	switch {
	case r == '[' && (s.state == atBlock || s.state == behindParam && s.form == toolBracket):
		s.state, s.form, s.n, s.name = inBracket, namedBracket, 0, s.name[:0]
		s.mayEnd, s.mustEnd = false, false
		return true
	case r == '[' && s.state == behindJSON:
		s.state = inClosing
		return true
	case r == '{' && (s.state == atArgs || s.state == atMessage):
		s.state, s.size, s.brace = inJSON, 1, braceCounter{depth: 1}
		return true
	}
	switch s.state {
	case atBlock:
		return s.expect(r, blockMarks)
	case atArgs:
		return s.form != harmonyForm && s.expect(r, insideMarks[:1])
	case atMessage:
		return s.expect(r, []mark{messageMark})
	case behindJSON:
		return s.form != namedBracket && s.expect(r, closeMarks)
	case behindParam:
		if s.form == toolBracket {
			return s.expect(r, behindMarks)
		}
		return s.expect(r, insideMarks)
	}
	return false
}

// expect begins to match one of some marks.
func (s *TextScan) expect(r rune, marks []mark) bool {
	s.state, s.marks, s.got = inMark, marks, 0
	return s.match(r)
}

func (s *TextScan) match(r rune) bool {
	var left []mark
	for _, m := range s.marks {
		c := r
		if m.fold {
			c = fold(r)
		}
		if c == rune(m.text[s.got]) {
			left = append(left, m)
		}
	}
	s.got++
	s.marks = left
	if len(left) == 1 && s.got == len(left[0].text) {
		s.enter(left[0])
	}
	return len(left) > 0
}

// enter goes to what follows a mark.
func (s *TextScan) enter(m mark) {
	s.state, s.n, s.blank = m.next, 0, false
	switch m.next {
	case atTo:
		s.form = harmonyForm
	case inXMLName:
		if s.param = m == parameterMark; !s.param {
			s.form, s.size = functionForm, 0
		}
	}
}

// blankThenMark reads blanks, at least one, and what must follow them.
func (s *TextScan) blankThenMark(r rune) bool {
	if r == ' ' || r == '\t' {
		s.blank = true
		return true
	}
	m := mark{"to=", inName, false}
	if s.state == atCode {
		m = mark{"code", atMessage, false}
	}
	return s.blank && s.expect(r, []mark{m})
}

// nameRune reads a name that is not in brackets.
func (s *TextScan) nameRune(r rune) bool {
	switch {
	case s.n > 0 && s.state == inName && (r == ' ' || r == '\t'):
		s.state, s.blank = atCode, true
		return true
	case s.n > 0 && s.state == inXMLName && r == '>':
		if s.state, s.got = behindParam, 0; s.param {
			s.state = inValue
		}
		return true
	}
	s.n++
	return r < 0x80 && s.n <= maxTextName && (isNameByte(byte(r)) || s.state == inXMLName && isXMLNameByte(byte(r)))
}

// bracket reads [name] or [tool:name].
func (s *TextScan) bracket(r rune) bool {
	switch {
	case r == ':' && s.form == namedBracket && string(s.name) == "tool":
		s.form, s.n, s.size = toolBracket, 0, 0
		return true
	case r == ']' && s.mayEnd && string(s.name) == "END_TOOL_REQUEST":
		s.state = atBlock
		return true
	case r == ']' && s.n > 0:
		if s.state, s.size = atArgs, 0; s.form == namedBracket {
			s.state = behindName
		}
		return !s.mustEnd
	}
	s.n++
	s.name = append(s.name, byte(r))
	return r < 0x80 && isNameByte(byte(r)) && s.n <= maxTextName
}

// closing reads a mark that ends a call with a JSON object, or, where none need
// be, the beginning of the next call.
func (s *TextScan) closing(r rune) bool {
	switch {
	case s.state == inClosing && r == '/':
		s.state, s.n = inClosingName, 0
		return true
	case s.state == inClosing:
		s.mayEnd, s.mustEnd = true, s.form == namedBracket
		s.state, s.form, s.n, s.name = inBracket, namedBracket, 0, s.name[:0]
		return (!s.mustEnd || r == 'E') && s.bracket(r)
	case r == ']':
		s.state = atBlock
		return s.n > 0
	}
	s.n++
	return r < 0x80 && isNameByte(byte(r)) && s.n <= maxTextName
}

func (s *TextScan) json(r rune) bool {
	c := byte(0x80) // any that means nothing in JSON
	if r < 0x80 {
		c = byte(r)
	}
	if s.brace.next(c) {
		s.state = behindJSON
	}
	return s.counts(r)
}

func (s *TextScan) value(r rune) bool {
	switch {
	case fold(r) == rune(endOfValue[s.got]):
		s.got++
	case r == '<':
		s.got = 1
	default:
		s.got = 0
	}
	if s.got == len(endOfValue) {
		s.state = behindParam
	}
	return s.counts(r)
}

// counts counts the bytes of arguments.
func (s *TextScan) counts(r rune) bool {
	s.size += len(string(r))
	return s.size <= maxTextPayload+len(endOfValue)
}
