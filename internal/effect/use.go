package effect

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// use is how a tool reads that nobody named before.
type use struct {
	verbs []verb
	said  []string // the words of the verbs, as they stand
	head  noun     // what it is done to
	about noun     // all that its name is about
	draft bool
	// worldly tells that it is about things that anybody may look up: hotels, the
	// weather, what others wrote about them.
	worldly bool
}

// does reports whether one of the verbs is v.
func (u use) does(v verb) bool { return slices.Contains(u.verbs, v) }

// looksOnly reports whether it is for looking and nothing else.
func (u use) looksOnly() bool { return len(u.verbs) == 1 && u.verbs[0] == looking }

// maxDescription is how much of a description is read, in bytes.
const maxDescription = 4096

// useOf reads a tool's name and description.
func useOf(name string, s Schema) use {
	var u use
	ws := wordsOf(lastPart(name), 32)
	phrase := u.name(ws)
	if len(phrase) == 0 {
		phrase = wordsOf(name, 32)
	}
	u.head, u.worldly = nounsOf(phrase), worldly(phrase)
	for _, w := range wordsOf(name, 32) {
		u.about |= nouns[singular(w)]
	}
	u.draft = slices.Contains(ws, "draft") || slices.Contains(ws, "drafts") || slices.Contains(ws, "entwurf")
	u.described(s.Description[:min(len(s.Description), maxDescription)])
	if last := ws[max(0, len(ws)-1):]; len(u.verbs) == 0 && len(last) > 0 && statings[last[0]] {
		u.verbs = []verb{looking}
	}
	return u
}

// described adds what a description says. It settles a name that is unsure.
func (u *use) described(text string) {
	first := wordsOf(text, 8)
	said := clearVerb(first)
	if verbs[said] == looking && len(first) > 0 && said != first[0] {
		said = "" // "lets others read it" looks at nothing
	}
	if unsure := !slices.ContainsFunc(u.said, func(w string) bool { return !nounsToo[w] }); unsure && said != "" {
		u.verbs, u.said = nil, nil
		u.add(said)
	}
	for _, m := range alsoDoes.FindAllStringSubmatch(text, 16) {
		w := strings.ToLower(m[1])
		// Who takes part in what is changed is told of it; that is no message of its own.
		tells := informing[w] && (u.does(changing) || u.does(removing) || u.does(opening))
		if v := verbs[w]; w != "open" && w != "opens" && v != looking && v != changing && !tells {
			u.add(w)
		}
	}
}

// alsoDoes finds, in a description, a verb with an object: "and posts it to", "It
// will also email the", "Deletes a", "und löscht den".
var alsoDoes = lazyregexp.New(`(?i)(?:^|[.;:!?|]\s+|\b(?:it|and|then|also|will|or|und|dann|auch)\s+)(\p{L}+)\s+(?:it|them|this|these|the|a|an|your|every|each|all|its|his|any|one|out|emails?|messages?|invitations?|den|die|das|dem|ein|eine|einen|alle|es|sie)\b`)

// informing are the verbs by which a change reaches those whom it concerns.
var informing = wordSet(`notify notifies email emails mail mails send sends message messages inform informs remind reminds alert alerts
	benachrichtigt informiert`)

// lastPart is a tool's name without its server: mcp__mail__send, drive/files.list.
func lastPart(name string) string {
	name = name[max(0, len(name)-256):]
	for _, separator := range []string{"__", ".", "/", ":"} {
		if i := strings.LastIndex(name, separator); i >= 0 && i+len(separator) < len(name) {
			name = name[i+len(separator):]
		}
	}
	return name
}

func (u *use) add(word string) {
	if v := verbs[word]; v != noVerb && !slices.Contains(u.said, word) {
		u.said = append(u.said, word)
		if !slices.Contains(u.verbs, v) {
			u.verbs = append(u.verbs, v)
		}
	}
}

// name reads the words of a name: its verb is the first that is nothing else
// (send in email_send), or the first; one that follows "and" is another. It returns
// the words that say what it is done to.
func (u *use) name(ws []string) (phrase []string) {
	at := slices.IndexFunc(ws, func(w string) bool {
		return verbs[w] != noVerb && (w != "pull" || !slices.Contains(ws, "request")) && !nounsToo[w] && !nounsToo[strings.TrimSuffix(w, "s")]
	})
	if at < 0 && len(ws) > 1 && verbs[ws[len(ws)-1]] == looking && verbs[ws[0]] != looking {
		at = len(ws) - 1 // message_list
	}
	if at < 0 {
		at = slices.IndexFunc(ws, func(w string) bool { return verbs[w] != noVerb && nounsToo[w] })
	}
	if at >= 0 {
		u.add(ws[at])
	}
	for i := 1; i+1 < len(ws); i++ {
		if joining[ws[i]] {
			u.add(ws[i+1])
		}
	}
	if phrase = ws[at+1:]; len(phrase) == 0 || linking[phrase[0]] {
		phrase = ws[:max(at, 0)]
	}
	return phrase
}

// nounsOf is what the head of a phrase means: the last noun before a linking word.
// What costs money does so wherever it stands in it.
func nounsOf(ws []string) (n noun) {
	var costs noun
	for _, w := range ws {
		if linking[w] {
			break
		}
		if m := nouns[singular(w)]; m != noNoun {
			n = m
			costs |= m & aPayment
		}
	}
	return n | costs
}

// worldly reports whether a phrase is about the world: one of its words before the
// first link is (the address of hotels), or it is about people or comments of one.
func worldly(ws []string) bool {
	var head noun
	linked := false
	for i, w := range ws {
		n := nouns[singular(w)]
		public := n&aPage != 0 && n&(aFile|aMail|aDate|aMemory) == 0
		switch {
		case public && (!linked || head&^(aPerson|aTalk|aPage|aClock) == 0):
			return head&(aMail|aDate|aMemory|aFile|anAccess) == 0
		case linking[w] && i > 0:
			linked = w == "for" || w == "of" || w == "in" || w == "about"
			if !linked {
				return false
			}
		case !linked:
			head |= n
		}
	}
	return false
}

// clearVerb is the first word of a description that is a verb; of "makes a phone
// call" the noun says what is done.
func clearVerb(ws []string) (said string) {
	for _, w := range ws {
		switch {
		case said != "" && linking[w]:
			return said
		case said != "" && nounsToo[w] && verbs[w] != looking && verbs[w] != changing:
			return w
		case said == "" && verbs[w] != noVerb:
			if said = w; !light[w] {
				return said
			}
		}
	}
	return said
}

// light are verbs that leave it to a noun what is done.
var light = wordSet(`make makes place places take takes do does`)

// making are the verbs of change that bring something new, altering those that
// change what others see.
var (
	making   = wordSet(`create creates make makes new add adds write writes insert inserts append appends put start starts save erstelle erstellt erstellen anlegen schreibe schreibt schreiben hinzufügen duplicate generate`)
	altering = wordSet(`update updates edit edits modify modifies patch patches replace replaces change changes set sets upsert configure configures bearbeite bearbeitet bearbeiten ändere ändert ändern setze setzt setzen reopen merge merges turn`)
	// guarding are things whose removal opens something.
	guarding = wordSet(`firewall policy rule lock alarm password mfa 2fa auth authentication protection restriction limit approval filter verification regel sperre`)
	// deploying changes a service.
	deploying = wordSet(`deploy deploys launch launches restart restarts reboot`)
	// installing brings a program that will run.
	installing = wordSet(`install installs installiere installiert installieren`)
)

// kinds are what a use can do to the world.
func (u use) kinds(ws []string) []Kind {
	var ks []Kind
	for _, v := range u.verbs {
		ks = append(ks, verbKinds[v]...)
	}
	said := func(set map[string]bool) bool {
		return slices.ContainsFunc(u.said, func(w string) bool { return set[w] })
	}
	makes, alters := said(making), said(altering)
	if u.does(changing) {
		if (makes && u.head&(aMail|aTalk) != 0 || alters && u.head&aTalk != 0) && !u.draft {
			ks = append(ks, Send)
		}
		if makes || alters {
			for n, more := range map[noun][]Kind{aPayment: {Spend, Send}, anAccess: {Widen}, aRoutine: {Widen}, aProgram: {Execute, Widen}} {
				if u.head&n != 0 {
					ks = append(ks, more...)
				}
			}
		}
	}
	if u.does(removing) && slices.ContainsFunc(ws, func(w string) bool { return guarding[singular(w)] }) {
		ks = append(ks, Widen)
	}
	if said(deploying) {
		ks = append(ks, Write) // what others use is another from then on
	}
	if said(installing) {
		ks = append(ks, Widen, Write, Send)
	}
	return u.exceptions(ks)
}

// exceptions are verbs that mean another thing with some nouns.
func (u use) exceptions(ks []Kind) []Kind {
	only := len(u.verbs) == 1
	switch {
	case !only: // it does something else, too
	case slices.Contains(u.said, "open") || slices.Contains(u.said, "opens"):
		switch {
		case u.head&(aDevice|anAccess) != 0:
			return []Kind{Widen, Write}
		case u.head&(aFile|aMail|aDate|aMemory) != 0:
			return []Kind{Read}
		}
	case slices.Contains(u.said, "schedule") || slices.Contains(u.said, "schedules"):
		switch {
		case u.head&aDate != 0:
			return []Kind{Write}
		case u.head&(aMail|aTalk) != 0:
			return []Kind{Send}
		}
	}
	return ks
}

// unknownTool judges a tool that is not OpenClaw's own (MCP, a plugin) by its
// name, description and schema. One that does not say what it does may do
// whatever its arguments are good for, and at least change and send something.
func (s *shell) unknownTool(name string, args map[string]any, schema Schema) {
	s.opaque()
	u := useOf(name, schema)
	named := wordsOf(name, 32)
	ks := u.kinds(named)
	values := argumentsOf(name, u, args, schema)
	settled := schema.Settled != nil
	switch {
	case settled:
		ks = schema.Settled
	case len(u.verbs) == 0:
		ks = append(kinds(Read, Write, Execute, Send), hinted(schema, u)...)
	}
	s.kind(ks...)
	if !settled && !u.looksOnly() {
		s.given(values, len(u.verbs) != 1 || !u.does(removing))
	}
	if u.looksOnly() && !settled && carries(schema) {
		s.kind(Send)
	}
	for _, v := range values {
		if v.Kind == Recipient {
			s.add(&s.e.To, v.Value)
		}
	}
	if s.guardConfigName(name) && !slices.Contains(ks, Read) {
		s.danger(DisableGuard, name)
	}
	if settled || len(u.verbs) > 0 || !slices.Contains(ks, Execute) {
		ks = slices.DeleteFunc(slices.Clone(ks), func(k Kind) bool { return k == Read && len(ks) > 1 })
	}
	s.arguments(args, ks, slices.Contains(ks, Send) && !slices.Contains(ks, Write))
	if slices.Contains(ks, Execute) {
		if code := text(args, "code", "python", "javascript", "source", "expression"); code != "" {
			s.scanCode(anyLanguage, code)
		}
		s.sql(text(args, "sql", "query", "statement"), name)
	}
}

// given notes what the arguments of a call that does more than look say of it:
// whom it reaches, whom it lets in, what it costs. tells is false of one that only
// removes: those whom it names it removes.
func (s *shell) given(values []Argument, tells bool) {
	for _, v := range values {
		switch v.Kind {
		case Recipient:
			if tells {
				s.kind(Send)
			}
		case URL, Host:
			s.kind(Send)
		case Access:
			if v.Value != "false" && v.Value != "private" && v.Value != "none" {
				s.kind(Widen)
			}
		case Command, Code:
			s.kind(Execute)
		}
	}
}

// hinted are the kinds that the schema of a tool without a verb hints at.
func hinted(schema Schema, u use) (ks []Kind) {
	for key := range schema.properties() {
		switch kindOfArg(wordsOf(key, 8), u) {
		case Amount:
			ks = append(ks, Spend)
		case Access:
			ks = append(ks, Widen)
		}
	}
	return ks
}

// carries reports whether a tool that only looks takes an address and something to
// bring there: what is called get or search then sends.
func carries(schema Schema) bool {
	var address, load bool
	for key := range schema.properties() {
		switch k := kindOfArg(wordsOf(key, 8), use{verbs: []verb{telling}}); {
		case k == URL:
			address = true
		case k == Content && !strings.Contains(strings.ToLower(key), "title"):
			load = true
		}
	}
	return address && load
}

// property is what a JSON Schema says of one argument.
type property struct {
	Type        any    `json:"type"`
	Format      string `json:"format"`
	Description string `json:"description"`
	Enum        []any  `json:"enum"`
}

// maxSchema bounds the schema that is read, in bytes.
const maxSchema = 1 << 18

// properties are the arguments that a tool takes, by their names.
func (s Schema) properties() map[string]property {
	if len(s.Parameters) == 0 || len(s.Parameters) > maxSchema {
		return nil
	}
	var object struct {
		Properties map[string]property `json:"properties"`
	}
	if json.Unmarshal(s.Parameters, &object) != nil {
		return nil
	}
	return object.Properties
}
