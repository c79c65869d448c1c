package effect

import (
	"path"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// wrapper is a program that runs the command in its operands.
type wrapper struct {
	grammar
	skip   int  // operands before the command
	assign bool // NAME=value may stand before the command
	shell  bool // the operands are joined and given to a shell
}

func w(short string, skip int, long ...string) wrapper {
	return wrapper{grammar: grammar{short: short, long: long, stop: true}, skip: skip}
}

var wrappers = map[string]wrapper{
	"sudo":   {grammar{"uUghpCDRTrt", []string{"--user", "--group", "--host", "--prompt", "--chdir"}, true}, 0, true, false},
	"doas":   w("uCa", 0),
	"env":    {grammar{"uSC", []string{"--unset", "--split-string", "--chdir"}, true}, 0, true, false},
	"nohup":  w("", 0),
	"nice":   w("n", 0, "--adjustment"),
	"ionice": w("cnpPu", 0), "chrt": w("pTPD", 1), "taskset": w("", 1), "numactl": w("Nmpi", 0), "cpulimit": w("lp", 0), "prlimit": w("", 0),
	"timeout": w("ks", 1, "--kill-after", "--signal"), "gtimeout": w("ks", 1), "time": w("fo", 0), "stdbuf": w("ioe", 0), "unbuffer": w("", 0),
	"setsid": w("", 0), "setarch": w("", 1), "linux64": w("", 0), "chroot": w("", 1), "unshare": w("SGRw", 0), "nsenter": w("tSGrw", 0), "fakeroot": w("ilsbu", 0), "setpriv": w("", 0), "capsh": w("", 0),
	"command": w("", 0), "builtin": w("", 0), "exec": w("a", 0), "busybox": w("", 0), "toybox": w("", 0), "coproc": w("", 0),
	"strace": w("eopsuaXEIbPO", 0), "ltrace": w("eopsunaFl", 0), "perf": w("e", 1), "valgrind": w("", 0), "proxychains": w("f", 0), "proxychains4": w("f", 0), "torsocks": w("", 0), "torify": w("", 0),
	"rlwrap": w("aCDfHlmpqsSt", 0), "dbus-run-session": w("", 0), "ssh-agent": w("aEPt", 0), "systemd-run": w("pEtuHMGs", 0, "--unit", "--property", "--uid", "--gid", "--description", "--on-calendar", "--on-active"), "systemd-inhibit": w("", 0),
	"caffeinate": w("tw", 0), "xvfb-run": w("snefp", 0), "flock": {grammar{"wE", nil, true}, 1, false, false}, "start-stop-daemon": w("pxnurcgdkNPI", 0, "--pidfile", "--exec", "--name", "--user", "--chuid", "--chdir", "--startas"),
	"watch": {grammar{"nq", []string{"--interval"}, true}, 0, false, true}, "entr": w("", 0), "hyperfine": {grammar{"wrmMpsL", nil, true}, 0, false, true},
	"op": w("", 0), "doppler": w("pc", 0), "dotenv": w("fe", 0), "direnv": w("", 0), "firejail": w("", 0), "bwrap": w("", 0), "aa-exec": w("pn", 0), "sg": {grammar{"c", nil, true}, 1, false, true},
	"catchsegv": w("", 0), "npx": w("pc", 0, "--package", "--call"), "bunx": w("", 0), "uvx": w("p", 0, "--from", "--with", "--python"), "multitime": w("n", 0), "run-one": w("", 0), "chpst": w("ubefntmdoprcA", 0), "softlimit": w("", 0), "setlock": w("", 1), "poetry": w("", 0), "bundle": w("", 0), "uv": w("", 0), "pipenv": w("", 0), "with-contenv": w("", 0), "dumb-init": w("", 0), "tini": w("", 0), "catatonit": w("", 0), "gosu": w("", 1), "su-exec": w("", 1),
}

func init() {
	for name := range wrappers {
		define(wrapped, kinds(Execute), name)
	}
	define(su, kinds(Execute), "su", "runuser")
	define(xargs, kinds(Execute), "xargs", "parallel", "rush")
	define(findProgram, kinds(Read), "find", "fd", "fdfind", "bfs", "gfind")
	define(container, kinds(Execute), "docker", "podman", "nerdctl", "lxc", "kubectl", "oc", "machinectl", "docker-compose")
	define(script, kinds(Execute), "script")
	define(terminals, kinds(Execute), "tmux", "screen", "dtach", "abduco", "zellij")
	define(alias, nil, "alias")
	define(trap, nil, "trap")
	define(which, kinds(Read), "which", "type", "whereis")
	define(cd, nil, "cd", "pushd")
	define(unsetVars, nil, "unset")
	define(asksPassword, nil, "sshpass")
	define(queued, kinds(Widen, Execute), "at", "batch")
}

func wrapped(s *shell, c *call) flow {
	k := wrappers[strings.TrimRight(c.name, "-0123456789.")]
	if k.short == "" && k.long == nil && !k.stop {
		k = wrappers[c.name]
	}
	opts, rest := k.parse(c.args)
	if k.assign {
		for len(rest) > 0 {
			name, value, ok := strings.Cut(rest[0].text, "=")
			if !ok || strings.ContainsAny(name, "/ -") {
				break
			}
			f := rest[0].flow
			f.text = value
			s.vars[name] = f
			s.environment(name, f)
			rest = rest[1:]
		}
	}
	if v, ok := find(opts, "-S", "--split-string"); ok && c.name == "env" {
		return s.nested(v.value.bare()+" "+quoted(rest), c.in)
	}
	if v, ok := find(opts, "-c", "--command"); ok && (c.name == "flock" || c.name == "sg") {
		if v.has {
			return s.nested(v.value.bare(), c.in)
		}
		return s.nested(strings.Join(texts(rest), " "), c.in)
	}
	if c.name == "npx" || c.name == "bunx" || c.name == "uvx" {
		s.kind(Write)
		if v := first(rest, 0); v != "" && !localTools[v] {
			s.kind(Send)
			s.add(&s.installs, v)
		}
		if v, ok := find(opts, "-c", "--call"); ok {
			return s.nested(v.value.bare(), c.in)
		}
	}
	if c.name == "env" && len(rest) == 0 {
		return flow{text: hole, taint: shown | credential}
	}
	switch c.name {
	case "exec":
		if len(rest) == 0 { // redirections that stay
			if c.network || c.in.taint&peer != 0 {
				s.fds["0"], s.fds["1"] = flow{taint: peer}, flow{taint: peer}
			}
			return flow{}
		}
	case "command":
		if has(opts, "-v", "-V") {
			return which(s, &call{args: rest})
		}
	case "poetry", "bundle", "uv", "pipenv", "doppler", "op", "direnv":
		s.kind(Write)
		if verb := first(rest, 0); packageGets[verb] {
			s.gets(manager{manifest: "pyproject.toml"}, rest[1:])
		} else if verb == "publish" {
			s.kind(Send)
		}
		if len(rest) == 0 || rest[0].text != "run" && rest[0].text != "exec" {
			return s.anyProgram(c)
		}
		rest = rest[1:]
	}
	if c.name == "systemd-run" && has(opts, "--on-calendar", "--on-active", "--on-boot", "--on-startup", "--on-unit-active", "--timer-property") {
		s.danger(PersistenceWrite, c.piece)
	}
	if n := min(k.skip, len(rest)); n > 0 {
		rest = rest[n:]
	}
	if len(rest) == 0 {
		if k := c.name; k == "sudo" && has(opts, "-s", "-i") || k == "chroot" || k == "nsenter" || k == "unshare" {
			return s.shellOnInput(c, nil)
		}
		return flow{}
	}
	if k.shell {
		return s.nested(strings.Join(texts(rest), " "), c.in)
	}
	return s.invoke(rest, c.plumbing, c.piece, c.deep+1)
}

func su(s *shell, c *call) flow {
	opts, rest := grammar{short: "cgGs", long: []string{"--command", "--session-command", "--shell", "--user"}}.parse(c.args)
	if cmd, ok := find(opts, "-c", "--command", "--session-command"); ok {
		return s.runText(cmd.value, c, nil)
	}
	if u, ok := find(opts, "-u", "--user"); ok && c.name == "runuser" && u.has {
		return s.invoke(rest, c.plumbing, c.piece, c.deep+1)
	}
	if c.piped {
		return s.shellOnInput(c, nil)
	}
	return flow{}
}

func xargs(s *shell, c *call) flow {
	opts, rest := grammar{short: "aEIiJLlnPsdj", long: []string{"--max-args", "--max-procs", "--delimiter", "--arg-file", "--replace", "--jobs", "--max-lines"}, stop: true}.parse(c.args)
	if len(rest) == 0 {
		if c.name == "xargs" {
			return s.invoke([]word{lit("echo"), {flow: c.in}}, c.plumbing, c.piece, c.deep+1)
		}
		return s.shellOnInput(c, nil) // parallel runs the lines it reads
	}
	item := word{flow: c.in}
	if !c.in.known || item.text == "" {
		item.text = hole
	}
	item.text = strings.TrimSpace(item.text)
	place, replacing := "{}", false
	if o, ok := find(opts, "-I", "-J", "-i", "--replace"); ok {
		replacing = true
		if o.value.text != "" {
			place = o.value.text
		}
	}
	words := make([]word, 0, len(rest)+1)
	put := false
	for i, a := range rest {
		if a.text == ":::" { // parallel: arguments on the command line
			words = append(words, rest[i+1:]...)
			put = true
			break
		}
		if (replacing || c.name != "xargs") && strings.Contains(a.text, place) {
			a.text = strings.ReplaceAll(a.text, place, item.text)
			a.taint |= item.taint
			put = true
		}
		words = append(words, a)
	}
	if !put {
		words = append(words, split(item)...)
	}
	inner := *c.plumbing
	inner.in, inner.piped = flow{taint: c.in.taint & (credential | shown), text: hole}, true
	if c.name == "parallel" {
		return s.nested(strings.Join(texts(words), " "), inner.in)
	}
	return s.invoke(words, &inner, c.piece, c.deep+1)
}

// split makes words of a value, at white space.
func split(w word) []word {
	var out []word
	for i, t := range strings.Fields(w.text) {
		if i == maxBraces {
			break
		}
		out = append(out, word{flow: flow{text: t, known: w.known, taint: w.taint, names: w.names}})
	}
	return out
}

// findProgram judges find: what it runs on what it finds.
func findProgram(s *shell, c *call) flow {
	var roots []word
	names := []word{}
	i := 0
	for ; i < len(c.args) && !strings.HasPrefix(c.args[i].text, "-") && c.args[i].text != "(" && c.args[i].text != "!"; i++ {
		roots = append(roots, c.args[i])
	}
	if len(roots) == 0 {
		roots = []word{lit(".")}
	}
	narrowed := false
	var out flow
	out.text = hole
	for ; i < len(c.args); i++ {
		switch t := c.args[i].text; t {
		case "-name", "-iname", "-path", "-ipath", "-wholename", "-regex", "-iregex":
			if i++; i < len(c.args) {
				names = append(names, c.args[i])
			}
			narrowed = true
		case "-user", "-size", "-mtime", "-mmin", "-newer", "-perm", "-empty", "-atime", "-ctime", "-type", "-maxdepth", "-mindepth", "-group":
			narrowed = narrowed || t != "-type" && t != "-maxdepth" && t != "-mindepth"
		case "-delete":
			s.kind(Destroy)
			for _, r := range roots {
				s.writes(r.text)
				if wide(clean(r.text, s.dir)) && !narrowed {
					s.danger(DestructiveWide, c.piece)
				} else {
					s.gone(r.text, c.piece)
				}
			}
		case "-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch":
			j := i + 1
			for j < len(c.args) && c.args[j].text != ";" && c.args[j].text != "+" {
				j++
			}
			if i+1 < j {
				f := s.onFound(c, c.args[i+1:j], roots, names)
				out.taint |= f.taint
			}
			i = j
		}
	}
	if found := s.sought(roots, names); out.taint == 0 && len(found) > 0 {
		return known(strings.Join(found, "\n") + "\n")
	}
	return out
}

// sought are credential files that a search by these names, from these roots,
// would find.
func (s *shell) sought(roots, names []word) (found []string) {
	for _, r := range roots {
		root := clean(r.text, s.dir)
		if !wide(root) && !secretTree(root) {
			continue
		}
		for _, n := range names {
			for _, t := range machineSecrets {
				parts := strings.Split(t.example, "/")
				for i, part := range parts {
					if ok, err := path.Match(strings.TrimPrefix(n.text, "*/"), part); ok && err == nil && i > 0 && strings.Trim(n.text, "*?.") != "" {
						found = append(found, strings.Join(parts[:i+1], "/"))
					}
				}
			}
		}
	}
	return found
}

// onFound judges the command that find runs, on an example of what it finds.
func (s *shell) onFound(c *call, cmd, roots, names []word) (out flow) {
	examples := s.sought(roots, names)
	for _, r := range roots {
		root := strings.TrimSuffix(r.text, "/")
		for _, n := range names {
			examples = append(examples, root+"/"+hole+strings.TrimPrefix(n.text, "*/"), root+"/"+n.text)
		}
		if len(names) == 0 {
			examples = append(examples, r.text)
		}
	}
	for i, ex := range examples {
		if i == maxRounds {
			break
		}
		words := make([]word, len(cmd))
		for k, a := range cmd {
			a.text = strings.ReplaceAll(a.text, "{}", ex)
			words[k] = a
		}
		inner := *c.plumbing
		out.taint |= s.invoke(words, &inner, c.piece, c.deep+1).taint
	}
	return out
}

// container judges commands run in a container, and what a container is
// given of the host.
func container(s *shell, c *call) flow {
	args := c.args
	s.reaches(c.name, texts(args))
	for i, a := range args {
		v := a.text
		if (v == "-v" || v == "--volume" || v == "--mount") && i+1 < len(args) {
			v = args[i+1].text
		}
		v = strings.TrimPrefix(strings.TrimPrefix(v, "--volume="), "-v")
		src, _, ok := strings.Cut(v, ":")
		if src == "/" && ok || strings.Contains(a.text, "/docker.sock") || a.text == "--privileged" || a.text == "--pid=host" || strings.Contains(a.text, "source=/,") {
			s.kind(Widen)
		}
		if ok && strings.HasPrefix(src, "/") && rankOf(clean(src, s.dir)) == machineSecret {
			s.danger(CredentialRead, c.piece)
		}
	}
	if text := strings.Join(texts(args), " "); printsCluster.MatchString(text) {
		s.danger(CredentialRead, c.piece)
	}
	verb := -1
	for i, a := range args {
		switch a.text {
		case "exec", "run", "shell", "debug":
			verb = i
		case "rm", "rmi", "prune", "delete", "kill", "down":
			s.kind(Destroy)
		}
		if verb >= 0 {
			break
		}
	}
	if verb < 0 {
		return s.anyProgram(c)
	}
	opts := grammar{short: "eulvwpmhcan", long: []string{"--env", "--user", "--workdir", "--name", "--volume", "--network", "--mount", "--entrypoint", "--env-file", "--namespace", "--container", "--publish", "--image"}, stop: true}
	_, rest := opts.parse(args[verb+1:])
	for i, a := range rest {
		if a.text == "--" {
			rest = rest[i:]
			break
		}
	}
	if len(rest) < 2 {
		return flow{text: hole}
	}
	rest = rest[1:]
	if rest[0].text == "--" {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return flow{text: hole}
	}
	// Its files are the container's own.
	dir := s.dir
	defer func() { s.dir = dir }()
	return s.invoke(rest, c.plumbing, c.piece, c.deep+1)
}

// reaches says whether a command of docker, kubectl and their kin goes to another
// machine: a registry, a cluster that is changed.
func (s *shell) reaches(name string, args []string) {
	var verb, of string
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			continue
		}
		if verb != "" {
			of = a
			break
		}
		if verb = a; verb != "run" && verb != "pull" && verb != "create" && verb != "push" {
			break
		}
	}
	switch {
	case name == "kubectl" || name == "oc":
		if verb != "get" && verb != "describe" && verb != "logs" && verb != "top" && verb != "version" && verb != "explain" && verb != "config" {
			s.kind(Send)
		}
	case verb == "pull" || verb == "run" || verb == "create":
		s.kind(Send)
		s.add(&s.installs, of)
	case verb == "push" || verb == "login" || verb == "search":
		s.kind(Send)
	case verb == "build" || verb == "compose" || verb == "up":
		s.kind(Write)
		s.add(&s.scripts, "Dockerfile")
	}
}

// printsCluster are the forms in which kubectl prints what secrets hold.
var printsCluster = lazyregexp.New(`\bget\s+secrets?\b.*(-o\s*|--output[= ])(y|j|g|c)|\bconfig\s+view\b.*--raw`)

func script(s *shell, c *call) flow {
	opts, rest := grammar{short: "cEIOBTom", long: []string{"--command", "--log-out"}}.parse(c.args)
	if cmd, ok := find(opts, "-c", "--command"); ok {
		return s.runText(cmd.value, c, nil)
	}
	if len(rest) > 1 { // BSD: script file command
		return s.invoke(rest[1:], c.plumbing, c.piece, c.deep+1)
	}
	if c.piped {
		return s.shellOnInput(c, nil)
	}
	return flow{}
}

// terminals judges commands typed into or started in a terminal multiplexer.
func terminals(s *shell, c *call) flow {
	_, rest := grammar{short: "tcLSfxFeny", long: []string{"--session"}}.parse(c.args)
	for i, a := range rest {
		if len(strings.Fields(a.text)) > 1 || i > 0 && programs[a.text].run != nil {
			s.nested(strings.Join(texts(rest[i:]), " "), flow{})
			break
		}
	}
	return flow{text: hole}
}

func alias(s *shell, c *call) flow {
	for _, a := range c.args {
		name, body, ok := strings.Cut(a.text, "=")
		if ok && len(s.aliases) < maxList {
			s.aliases[name] = body
			s.nested(body, flow{})
		}
	}
	return flow{}
}

func trap(s *shell, c *call) flow {
	if len(c.args) > 1 {
		s.nested(c.args[0].bare(), flow{})
		for _, a := range c.args[1:] {
			if a.text == "DEBUG" || a.text == "EXIT" || a.text == "0" {
				s.kind(Execute)
			}
		}
	}
	return flow{}
}

// which prints where a program is, which is in its usual place.
func which(_ *shell, c *call) flow {
	_, rest := grammar{}.parse(c.args)
	if len(rest) == 0 || !rest[0].whole() {
		return flow{text: hole}
	}
	return known("/usr/bin/" + path.Base(rest[0].text) + "\n")
}

func cd(s *shell, c *call) flow {
	_, rest := grammar{}.parse(c.args)
	switch {
	case len(rest) == 0:
		s.dir = home
	case rest[0].whole() && rest[0].text != "-":
		t := rest[0].text
		if strings.HasPrefix(t, "/") || strings.HasPrefix(t, "~") || s.dir != "" {
			s.dir = clean(t, s.dir)
		} else {
			s.dir = t // relative to somewhere: still the end of a path
		}
	default:
		s.dir = ""
	}
	return flow{}
}

func unsetVars(s *shell, c *call) flow {
	for _, a := range c.args {
		if a.text == "HISTFILE" {
			s.danger(DisableGuard, c.piece)
		}
		if !strings.HasPrefix(a.text, "-") {
			s.vars[a.text] = known("")
		}
	}
	return flow{}
}

func asksPassword(s *shell, c *call) flow {
	_, rest := grammar{short: "pfdPe", stop: true}.parse(c.args)
	return s.invoke(rest, c.plumbing, c.piece, c.deep+1)
}

// queued judges at and batch, which run what they read, later.
func queued(s *shell, c *call) flow {
	if len(c.args) > 0 && (c.args[0].text == "-l" || c.args[0].text == "-c" || c.args[0].text == "-r" || c.args[0].text == "-d" || c.args[0].text == "-V") {
		return flow{text: hole}
	}
	s.danger(PersistenceWrite, c.piece)
	return s.shellOnInput(c, nil)
}
