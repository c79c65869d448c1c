package guard

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard/operator"
)

// maxNotice is how many characters a notice may have, so that it fits a phone.
const maxNotice = 200

// leastWhat is how many of them are kept for what was stopped.
const leastWhat = 24

// notice is what is said where something was stopped, in one line:
//
//	Stopped: what. Because: why. You can: command. (#ID)
//
// A visitor is told what, and nothing else. OpenClaw turns some texts into tool
// calls, so a notice holds no brackets that could begin one, and quotes nothing
// whole.
type notice struct {
	what, found string // found is what was found in it, "" for nothing
	why         string
	can         string
	id          int64
}

// say writes a notice in the operator's language, to whoever began the run.
func (g *Guard) say(t Turn, write func(l language) notice) string {
	l := languages[g.Operator.Language()]
	n := write(l)
	if !t.Speaker.operator() {
		return l.stopped + ": " + shorten(plain(n.what), maxNotice-utf8.RuneCountInString(l.stopped+": .")) + "."
	}
	what := n.what
	if n.found != "" {
		what += ", " + l.holds + " " + n.found
	}
	tail := " " + l.can + ": " + n.can + "."
	if n.id != 0 {
		tail += fmt.Sprintf(" (#%d)", n.id)
	}
	around := utf8.RuneCountInString(l.stopped + ": ." + " " + l.because + ": ." + tail)
	why := shorten(plain(n.why), min(90, maxNotice-around-leastWhat))
	room := maxNotice - around - utf8.RuneCountInString(why)
	return l.stopped + ": " + shorten(plain(what), room) + ". " + l.because + ": " + why + "." + tail
}

// look is what a person can do who wants to know more.
func (l language) look(d Decision) string {
	if d.frozen() {
		return l.thaw
	}
	if d.Question != 0 {
		return fmt.Sprintf(l.approve, d.Question)
	}
	if d.back != "" {
		return fmt.Sprintf(l.run, d.back)
	}
	if d.ID == 0 {
		return l.status
	}
	return fmt.Sprintf(l.why, d.ID)
}

// Stopped tells the person in the chat that a call was stopped.
func (g *Guard) Stopped(a Action, d Decision) string {
	return g.say(a.Turn, func(l language) notice {
		what := g.clean(cmp.Or(d.what, a.Tool))
		if !a.Speaker.operator() {
			what = l.step
		}
		return notice{what: what, why: d.in(l), can: l.look(d), id: d.ID}
	})
}

// Refused answers somebody whose message was not passed on to the model.
func (g *Guard) Refused(t Turn, r Reading) string {
	return g.say(t, func(l language) notice {
		can := l.look(r.Decision)
		if r.passes && r.ID != 0 {
			can = fmt.Sprintf(l.pass, r.ID)
		}
		return notice{l.message, r.foundIn(l), r.in(l), can, r.ID}
	})
}

// Removed stands in the conversation where a text was that may not reach the
// model. What was said once is the same in every later turn. A person has read
// why a message was refused; of what a tool brought, the model can tell.
func (g *Guard) Removed(t Text, r Reading) string {
	return g.Operator.Said(t.place(), func() string {
		return g.say(t.Turn, func(l language) notice {
			if t.Source != Tool {
				return notice{what: l.messageGone, why: r.in(l), can: l.goOn}
			}
			return notice{l.resultGone, r.foundIn(l), r.in(l), l.tell, r.ID}
		})
	})
}

// Halted says that nothing of a request was passed on to the model.
func (g *Guard) Halted(t Turn, d Decision) string {
	return g.say(t, func(l language) notice {
		return notice{what: l.nothing, why: d.in(l), can: l.look(d), id: d.ID}
	})
}

// Mute stands for the words of a model that may say nothing.
func (g *Guard) mute(t Turn, d Decision) string {
	return g.say(t, func(l language) notice {
		return notice{what: l.words, why: d.in(l), can: l.look(d), id: d.ID}
	})
}

// Broken says why an answer ended before its time: "cut off", "malformed", "too
// large" or "unclear", as package wire tells them apart.
func (g *Guard) Broken(t Turn, failure string) string {
	return g.say(t, func(l language) notice {
		b := l.broken[failure]
		return notice{what: cmp.Or(b[0], l.step), why: cmp.Or(b[1], failure), can: cmp.Or(b[2], l.status)}
	})
}

// Told is a notice about a call that Seawall could not decide about.
func (g *Guard) Told(t Turn, tool, why, can string) string {
	return g.say(t, func(l language) notice {
		return notice{what: g.clean(cmp.Or(tool, l.step)), why: l.translated(why), can: can}
	})
}

// foundIn names what was found in a text.
func (r Reading) foundIn(l language) string {
	return strings.Join(names(r.found, func(f detect.Finding) string { return l.title(f) }), ", ")
}

// in is why something was decided, in a language.
func (d Decision) in(l language) string {
	if l.code == operator.German && d.german != "" {
		return d.german
	}
	return l.translated(d.Why)
}

// plain makes a text one line without characters that could begin a tool call
// or markup.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune("<>[]{}`", r):
			return -1
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

func shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	runes := []rune(s)
	return strings.TrimSpace(string(runes[:max(limit-1, 0)])) + "…"
}
