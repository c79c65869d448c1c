package effect

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

func init() {
	define(echo, nil, "echo")
	define(printf, nil, "printf")
	define(readers, kinds(Read), "cat", "tac", "head", "tail", "less", "more", "most", "nl", "od", "hexdump", "strings", "sort", "uniq", "cut",
		"paste", "join", "fold", "fmt", "pr", "column", "expand", "unexpand", "diff", "cmp", "comm", "sdiff", "colordiff", "bat", "batcat", "view",
		"zcat", "zless", "zmore", "bzcat", "xzcat", "jq", "yq", "dasel", "csvtool", "look", "iconv", "uuencode", "basenc",
		"pygmentize", "highlight", "glow", "gron", "xmllint", "split", "csplit", "shuf", "ul", "hd", "bvi", "nano", "vim", "vi", "ed", "emacs", "pico", "ex", "gzip", "bzip2", "xz", "zstd", "dialog", "whiptail", "run-parts", "eqn", "troff", "nroff", "soelim")
	define(grep, kinds(Read), "grep", "rg", "ag", "ack", "egrep", "fgrep", "zgrep", "findstr", "select-string")
	define(counts, kinds(Read), "wc", "md5sum", "sha1sum", "sha256sum", "sha512sum", "shasum", "cksum", "b2sum")
	define(decoder64, kinds(Read), "base64", "base32", "gbase64")
	define(hexdump, kinds(Read), "xxd")
	define(translate, nil, "tr")
	define(reverse, kinds(Read), "rev")
	define(openssl, kinds(Read), "openssl")
	define(uudecode, kinds(Read), "uudecode", "ascii85", "qp", "unbase64")
	define(printenv, kinds(Read), "printenv")
	define(environmentDump, kinds(Read), "set", "setenv")
	define(readVar, nil, "read", "mapfile", "readarray")
	define(tee, kinds(Write), "tee", "sponge")
	define(sed, kinds(Read), "sed", "gsed")
	define(awk, kinds(Read), "awk", "gawk", "mawk", "nawk")
	define(copies, kinds(Read, Write), "cp", "mv", "install", "rename", "ditto", "ln", "link")
	define(archives, kinds(Read, Write), "tar", "zip", "7z", "7za", "rar", "cpio", "ar", "pax", "bsdtar", "star")
	define(sqlite, kinds(Read), "sqlite3", "sqlite", "sqlcipher")
}

func echo(s *shell, c *call) flow {
	args, escapes := c.args, false
	nl := "\n"
	for len(args) > 0 && len(args[0].text) > 1 && args[0].text[0] == '-' && strings.Trim(args[0].text[1:], "neE") == "" {
		escapes = escapes || strings.Contains(args[0].text, "e")
		if strings.Contains(args[0].text, "n") {
			nl = ""
		}
		args = args[1:]
	}
	f := all(args).join(known(nl))
	if escapes || strings.Contains(f.text, `\x`) || strings.Contains(f.text, `\0`) {
		return unescape(f)
	}
	return f
}

var coded = lazyregexp.New(`(\\x[0-9a-fA-F]{1,2}|\\0?[0-7]{2,3}|\\u[0-9a-fA-F]{4}){2,}`)

// unescape does what echo -e and printf do with backslashes; text spelled in
// numbers is decoded text.
func unescape(f flow) flow {
	if !f.known {
		return f
	}
	v, _, err := expand.Format(&expand.Config{}, strings.ReplaceAll(f.text, "%", "%%"), nil)
	if err != nil {
		return f.blurred()
	}
	if coded.MatchString(f.text) {
		f.taint |= decoded
	}
	f.text = v
	return f
}

func printf(s *shell, c *call) flow {
	args := c.args
	if first(args, 0) == "-v" && len(args) > 2 {
		s.vars[args[1].text] = printed(args[2:])
		return flow{}
	}
	if first(args, 0) == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return known("")
	}
	return printed(args)
}

func printed(args []word) flow {
	f := all(args)
	if !f.known {
		return f
	}
	v, _, err := expand.Format(&expand.Config{}, args[0].text, texts(args[1:]))
	if err != nil || len(v) > maxFlow {
		return f.blurred()
	}
	if coded.MatchString(f.text) {
		f.taint |= decoded
	}
	f.text = v
	return f
}

// files reads the operands of a program that prints what is in them; "" and
// "-" are its input.
func (s *shell) contents(c *call, operands []word) flow {
	if len(operands) == 0 {
		return c.in
	}
	f := known("")
	for _, o := range operands {
		if o.text == "-" || o.text == "/dev/stdin" || o.text == "/dev/fd/0" {
			f = f.join(c.in)
			continue
		}
		f = f.join(s.readFrom(o, c.piece))
	}
	return f
}

// pathValues reads files that stand in flags (--file=x, -f x).
func (s *shell) pathValues(c *call, opts []option) (f flow) {
	for _, o := range opts {
		if o.has && rankOf(clean(o.value.text, s.dir)) != plain {
			f = f.then(s.readFrom(o.value, c.piece))
		}
	}
	return f
}

var readerFlags = grammar{short: "ncdfkstCwpo"}

func readers(s *shell, c *call) flow {
	opts, operands := readerFlags.parse(c.args)
	if c.name == "jq" || c.name == "yq" || c.name == "gron" || c.name == "dasel" {
		opts, operands = grammar{}.parse(c.args)
		if len(operands) > 0 && !strings.ContainsAny(operands[0].text, "/") {
			operands = operands[1:]
		}
	}
	if c.name == "sort" {
		if o, ok := find(opts, "-o"); ok && o.has {
			s.writeTo(o.value.text, c.in.blurred(), false, c.piece)
		}
	}
	editorShell(s, c, operands)
	f := s.contents(c, operands)
	f.taint |= s.pathValues(c, opts).taint
	switch c.name {
	case "cat", "less", "more", "bat", "batcat", "view":
		if len(opts) == 0 {
			return f
		}
	case "cut":
		if o, ok := find(opts, "-f"); ok && o.value.text == "1" { // the names alone
			f.taint &^= shown
		}
	}
	return f.blurred()
}

// editorShell finds shells started from an editor: vim -c ':!sh'.
func editorShell(s *shell, c *call, _ []word) {
	switch c.name {
	case "vim", "vi", "view", "ex", "ed", "nvim", "emacs":
	default:
		return
	}
	for _, f := range strings.Fields(c.in.text + " " + strings.Join(texts(c.args), " ")) {
		if rankOf(clean(f, s.dir)) == machineSecret {
			s.readFrom(lit(f), c.piece)
		}
	}
	for _, a := range c.args {
		if _, cmd, ok := strings.Cut(a.text, "!"); ok {
			s.nested(cmd, flow{})
		} else if strings.Contains(a.text, "py") || strings.Contains(a.text, "lua") {
			s.scanCode(anyLanguage, a.text)
		}
	}
}

// hunts are searches for credentials.
var hunts = lazyregexp.New(`(?i)(passw|passwd|pwd|secret|api.?key|token|credential|private.?key|BEGIN.*KEY|AKIA|aws_)`)

// envHunts are searches of the environment for credentials.
var envHunts = lazyregexp.New(`(?i)(key|auth|cred|cert|pass|secret|token)`)

func grep(s *shell, c *call) flow {
	opts, operands := grammar{short: "efmABCdDgt", long: []string{"--include", "--exclude", "--exclude-dir", "--glob", "--regexp", "--file"}}.parse(c.args)
	pattern := ""
	if e, ok := find(opts, "-e", "--regexp", "-f", "--file"); ok {
		pattern = e.value.text
	} else if len(operands) > 0 {
		pattern, operands = operands[0].text, operands[1:]
	}
	f := s.contents(c, operands)
	hunting := hunts.MatchString(pattern) || strings.Contains(pattern, hole)
	if !hunting && !envHunts.MatchString(pattern) && !has(opts, "-v") && !(pattern == "" || pattern == "." || pattern == ".*" || pattern == "=") {
		f.taint &^= shown
	}
	recursive := has(opts, "-r", "-R", "--recursive") || c.name == "rg" || c.name == "ag" || c.name == "ack"
	for _, o := range operands {
		p := clean(o.text, s.dir)
		if recursive && (secretTree(p) || hunting && (wide(p) || p == "/tmp")) {
			s.danger(CredentialRead, c.piece)
			f.taint |= credential
		}
	}
	if has(opts, "-c", "-q", "-l", "-L", "--count", "--quiet", "--files-with-matches") {
		return flow{text: hole}
	}
	if hunting && f.taint&typed != 0 {
		s.danger(CredentialRead, c.piece)
	}
	f.names = nil
	return f.blurred()
}

func counts(_ *shell, _ *call) flow { return flow{text: hole} }

func decoder64(s *shell, c *call) flow {
	opts, operands := grammar{short: "wiob", long: []string{"--wrap"}}.parse(c.args)
	if o, ok := find(opts, "-i"); ok && o.has {
		if o.value.text != "-" {
			operands = append(operands, o.value)
		}
	}
	f := s.contents(c, operands)
	if !has(opts, "-d", "-D", "--decode") {
		return f.blurred()
	}
	f.taint |= decoded
	text, ok := "", false
	if f.known {
		text, ok = decode64(f.text, c.name == "base32")
	}
	if !ok {
		return f.blurred()
	}
	f.text = text
	return f
}

// decode64 decodes as forgivingly as the tools and languages do together.
func decode64(text string, thirtyTwo bool) (string, bool) {
	text = strings.Join(strings.Fields(text), "")
	if thirtyTwo {
		b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(text, "="))
		return string(b), err == nil
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.DecodeString(text)
	return string(b), err == nil
}

func hexdump(s *shell, c *call) flow {
	opts, operands := grammar{short: "clsgo"}.parse(c.args)
	f := s.contents(c, operands)
	if !has(opts, "-r", "-revert") {
		return f.blurred()
	}
	f.taint |= decoded
	b, err := hex.DecodeString(strings.Join(strings.Fields(f.text), ""))
	if !f.known || err != nil {
		return f.blurred()
	}
	f.text = string(b)
	return f
}

func translate(_ *shell, c *call) flow {
	f := c.in
	opts, operands := grammar{}.parse(c.args)
	if len(operands) != 2 || len(opts) > 0 || !f.known {
		if has(opts, "-d") && len(operands) == 1 && f.known {
			cut := charset(operands[0].text)
			f.text = strings.Map(func(r rune) rune {
				if slices.Contains(cut, r) {
					return -1
				}
				return r
			}, f.text)
			return f
		}
		return f.blurred()
	}
	from, to := charset(operands[0].text), charset(operands[1].text)
	if len(to) == 0 {
		return f.blurred()
	}
	changed := strings.Map(func(r rune) rune {
		i := slices.Index(from, r)
		switch {
		case i < 0:
			return r
		case i < len(to):
			return to[i]
		}
		return to[len(to)-1]
	}, f.text)
	if lettersOf(changed) != lettersOf(f.text) {
		f.taint |= decoded
	}
	f.text = changed
	return f
}

func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, s)
}

// charset reads a set as tr does: ranges, classes and escapes.
func charset(text string) []rune {
	text = strings.NewReplacer("[:lower:]", "a-z", "[:upper:]", "A-Z", "[:digit:]", "0-9", "[:space:]", " \t\n", `\n`, "\n", `\t`, "\t").Replace(text)
	var out []rune
	rs := []rune(text)
	for i := 0; i < len(rs) && len(out) < 1024; i++ {
		if i+2 < len(rs) && rs[i+1] == '-' && rs[i+2] >= rs[i] {
			for r := rs[i]; r <= rs[i+2] && len(out) < 1024; r++ {
				out = append(out, r)
			}
			i += 2
			continue
		}
		out = append(out, rs[i])
	}
	return out
}

func reverse(s *shell, c *call) flow {
	f := s.contents(c, c.args)
	f.taint |= decoded
	if !f.known {
		return f.blurred()
	}
	lines := strings.Split(f.text, "\n")
	for i, l := range lines {
		rs := []rune(l)
		slices.Reverse(rs)
		lines[i] = string(rs)
	}
	f.text = strings.Join(lines, "\n")
	return f
}

func uudecode(s *shell, c *call) flow {
	f := s.contents(c, c.args).blurred()
	f.taint |= decoded
	return f
}

func openssl(s *shell, c *call) flow {
	if len(c.args) == 0 {
		return flow{}
	}
	verb := c.args[0].text
	opts := func(name string) (word, bool) {
		for i, a := range c.args {
			if a.text == name && i+1 < len(c.args) {
				return c.args[i+1], true
			}
		}
		return word{}, false
	}
	switch verb {
	case "s_client", "s_server":
		addr, _ := opts("-connect")
		s.sends(addr.text)
		s.leaks(c.in, c.piece)
		if c.in.taint&shellOut != 0 {
			s.danger(ReverseShell, c.piece)
		}
		return flow{text: hole, taint: peer}
	}
	f := c.in
	if in, ok := opts("-in"); ok {
		f = s.readFrom(in, c.piece)
	}
	args := strings.Join(texts(c.args), " ") + " "
	if strings.Contains(args, " -d ") {
		f.taint |= decoded
		if text, ok := decode64(f.text, false); ok && f.known && (verb == "base64" || verb == "enc" && strings.Contains(args, "-base64") && !strings.Contains(args, "-aes")) {
			f.text = text
		} else {
			f = f.blurred()
		}
	} else {
		f = f.blurred()
	}
	if out, ok := opts("-out"); ok {
		s.writeTo(out.text, f, false, c.piece)
		return flow{}
	}
	return f
}

func printenv(_ *shell, c *call) flow {
	if _, operands := (grammar{}).parse(c.args); len(operands) > 0 {
		for _, o := range operands {
			if secretName.MatchString(o.text) {
				return flow{text: hole, taint: shown, names: []string{o.text}}
			}
		}
		return flow{text: hole}
	}
	return flow{text: hole, taint: shown | credential}
}

func environmentDump(s *shell, c *call) flow {
	if len(c.args) > 0 {
		for i, a := range c.args {
			if a.text == "--" {
				s.params = c.args[i+1:]
				break
			}
		}
		if first(c.args, 0) == "+o" && first(c.args, 1) == "history" {
			s.danger(DisableGuard, c.piece)
		}
		return flow{}
	}
	return flow{text: hole, taint: shown | credential}
}

func readVar(s *shell, c *call) flow {
	_, operands := grammar{short: "dnNptua"}.parse(c.args)
	f := c.in
	for i, a := range c.args {
		if a.text == "-u" && i+1 < len(c.args) {
			f = s.fds[c.args[i+1].text]
		} else if n, ok := strings.CutPrefix(a.text, "-u"); ok && n != "" {
			f = s.fds[n]
		}
	}
	if len(operands) == 0 {
		operands = []word{lit("REPLY")}
	}
	line, _, _ := strings.Cut(f.text, "\n")
	for i, o := range operands {
		v := f
		if v.text, v.known = line, f.known; i < len(operands)-1 {
			v.text, line, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
		if !v.known || v.text == "" && f.taint != 0 {
			v.text, v.known = hole, false
		}
		s.vars[o.text] = v
	}
	return flow{}
}

func tee(s *shell, c *call) flow {
	opts, operands := grammar{}.parse(c.args)
	for _, o := range operands {
		if o.sink != nil {
			continue // delivered with the output
		}
		s.writeTo(o.text, c.in, has(opts, "-a", "--append"), c.piece)
	}
	return c.in
}

func sed(s *shell, c *call) flow {
	opts, operands := grammar{short: "ef", long: []string{"--expression", "--file"}}.parse(c.args)
	script := ""
	if e, ok := find(opts, "-e", "--expression"); ok {
		script = e.value.text
	} else if len(operands) > 0 && !has(opts, "-f", "--file") {
		script, operands = operands[0].text, operands[1:]
	}
	if sedRuns.MatchString(script) {
		s.opaque()
		if cmd := sedRuns.FindStringSubmatch(script); cmd[1] != "" {
			s.nested(cmd[1], flow{})
		}
	}
	inPlace := has(opts, "-i", "--in-place")
	f := known("")
	for _, o := range operands {
		if inPlace {
			if sedSuffix.MatchString(o.text) {
				continue
			}
			s.reads(o.text)
			s.writeTo(o.text, flow{text: hole}, true, c.piece)
			continue
		}
		f = f.join(s.readFrom(o, c.piece))
	}
	if len(operands) == 0 {
		f = c.in
	}
	f = f.blurred()
	f.text = hole
	return f
}

var (
	sedRuns   = lazyregexp.New(`(?:^|[;\d$}/])e\s+(.+)$`)
	sedSuffix = lazyregexp.New(`^(\.[a-z]*)?$`)
)

func awk(s *shell, c *call) flow {
	opts, operands := grammar{short: "Fvf", long: []string{"--assign", "--field-separator", "--file"}}.parse(c.args)
	if !has(opts, "-f", "--file") && len(operands) > 0 {
		s.scanCode(awkLanguage, operands[0].text)
		operands = operands[1:]
	}
	f := s.contents(c, operands).blurred()
	if o, ok := find(opts, "-F"); ok && o.value.text == "=" && strings.Contains(strings.Join(texts(c.args), " "), "print $1") {
		f.taint &^= shown
	}
	f.names = nil
	return f
}

// copies judges cp, mv and install: what was read is now somewhere else.
func copies(s *shell, c *call) flow {
	opts, operands := grammar{short: "tmogSZ", long: []string{"--target-directory", "--mode", "--owner", "--group", "--suffix"}}.parse(c.args)
	target := word{}
	if t, ok := find(opts, "-t", "--target-directory"); ok {
		target = t.value
	} else if len(operands) > 1 {
		target, operands = operands[len(operands)-1], operands[:len(operands)-1]
	} else {
		return flow{}
	}
	link := c.name == "ln" || c.name == "link"
	for _, o := range operands {
		p := clean(o.text, s.dir)
		f := flow{text: hole}
		if !link {
			if f = s.readFrom(o, c.piece); secretTree(p) && has(opts, "-r", "-R", "-a", "--recursive", "--archive") {
				s.danger(CredentialRead, c.piece)
				f.taint |= credential
			}
		} else if rankOf(p) == machineSecret { // a link is another name to read it by
			s.danger(CredentialRead, c.piece)
		}
		if c.name == "mv" || c.name == "rename" {
			s.writes(o.text)
			s.changes(p, flow{text: hole}, c.piece)
			if matches(p, trails) || target.text == "/dev/null" && wide(p) {
				s.danger(DisableGuard, c.piece)
			}
			if wide(p) {
				s.kind(Destroy)
				s.danger(DestructiveWide, c.piece)
			}
			delete(s.files, p)
		}
		s.writeTo(target.text, f, false, c.piece)
		// Into a directory: the file keeps its name.
		if base := p[strings.LastIndexByte(p, '/')+1:]; base != "" && target.text != "/dev/null" && len(s.files) < maxList {
			into := strings.TrimSuffix(clean(target.text, s.dir), "/") + "/" + base
			s.files[into] = f
			s.changes(into, f, c.piece)
		}
	}
	return flow{}
}

func archives(s *shell, c *call) flow {
	s.nestedFlags(c, "--to-command=", "--use-compress-program=", "--checkpoint-action=exec=", "-I")
	args := c.args
	extracting := false
	if len(args) > 0 {
		a := args[0].text
		extracting = c.name == "tar" && !strings.HasPrefix(a, "--") && strings.Contains(a, "x") || slices.ContainsFunc(args, func(w word) bool { return w.text == "-x" || w.text == "--extract" })
	}
	out := flow{text: hole}
	if extracting {
		return flow{}
	}
	out.taint = c.in.taint & credential
	for i, a := range args {
		if i == 0 && !strings.Contains(a.text, "/") || strings.HasPrefix(a.text, "-") {
			continue
		}
		p := clean(a.text, s.dir)
		switch {
		case wide(p): // a backup, as long as it stays here
			out.taint |= credential
		case secretTree(p), rankOf(p) == machineSecret:
			s.reads(a.text)
			s.danger(CredentialRead, c.piece)
			out.taint |= credential
		case rankOf(p) == projectSecret:
			out.taint |= credential
		}
	}
	if out.taint != 0 && len(args) > 1 { // the archive is one of the names
		for _, a := range args {
			if archiveName.MatchString(a.text) {
				s.writeTo(a.text, out, false, c.piece)
			}
		}
	}
	return out
}

var archiveName = lazyregexp.New(`\.(tar|tgz|tbz2?|txz|gz|zip|7z|rar|xz|bz2|zst|cpio)$`)

// nestedFlags judges flags whose value is a command.
func (s *shell) nestedFlags(c *call, flags ...string) {
	for i, a := range c.args {
		for _, f := range flags {
			v, ok := strings.CutPrefix(a.text, f)
			if !ok {
				continue
			}
			if v == "" && i+1 < len(c.args) {
				v = c.args[i+1].text
			}
			s.nested(v, flow{})
		}
	}
}

func sqlite(s *shell, c *call) flow {
	_, operands := grammar{}.parse(c.args)
	f := flow{text: hole}
	for i, o := range operands {
		if i == 0 {
			f = s.readFrom(o, c.piece)
			continue
		}
		if _, cmd, ok := strings.Cut(o.text, ".shell "); ok {
			s.nested(cmd, flow{})
		}
		s.sql(o.text, c.piece)
	}
	s.sql(c.in.text, c.piece)
	return f.blurred()
}

var dropsAll = lazyregexp.New(`(?i)\bdrop\s+(database|schema)\b|\bdropDatabase\s*\(|\bflush(all|db)\b`)
var drops = lazyregexp.New(`(?i)\b(drop\s+table|truncate\s+table|delete\s+from\s+\S+\s*(;|$))`)

// sql judges statements given to a database client.
func (s *shell) sql(text, piece string) {
	if dropsAll.MatchString(text) {
		s.kind(Destroy)
		s.danger(DestructiveWide, piece)
	} else if drops.MatchString(text) {
		s.kind(Destroy)
	}
}
