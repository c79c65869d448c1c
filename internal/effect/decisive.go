package effect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// maxArguments bounds the values of one call that are looked at.
const maxArguments = 512

// Decisive returns the values of a call with what each of them is. Those whose
// kind Decides say what the call does to whom; a call that does more than read
// has at least one of them, if it has arguments: a shell command that cannot be
// taken apart is decided by all of its text.
func Decisive(tool string, args []byte, s Schema) []Argument {
	if len(args) > maxArgs {
		return []Argument{{Kind: Code, Value: string(args[:maxFlow])}}
	}
	out := decisive(tool, decodeNumbers(args), s, 0)
	e := OfCall(tool, args, s)
	if openclawsOwn(tool, args) {
		out = weighed(out, e)
	}
	decides := func(a Argument) bool { return a.Kind.Decides() || a.Kind == Remote }
	if !slices.ContainsFunc(out, decides) && e.any(Send, Spend, Destroy, Widen, Guard) {
		out = append(out, Argument{Kind: Act, Value: tool})
	}
	return out
}

// writers are OpenClaw's tools that leave something which is read, or acts, later.
var writers = wordSet(`write edit apply_patch file_write automations cron skill_workshop gateway plugins canvas dashboard`)

// openclawsOwn reports whether a call is of a tool that writes, of OpenClaw or of
// another agent.
func openclawsOwn(tool string, args []byte) bool {
	if tool == "tool_call" {
		var call struct{ ID, Name, Tool string }
		_ = json.Unmarshal(args, &call)
		tool = cmp.Or(call.ID, call.Name, call.Tool)
	}
	t, other := foreign(tool)
	return writers[tool] || other && slices.Contains(t.kinds, Write)
}

// weighed are the arguments of a call that writes by what decides in it: of what
// tells the agent how to behave, or runs by itself later, what is written; of a script
// the addresses in it. Where nothing of value is at stake, the name of a file decides
// nothing.
func weighed(out []Argument, e Effects) []Argument {
	for i, a := range out {
		switch {
		case a.Kind == Content && e.any(Widen, Guard):
			out[i].Kind = Code
		case a.Kind == Path && !e.any(Widen, Guard, Destroy):
			out[i].Kind = Other
		}
	}
	for _, u := range e.URLs {
		out = append(out, Argument{"content", URL, u})
	}
	for _, h := range e.Hosts {
		if !slices.ContainsFunc(e.URLs, func(u string) bool { return hostOf(u) == h }) {
			out = append(out, Argument{"content", Host, h})
		}
	}
	return out
}

func decisive(tool string, args map[string]any, s Schema, depth int) []Argument {
	if tool == "tool_call" && depth < maxNest {
		inner, _ := args["args"].(map[string]any)
		if text, ok := args["args"].(string); ok {
			inner = decodeNumbers([]byte(text))
		}
		return decisive(text(args, "id", "name", "tool"), inner, s, depth+1)
	}
	if t, ok := tools[tool]; ok {
		if shells[tool] || slices.Contains(t.kinds, Execute) && commandIn(args) {
			return commandArguments(tool, args)
		}
		return ownArguments(tool, args)
	}
	if t, ok := foreign(tool); ok && slices.Contains(t.kinds, Execute) {
		return commandArguments(tool, args)
	}
	return argumentsOf(tool, useOf(tool, s), args, s)
}

// decodeNumbers reads a JSON object, numbers as they are written.
func decodeNumbers(args []byte) (m map[string]any) {
	d := json.NewDecoder(bytes.NewReader(args))
	d.UseNumber()
	if d.Decode(&m) != nil {
		return nil
	}
	return m
}

// shells are OpenClaw's tools that run what they are given.
var shells = wordSet(`exec process terminal`)

func commandIn(args map[string]any) bool {
	return slices.ContainsFunc(commandLines, func(name string) bool { return args[name] != nil })
}

// commandArguments takes a shell command apart.
func commandArguments(tool string, args map[string]any) (out []Argument) {
	r := newRecorder()
	judgeTool(r, tool, args, 0)
	e := r.effects()
	list := func(kind ArgKind, values []string) {
		for _, v := range values {
			if len(out) < maxArguments {
				out = append(out, Argument{"command", kind, v})
			}
		}
	}
	list(URL, e.URLs)
	list(Host, slices.DeleteFunc(slices.Clone(e.Hosts), func(h string) bool {
		return slices.ContainsFunc(e.URLs, func(u string) bool { return hostOf(u) == h })
	}))
	list(Recipient, e.To)
	list(Path, r.deletes)
	list(Package, r.installs)
	list(Remote, r.remotes)
	list(Script, r.scripts)
	// What acts and names nothing, or not all, is decided by its whole text.
	acts := e.any(Send, Spend, Destroy, Widen, Guard)
	named := slices.ContainsFunc(out, func(a Argument) bool { return a.Kind.Decides() || a.Kind == Remote && !e.any(Destroy, Widen) })
	whole := acts && (!named || r.vague) || len(out) == 0 || e.Unseen || e.ParseError != "" || len(e.Dangers) > 0
	for _, name := range append([]string{"code", "data", "text", "keys", "paste", "literal"}, commandLines...) {
		line := commandLine(args[name])
		switch {
		case line == "":
		case name == "code":
			out = append(out, Argument{name, Code, line})
		case name == "data" || name == "text" || name == "keys" || name == "paste" || name == "literal" || whole:
			out = append(out, Argument{name, Command, line})
		}
	}
	return out
}

// ownKinds say of OpenClaw's own tools what the names of arguments do not.
var ownKinds = map[string]map[string]ArgKind{
	"write": {"content": Content}, "edit": {"oldText": Content, "newText": Content, "old_string": Content, "new_string": Content},
	"apply_patch": {"input": Content, "patch": Content},
	"message":     {"action": Other, "message": Content, "emoji": Content, "messageId": Object, "replyTo": Object, "accountId": Recipient},
	"web_search":  {"query": Query}, "memory_search": {"query": Query}, "sessions_search": {"query": Query},
	"sessions_send": {"message": Content, "label": Recipient, "agentId": Recipient}, "conversations_send": {"message": Content}, "conversations_turn": {"message": Content},
	"sessions_spawn": {"task": Content, "prompt": Content, "agentId": Other, "model": Other, "cwd": Other, "label": Other, "thread": Other, "cleanup": Other, "mode": Other},
	"automations":    {"action": Other, "op": Other, "sessionTarget": Recipient, "wakeMode": Other, "kind": Other, "prompt": Content, "message": Content, "text": Content},
	"gateway":        {"action": Other, "path": Object, "raw": Content, "value": Content, "note": Content, "reason": Content},
	"plugins":        {"action": Other, "spec": Package, "package": Package, "id": Package},
	"browser":        {"action": Other, "fn": Code, "text": Content, "ref": Other, "selector": Other, "targetId": Other, "profile": Other, "target": Other, "node": Other, "kind": Other},
	"nodes":          {"action": Other, "node": Recipient},
	"openclaw":       {"request": Command, "command": Command, "task": Command},
	"portal":         {"port": Object},
	"skill_workshop": {"action": Other, "content": Content, "name": Object},
	"secrets":        {"action": Other, "name": Object},
	"tts":            {"text": Content}, "ask_user": {"question": Content, "questions": Content},
}

// ownArguments reads the arguments of one of OpenClaw's own tools.
func ownArguments(tool string, args map[string]any) []Argument {
	u := use{verbs: []verb{telling}}
	if slices.Contains(tools[tool].kinds, Read) {
		u.verbs = []verb{changing}
	}
	c := collector{use: u, own: ownKinds[tool]}
	c.collect("", "", args, 0)
	return c.out
}

// argumentsOf reads the arguments of a tool by their names, shapes and schema.
func argumentsOf(name string, u use, args map[string]any, s Schema) []Argument {
	c := collector{use: u, properties: s.properties()}
	if t, ok := foreign(name); ok && len(u.verbs) == 0 {
		c.use.verbs = []verb{changing}
		if slices.Contains(t.kinds, Send) {
			c.use.verbs = []verb{reaching}
		}
	}
	c.collect("", "", args, 0)
	return c.out
}

// collector walks the arguments of a call.
type collector struct {
	use        use
	own        map[string]ArgKind
	properties map[string]property
	out        []Argument
}

func (c *collector) collect(path, key string, v any, depth int) {
	if depth > maxNest || len(c.out) >= maxArguments {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			at := name
			if path != "" {
				at = path + "." + name
			}
			c.collect(at, name, v[name], depth+1)
		}
	case []any:
		for i, e := range v {
			c.collect(fmt.Sprintf("%s[%d]", path, i), key, e, depth+1)
		}
	case string:
		if v != "" {
			c.out = append(c.out, Argument{path, c.kind(path, key, v), v})
		}
	case json.Number:
		k := c.kind(path, key, v.String())
		if _, known := argWord(last(wordsOf(key, 8))); !c.use.looksOnly() && (k == Content || k == Other && !known) {
			k = Measure
		}
		c.out = append(c.out, Argument{path, k, v.String()})
	case float64:
		c.out = append(c.out, Argument{path, c.kind(path, key, fmt.Sprint(v)), fmt.Sprint(v)})
	case bool:
		kind := Other
		if k := kindOfArg(wordsOf(key, 8), c.use); k == Access {
			kind = k
		}
		c.out = append(c.out, Argument{path, kind, fmt.Sprint(v)})
	}
}

var (
	isAddress = lazyregexp.New(`^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$|^[^<>]{0,80}<[^\s@<>]+@[^\s@<>]+>$`)
	isPhone   = lazyregexp.New(`^\+[0-9][0-9 ()/.-]{6,20}$`)
	isIBAN    = lazyregexp.New(`^[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{2,4}){3,8}$`)
	isIP      = lazyregexp.New(`^\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?$`)
	isURL     = lazyregexp.New(`(?i)^[a-z][a-z0-9+.-]*://|^(?:mailto|tel|data|javascript):|^www\.`)
	isPath    = lazyregexp.New(`^(?:~|\.{1,2})?/[^\s/]`)
)

// kind says what a value is: by its shape where that is telling, by its name, and
// by what the tool is for.
func (c *collector) kind(path, key, v string) ArgKind {
	if k, ok := c.own[key]; ok && !isURL.MatchString(v) {
		return k
	}
	top, _, _ := strings.Cut(strings.TrimRight(path, "[]0123456789"), ".")
	p := c.properties[top]
	named := kindOfArg(wordsOf(key, 8), c.use)
	short := strings.TrimSpace(v)
	switch {
	case len(short) > 2048 || strings.ContainsAny(short, "\n"):
		if named == Recipient || named == URL || named == Object || named == Path {
			return Content
		}
		return named
	case isIP.MatchString(short) && !c.use.looksOnly():
		return Host
	case isURL.MatchString(short) && !strings.ContainsAny(short, " \t"), p.Format == "uri":
		return URL
	case c.use.looksOnly():
		return named
	case isAddress.MatchString(short), isPhone.MatchString(short), isIBAN.MatchString(short), p.Format == "email":
		return Recipient
	case len(p.Enum) > 0 && named != Access && named != Recipient:
		return Other
	case named == Other || named == Content:
		if isPath.MatchString(short) && !strings.ContainsAny(short, " \t") {
			return Path
		}
	}
	return named
}

// argWords say by a word of its name what an argument is.
var argWords = map[string]ArgKind{}

func init() {
	for kind, list := range map[ArgKind]string{
		Recipient: `to cc bcc recipient receiver addressee attendee participant invitee guest email mail phone mobile tel channel chat room
			group conversation thread user username handle member collaborator assignee reviewer payee beneficiary iban account destination
			target audience peer contact person people party team jid msisdn wallet follower session customer owner address mention destinatario
			empfänger empfaenger an teilnehmer gast konto kanal gruppe nutzer benutzer`,
		URL:     `url uri href link endpoint webhook callback website homepage redirect feed`,
		Host:    `host hostname domain server ip fqdn`,
		Path:    `path file filepath dir directory folder attachment media upload src datei pfad ordner anhang`,
		Amount:  `amount price quantity qty sum total cost budget betrag summe menge preis units`,
		Command: `command cmd shell commandline script befehl`,
		Code:    `code javascript python expression program sql statement formula`,
		Object: `id key uid uuid ref reference slug sha branch repo repository project database db table event product item flight hotel restaurant
			company entity device service resource issue ticket order invoice subscription payment sku plan number nr name filename names label
			number calendar list board card`,
		Access: `role permission scope access visibility public privacy acl privilege grant admin sharing anyone password passphrase pin secret token credential rolle recht berechtigung`,
		Content: `content body text message subject description title summary note comment caption html markdown data payload block value property
			properties detail memo reason instruction prompt task input nachricht betreff inhalt purpose titel beschreibung`,
		Query: `query q search filter keyword term pattern where question topic location city country suche suchbegriff ort`,
		Time: `time date datetime day start end due deadline when month year until since after before timezone tz duration schedule cron interval
			expires expiry zeit datum beginn ende von bis uhrzeit ts timestamp`,
		Other: `limit offset page cursor format lang language unit sort per verbose count size max min type kind mode status state priority
			enabled flag timeout sender from color colour currency include depth recursive dry`,
	} {
		for w := range strings.FieldsSeq(list) {
			argWords[w] = kind
		}
	}
}

// kindOfArg says what an argument is by the words of its name, the last of which
// says most; by an id or a name it is what that names.
func kindOfArg(ws []string, u use) ArgKind {
	for i := len(ws) - 1; i >= 0; i-- {
		k, ok := argWord(ws[i])
		if !ok {
			continue
		}
		if k == Object && i > 0 {
			if of, ok := argWord(ws[i-1]); ok && of == Recipient && !u.looksOnly() && !letters[ws[i-1]] {
				return Recipient
			}
		}
		return u.meant(ws[i], k)
	}
	switch {
	case u.looksOnly():
		return Query
	case u.does(paying), u.does(removing), u.does(opening), u.does(running):
		return Object
	}
	return Content
}

func last(ws []string) string {
	if len(ws) == 0 {
		return ""
	}
	return ws[len(ws)-1]
}

// letters are things with an id that a person is not.
var letters = wordSet(`email mail address contact thread session`)

func argWord(w string) (ArgKind, bool) {
	if k, ok := argWords[w]; ok {
		return k, true
	}
	for _, ending := range []string{"s", "es"} {
		if base, ok := strings.CutSuffix(w, ending); ok {
			if k, ok := argWords[base]; ok {
				return k, true
			}
		}
	}
	return Other, false
}

// meant settles what a word means for a tool of this use.
func (u use) meant(word string, k ArgKind) ArgKind {
	making := slices.ContainsFunc(u.said, func(w string) bool { return making[w] })
	switch {
	case u.looksOnly() && (k == Recipient || k == Object || k == Content || k == Amount || k == Access):
		return Query
	case k == Object && (strings.HasPrefix(word, "name") || strings.HasPrefix(word, "filename") || strings.HasPrefix(word, "label")) && making && !u.does(paying):
		return Content // what is new has no name yet
	case k == Content && strings.HasPrefix(word, "title") && u.does(removing):
		return Object
	case k == Content && word == "value" && u.does(paying):
		return Amount
	case k == Query && word == "query" && u.does(running):
		return Code
	case k == Other && strings.HasPrefix(word, "from") && u.does(paying):
		return Object
	}
	return k
}
