package wire

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/openseawall/seawall/internal/openclaw"
)

var (
	errTextAfter = errors.New("text follows where the answer had ended")
	errTextOrder = errors.New("text comes for a block that is not the last")
	errTextTwice = errors.New("two fields of the answer hold its text, and which comes first is not certain")
)

// watch follows a text for what OpenClaw would turn into calls. Where the text
// so far may become one it is held, from the first such character on, as a
// call that is not decided; see [openclaw.TextCalls].
type watch struct {
	w      *rewriter
	choice int
	// chat: reasoning is cut out of the text, and DeepSeek's calls are found in
	// it.
	chat bool
	// tears: what is held across the end of a block is released as calls only,
	// since OpenClaw may leave out one of the blocks.
	tears bool
	// sealed: no call goes on from one block into the next.
	sealed bool
	// literal: nobody makes calls of it.
	literal bool

	scan   openclaw.TextScan
	tags   openclaw.ReasoningTags
	dsml   openclaw.DSML
	tagged bool // a reasoning tag was seen

	held     *call  // nil when nothing is
	text     []byte // what it holds
	breaks   []int  // where blocks end in it
	torn     bool   // one does, and it matters
	cut      bool   // a call does not end where its block does
	released bool   // something was held that is no call
	over     bool   // something was decided with the end of the text
}

func (w *rewriter) watch(t watch) *watch {
	t.w, t.literal = w, w.req.Literal
	w.watches = append(w.watches, &t)
	return &t
}

// textSpan is a piece of a text that is held as a call.
type textSpan struct {
	node     int32
	from, to int
	call     *call
}

// skips reports that nothing depends on a text that comes next.
func (t *watch) skips(v value) bool {
	if t.literal {
		return true
	}
	if t.scan.Alive() || t.over {
		return false
	}
	raw := v.raw()
	return !t.chat || t.tags.Idle() && t.dsml.Idle() && bytes.IndexByte(raw, '<') < 0 && !bytes.Contains(raw, []byte(`\u`))
}

// read follows a text that the event adds, from an offset on.
func (t *watch) read(e *event, v value, s string, at int) error {
	if t.skips(v) {
		return nil
	}
	from, last := 0, strings.LastIndexByte(s, '<')
	for i, r := range s {
		had := t.held
		again, err := t.next(r)
		if err != nil {
			return err
		}
		next := i + utf8.RuneLen(r)
		switch {
		case had == nil && t.held != nil:
			from = i
		case had != nil && t.held == nil && !had.plain && again:
			e.span(v, at+from, at+next, had)
		case had != nil && t.held == nil && !had.plain:
			e.span(v, at+from, at+i, had)
		}
		if again {
			from = next
		}
		if t.held == nil && !t.scan.Alive() && !t.over && (!t.chat || i >= last && t.tags.Idle() && t.dsml.Idle()) {
			return nil // see skips
		}
	}
	if t.held != nil && from < len(s) {
		e.span(v, at+from, at+len(s), t.held)
	}
	return nil
}

func (e *event) span(v value, from, to int, c *call) {
	e.spans = append(e.spans, textSpan{v.i, from, to, c})
	e.calls = append(e.calls, c)
}

// next reads a character; again tells that the text may begin behind it.
func (t *watch) next(r rune) (again bool, err error) {
	if t.over && !openclaw.IsSpace(r) {
		return false, errTextAfter
	}
	event, ends := openclaw.DSMLNothing, false
	if t.chat {
		ends = t.tags.Next(r, t.held != nil)
		t.tagged = t.tagged || ends
		event = t.dsml.Next(r)
	}
	alive := t.scan.Alive() && t.scan.Next(r) && !t.scan.Blank()
	// A token of DeepSeek's that cuts off what is held matters like one that
	// begins calls.
	cuts := t.held != nil && !t.dsml.Idle() && len(t.text)+utf8.RuneLen(r) > t.dsml.Size()
	holds := alive || t.chat && (t.dsml.Held() || cuts || t.tags.Inside())
	if t.held == nil && holds {
		t.held = &call{Call: Call{Choice: t.choice, Promoted: true}}
	}
	if t.held != nil {
		t.text = utf8.AppendRune(t.text, r)
	}
	switch {
	case event == openclaw.DSMLCalls && !ends && len(t.text) == t.dsml.Size():
		t.held.goesOn = true
		cut := t.dsml.Cut()
		if calls := t.dsml.Take(); len(calls) == 0 && cut {
			t.deny()
		} else {
			t.judge(calls, false)
		}
	case event != openclaw.DSMLNothing || ends:
		t.deny()
	case t.held != nil && !holds:
		t.text = t.text[:len(t.text)-utf8.RuneLen(r)]
		t.release()
		return false, nil
	default:
		return false, nil
	}
	t.restart()
	return true, nil
}

// restart begins at a place where the text may begin.
func (t *watch) restart() {
	t.scan = openclaw.TextScan{}
	t.dsml.Reset()
	t.tags.Outside()
	t.drop()
}

func (t *watch) drop() {
	t.held, t.text, t.breaks, t.torn, t.cut = nil, nil, nil, false, false
}

// part tells that a block of the answer ends here.
func (t *watch) part() {
	switch {
	case t.held == nil && t.chat && t.tagged:
		t.restart() // what was not closed may be reasoning
	case t.held == nil || !t.scan.Alive() && !t.tags.Inside():
	default:
		if n := len(t.breaks); n == 0 || t.breaks[n-1] != len(t.text) {
			t.breaks = append(t.breaks, len(t.text))
		}
		t.torn = t.tears
		t.cut = t.cut || t.sealed && !t.scan.Whole()
		t.scan.Break()
	}
}

// end tells that the text is over.
func (t *watch) end() {
	if t.held == nil {
		return
	}
	t.over = true
	var calls []openclaw.TextCall
	if t.scan.Alive() {
		calls = openclaw.TextCalls(string(t.text), t.breaks)
	}
	switch {
	case calls != nil:
		t.judge(calls, true)
		t.drop()
	case !t.dsml.Idle() && (len(t.text) > t.dsml.Size() || t.dsml.Cut()):
		// OpenClaw may cut something off, and what is left is a call.
		t.deny()
		t.drop()
	default:
		t.release()
	}
}

// release lets go what is no call.
func (t *watch) release() {
	if t.torn {
		t.deny()
	} else {
		t.held.plain = true
		t.decide(Verdict{Allow: true})
	}
	t.released = true
	t.drop()
}

// deny takes out what could be read as a call and as something else.
func (t *watch) deny() {
	if t.held == nil {
		return
	}
	t.held.goesOn = true
	c := t.held.Call
	c.Name, c.Args, c.Unclear = openclaw.TextCallName(string(t.text)), string(t.text), unclearText
	t.decide(t.ask(c))
}

const unclearText = "it stands in text that can be taken apart in more than one way"

// ask asks the judge about one call.
func (t *watch) ask(c Call) Verdict {
	v := t.w.verdict(c)
	if v.Allow && (c.Unclear != "" || t.w.ctx.Err() != nil) {
		return Verdict{Notice: t.w.say(Unclear)}
	}
	return v
}

func (t *watch) decide(v Verdict) { t.held.decided, t.held.verdict = true, v }

// judge decides about the calls that OpenClaw would make. When one of them may
// not run, none does: the text around it is no longer nothing but calls.
func (t *watch) judge(calls []openclaw.TextCall, rewritable bool) {
	v := Verdict{Allow: true}
	anew := false
	for i, k := range calls {
		c := t.held.Call
		c.Name, c.Args = k.Name, string(k.Args)
		if k.Unclear || t.cut || strings.ContainsRune(string(t.text), utf8.RuneError) {
			c.Unclear = unclearText
		}
		one := t.ask(c)
		if !one.Allow {
			v = one
			break
		}
		if one.Args != "" {
			calls[i].Args, anew = []byte(one.Args), true
		}
	}
	if v.Allow && anew {
		var ok bool
		if v.Args, ok = openclaw.WriteTextCalls(calls); !ok || !rewritable {
			v = Verdict{Notice: t.w.say(Unclear)}
		}
	}
	t.held.plain = v.Allow && v.Args == "" && !t.w.req.runs(calls)
	t.decide(v)
}

// runs reports whether OpenClaw is certain to run the calls. If it is not, they
// are checked as the text they may be as well.
func (q *Request) runs(calls []openclaw.TextCall) bool {
	var names []string
	for _, tool := range q.Tools {
		names = append(names, tool.Name)
	}
	set := openclaw.NewToolset(names...)
	for _, c := range calls {
		if _, known := set.Resolve(c.Name, ""); !known {
			return false
		}
	}
	return len(calls) > 0
}

// endTexts tells all watches that no more text comes.
func (w *rewriter) endTexts() {
	for _, t := range w.watches {
		t.end()
	}
}

// shown is what goes on of a text that stands at v, which begins at an offset
// of it: what the judge lets go on, and for calls in it what was decided. said
// tells whether there was text before it.
func (w *rewriter) shown(b *textBlock, v value, s string, at int, said, final bool) string {
	var out strings.Builder
	pos := at
	for _, p := range w.spans {
		if p.node != v.i || p.call.plain || p.to <= at {
			continue
		}
		out.WriteString(w.text(b, s[pos-at:p.from-at], true))
		out.WriteString(p.call.instead(s[p.from-at:p.to-at], said || out.Len() > 0))
		pos = p.to
	}
	if pos == at || pos < at+len(s) {
		out.WriteString(w.text(b, s[pos-at:], final))
	}
	return out.String()
}

// instead is what goes on of a piece of text that is a call.
func (c *call) instead(s string, said bool) string {
	if !c.gone() && c.verdict.Args == "" {
		return s
	}
	if c.noted {
		return ""
	}
	c.noted = true
	switch {
	case !c.gone():
		return c.verdict.Args
	case c.goesOn && c.verdict.Notice != "":
		return after(said, c.verdict.Notice) + "\n\n"
	}
	return after(said, c.verdict.Notice)
}
