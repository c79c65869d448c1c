package effect

import (
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// environ is what every shell is taken to have. Pieces of such values are
// used to spell hidden names (${PATH:0:1}).
var environ = map[string]string{
	"HOME": home, "IFS": " \t\n", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"SHELL": "/bin/bash", "BASH": "/bin/bash", "0": "bash", "BASH_VERSION": "5.2.15(1)-release", "OSTYPE": "linux-gnu",
	"XDG_CONFIG_HOME": home + "/.config", "XDG_STATE_HOME": home + "/.local/state", "XDG_DATA_HOME": home + "/.local/share",
	"OPENCLAW_STATE_DIR": home + "/.openclaw", "OPENCLAW_HOME": home, "TMPDIR": "/tmp",
}

// secretName is a variable that by its name holds a credential.
var secretName = lazyregexp.New(`(?i)(^|_)(api_?keys?|apikey|.*apikey|key|keys|tokens?|secrets?|password|passwd|passphrase|pass|pwd|credentials?|creds|private_key|pat|mnemonic|seed_phrase)(_(id|file|value|b64))?$`)

// lookup is the value of a variable. Secret-looking names that the script
// did not set itself carry a credential.
func (s *shell) lookup(name string) flow {
	if f, ok := s.vars[name]; ok {
		return f
	}
	if v, ok := environ[name]; ok {
		return known(v)
	}
	switch name {
	case "PWD":
		if s.dir != "" {
			return known(s.dir)
		}
	case "@", "*":
		return all(s.params)
	case "#", "?", "$", "!", "-", "RANDOM", "SECONDS":
		return flow{text: hole}
	}
	if len(name) == 1 && name[0] >= '1' && name[0] <= '9' {
		if i := int(name[0] - '1'); i < len(s.params) {
			return s.params[i].flow
		}
		if s.depth == 0 && len(s.calling) == 0 {
			return known("")
		}
		return flow{text: hole}
	}
	f := flow{text: hole}
	if secretName.MatchString(name) && name != "PWD" && name != "OLDPWD" && !strings.HasSuffix(name, "_FILE") {
		f.names = []string{name}
		f.taint = shown
	}
	return f
}

// maxBraces bounds the words one brace expansion makes.
const maxBraces = 128

// fields expands words as a shell does before it runs a command.
func (s *shell) fields(words []*syntax.Word) []word {
	out := make([]word, 0, len(words))
	for _, w := range words {
		if !braced(w) {
			out = s.field(out, w)
			continue
		}
		made := 0
		for b, err := range expand.BracesSeq(&expand.Config{}, w) {
			if made++; err != nil || made > maxBraces {
				s.opaque()
				break
			}
			out = s.field(out, b)
		}
		if len(out) > 4*maxSteps {
			s.unreadable("the command has too many words to follow")
			break
		}
	}
	return out
}

func braced(w *syntax.Word) bool {
	for _, p := range w.Parts {
		if l, ok := p.(*syntax.Lit); ok && strings.Contains(l.Value, "{") {
			return syntax.SplitBraces(w)
		}
		if _, ok := p.(*syntax.BraceExp); ok {
			return true
		}
	}
	return false
}

// single expands a word that is not split into fields.
func (s *shell) single(w *syntax.Word) word {
	if w == nil {
		return lit("")
	}
	x := expansion{s: s, joined: true}
	x.parts(w.Parts, false)
	x.flush(true)
	return x.out[0]
}

func (s *shell) field(out []word, w *syntax.Word) []word {
	if len(w.Parts) == 1 {
		if l, ok := w.Parts[0].(*syntax.Lit); ok && !strings.Contains(l.Value, `\`) && !strings.HasPrefix(l.Value, "~") {
			return append(out, lit(l.Value))
		}
	}
	x := expansion{s: s, out: out}
	x.parts(w.Parts, false)
	x.flush(false)
	return x.out
}

// expansion builds fields out of the parts of a word.
type expansion struct {
	s      *shell
	out    []word
	cur    word
	buf    strings.Builder
	any    bool // the field exists even if it is empty
	joined bool // do not split
}

func (x *expansion) flush(always bool) {
	if !x.any && x.buf.Len() == 0 && !always {
		return
	}
	x.cur.text = x.buf.String()
	x.cur.known = x.cur.whole()
	x.out = append(x.out, x.cur)
	x.cur, x.any = word{}, false
	x.buf.Reset()
}

func (x *expansion) parts(parts []syntax.WordPart, quoted bool) {
	for i, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			x.literal(p.Value, quoted, i == 0 && x.buf.Len() == 0)
		case *syntax.SglQuoted:
			x.any, x.cur.quote = true, true
			x.buf.WriteString(single(p))
		case *syntax.DblQuoted:
			x.any, x.cur.quote = true, true
			x.parts(p.Parts, true)
		case *syntax.ParamExp:
			x.value(x.s.param(p), quoted, listed(p))
		case *syntax.CmdSubst:
			f := x.s.stmts(p.Stmts, flow{})
			if f.known {
				f.text = strings.TrimRight(f.text, "\n")
			} else {
				f.text = hole
			}
			x.value(f, quoted, false)
		case *syntax.ArithmExp:
			x.s.inside(p)
			x.buf.WriteString(x.s.literally(p))
		case *syntax.ProcSubst:
			x.process(p)
		case *syntax.ExtGlob:
			x.buf.WriteString("*")
		case *syntax.BraceExp:
			x.s.opaque()
			x.buf.WriteString(hole)
		}
	}
}

// single decodes 'text' and $'te\x78t'.
func single(p *syntax.SglQuoted) string {
	if !p.Dollar {
		return p.Value
	}
	v, err := expand.Literal(&expand.Config{}, &syntax.Word{Parts: []syntax.WordPart{p}})
	if err != nil {
		return hole
	}
	return v
}

func (x *expansion) process(p *syntax.ProcSubst) {
	x.any = true
	if p.Op == syntax.CmdOut {
		x.cur.sink = &sink{p.Stmts}
	} else {
		f := x.s.stmts(p.Stmts, flow{})
		x.cur.inner = &f
	}
	x.buf.WriteString("/dev/fd/63")
}

func (x *expansion) literal(v string, quoted, first bool) {
	if first && !quoted && strings.HasPrefix(v, "~") {
		name, rest, _ := strings.Cut(v[1:], "/")
		if name == "" {
			x.buf.WriteString(home)
			if v = rest; strings.HasSuffix(v, "/") || len(v) > 0 {
				v = "/" + v
			}
		}
	}
	if !strings.Contains(v, `\`) {
		x.buf.WriteString(v)
		return
	}
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) && (!quoted || strings.IndexByte("$`\"\\\n", v[i+1]) >= 0) {
			i++
			if v[i] == '\n' {
				continue
			}
		}
		x.buf.WriteByte(v[i])
	}
}

// value appends an expanded value, split at white space unless it is quoted.
func (x *expansion) value(f flow, quoted, list bool) {
	x.cur.taint |= f.taint
	x.cur.names = append(x.cur.names, f.names...)
	if x.buf.Len()+len(f.text) > maxFlow || !x.s.cost(len(f.text)) {
		f.text = hole
	}
	if quoted && list && len(f.text) > 0 && f.text != hole && !x.joined {
		quoted = false // "$@" stays a list
	}
	if quoted || x.joined {
		x.any = x.any || quoted && !list
		x.buf.WriteString(f.text)
		return
	}
	text, seps := f.text, " \t\n"
	if ifs := x.s.lookup("IFS"); ifs.known {
		seps = ifs.text
	}
	for {
		i := strings.IndexAny(text, seps)
		if i < 0 || len(x.out) > 4*maxSteps {
			x.buf.WriteString(text)
			return
		}
		x.buf.WriteString(text[:i])
		x.flush(false)
		x.cur.taint |= f.taint
		text = strings.TrimLeft(text[i:], seps)
	}
}

// param is the value of $name and its many forms.
func (s *shell) param(p *syntax.ParamExp) flow {
	if p.Param == nil {
		return flow{text: hole}
	}
	f := s.lookup(p.Param.Value)
	_, set := s.vars[p.Param.Value]
	if p.Short || plainParam(p) || listed(p) && p.Exp == nil && p.Repl == nil && p.Slice == nil && !p.Length && !p.Excl {
		return f
	}
	if p.Exp != nil && p.Exp.Word != nil {
		alt := s.single(p.Exp.Word)
		switch p.Exp.Op {
		case syntax.AlternateUnset, syntax.AlternateUnsetOrNull: // ${x:+word} shows the word, not x
			return alt.flow
		case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
			if !set && f.text == hole {
				g := alt.flow
				g.taint |= f.taint
				g.names = append(g.names, f.names...)
				return g
			}
			return f
		}
	}
	if p.Length {
		return flow{text: hole}
	}
	if p.Excl {
		if f.known {
			return s.lookup(f.text)
		}
		s.opaque()
		return flow{text: hole}
	}
	if p.Slice != nil && len(f.names) > 0 { // a few letters, to compare
		return flow{text: hole}
	}
	if !f.known || strings.Contains(f.text, hole) {
		s.inside(p)
		return flow{text: hole, taint: f.taint, names: f.names}
	}
	s.inside(p)
	g := f
	g.text = s.literally(p)
	g.known = g.text != hole
	return g
}

// listed says that a parameter is a list: $@, ${name[@]} and ${name[*]}.
func listed(p *syntax.ParamExp) bool {
	if p.Param != nil && p.Param.Value == "@" {
		return true
	}
	w, ok := p.Index.(*syntax.Word)
	return ok && (w.Lit() == "@" || w.Lit() == "*")
}

func plainParam(p *syntax.ParamExp) bool {
	return p.Flags == nil && !p.Excl && !p.Length && !p.Width && !p.IsSet && p.NestedParam == nil && p.Index == nil &&
		len(p.Modifiers) == 0 && p.Slice == nil && p.Repl == nil && p.Names == 0 && p.Exp == nil
}

// literally lets the shell library expand a part that has no commands in it,
// over the constants known here.
func (s *shell) literally(p syntax.WordPart) string {
	env := expand.FuncEnviron(func(name string) string {
		if f := s.lookup(name); f.known && f.taint == 0 {
			return f.text
		}
		return ""
	})
	v, err := expand.Literal(&expand.Config{Env: env}, &syntax.Word{Parts: []syntax.WordPart{&syntax.DblQuoted{Parts: []syntax.WordPart{p}}}})
	if err != nil || len(v) > maxFlow {
		return hole
	}
	return strings.ReplaceAll(v, hole, "")
}

// quoted writes words so that they can be parsed again.
func quoted(ws []word) string {
	var b strings.Builder
	for i, w := range ws {
		if i > 0 {
			b.WriteByte(' ')
		}
		if q, err := syntax.Quote(w.bare(), syntax.LangBash); err == nil {
			b.WriteString(q)
		}
	}
	return b.String()
}
