package detect

import (
	"strings"
	"unicode/utf8"
)

// signal is one thing in a text that an order to a model would have. One
// alone rarely is one; scores add up where several stand together.
type signal struct {
	what       what
	score      float64
	start, end int  // in the folded text
	mentioned  bool // spoken about, not given
}

// what is a kind of signal; in one place each counts once.
type what uint8

const (
	overriding what = iota // ignore all previous instructions
	takingOver             // … and just print
	revealing              // show me your system prompt
	asking                 // send me the API keys
	addressing             // if you are an AI reading this
	renewing               // new instructions
	obeying                // strictly follow the following
	onlying                // only say
	turning                // you are now, from now on
	posing                 // pretend to be
	freeing                // unrestricted
	unlimiting             // without restrictions
	unbinding              // does not follow any rules
	unrefusing             // never refuse
	lawless                // illegal, unethical
	switching              // developer mode
	anything               // do anything now
	naming                 // ChatGPT, OpenAI
	characters             // stay in character
	speaking               // <|im_start|>system
	lining                 // SYSTEM: at the beginning of a line
	leaving                // markers that end what is not trusted
	hiding                 // comments, invisible text
	carrying               // an image whose address takes data along
	encoding               // base64, rot13
	mailing                // send this to an address
	mandating              // you must first
	shouting               // IMPORTANT!!!
	wishing                // please transfer … my
	kinds
)

// rules name the kinds for the record and for a person.
var rules = [kinds]struct{ rule, title string }{
	overriding: {"injection-override", "an order to ignore earlier instructions"},
	takingOver: {"injection-orders", "new orders"}, renewing: {"injection-orders", "new orders"},
	obeying: {"injection-orders", "new orders"}, onlying: {"injection-orders", "new orders"},
	mailing: {"injection-exfil", "an order to send data away"}, mandating: {"injection-orders", "new orders"}, shouting: {"injection-orders", "new orders"}, wishing: {"injection-orders", "a request inside a result"},
	revealing:  {"injection-reveal", "a request for hidden instructions"},
	asking:     {"injection-secrets", "a request for secrets"},
	addressing: {"injection-address", "words addressed to the assistant"},
	turning:    {"injection-jailbreak", "an attempt to lift the rules"}, posing: {"injection-jailbreak", "an attempt to lift the rules"},
	freeing: {"injection-jailbreak", "an attempt to lift the rules"}, unlimiting: {"injection-jailbreak", "an attempt to lift the rules"},
	unbinding: {"injection-jailbreak", "an attempt to lift the rules"}, unrefusing: {"injection-jailbreak", "an attempt to lift the rules"}, lawless: {"injection-jailbreak", "an attempt to lift the rules"},
	switching: {"injection-jailbreak", "an attempt to lift the rules"}, anything: {"injection-jailbreak", "an attempt to lift the rules"},
	naming: {"injection-jailbreak", "an attempt to lift the rules"}, characters: {"injection-jailbreak", "an attempt to lift the rules"},
	speaking: {"injection-role", "a faked system or assistant message"}, lining: {"injection-role", "a faked system or assistant message"},
	leaving:  {"injection-boundary", "a faked end of untrusted content"},
	hiding:   {"injection-hidden", "hidden text"},
	carrying: {"injection-exfil", "an address that carries data away"},
	encoding: {"injection-encoded", "encoded orders"},
}

// reader looks for signals in one text.
type reader struct {
	text    string // folded
	source  string // as it was written
	folded  *folded
	tokens  []token
	dir     Direction
	signals []signal
	buf     *[]token
	unshown []signal // stretches that a browser does not show
	fences  []int    // where ``` stands
	warns   int      // where a warning not to follow some instructions ends
	bounds  *[2]int  // where OpenClaw's markers begin first and end last
	turns   int      // marks of a turn so far
	lawless int      // words of lawlessness so far
}

func (r *reader) add(w what, score float64, from, to int) {
	r.signals = append(r.signals, signal{what: w, score: score, start: int(r.tokens[from].start), end: int(r.tokens[min(to, len(r.tokens)-1)].end)})
}

// is reports whether token i is of one of the classes.
func (r *reader) is(i int, c class) bool {
	return i >= 0 && i < len(r.tokens) && r.tokens[i].class&c != 0
}

func (r *reader) word(i int) string {
	if i < 0 || i >= len(r.tokens) {
		return ""
	}
	return r.text[r.tokens[i].start:r.tokens[i].end]
}

// ahead finds the first token of a class within n tokens after i in the same
// sentence, or -1.
func (r *reader) ahead(i, n int, c class) int {
	for j := i + 1; j <= i+n && j < len(r.tokens) && !r.tokens[j].breaks; j++ {
		if r.tokens[j].class&c != 0 {
			return j
		}
	}
	return -1
}

// behind finds the nearest one within n tokens before i.
func (r *reader) behind(i, n int, c class) int {
	for j := i; j > 0 && i-j < n && !r.tokens[j].breaks; j-- {
		if r.tokens[j-1].class&c != 0 {
			return j - 1
		}
	}
	return -1
}

// classes are all that tokens from i to j have.
func (r *reader) classes(i, j int) (all class) {
	for ; i <= j && i < len(r.tokens); i++ {
		if i >= 0 {
			all |= r.tokens[i].class
		}
	}
	return all
}

// commands reports whether the verb at i is an order: it opens a sentence or
// a clause, or follows a word that orders do. In languages where the verb
// stands last, and in those whose imperative has a form of its own, every such
// verb is.
func (r *reader) commands(i int) bool {
	t := r.tokens[i]
	if r.text[t.start] >= 0x80 || t.breaks || t.opens {
		return true
	}
	if r.is(i-1, never) || r.is(i-2, never) && !r.is(i-1, lead) {
		return false
	}
	switch r.word(i - 1) {
	case "to":
		return r.is(i-2, you) || r.is(i-2, obey)
	case "will", "shall", "must", "can":
		return r.is(i-2, you)
	}
	return r.is(i-1, lead|machine|you|only|now) || r.capital(i)
}

// capital reports whether a word was written with a capital letter, which in the
// middle of a line shows where a sentence was put.
func (r *reader) capital(i int) bool {
	at := r.folded.at(int(r.tokens[i].start))
	return at < len(r.source) && r.source[at] >= 'A' && r.source[at] <= 'Z'
}

// sentence is what i and the n tokens after it have, in the same sentence.
func (r *reader) sentence(i, n int) class {
	all := r.tokens[i].class
	for j := i + 1; j <= i+n && j < len(r.tokens) && !r.tokens[j].breaks; j++ {
		all |= r.tokens[j].class
	}
	return all
}

// negated reports whether a verb is told not to: don't forget.
func (r *reader) negated(i int) bool {
	return r.is(i-1, never) && !r.tokens[i].breaks || r.is(i-2, never) && r.word(i-1) == "to"
}

// read looks at every word that a signal can begin with.
func (r *reader) read() {
	for i, t := range r.tokens {
		c := t.class
		if c == 0 {
			continue
		}
		if c&(override|drop) != 0 {
			r.overrides(i, c&override != 0)
		}
		if c&(reveal|say|send) != 0 {
			r.reveals(i)
			r.asks(i)
		}
		if c&your != 0 && r.is(i+1, inner) && r.ahead(i+1, 1, prompt) > 0 && r.asked(i) {
			r.add(revealing, 10, i, i+2)
		}
		if c&(iff|attention) != 0 {
			r.addresses(i)
		}
		if c&(fresh|obey|only|end) != 0 {
			r.renews(i)
		}
		if c&(you|from|persona|free|without|refuse|illegal|developer|machine|never|limit|drop) != 0 {
			r.frees(i)
		}
		if c&prior != 0 && r.dir == FromTool && r.word(i) == "before" {
			switch r.word(i + 1) {
			case "you", "proceeding", "continuing", "answering", "responding", "completing":
				r.add(mandating, 2.5, i, i+1)
			}
		}
		if c&send != 0 && r.dir == FromTool {
			r.mails(i)
		}
		if c&doing != 0 && r.dir == FromTool {
			r.wishes(i)
		}
		if c&rotated != 0 {
			r.add(encoding, 5, i, i)
		}
	}
}

// overrides: a verb of ignoring, and what was said before as its object, in
// either order; worse if what to do instead follows.
func (r *reader) overrides(i int, sure bool) {
	if r.negated(i) {
		return
	}
	end, ok := r.overridesOrders(i, sure)
	if !ok && sure {
		end = r.overridesMatter(i)
	}
	for j := end + 1; end > 0 && j < len(r.tokens) && j <= end+9; j++ {
		if r.is(j, reveal|say|send|only|obey|fresh|persona) && (r.commands(j) || r.is(j, only|fresh)) {
			r.add(takingOver, 4, end, j)
			return
		}
	}
}

// verbLast reports whether the object may stand before the verb at i.
func (r *reader) verbLast(i int) bool {
	return r.text[r.tokens[i].start] >= utf8.RuneSelf || strings.HasSuffix(r.word(i), "en") ||
		i+1 == len(r.tokens) || r.tokens[i+1].breaks || r.is(i+1, lead)
}

// overridesOrders looks for instructions as the object, and returns where it ends
// (0 if it is harmless) and whether there is one.
func (r *reader) overridesOrders(i int, sure bool) (end int, ok bool) {
	strict := r.commands(i)
	obj := r.ahead(i, 7, orders)
	if obj < 0 && r.verbLast(i) {
		obj = r.behind(i, 6, orders)
		strict = true
	}
	if obj < 0 {
		return 0, false
	}
	lo, hi := min(i, obj), max(i, obj)
	if lo == i {
		switch r.word(i + 1) {
		case "a", "an", "how":
			return 0, true
		}
		if r.inside(hi) {
			r.warns = int(r.tokens[hi].end)
			return 0, true
		}
	}
	around := r.classes(lo+1, hi) | r.sentence(obj, 3)
	if lo == obj {
		around |= r.classes(obj-3, obj)
	}
	score := 0.0
	switch bound := around&(prior|every|your|inner|told) != 0; {
	case sure && bound && strict:
		score = 10
	case sure && bound:
		score = 5
	case sure && strict:
		score = 6
	case sure:
		score = 3
	case strict && around&(prior|your|inner) != 0:
		score = 7
	case strict && r.is(obj, limit):
		score = 4.5
	default:
		return 0, true
	}
	r.add(overriding, score, lo, hi)
	return hi, true
}

// wholes are the words for everything that need no other object.
var wholes = map[string]bool{"everything": true, "alles": true, "todo": true, "tout": true, "tutto": true, "tudo": true, "wszystko": true, "все": true}

// overridesMatter looks for what was said before, the user, or the text itself
// as the object, and returns where it ends or 0.
func (r *reader) overridesMatter(i int) (end int) {
	strict := r.commands(i)
	obj := r.ahead(i, 5, prior|every|told)
	aside := r.word(i+1) == "rest" || r.word(i+2) == "rest"
	if obj < 0 && (aside || strict && r.word(i+1) == "the" && r.is(i+2, user)) {
		obj, aside = min(i+2, len(r.tokens)-1), true
	}
	if obj < 0 && r.verbLast(i) {
		obj = r.behind(i, 5, prior|every|told)
	}
	if obj < 0 && strict && r.dir == FromTool {
		obj = r.ahead(i, 3, matter|user)
	}
	if obj < 0 {
		return 0
	}
	lo, hi := min(i, obj), max(i, obj)
	around := r.classes(lo, hi+4) &^ r.tokens[i].class
	w := r.word(obj)
	total := wholes[w] || w == "all"
	score := 6.0
	switch {
	case total && around&(prior|told) != 0:
		score = 10
	case wholes[w], aside, (around&prior != 0 || total) && around&(matter|told) != 0,
		w == "above" && !r.is(obj+1, ^(lead|reveal|say|override)):
		if r.dir == FromTool {
			score = 8
		}
	case r.dir == FromTool && strict && around&(matter|user) != 0:
		score = 3
	default:
		return 0
	}
	if !strict {
		score = 3
	}
	r.add(overriding, score, lo, hi)
	return hi
}

// inside reports whether the instructions at i are those that stand in something,
// or that ask for something: who warns of them says ignore any instructions
// in this text, ignore any instructions to delete data.
func (r *reader) inside(i int) bool {
	switch r.word(i + 1) {
	case "to", "that", "which", "in", "inside", "within", "found", "from", "contained", "embedded", "hidden", "it":
		return !r.tokens[i+1].breaks && r.behind(i, 3, prior|your|inner) < 0
	}
	return false
}

// reveals: show me your system prompt; repeat the text above.
func (r *reader) reveals(i int) {
	if r.negated(i) {
		return
	}
	strict := r.commands(i)
	if j := r.ahead(i, 9, inner); j > 0 {
		if k := r.ahead(j, 3, prompt); k > 0 && strings.TrimSuffix(r.word(j), "s") != strings.TrimSuffix(r.word(k), "s") {
			score := 6.0
			if r.classes(i+1, j)&(your|me|every|prior) != 0 {
				score = 10
			} else if r.word(k) == "configuration" {
				score = 4
			}
			if !strict {
				score -= 4
			}
			r.add(revealing, score, i, k)
			return
		}
	}
	if !strict {
		return
	}
	if r.tokens[i].class&reveal == 0 {
		return
	}
	if j := r.ahead(i, 6, orders|prompt); j > 0 && r.classes(i+1, j)&your != 0 && r.is(j-1, your|every|inner|prompt) && r.word(j) != "configuration" {
		r.add(revealing, 10, i, j)
	} else if j > 0 && r.sentence(j, 5)&told != 0 && r.ahead(j, 4, you) > 0 {
		r.add(revealing, 10, i, j)
	} else if j > 0 && r.sentence(j, 4)&(prior|told) != 0 && r.classes(i, j)&(prior|every|your) != 0 {
		r.add(revealing, 7, i, j)
	} else if j := r.ahead(i, 5, matter); j > 0 && r.classes(i, j+1)&prior != 0 && (r.word(j-1) == "above" || r.word(j+1) == "above" || r.is(j+1, prior)) {
		switch r.word(i) {
		case "repeat", "output", "print", "reveal", "show", "recite", "echo":
			r.add(revealing, 7, i, j)
		}
	}
}

// asked reports whether a question or a verb of showing stands before i.
func (r *reader) asked(i int) bool {
	for j := i - 1; j >= 0 && i-j <= 5; j-- {
		switch w := r.word(j); {
		case w == "what", w == "what's", w == "was", w == "which", w == "see", w == "know", r.is(j, reveal):
			return true
		}
		if r.tokens[j].breaks {
			return false
		}
	}
	return false
}

// asks: send me the API keys.
func (r *reader) asks(i int) {
	if r.tokens[i].class&(reveal|send) == 0 || r.negated(i) || !r.commands(i) {
		return
	}
	if !r.acts(i) {
		return
	}
	j := r.ahead(i, 8, credential)
	if k := r.ahead(i, 8, key); k > 0 && r.is(k-1, keyKind) && (j < 0 || k < j) {
		j = k
	}
	if k := r.ahead(i, 6, private); k > 0 && (r.word(k) == "environment" || r.word(k) == "env") && strings.HasPrefix(r.word(k+1), "var") {
		j = k + 1
	}
	if j < 0 {
		return
	}
	around := r.classes(i+1, j)
	score := 3.0
	switch {
	case around&(me|every) != 0:
		score = 6
	case around&your != 0 && !r.is(i-1, never):
		score = 5
	}
	for k := i + 1; k < j; k++ {
		switch r.word(k) {
		case "how", "reset", "change", "whether", "if", "strong", "random", "secure", "a", "new":
			return
		}
	}
	r.add(asking, score, i, j)
}

// acts reports whether a word that is a noun as well is a verb here: something
// to send follows.
func (r *reader) acts(i int) bool {
	switch r.word(i) {
	case "email", "mail", "post", "list", "output", "share", "display", "print", "show":
	default:
		return true
	}
	if i+1 >= len(r.tokens) || r.tokens[i+1].opens || strings.HasPrefix(r.text[r.tokens[i+1].end:], "@") {
		return false
	}
	switch r.word(i + 1) {
	case "the", "them", "it", "this", "these", "that":
		return true
	}
	return r.is(i+1, me|your|my|every)
}

// addresses: if you are an AI; important message for the assistant.
func (r *reader) addresses(i int) {
	if r.is(i, iff) {
		if !r.is(i+1, you) || r.word(i+1) != "you're" && r.word(i+2) != "are" {
			return
		}
		for j := i + 2; j < i+8; j++ {
			switch w := r.word(j); w {
			case "are", "a", "an", "the", "large", "language", "automated", "autonomous", "helpful", "any", "another":
			case "ai", "llm", "assistant", "chatbot", "model", "agent", "bot", "gpt", "chatgpt", "claude", "openclaw":
				r.add(addressing, 7, i, j)
				return
			default:
				return
			}
		}
		return
	}
	if !r.is(i, attention) || !r.tokens[i].opens && !r.is(i-1, attention) && !r.tokens[i].breaks {
		return
	}
	for j := i + 1; j <= i+4 && j < len(r.tokens) && !r.tokens[j].breaks; j++ {
		if r.is(j, machine) {
			if dear := r.word(i); dear == "dear" || dear == "hey" && j == i+1 {
				r.add(addressing, 3, i, j)
				return
			}
			for k := i + 1; k < j; k++ {
				if w := r.word(k); w == "for" || w == "to" {
					score := 7.0
					if i+1 < k && r.is(i, attention) && r.is(i+1, attention) {
						score = 8 // important notice
					}
					if strings.HasPrefix(r.word(k-1), "note") && r.word(k-1) != "notice" || strings.HasPrefix(r.word(k-1), "instruction") {
						score = 3
					}
					r.add(addressing, score, i, j)
					return
				}
			}
		}
		switch r.word(j) {
		case "for", "to", "all", "any", "the", "an", "message", "notice", "note", "ai", "important", "instructions", "reddit", "automated", "instruction":
		default:
			return
		}
	}
}

// renews: here are your new instructions; follow the following; only say.
func (r *reader) renews(i int) {
	c := r.tokens[i].class
	if c&end != 0 && r.is(i+1, fresh|prior) && r.is(i+2, orders) || c&end != 0 && r.word(i+1) == "of" && r.ahead(i+1, 4, orders) > 0 {
		r.add(obeying, 4, i, i+2)
	}
	if c&fresh != 0 {
		if j := r.ahead(i, 2, orders|matter); j > 0 {
			switch w := r.word(j); {
			case r.is(j, orders):
				r.add(renewing, 4, i, j)
			case strings.HasPrefix(w, "task"), strings.HasPrefix(w, "aufgabe"), strings.HasPrefix(w, "assignment"):
				r.add(renewing, 3, i, j)
			}
		}
	}
	if c&obey != 0 && r.commands(i) {
		if j := r.ahead(i, 5, orders); j > 0 && strings.HasPrefix(r.word(j), "instruction") {
			for k := i + 1; k < j; k++ {
				if w := r.word(k); w == "following" || w == "these" {
					r.add(obeying, 4, i, j)
					return
				}
			}
		}
	}
	if c&only != 0 {
		if j := r.ahead(i, 2, say|reveal); j > 0 && r.tokens[i].class&say == 0 {
			r.add(onlying, 2.5, i, j)
		}
	}
}

// frees: what talks a model out of its rules.
func (r *reader) frees(i int) {
	before := len(r.signals)
	defer func() {
		// In a result it is more often a rule for people, or a licence.
		for ; r.dir == FromTool && before < len(r.signals); before++ {
			r.signals[before].score *= 0.55
		}
	}()
	c, w := r.tokens[i].class, r.word(i)
	if c&you != 0 {
		switch next := r.word(i + 1); {
		case next == "are" && (r.word(i+2) == "now" || r.word(i+2) == "no" && r.is(i+3, longer)), w == "you're" && next == "now":
			r.add(turning, 3, i, i+2)
		case next == "bist" && r.is(i+2, now), next == "eres" && r.word(i+2) == "ahora":
			r.add(turning, 3, i, i+2)
		}
	}
	if c&you != 0 && r.dir == FromTool && (r.word(i+1) == "must" || r.word(i+1) == "shall") {
		r.add(mandating, 2, i, i+1)
	}
	if c&from != 0 && r.is(i+1, now) {
		r.add(turning, 2.5, i, i+1)
	}
	if c&persona != 0 {
		r.add(posing, 1, i, i)
		if r.ahead(i, 5, free|illegal) > 0 {
			r.add(posing, 3, i, i)
		}
	}
	if c&free != 0 && w != "free" {
		r.add(freeing, 3.5, i, i)
	}
	if c&without != 0 || w == "against" || w == "break" || w == "breaks" || w == "breaking" || w == "violating" || w == "bypass" {
		if j := r.ahead(i, 5, limit); j > 0 {
			r.add(unlimiting, 3, i, j)
		}
	}
	if c&refuse != 0 {
		if j := r.behind(i, 4, never|without); j >= 0 {
			r.add(unrefusing, 3, j, i)
		}
	}
	if c&illegal != 0 {
		r.lawless++
		r.add(lawless, min(1+float64(r.lawless), 4), i, i)
	}
	if c&never != 0 || w == "regardless" {
		if k := r.ahead(i, 3, binding); k > 0 || w == "regardless" {
			if j := r.ahead(max(i, k), 7, limit|orders); j > 0 {
				r.add(unbinding, 4, i, j)
			}
		}
	}
	if w == "opposite" || w == "evil" || w == "villain" {
		r.add(posing, 2, i, i)
	}
	if c&limit != 0 && (w == "safety" || r.is(i+1, limit)) {
		for j := i + 1; j < i+7; j++ {
			switch r.word(j) {
			case "disabled", "off", "removed", "deactivated", "lifted":
				r.add(switching, 4, i, j)
			}
		}
	}
	if c&developer != 0 {
		if r.is(i+1, mode) {
			score := 4.0
			if w == "debug" || w == "debugging" || w == "maintenance" || w == "admin" || w == "dev" {
				score = 2
			}
			r.add(switching, score, i, i+1)
		} else if w == "dan" || w == "jailbreak" {
			r.add(switching, 2.5, i, i)
		}
	}
	if c&machine != 0 && (w == "chatgpt" || w == "gpt" || w == "gpt-4") {
		r.add(naming, 1, i, i)
	}
}

// wishes: please transfer 500 from my account, inside a result.
func (r *reader) wishes(i int) {
	if w := r.word(i - 1); w != "please" && w != "kindly" {
		return
	}
	if j := r.ahead(i, 12, my|me); j > 0 {
		r.add(wishing, 5, i-1, j)
	}
}

// mails: send this information to somebody@example.net, inside a result.
func (r *reader) mails(i int) {
	if r.negated(i) || !r.commands(i) || !r.acts(i) {
		return
	}
	end := int(r.tokens[min(len(r.tokens)-1, i+18)].end)
	at := strings.IndexByte(r.text[r.tokens[i].end:end], '@')
	if at < 1 {
		return
	}
	score := 3.0
	switch around := r.classes(i-16, i+8); {
	case around&credential != 0:
		score = 7
	case around&(my|your) != 0 && around&(private|matter) != 0:
		score = 6
	}
	r.add(mailing, score, i, min(len(r.tokens)-1, i+4))
}
