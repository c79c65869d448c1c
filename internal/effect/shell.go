package effect

import (
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shell evaluates a script without running it: it follows constants, and
// where bytes come from and go to.
type shell struct {
	*recorder
	depth   int
	src     string
	vars    map[string]flow
	funcs   map[string]*syntax.Stmt
	calling map[string]bool
	aliases map[string]string
	files   map[string]flow // files written so far, by clean path
	fds     map[string]flow // descriptors opened onto something, by number or variable
	params  []word          // $1 …
	dir     string          // "" is the unknown working directory
}

func newShell(r *recorder, depth int) *shell {
	return &shell{
		recorder: r, depth: depth,
		vars: map[string]flow{}, funcs: map[string]*syntax.Stmt{}, calling: map[string]bool{}, aliases: map[string]string{},
		files: map[string]flow{}, fds: map[string]flow{},
	}
}

// top judges a whole command as a tool was given it; what it prints is shown.
func (s *shell) top(command string) {
	s.kind(Execute)
	out := s.script(command, flow{})
	if out.taint&shown != 0 {
		s.danger(CredentialRead, command)
	}
}

// nested judges a script that this one runs, in the same process (eval) or
// another. It knows what this one knows.
func (s *shell) nested(command string, in flow, params ...word) flow {
	if s.depth >= maxNest {
		s.unreadable("the command runs too many shells within shells")
		return flow{}
	}
	src, old := s.src, s.params
	s.depth++
	s.params = params
	defer func() { s.src, s.params = src, old; s.depth-- }()
	return s.script(command, in)
}

func (s *shell) script(command string, in flow) flow {
	stmts, err := parse(command)
	if err != nil {
		s.unreadable(err.Error())
		s.scanCode(anyLanguage, command)
	}
	s.src = command
	return s.stmts(stmts, in)
}

// maxBrackets bounds what could make the parser recurse.
const maxBrackets = 20_000

// parse reads a script as bash. What could be read of a script with an error
// comes with the error.
func parse(command string) ([]*syntax.Stmt, error) {
	brackets := 0
	for _, opener := range []string{"if", "while", "until", "for", "case", "select", "time", "coproc"} {
		brackets += strings.Count(command, opener)
	}
	for i := range len(command) {
		switch command[i] {
		case '(', '{', '`', '[', '!':
			brackets++
		}
	}
	if brackets > maxBrackets || len(command) > maxArgs {
		return nil, fmt.Errorf("the command is nested too deeply to read")
	}
	var stmts []*syntax.Stmt
	for st, err := range syntax.NewParser(syntax.Variant(syntax.LangBash)).StmtsSeq(strings.NewReader(command)) {
		if err != nil {
			return stmts, fmt.Errorf("the shell command does not parse: %w", err)
		}
		stmts = append(stmts, st)
	}
	return stmts, nil
}

func (s *shell) stmts(stmts []*syntax.Stmt, in flow) flow {
	out := known("")
	for _, st := range stmts {
		out = out.join(s.stmt(st, in))
	}
	return out
}

// piece is the source of a node, as evidence.
func (s *shell) piece(n syntax.Node) string {
	from, to := int(n.Pos().Offset()), int(n.End().Offset())
	if from > to || to > len(s.src) {
		return ""
	}
	return s.src[from:to]
}

// plumbing is where a statement's descriptors lead.
type plumbing struct {
	in      flow
	piped   bool     // stdin is redirected or piped
	outs    []output // files that stdout goes to
	errs    []output
	network bool // stdout or stderr goes to a connection
	moved   bool // stdout does not go where the script's does
	sinks   []*sink
}

type output struct {
	path  string
	added bool
}

// sink is the inside of >(command).
type sink struct{ stmts []*syntax.Stmt }

func (s *shell) stmt(st *syntax.Stmt, in flow) flow {
	if st == nil || st.Cmd == nil && len(st.Redirs) == 0 || !s.step() {
		return flow{}
	}
	p := s.redirect(st.Redirs, in, st)
	out := s.run(st.Cmd, p, st)
	if silent(st.Cmd) {
		out = known("")
	}
	return s.deliver(p, out, st)
}

// silent reports whether a command, or the want of one, prints nothing for sure:
// what stands before > to empty a file.
func silent(cmd syntax.Command) bool {
	call, ok := cmd.(*syntax.CallExpr)
	if cmd == nil || !ok {
		return cmd == nil
	}
	return len(call.Args) == 0 || call.Args[0].Lit() == ":" || call.Args[0].Lit() == "true"
}

// deliver hands a statement's output to where its redirections lead.
func (s *shell) deliver(p *plumbing, out flow, st *syntax.Stmt) flow {
	for _, o := range p.outs {
		s.writeTo(o.path, out, o.added, s.piece(st))
	}
	for _, o := range p.errs {
		s.writeTo(o.path, flow{}, o.added, s.piece(st))
	}
	for _, k := range p.sinks {
		s.stmts(k.stmts, out)
	}
	if p.network {
		s.leaks(out, s.piece(st))
		if out.taint&shellOut != 0 {
			s.danger(ReverseShell, s.piece(st))
		}
	}
	if p.moved {
		return flow{}
	}
	return out
}

func (s *shell) redirect(redirs []*syntax.Redirect, in flow, st *syntax.Stmt) *plumbing {
	p := &plumbing{in: in, piped: in.known || in.taint != 0 || in.text != ""}
	for _, r := range redirs {
		s.redirectOne(p, r, st)
	}
	return p
}

func (s *shell) redirectOne(p *plumbing, r *syntax.Redirect, st *syntax.Stmt) {
	fd := ""
	if r.N != nil {
		fd = strings.Trim(r.N.Value, "{}")
	}
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		p.in, p.piped = s.document(r.Hdoc), true
		return
	case syntax.WordHdoc:
		w := s.single(r.Word)
		p.in, p.piped = w.flow, true
		p.in.known = w.whole()
		return
	}
	w := s.single(r.Word)
	if conn, ok := s.connection(w); ok {
		s.connected(p, r, fd, conn)
		return
	}
	switch r.Op {
	case syntax.RdrIn, syntax.RdrInOut:
		f := s.readFrom(w, s.piece(st))
		if fd == "" || fd == "0" {
			p.in, p.piped = f, true
		} else {
			s.fds[fd] = f
		}
		if r.Op == syntax.RdrInOut && fd != "" && fd != "0" {
			p.errs = append(p.errs, output{w.text, true})
		}
	case syntax.DplIn:
		if f, ok := s.fds[w.text]; ok {
			p.in, p.piped = f, true
		} else if w.taint&peer != 0 {
			p.in, p.piped = w.flow, true
		}
	case syntax.DplOut:
		if f, ok := s.fds[w.text]; ok && f.taint&peer != 0 || w.taint&peer != 0 {
			p.network = true
			p.moved = p.moved || fd == "" || fd == "1"
		} else if w.text == "2" && (fd == "" || fd == "1") {
			return
		} else if strings.Trim(w.text, "0123456789-") != "" && fd == "" {
			s.toFile(p, w, "", false) // >&file
		}
	case syntax.RdrAll, syntax.AppAll, syntax.RdrOut, syntax.AppOut, syntax.RdrClob:
		s.toFile(p, w, fd, r.Op == syntax.AppOut || r.Op == syntax.AppAll)
	}
}

func (s *shell) toFile(p *plumbing, w word, fd string, added bool) {
	if w.sink != nil {
		p.sinks = append(p.sinks, w.sink)
		p.moved = true
		return
	}
	o := output{w.text, added}
	if fd != "" && fd != "1" {
		p.errs = append(p.errs, o)
		return
	}
	if t := w.text; t != "/dev/stdout" && t != "/dev/tty" && t != "/dev/stderr" {
		p.moved = true
	}
	p.outs = append(p.outs, o)
}

// connection says that a redirection's word is bash's name for a network
// connection.
func (s *shell) connection(w word) (flow, bool) {
	for _, dev := range []string{"/dev/tcp/", "/dev/udp/"} {
		if rest, ok := strings.CutPrefix(w.text, dev); ok {
			host, port, _ := strings.Cut(rest, "/")
			s.sends(host + ":" + port)
			return flow{taint: peer}, true
		}
	}
	return flow{}, false
}

func (s *shell) connected(p *plumbing, r *syntax.Redirect, fd string, conn flow) {
	s.kind(Send)
	switch r.Op {
	case syntax.RdrIn:
		if fd == "" || fd == "0" {
			p.in, p.piped = conn, true
		}
	case syntax.RdrInOut:
		if fd == "" || fd == "0" {
			p.in, p.piped = conn, true
		}
	default:
		p.network = true
		p.moved = p.moved || fd == "" || fd == "1"
	}
	if fd != "" && fd != "0" && fd != "1" && fd != "2" {
		s.fds[fd] = conn
	}
}

func (s *shell) document(w *syntax.Word) flow {
	if w == nil {
		return known("")
	}
	d := s.single(w)
	f := d.flow
	f.known = d.whole()
	return f
}

// run evaluates a command with its plumbing done and returns its output.
func (s *shell) run(cmd syntax.Command, p *plumbing, st *syntax.Stmt) flow {
	switch c := cmd.(type) {
	case nil:
		return flow{}
	case *syntax.CallExpr:
		return s.callExpr(c, p, st)
	case *syntax.BinaryCmd:
		if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
			defer s.within(s.piece(c))()
			left := s.stmt(c.X, p.in)
			left.text = strings.Clone(left.text)
			return s.piped(c.Y, left)
		}
		left := s.stmt(c.X, p.in)
		right := s.stmt(c.Y, p.in)
		if c.Op == syntax.OrStmt && left.known && left.text != "" {
			return left // what printed something succeeded
		}
		return left.join(right)
	case *syntax.Subshell:
		dir := s.dir
		out := s.stmts(c.Stmts, p.in)
		s.dir = dir
		return out
	case *syntax.Block:
		return s.stmts(c.Stmts, p.in)
	case *syntax.IfClause:
		out := flow{}
		for i := c; i != nil; i = i.Else {
			out = out.join(s.stmts(i.Cond, p.in)).join(s.stmts(i.Then, p.in))
		}
		return out
	case *syntax.WhileClause:
		return s.stmts(c.Cond, p.in).blurred().join(s.stmts(c.Do, p.in))
	case *syntax.ForClause:
		return s.forClause(c, p)
	case *syntax.CaseClause:
		s.single(c.Word)
		out := flow{}
		for _, i := range c.Items {
			out = out.join(s.stmts(i.Stmts, p.in))
		}
		return out
	case *syntax.FuncDecl:
		s.funcDecl(c, st)
		return flow{}
	case *syntax.DeclClause:
		return s.declare(c, st)
	case *syntax.TimeClause:
		return s.stmt(c.Stmt, p.in)
	case *syntax.CoprocClause:
		return s.stmt(c.Stmt, p.in)
	default:
		s.inside(cmd)
		return flow{}
	}
}

// piped runs a statement with a pipe as its input. A pipe that delivers
// nothing known is still a pipe.
func (s *shell) piped(st *syntax.Stmt, in flow) flow {
	if !in.known && in.taint == 0 && in.text == "" {
		in.text = hole
	}
	return s.stmt(st, in)
}

// inside runs the command substitutions within tests and arithmetic.
func (s *shell) inside(n syntax.Node) {
	for n := range syntax.Preorder(n) {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			s.stmts(n.Stmts, flow{})
			return
		case *syntax.ProcSubst:
			s.stmts(n.Stmts, flow{})
			return
		}
	}
}

// maxRounds bounds the rounds of a loop that are followed one by one.
const maxRounds = 8

func (s *shell) forClause(c *syntax.ForClause, p *plumbing) flow {
	it, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		s.inside(c.Loop)
		return s.stmts(c.Do, p.in).blurred()
	}
	items := s.fields(it.Items)
	if !it.InPos.IsValid() {
		items = s.params
	}
	out := flow{}
	for i, w := range items {
		if i == maxRounds {
			w = word{flow: flow{text: hole, taint: all(items).taint}}
		}
		s.vars[it.Name.Value] = w.flow
		out = out.join(s.stmts(c.Do, p.in))
		if i == maxRounds {
			break
		}
	}
	if len(items) == 0 {
		out = s.stmts(c.Do, p.in)
	}
	return out.blurred()
}

func (s *shell) funcDecl(c *syntax.FuncDecl, st *syntax.Stmt) {
	if c.Name == nil {
		return
	}
	name := c.Name.Value
	s.funcs[name] = c.Body
	if bomb(c) {
		s.danger(DestructiveWide, s.piece(st))
		return
	}
	s.callFunc(name, nil, flow{})
}

// bomb says that a function pipes itself into itself.
func bomb(c *syntax.FuncDecl) bool {
	for n := range syntax.Preorder(c.Body) {
		if b, ok := n.(*syntax.BinaryCmd); ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) &&
			calls(b.X, c.Name.Value) && calls(b.Y, c.Name.Value) {
			return true
		}
	}
	return false
}

func calls(st *syntax.Stmt, name string) bool {
	c, ok := st.Cmd.(*syntax.CallExpr)
	return ok && len(c.Args) > 0 && c.Args[0].Lit() == name
}

func (s *shell) callFunc(name string, params []word, in flow) flow {
	if s.calling[name] || s.depth >= maxNest {
		return flow{}
	}
	old := s.params
	s.calling[name] = true
	s.depth++
	s.params = params
	defer func() { s.calling[name] = false; s.params = old; s.depth-- }()
	return s.stmt(s.funcs[name], in)
}

func (s *shell) assign(as *syntax.Assign) {
	if as.Name == nil {
		return
	}
	if as.Index != nil {
		s.inside(as.Index)
	}
	f := known("")
	switch {
	case as.Value != nil:
		w := s.single(as.Value)
		f = w.flow
		f.known = w.whole()
	case as.Array != nil:
		var ws []*syntax.Word
		for _, e := range as.Array.Elems {
			if e.Value != nil {
				ws = append(ws, e.Value)
			}
		}
		f = all(s.fields(ws)) // a list of plain words; ${name[0]} is taken for all of it
	case as.Naked:
		return
	}
	if as.Append {
		f = s.vars[as.Name.Value].join(f)
	}
	if !f.known && f.text == "" {
		f.text = hole
	}
	s.vars[as.Name.Value] = f
	s.environment(as.Name.Value, f)
}

// environment judges variables that make programs run code or forget.
func (s *shell) environment(name string, f flow) {
	switch name {
	case "HISTFILE", "HISTSIZE", "HISTFILESIZE", "HISTCONTROL", "HISTIGNORE":
		if f.text == "/dev/null" || f.text == "0" || f.text == "" {
			s.danger(DisableGuard, name+" hides the shell history")
		}
	case "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "BASH_ENV", "ENV", "PROMPT_COMMAND", "PYTHONSTARTUP", "NODE_OPTIONS", "PERL5OPT", "GIT_SSH_COMMAND", "PAGER", "EDITOR":
		if f.text != "" {
			s.kind(Execute)
		}
	}
}

func (s *shell) declare(c *syntax.DeclClause, st *syntax.Stmt) flow {
	names := 0
	for _, a := range c.Args {
		if a.Name != nil {
			names++
			s.assign(a)
		} else if a.Value != nil {
			if w := s.single(a.Value); !strings.HasPrefix(w.text, "-") {
				names++
			}
		}
	}
	s.command(c.Variant.Value)
	if names == 0 && c.Variant.Value != "local" && !strings.HasPrefix(flagsOf(c), "-f") && !strings.HasPrefix(flagsOf(c), "-F") {
		s.kind(Read)
		return flow{taint: shown | credential}
	}
	return flow{}
}

func flagsOf(c *syntax.DeclClause) string {
	for _, a := range c.Args {
		if a.Name == nil && a.Value != nil {
			return a.Value.Lit()
		}
	}
	return ""
}

// call is one simple command, expanded.
type call struct {
	*plumbing
	name  string // the program's name without its folder
	path  string // as called
	args  []word
	piece string // its source
	deep  int    // wrappers around it
}

func (s *shell) callExpr(c *syntax.CallExpr, p *plumbing, st *syntax.Stmt) flow {
	if len(c.Args) == 0 {
		for _, a := range c.Assigns {
			s.assign(a)
		}
		return flow{}
	}
	// Assignments before a command hold for it alone; keeping them is lenient
	// towards the evidence.
	for _, a := range c.Assigns {
		s.assign(a)
	}
	words := s.fields(c.Args)
	for _, w := range words {
		if w.sink != nil {
			p.sinks = append(p.sinks, w.sink)
		}
	}
	return s.invoke(words, p, s.piece(st), 0)
}

// invoke judges a command that is already expanded to words.
func (s *shell) invoke(words []word, p *plumbing, piece string, deep int) flow {
	for len(words) > 0 && words[0].text == "" && !words[0].quote {
		words = words[1:]
	}
	if len(words) == 0 || !s.step() {
		return flow{}
	}
	if deep > maxNest {
		s.unreadable("the command is wrapped in too many others")
		return flow{}
	}
	head := words[0]
	c := &call{plumbing: p, args: words[1:], piece: piece, deep: deep}
	c.path, c.name = s.program(head)
	s.kind(Execute)
	if head.taint&peer != 0 {
		s.danger(ReverseShell, piece)
	}
	if head.taint&downloaded != 0 {
		s.danger(DownloadExecute, piece)
	}
	if head.taint&decoded != 0 {
		s.danger(EncodedExecute, piece)
	}
	if body, ok := s.aliases[c.name]; ok && s.depth < maxNest {
		delete(s.aliases, c.name)
		out := s.nested(body+" "+quoted(c.args), p.in)
		s.aliases[c.name] = body
		return out
	}
	if s.funcs[c.name] != nil && !strings.Contains(c.path, "/") {
		return s.callFunc(c.name, c.args, p.in)
	}
	if strings.Contains(c.path, "/") {
		if f, ok := s.files[clean(c.path, s.dir)]; ok {
			return s.execute(f, c)
		}
	}
	if c.name == "" {
		s.unseen()
		s.shows(Execute, c.piece)
		return flow{taint: p.in.taint}
	}
	s.command(c.name)
	return s.judge(c)
}

// program finds a program's path and name. A name with unknown pieces is
// tried without them; a glob is tried against the programs that matter.
func (s *shell) program(head word) (full, name string) {
	full = head.bare()
	if !head.whole() {
		s.opaque()
	}
	name = path.Base(full)
	if full == "" {
		return full, ""
	}
	if strings.ContainsAny(name, "*?[") && !head.quote {
		s.opaque()
		for _, p := range globTargets {
			if ok, _ := path.Match(name, p); ok {
				return full, p
			}
		}
	}
	return full, name
}

// globTargets are the programs a globbed name (/???/b??h) is taken for.
var globTargets = []string{
	"sh", "bash", "dash", "zsh", "curl", "wget", "nc", "ncat", "socat", "cat", "head", "tail", "base64", "xxd", "rm", "dd",
	"python", "python3", "perl", "ruby", "php", "node", "cp", "mv", "tar", "ssh", "scp", "chmod", "crontab", "systemctl", "kill", "pkill", "less", "more", "nl", "od", "sed", "awk", "grep",
}

// execute judges a file's content that is run.
func (s *shell) execute(f flow, c *call) flow {
	s.runs(f, c.piece)
	if f.known && f.text != "" {
		if lang := shebang(f.text); lang != shellLanguage {
			s.scanCode(lang, f.text)
			return flow{}
		}
		return s.nested(f.text, c.in, c.args...)
	}
	return flow{}
}

// runs notes what it means that bytes of this origin are run.
func (s *shell) runs(f flow, piece string) {
	s.kind(Execute)
	if f.taint&downloaded != 0 {
		s.danger(DownloadExecute, piece)
	}
	if f.taint&peer != 0 {
		s.danger(ReverseShell, piece)
	}
	if f.taint&decoded != 0 {
		s.danger(EncodedExecute, piece)
	}
	if !f.known {
		s.unseen()
		s.shows(Execute, piece)
	}
}

// readFrom is the content of a file that is read.
func (s *shell) readFrom(w word, piece string) flow {
	if w.inner != nil {
		return *w.inner
	}
	p := clean(w.text, s.dir)
	if w.text == "/dev/null" {
		return known("")
	}
	s.reads(w.text)
	f, ok := s.files[p]
	if !ok {
		f = flow{text: hole}
	}
	switch rankOf(p) {
	case machineSecret:
		s.danger(CredentialRead, piece)
		f.taint |= credential
	case projectSecret:
		f.taint |= credential
	}
	if trails[1].re.MatchString(p) {
		f.taint |= typed
	}
	if guardProcess.MatchString(p) {
		f.taint |= guardPID // its process id, if anything
	}
	f.taint |= w.taint & peer
	return f
}

// writeTo gives a file a content.
func (s *shell) writeTo(target string, f flow, added bool, piece string) {
	p := clean(target, s.dir)
	switch target {
	case "/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "-", "/dev/zero", "/dev/full":
		return
	}
	s.writes(target)
	s.changes(p, f, piece)
	if !added && matches(p, trails) {
		s.danger(DisableGuard, piece)
	}
	if devices.MatchString(p) {
		s.kind(Destroy)
		s.danger(DestructiveWide, piece)
	}
	if p == "" {
		return
	}
	if !added && f.known && f.text == "" {
		s.kind(Destroy) // what the file held is gone; one that is new costs nothing
	}
	if added {
		f = s.files[p].join(f)
	}
	if len(s.files) < maxList {
		s.files[p] = f
	}
}

// changes judges that a file gets a content, or goes away.
func (s *shell) changes(p string, f flow, piece string) {
	if matches(p, guardFiles) {
		s.kind(Guard)
		s.danger(DisableGuard, piece)
	}
	if matches(p, persistence) && !onlySettings(p, f) || matches(p, sources) {
		s.kind(Widen)
		s.danger(PersistenceWrite, piece)
	}
	if shapesAgent(p) {
		s.kind(Widen)
	}
}

// leaks judges that bytes leave the machine.
func (s *shell) leaks(f flow, piece string) {
	s.kind(Send)
	if f.taint&(credential|shown) != 0 || len(f.names) > 0 {
		s.danger(CredentialSend, piece)
	}
}
