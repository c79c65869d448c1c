package effect

import (
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// program is what is known of one command-line program.
type program struct {
	kinds []Kind
	run   func(*shell, *call) flow // nil: its operands are looked at and that is all
}

// versioned are interpreters whose name may end in a version.
var versioned = lazyregexp.New(`^(python|perl|ruby|php|lua|node|nodejs|tclsh|pip|pypy|gcc|clang|java|luajit|busybox|pwsh|bash|ksh|zsh)[-0-9.]+$`)

// judge says what a command does. It returns what the command prints.
func (s *shell) judge(c *call) flow {
	name := strings.TrimSuffix(c.name, ".exe")
	if m := versioned.FindStringSubmatch(name); m != nil {
		name = m[1]
	}
	if strings.HasPrefix(name, "mkfs") {
		name = "mkfs"
	}
	s.aboutGuard(c)
	defer s.showing(c.piece)()
	p, ok := programs[name]
	if !ok {
		return s.anyProgram(c)
	}
	s.kind(p.kinds...)
	if p.run == nil {
		return s.anyProgram(c)
	}
	return p.run(s, c)
}

// anyProgram judges by its operands a program that nobody described.
func (s *shell) anyProgram(c *call) flow {
	out := flow{text: hole, taint: c.in.taint &^ (shown | shellOut)}
	if stealers.MatchString(c.name) {
		s.danger(CredentialRead, c.piece)
	}
	if _, described := programs[c.name]; !described {
		s.quotedCommands(c)
		s.named(c)
	}
	keyFlag := false
	for _, a := range c.args {
		if a.inner != nil {
			out.taint |= a.inner.taint
		}
		t := a.text
		// A key that a program is told to use is not printed by it.
		if strings.HasPrefix(t, "-") {
			_, v, has := strings.Cut(t, "=")
			keyFlag = !has
			if !has || usesKey.MatchString(t) {
				continue
			}
			t = v
		} else if keyFlag {
			keyFlag = false
			continue
		}
		if users[c.name] {
			continue
		}
		t = strings.TrimPrefix(t, "@")
		switch rankOf(clean(t, s.dir)) {
		case machineSecret:
			s.reads(t)
			s.danger(CredentialRead, c.piece)
			out.taint |= credential
		case projectSecret:
			s.reads(t)
			out.taint |= credential
		}
	}
	return out
}

// named judges a program that nobody described by the words of its command, as a
// tool is: stripe refunds create, heroku apps:destroy. One that is called by its path
// is a file that is run.
func (s *shell) named(c *call) {
	if strings.Contains(c.path, "/") && !strings.Contains(c.path, "/bin/") {
		s.add(&s.scripts, c.path)
	}
	var ws []string
	for _, a := range c.args {
		if !commandWord.MatchString(a.text) || len(ws) == 3 {
			break
		}
		ws = append(ws, a.text)
	}
	if len(ws) == 0 {
		return
	}
	var u use
	phrase := u.name(wordsOf(strings.Join(ws, " "), 16))
	u.head = nounsOf(phrase)
	for _, k := range u.kinds(ws) {
		if k == Send || k == Spend || k == Destroy || k == Widen && !u.does(opening) {
			s.kind(k)
		}
	}
	for _, a := range c.args {
		if strings.Contains(a.text, "://") && u.does(telling) {
			s.sends(a.text)
		}
	}
}

// commandWord is a word of a command: "create", "apps:destroy".
var commandWord = lazyregexp.New(`^[a-z][a-z0-9]*([:_-][a-z0-9]+)*$`)

// cargo judges cargo, whose own project it builds and whose packages it gets.
func cargo(s *shell, c *call) flow {
	switch first(c.args, 0) {
	case "add", "install":
		s.gets(manager{manifest: "Cargo.toml"}, c.args[1:])
	case "publish", "login", "yank", "owner":
		s.kind(Send)
	}
	return s.anyProgram(c)
}

// opens judges programs that show an address in a browser, which fetches it.
func opens(s *shell, c *call) flow {
	for _, a := range c.args {
		if strings.Contains(a.text, "://") {
			s.received(a.text, c.piece)
		}
	}
	return s.anyProgram(c)
}

// quotedCommands judges arguments that look like command lines, given to a
// program nobody described: it may be one that runs them.
func (s *shell) quotedCommands(c *call) {
	for _, a := range c.args {
		if !a.quote || !strings.ContainsAny(a.text, "|;&`<>$") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimSpace(a.bare()), " ")
		if p, known := programs[name]; known && p.run != nil {
			before := s.e.ParseError
			s.nested(a.bare(), flow{})
			s.e.ParseError = before
		}
	}
}

// usesKey are flags whose value is a key that the program itself needs.
var usesKey = lazyregexp.New(`(?i)(identity|key|cert|config|credential|env-?file|kubeconfig|password-file|netrc|secret|token)`)

// users are programs that look at credential files without showing what is in
// them.
var users = set("ls", "ll", "stat", "test", "[", "[[", "chmod", "chown", "chgrp", "mkdir", "touch", "ssh-add", "ssh-keygen", "ssh-copy-id",
	"echo", "printf", "kubectl", "helm", "gcloud", "aws", "terraform", "ansible", "ansible-playbook", "du", "file", "readlink", "realpath",
	"basename", "dirname", "which", "whereis", "locate", "export", "rmdir", "chattr", "lsattr", "setfacl", "getfacl", "restorecon", "git", "gh",
	"shasum", "sha256sum", "sha1sum", "md5sum", "sha512sum", "mosh", "ssh", "inotifywait", "fswatch", "lsof", "fuser", "wc", "true", "false", "unset", "man", "tldr", "help")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// programs describes the programs that matter. It is filled by the files that
// know them.
var programs = map[string]program{}

func define(run func(*shell, *call) flow, kinds []Kind, names ...string) {
	for _, n := range names {
		if _, twice := programs[n]; twice {
			panic("effect: the program " + n + " is described twice")
		}
		programs[n] = program{kinds, run}
	}
}

func kinds(ks ...Kind) []Kind { return ks }

func init() {
	define(nil, kinds(Read), "ls", "ll", "stat", "file", "du", "df", "pwd", "whoami", "id", "uname", "top", "free", "uptime", "hostname",
		"date", "readlink", "realpath", "lsof", "ss", "netstat", "dmesg", "last", "who", "w", "lsblk", "ip", "ifconfig", "man", "tree")
	define(nil, kinds(Write), "mkdir", "touch", "patch", "unzip", "bunzip2", "unxz", "gcc", "g++", "cc", "clang", "tsc")
	define(cargo, kinds(Write, Execute), "cargo")
	define(opens, nil, "xdg-open", "open", "x-www-browser", "sensible-browser", "gio", "firefox", "chromium", "google-chrome", "wslview", "start")
	define(nil, kinds(Widen), "useradd", "adduser", "usermod", "groupadd", "passwd", "chpasswd", "visudo", "setcap", "gpasswd", "ssh-copy-id", "ngrok", "cloudflared", "tailscale", "update-alternatives", "newgrp", "depmod", "kextload")
	define(nil, kinds(Destroy), "userdel", "deluser", "groupdel", "rmmod")
	define(nil, kinds(Send), "nmap", "helm", "terraform", "flyctl", "fly", "vercel", "wrangler", "heroku", "twine", "hf", "ollama", "openai", "claude", "codex", "gemini", "wacli", "gog")
}
