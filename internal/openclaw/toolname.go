package openclaw

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// The rules of this file are those by which OpenClaw 2026.9.6 decides which
// tool a call means: src/agents/tool-policy-shared.ts (aliases) and
// src/agents/embedded-agent-runner/run/attempt-tool-call-name-resolution.ts
// (everything else). They differ from reading the name in ways that matter:
// "Bash", "x.y.EXEC" and an empty name with the id "functions.exec:0" all run
// exec.

// aliases are further names of tools.
var aliases = map[string]string{"bash": "exec", "apply-patch": "apply_patch", "cron": "automations"}

// Toolset is the tools that calls of one answer can mean: those that the
// request offered and, where it offers OpenClaw's tool search, all that are
// hidden behind it.
type Toolset struct {
	names []string
	has   map[string]bool

	// CodeMode: the request offers code mode's exec and wait, so that exec
	// takes JavaScript, which calls further tools when it runs.
	CodeMode bool
	// literal: a name means the tool of that name and no other, as it does for
	// agents that are not OpenClaw.
	literal bool

	// Entities: the model writes HTML entities into arguments, and OpenClaw
	// decodes them (compat.toolCallArgumentsEncoding, as for xAI).
	Entities bool
}

// NewToolset returns the tools of a request by the names it offers. A request
// that offers tool_call, or code mode, can call all of [Tools] as well:
// OpenClaw lets a model call a hidden tool by its own name, too. Names of
// hidden plugin and MCP tools are not on the wire; a call of one resolves to
// the name it has.
func NewToolset(offered ...string) *Toolset {
	t := &Toolset{has: make(map[string]bool, len(offered)), names: make([]string, 0, len(offered))}
	for _, name := range offered {
		t.add(name)
	}
	t.CodeMode = t.has["exec"] && t.has["wait"] && !t.has["read"] && !t.has["tool_call"]
	if t.has["tool_call"] || t.has["tool_search_code"] || t.CodeMode {
		for _, tool := range Tools {
			t.add(tool.Name)
		}
	}
	return t
}

// Literal returns the tools of an agent that is not OpenClaw: any, each by its
// own name alone.
func Literal() *Toolset { return &Toolset{literal: true} }

// Sum names the set: two of the same sum read a call alike.
func (t *Toolset) Sum() [sha256.Size]byte {
	b := fmt.Appendln(make([]byte, 0, 4<<10), t.CodeMode, t.literal, t.Entities)
	for _, name := range t.names {
		b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
	}
	return sha256.Sum256(b)
}

func (t *Toolset) add(name string) {
	if name != "" && !t.has[name] {
		t.has[name] = true
		t.names = append(t.names, name)
	}
}

// Resolve returns the tool that OpenClaw runs for a name and a call id. known
// is false when it runs none ("Tool … not found"); tool is then the trimmed
// name.
func (t *Toolset) Resolve(name, id string) (tool string, known bool) {
	if t.literal {
		return name, true
	}
	trimmed := trim(name)
	if trimmed == "" {
		tool = t.fromID(id)
		return tool, tool != ""
	}
	for _, rule := range []func(string) string{t.exact, t.fromID} {
		if tool = rule(trimmed); tool != "" {
			return tool, true
		}
	}
	if isCounter(trimmed) {
		return trimmed, false
	}
	if tool = t.structured(trimmed); tool != "" {
		return tool, true
	}
	return trimmed, false
}

// exact: the name, its alias, or either in other letters.
func (t *Toolset) exact(name string) string {
	if t.has[name] {
		return name
	}
	alias := policyName(name)
	if t.has[alias] {
		return alias
	}
	if tool := t.folded(name); tool != "" {
		return tool
	}
	return t.folded(alias)
}

// folded finds the one tool that differs only in case.
func (t *Toolset) folded(name string) string {
	want, found := strings.ToLower(trim(name)), ""
	for _, n := range t.names {
		if strings.ToLower(trim(n)) != want {
			continue
		}
		if found != "" && found != n {
			return ""
		}
		found = n
	}
	return found
}

// structured tries what is left of a name without its prefixes: what stands
// before a quote or "<", "/" for ".", and every dotted suffix.
func (t *Toolset) structured(name string) string {
	candidates := nameCandidates(name)
	for _, c := range candidates {
		if t.has[c] {
			return c
		}
	}
	for _, c := range candidates {
		if tool := t.folded(c); tool != "" {
			return tool
		}
	}
	return ""
}

func nameCandidates(name string) []string {
	name = trim(name)
	if name == "" {
		return nil
	}
	var list []string
	add := func(s string) {
		if s = trim(s); s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	both := func(s string) {
		add(s)
		add(policyName(s))
	}
	both(name)
	seeds := []string{name}
	if i := fragment(name); i > 0 {
		both(name[:i])
		seeds = append(seeds, name[:i])
	}
	for _, seed := range seeds {
		dotted := strings.ReplaceAll(seed, "/", ".")
		both(dotted)
		segments := slices.DeleteFunc(strings.Split(dotted, "."), func(s string) bool { return trim(s) == "" })
		for i := range segments {
			segments[i] = trim(segments[i])
		}
		for i := 1; i < len(segments); i++ {
			both(strings.Join(segments[i:], "."))
		}
	}
	return list
}

// fragment is where a piece of XML or JSON begins that slipped into a name:
// the earliest of the first quote, apostrophe and "<", those in front aside.
func fragment(name string) int {
	earliest := -1
	for _, separator := range []string{`"`, "'", "<"} {
		if i := strings.Index(name, separator); i > 0 && (earliest < 0 || i < earliest) {
			earliest = i
		}
	}
	return earliest
}

var (
	counterSuffix  = lazyregexp.New(`[:._-]\d+$`)
	slashCounter   = lazyregexp.New(`[:._/-]\d+$`)
	digitSuffix    = lazyregexp.New(`\d+$`)
	functionPrefix = lazyregexp.New(`(?i)^functions?[._-]?`)
	toolPrefix     = lazyregexp.New(`(?i)^tools?[._-]?`)
	anyPrefix      = lazyregexp.New(`(?i)^(?:functions?|tools?)[._-]?`)
	anyCounter     = lazyregexp.New(`(?:[:._-]\d+|\d+)$`)
)

// fromID infers a tool from a call's id, or from a name that looks like one
// ("functions.exec:0"). All readings must lead to the same tool.
func (t *Toolset) fromID(id string) string {
	if id = trim(id); id == "" {
		return ""
	}
	var tokens []string
	add := func(s string) {
		if !slices.Contains(tokens, s) {
			tokens = append(tokens, s)
		}
	}
	before, _, _ := strings.Cut(id, ":")
	for _, seed := range []string{id, before} {
		if seed = trim(seed); seed == "" {
			continue
		}
		add(seed)
		add(slashCounter.ReplaceAllString(seed, ""))
		add(digitSuffix.ReplaceAllString(seed, ""))
		dotted := strings.ReplaceAll(seed, "/", ".")
		add(dotted)
		add(counterSuffix.ReplaceAllString(dotted, ""))
		add(digitSuffix.ReplaceAllString(dotted, ""))
		for _, prefix := range []*lazyregexp.Regexp{functionPrefix, toolPrefix} {
			if bare := prefix.ReplaceAllString(dotted, ""); bare != dotted {
				add(bare)
				add(counterSuffix.ReplaceAllString(bare, ""))
				add(digitSuffix.ReplaceAllString(bare, ""))
			}
		}
	}
	found := ""
	for _, token := range tokens {
		tool := t.structured(token)
		if tool == "" {
			continue
		}
		if found != "" && found != tool {
			return ""
		}
		found = tool
	}
	return found
}

// isCounter recognises a broken name such as "functions.x:3", which OpenClaw
// does not take apart further.
func isCounter(name string) bool {
	dotted := strings.ReplaceAll(trim(name), "/", ".")
	return anyPrefix.MatchString(dotted) && anyCounter.MatchString(dotted)
}

// policyName is the name in lower case, or the tool it is an alias of.
func policyName(name string) string {
	lower := strings.ToLower(trim(name))
	if tool, ok := aliases[lower]; ok {
		return tool
	}
	return lower
}

// trim takes off what JavaScript's String.trim does: more than ASCII space,
// and the byte order mark, but not U+0085.
func trim(s string) string { return strings.TrimFunc(s, IsSpace) }
