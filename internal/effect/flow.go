package effect

import "strings"

// taint says where bytes come from, or what they carry.
type taint uint16

const (
	downloaded taint = 1 << iota // fetched from the network
	peer                         // read from a network connection as it comes
	decoded                      // came out of a decoder
	shown                        // a secret that must not be shown: the environment, a secret variable
	credential                   // holds a credential
	shellOut                     // the output of a shell that reads its commands from somewhere unknown
	guardPID                     // the process id of Seawall
	typed                        // a shell history
)

// hole stands in a text for what is not known. No argument holds a NUL.
const hole = "\x00"

// flow is a value on its way: a file's content, the output of a command.
type flow struct {
	text  string
	known bool // text is all of it
	taint taint
	names []string // secret-looking variables whose values are in it
}

func known(text string) flow { return flow{text: text, known: true} }

// then appends g to f.
func (f flow) then(g flow) flow {
	f.known = f.known && g.known && len(f.text)+len(g.text) <= maxFlow
	f.text, f.names = "", append(f.names[:len(f.names):len(f.names)], g.names...)
	f.taint |= g.taint
	return f
}

// join appends g to f and keeps the text where it is known.
func (f flow) join(g flow) flow {
	text := f.text + g.text
	f = f.then(g)
	if f.known {
		f.text = text
	}
	return f
}

// blurred is f after a program that changed it in a way nobody followed.
func (f flow) blurred() flow {
	f.text, f.known = "", false
	return f
}

// word is one field of a command after expansion. Its text has holes.
type word struct {
	flow
	inner *flow // what a process substitution will deliver
	sink  *sink // what a process substitution will receive
	quote bool  // part of it was quoted
}

func lit(s string) word { return word{flow: known(s)} }

func (w word) whole() bool { return !strings.Contains(w.text, hole) }

// bare is the word's text without what is unknown.
func (w word) bare() string { return strings.ReplaceAll(w.text, hole, "") }

func texts(ws []word) []string {
	out := make([]string, len(ws))
	for i, w := range ws {
		out[i] = w.text
	}
	return out
}

// all joins the values of words.
func all(ws []word) flow {
	f := known("")
	for i, w := range ws {
		if i > 0 {
			f = f.join(known(" "))
		}
		g := w.flow
		g.known = w.whole()
		f = f.join(g)
		if w.inner != nil {
			f.taint |= w.inner.taint
		}
	}
	return f
}
