package effect

import (
	"path"
	"strings"
	"unicode/utf16"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

func init() {
	define(shellProgram, kinds(Execute), "sh", "bash", "dash", "zsh", "ash", "ksh", "mksh", "ksh93", "pdksh", "yash", "rbash", "fish", "csh", "tcsh", "rc", "git-shell", "elvish", "nu", "xonsh")
	define(eval, kinds(Execute), "eval")
	define(source, kinds(Execute), "source", ".")
	for name, l := range codePrograms {
		define(l.run, kinds(Execute), name)
	}
	define(powershell, kinds(Execute), "pwsh", "powershell")
	define(osascript, kinds(Execute), "osascript")
	define(runsFile, kinds(Execute), "go", "java", "dotnet", "mono", "make", "gmake", "ninja", "just", "task")
}

// shellProgram judges sh and its kin: what it is given to run, by -c, by a
// file or on its input.
func shellProgram(s *shell, c *call) flow {
	opts, operands := grammar{short: "oO", long: []string{"--rcfile", "--init-file", "--command"}, stop: true}.parse(c.args)
	for _, o := range []string{"--rcfile", "--init-file"} {
		if f, ok := find(opts, o); ok {
			s.runFile(f.value, c)
		}
	}
	if v, ok := find(opts, "--command"); ok {
		operands = append([]word{v.value}, operands...)
	}
	if has(opts, "-c", "--command") {
		if len(operands) == 0 {
			return flow{}
		}
		params := operands[1:]
		if len(params) > 0 {
			params = params[1:] // $0
		}
		out := s.runText(operands[0], c, params)
		if c.network {
			s.danger(ReverseShell, c.piece)
		}
		return out
	}
	if len(operands) > 0 && !has(opts, "-s") {
		return s.runFile(operands[0], c)
	}
	return s.shellOnInput(c, operands)
}

// shellOnInput judges a shell that reads its commands.
func (s *shell) shellOnInput(c *call, params []word) flow {
	unseen := s.e.Unseen
	s.runs(c.in, c.piece)
	// A shell that is given nothing waits for a person, who types nothing.
	s.e.Unseen = unseen || s.e.Unseen && (c.piped || c.in.taint != 0 || c.network)
	if c.network && !c.in.known {
		s.danger(ReverseShell, c.piece)
	}
	if c.in.known && strings.TrimSpace(c.in.text) != "" {
		return s.nested(c.in.text, flow{}, params...)
	}
	if c.in.known && c.piped {
		return flow{}
	}
	return flow{text: hole, taint: shellOut}
}

// runText judges a word that is a script. What is unknown in it is left out.
func (s *shell) runText(w word, c *call, params []word) flow {
	s.kind(Execute)
	f := w.flow
	f.known = w.whole()
	if !f.known && strings.TrimSpace(w.bare()) == "" {
		s.unseen()
	}
	if strings.TrimSpace(w.bare()) == "" || f.taint&(downloaded|decoded|peer) != 0 {
		s.runs(f, c.piece)
	}
	if !f.known {
		s.opaque()
	}
	return s.nested(w.bare(), c.in, params...)
}

// runFile judges that a file is run as a script.
func (s *shell) runFile(w word, c *call) flow {
	if w.inner != nil {
		s.runs(*w.inner, c.piece)
		if w.inner.known {
			return s.nested(w.inner.text, c.in)
		}
		return flow{}
	}
	if w.text == "-" || strings.HasPrefix(w.text, "/dev/stdin") || strings.HasPrefix(w.text, "/dev/fd/0") || strings.HasPrefix(w.text, "/proc/self/fd/0") {
		return s.shellOnInput(c, nil)
	}
	s.runs(flow{known: true, taint: w.taint}, c.piece)
	s.reads(w.text)
	if stealers.MatchString(w.text) {
		s.danger(CredentialRead, c.piece)
	}
	if f, ok := s.files[clean(w.text, s.dir)]; ok {
		return s.execute(f, c)
	}
	s.opaque()
	s.add(&s.scripts, readable(w.text))
	return flow{text: hole}
}

func eval(s *shell, c *call) flow {
	if len(c.args) == 0 {
		return flow{}
	}
	f := all(c.args)
	w := word{flow: f}
	if !f.known {
		var b strings.Builder
		for i, a := range c.args {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(a.text)
		}
		w.text = b.String()
	}
	return s.runText(w, c, s.params)
}

func source(s *shell, c *call) flow {
	if len(c.args) == 0 {
		return flow{}
	}
	p := clean(c.args[0].text, s.dir)
	if _, known := s.files[p]; !known && c.args[0].inner == nil {
		// Settings of a project or a shell: ordinary, and nothing is shown.
		s.reads(c.args[0].text)
		s.add(&s.scripts, readable(c.args[0].text))
		s.runs(flow{known: true, taint: c.args[0].taint}, c.piece)
		return flow{}
	}
	return s.runFile(c.args[0], c)
}

// codeProgram is an interpreter of a language: how it is given code.
type codeProgram struct {
	lang  language
	eval  []string // flags whose value is code
	short string   // flags with a value that is not code
}

var codePrograms = map[string]codeProgram{
	"python": {pythonLanguage, []string{"-c"}, "WXm"}, "pypy": {pythonLanguage, []string{"-c"}, "WXm"}, "ipython": {pythonLanguage, []string{"-c"}, "m"},
	"perl": {perlLanguage, []string{"-e", "-E"}, "IMmx"}, "ruby": {rubyLanguage, []string{"-e"}, "IrEC"}, "irb": {rubyLanguage, nil, "r"},
	"node": {jsLanguage, []string{"-e", "--eval", "-p", "--print", "-pe"}, "rC"}, "nodejs": {jsLanguage, []string{"-e", "--eval", "-p", "--print"}, "rC"},
	"bun": {jsLanguage, []string{"-e", "--eval", "eval"}, "r"}, "deno": {jsLanguage, []string{"eval", "--eval"}, ""},
	"php": {phpLanguage, []string{"-r", "--run", "-B", "-R"}, "cdzt"}, "lua": {anyLanguage, []string{"-e"}, "l"}, "luajit": {anyLanguage, []string{"-e"}, "l"},
	"tclsh": {anyLanguage, nil, ""}, "expect": {anyLanguage, []string{"-c"}, ""}, "Rscript": {anyLanguage, []string{"-e"}, ""}, "R": {anyLanguage, []string{"-e"}, ""},
	"julia": {anyLanguage, []string{"-e", "-E"}, ""}, "groovy": {anyLanguage, []string{"-e"}, ""}, "jrunscript": {jsLanguage, []string{"-e"}, ""}, "jjs": {jsLanguage, nil, ""},
	"elixir": {anyLanguage, []string{"-e"}, ""}, "erl": {anyLanguage, []string{"-eval"}, ""}, "gdb": {anyLanguage, []string{"-ex"}, "p"}, "ghci": {anyLanguage, nil, ""}, "ocaml": {anyLanguage, nil, ""},
	"scala": {anyLanguage, []string{"-e"}, ""}, "kotlin": {anyLanguage, []string{"-e"}, ""}, "swift": {anyLanguage, []string{"-e"}, ""}, "crystal": {anyLanguage, []string{"eval"}, ""}, "v": {anyLanguage, nil, ""},
}

func (l codeProgram) run(s *shell, c *call) flow {
	s.opaque()
	out := flow{text: hole}
	args := c.args
	for i := 0; i < len(args); i++ {
		t := args[i].text
		if code, next, ok := l.inline(args, i); ok {
			i = next
			s.runs(flow{known: true, taint: code.taint}, c.piece)
			out.taint |= s.scanCode(l.lang, code.text).taint
			s.scanInput(l.lang, c)
			out.taint |= c.in.taint & (credential | shown)
			continue
		}
		switch {
		case t == "-m" && l.lang == pythonLanguage && i+1 < len(args):
			return s.pythonModule(args[i+1:], c)
		case strings.HasPrefix(t, "-") && len(t) > 1:
			if len(t) == 2 && strings.IndexByte(l.short, t[1]) >= 0 {
				i++
			}
		case programs[path.Base(t)].run != nil && strings.Contains(t, "/"): // node …/openclaw.mjs
			return s.invoke(args[i:], c.plumbing, c.piece, c.deep+1)
		case out.taint == 0 && t != "-" && t != "run" && t != "eval":
			s.scriptFile(l.lang, args[i], c)
			return out
		}
	}
	if len(args) == 0 || args[len(args)-1].text == "-" {
		s.runs(c.in, c.piece)
		if c.network {
			s.danger(ReverseShell, c.piece)
		}
		if c.in.known {
			s.scanCode(l.lang, c.in.text)
		}
	}
	return out
}

// inline finds code in the arguments: -c code, -ccode, -Sc code, -e code.
func (l codeProgram) inline(args []word, i int) (code word, next int, ok bool) {
	t := args[i].text
	for _, e := range l.eval {
		switch {
		case t == e && i+1 < len(args):
			return args[i+1], i + 1, true
		case strings.HasPrefix(e, "--") && strings.HasPrefix(t, e+"="):
			w := args[i]
			w.text = t[len(e)+1:]
			return w, i, true
		case len(e) == 2 && len(t) > 2 && t[0] == '-' && t[1] != '-':
			j := strings.IndexByte(t, e[1])
			if j < 1 || strings.Trim(t[1:j], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" || strings.ContainsAny(t[1:j], l.short) {
				continue
			}
			if j == len(t)-1 && i+1 < len(args) {
				return args[i+1], i + 1, true
			}
			w := args[i]
			w.text = t[j+1:]
			return w, i, w.text != ""
		}
	}
	return word{}, i, false
}

// scanInput judges code that is read from a decoder or a download by inline
// code: python -c 'exec(input())'.
func (s *shell) scanInput(_ language, c *call) {
	if c.in.taint&(downloaded|decoded) != 0 && readsAndRuns.MatchString(strings.Join(texts(c.args), " ")) {
		s.runs(c.in, c.piece)
	}
}

func (s *shell) scriptFile(lang language, w word, c *call) {
	if w.inner != nil {
		s.runs(*w.inner, c.piece)
		return
	}
	s.runs(flow{known: true, taint: w.taint}, c.piece)
	s.reads(w.text)
	if stealers.MatchString(w.text) {
		s.danger(CredentialRead, c.piece)
	}
	f, ok := s.files[clean(w.text, s.dir)]
	if !ok {
		s.add(&s.scripts, readable(w.text))
		return
	}
	s.runs(f, c.piece)
	if f.known {
		s.scanCode(lang, f.text)
	}
}

// stealers are programs made to collect the credentials of a machine.
var stealers = lazyregexp.New(`(?i)(^|/)(lazagne|mimipenguin|mimikatz|pypykatz|secretsdump|keychaindump|chainbreaker|firefox_decrypt|hackbrowserdata|swapdigger)(\.(py|sh|rb|bin))?$`)

func (s *shell) pythonModule(args []word, c *call) flow {
	switch args[0].text {
	case "http.server", "SimpleHTTPServer", "pyftpdlib", "uploadserver":
		s.kind(Widen, Send)
	case "pip", "ensurepip":
		s.kind(Send, Write)
	}
	s.command(args[0].text)
	return flow{text: hole, taint: c.in.taint & credential}
}

// powershell judges pwsh -Command and -EncodedCommand.
func powershell(s *shell, c *call) flow {
	s.opaque()
	for i, a := range c.args {
		t := strings.ToLower(a.text)
		if len(t) > 1 && t[0] == '-' && i+1 < len(c.args) && (strings.HasPrefix("-encodedcommand", t) && len(t) > 1 || t == "-ec") {
			s.danger(EncodedExecute, c.piece)
			s.scanCode(powershellLanguage, utf16Text(c.args[i+1].text))
		}
	}
	s.scanCode(powershellLanguage, strings.Join(texts(c.args), " "))
	if len(c.args) == 0 || first(c.args, len(c.args)-1) == "-" {
		s.runs(c.in, c.piece)
	}
	return flow{text: hole}
}

func utf16Text(encoded string) string {
	raw, ok := decode64(encoded, false)
	if !ok || len(raw) > maxFlow {
		return ""
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i]) | uint16(raw[2*i+1])<<8
	}
	return string(utf16.Decode(units))
}

func osascript(s *shell, c *call) flow {
	s.opaque()
	code := strings.Join(texts(c.args), " ")
	if c.in.known {
		code += c.in.text
	}
	s.runs(flow{known: true, taint: c.in.taint}, c.piece)
	s.scanCode(anyLanguage, code)
	if strings.Contains(code, "hidden answer") { // a faked password dialog (T1056.002)
		s.danger(CredentialRead, c.piece)
	}
	return flow{text: hole}
}

// runsFile judges build tools and runners: a file they are given may be a
// download.
func runsFile(s *shell, c *call) flow {
	for _, a := range c.args {
		if f, ok := s.files[clean(a.text, s.dir)]; ok && !strings.HasPrefix(a.text, "-") {
			s.runs(f, c.piece)
			if f.known {
				s.scanCode(anyLanguage, f.text)
			}
		}
	}
	switch verb := first(c.args, 0); {
	case c.name == "go" && (verb == "get" || verb == "install"):
		s.gets(manager{manifest: "go.mod"}, c.args[1:])
	case c.name == "make" || c.name == "gmake":
		s.add(&s.scripts, "Makefile")
	}
	if c.name == "go" && first(c.args, 0) == "run" || c.name == "java" {
		s.opaque()
	}
	return flow{text: hole}
}

// shebang tells a script's language by its first line.
func shebang(text string) language {
	line, _, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(line, "#!") {
		return shellLanguage
	}
	for name, l := range codePrograms {
		if strings.Contains(line, name) {
			return l.lang
		}
	}
	return shellLanguage
}
