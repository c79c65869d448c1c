package effect

import (
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

func init() {
	define(remove, kinds(Write), "rm", "unlink", "srm", "rmdir", "trash", "trash-put", "wipe", "scrub")
	define(shred, kinds(Write, Destroy), "shred", "wipefs", "blkdiscard", "sgdisk", "hdparm", "badblocks", "cryptsetup", "sfdisk", "mkswap", "nwipe")
	define(mkfs, kinds(Write, Destroy), "mkfs", "mke2fs", "newfs", "mkntfs", "pvcreate", "zpool", "diskutil")
	define(dd, kinds(Read, Write), "dd", "dcfldd", "dc3dd")
	define(truncate, kinds(Write), "truncate", "fallocate")
	define(modes, kinds(Write), "chmod", "chown", "chgrp", "chattr", "setfacl")
	define(services, kinds(Write), "systemctl", "service", "rc-service", "rc-update", "initctl", "launchctl", "update-rc.d", "chkconfig", "invoke-rc.d", "sv", "esxcli", "sysrc")
	define(kill, kinds(Execute), "kill", "pkill", "killall", "skill", "xkill")
	define(pgrep, kinds(Read), "pgrep", "pidof", "ps")
	define(firewall, kinds(Widen), "iptables", "ip6tables", "iptables-legacy", "iptables-nft", "nft", "ufw", "firewall-cmd", "setenforce", "auditctl", "aa-disable", "aa-teardown", "aa-complain", "apparmor_parser", "ebtables", "pfctl", "ipfw", "semodule", "spctl", "csrutil", "nvram", "mdatp", "fail2ban-client", "setsebool", "semanage", "augenrules")
	define(crontab, kinds(Read), "crontab")
	define(history, kinds(Read), "history", "fc")
	define(clients, kinds(Read, Write), "mysql", "mariadb", "psql", "mongo", "mongosh", "redis-cli", "clickhouse-client", "cqlsh", "sqlcmd", "dropdb", "mysqladmin", "influx", "cockroach")
	define(keychain, kinds(Read), "security", "secret-tool", "pass", "gopass", "kwallet-query", "gpg", "gpg2", "unshadow", "vault", "bw")
	define(tracer, kinds(Read), "gcore", "procdump", "memdump", "mimipenguin", "lazagne")
	define(loads, kinds(Widen, Execute), "ld.so", "insmod", "modprobe")
	define(sysctl, kinds(Write), "sysctl")
	define(openclawCLI, kinds(Execute), "openclaw", "clawdbot", "moltbot", "openclaw.mjs")
	define(seawallCLI, kinds(Read), "seawall")
	define(shutdown, kinds(Destroy), "shutdown", "reboot", "halt", "poweroff", "init", "telinit")
	define(journal, kinds(Read), "journalctl", "wevtutil", "ausearch", "log", "logrotate", "utmpdump")
	define(plist, kinds(Write), "defaults", "plutil", "PlistBuddy", "SetFile")
}

// regenerated are folders and files that a build or an install makes again.
var regenerated = lazyregexp.New(`(^|/)(node_modules|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.next|\.nuxt|\.turbo|\.parcel-cache|\.tox|\.venv|venv|dist|build|target|coverage|\.cache)(/[^.][^/]*)*/?$|\.(pyc|pyo|o|tsbuildinfo)$`)

// gone judges that a file is deleted, by its name as written.
func (s *shell) gone(written, piece string) {
	if !regenerated.MatchString(written) {
		s.kind(Destroy)
	}
	s.vague = s.vague || strings.Contains(written, hole)
	s.add(&s.deletes, readable(written))
	p := clean(strings.Replace(written, "~", home, 1), s.dir)
	if matches(p, guardFiles) || matches(p+"/x", guardFiles[:1]) {
		s.kind(Guard)
		s.danger(DisableGuard, piece)
	}
	if matches(p, trails) {
		s.danger(DisableGuard, piece)
	}
	if devices.MatchString(p) {
		s.danger(DestructiveWide, piece)
	}
}

func remove(s *shell, c *call) flow {
	opts, operands := grammar{}.parse(c.args)
	deep := has(opts, "-r", "-R", "--recursive") || c.name == "wipe" || c.name == "srm"
	if has(opts, "--no-preserve-root") {
		s.danger(DestructiveWide, c.piece)
	}
	for _, o := range operands {
		p := clean(o.text, s.dir)
		s.writes(o.text)
		s.gone(o.text, c.piece)
		delete(s.files, p)
		if !o.whole() && strings.Trim(o.bare(), "/*.") == "" {
			continue // "$dir/": what is meant is not known, and the variable will be set
		}
		if deep && (wide(p) || o.text == "*" && wide(s.dir)) {
			s.danger(DestructiveWide, c.piece)
		}
	}
	return flow{}
}

func shred(s *shell, c *call) flow {
	reads := c.name == "hdparm" || c.name == "cryptsetup" || c.name == "sgdisk" || c.name == "sfdisk" || c.name == "badblocks"
	text := strings.Join(texts(c.args), " ")
	if reads && !diskVerb.MatchString(" "+text+" ") {
		return flow{text: hole}
	}
	opts, operands := grammar{short: "nsot"}.parse(c.args)
	if c.name == "wipefs" && !has(opts, "-a", "--all", "-o") {
		return flow{text: hole}
	}
	for _, o := range operands {
		p := clean(o.text, s.dir)
		s.writes(o.text)
		s.gone(o.text, c.piece)
		if wide(p) {
			s.danger(DestructiveWide, c.piece)
		}
	}
	return flow{}
}

var diskVerb = lazyregexp.New(`\s(luksErase|luksFormat|erase|--zap-all|-Z|-z|--security-erase\S*|--trim-sector\S*|-w|--delete)\s`)

func mkfs(s *shell, c *call) flow {
	text := strings.Join(texts(c.args), " ")
	if (c.name == "zpool" || c.name == "diskutil") && !strings.Contains(text, "destroy") && !strings.Contains(text, "erase") && !strings.Contains(text, "create ") {
		return flow{text: hole}
	}
	for _, a := range c.args {
		if p := clean(a.text, s.dir); devices.MatchString(p) && !strings.HasPrefix(p, "/dev/loop") {
			s.writes(a.text)
			s.danger(DestructiveWide, c.piece)
		}
	}
	return flow{}
}

func dd(s *shell, c *call) flow {
	in, out := c.in, ""
	for _, a := range c.args {
		if v, ok := strings.CutPrefix(a.text, "if="); ok {
			w := a
			w.text = v
			in = s.readFrom(w, c.piece)
		} else if v, ok := strings.CutPrefix(a.text, "of="); ok {
			out = v
		}
	}
	if out == "" {
		return in
	}
	s.writeTo(out, in, false, c.piece)
	if rest, ok := strings.CutPrefix(out, "/dev/tcp/"); ok {
		s.sends(rest)
		s.leaks(in, c.piece)
	}
	return flow{}
}

func truncate(s *shell, c *call) flow {
	_, operands := grammar{short: "srlo", long: []string{"--size", "--reference"}}.parse(c.args)
	for _, o := range operands {
		s.writes(o.text)
		s.gone(o.text, c.piece)
	}
	return flow{}
}

func modes(s *shell, c *call) flow {
	opts, operands := grammar{}.parse(c.args)
	if len(operands) == 0 {
		return flow{}
	}
	mode := operands[0].text
	if c.name == "chmod" && (strings.Contains(mode, "s") && strings.Contains(mode, "+") || len(mode) == 4 && strings.IndexByte("2467", mode[0]) >= 0) {
		s.kind(Widen)
	}
	for _, o := range operands[1:] {
		p := clean(o.text, s.dir)
		s.writes(o.text)
		if has(opts, "-R", "--recursive") && wide(p) && p != "/opt" && p != "/srv" {
			s.danger(DestructiveWide, c.piece)
		}
		if matches(p, guardFiles) && (strings.Contains(p, "seawall") || !tightens(c.name, mode)) {
			s.kind(Guard)
			s.danger(DisableGuard, c.piece)
		}
		if rankOf(p) == machineSecret && c.name == "chmod" && len(mode) >= 3 && strings.IndexByte("4567", mode[len(mode)-1]) >= 0 {
			s.kind(Widen)
			s.danger(CredentialRead, c.piece)
		}
	}
	if c.name == "chattr" && strings.HasPrefix(mode, "-i") || first(c.args, 0) == "-i" {
		s.kind(Widen)
	}
	return flow{}
}

// tightens says that a mode takes rights away from everybody else.
func tightens(program, mode string) bool {
	return program == "chmod" && (strings.HasSuffix(mode, "00") || strings.HasPrefix(mode, "go-") || strings.HasPrefix(mode, "o-") || strings.HasPrefix(mode, "go="))
}

// guardServices are services that guard a machine.
var guardServices = lazyregexp.New(`(?i)^(com\.)?\S*(seawall|auditd|apparmor|selinux|ufw|firewalld|nftables|iptables|fail2ban|falcon|crowdstrike|wazuh|ossec|sysmon|carbonblack|cbagent|cbdaemon|defender|mdatp|clamav|osquery|rsyslog|syslog|journald|littlesnitch|aide|tripwire|openbsm|litmus|santa)\S*(\.service|\.socket|\.timer|\.plist)?$`)

var stops = set("stop", "disable", "mask", "kill", "revert", "edit", "unload", "bootout", "remove", "off", "del", "delete", "reset", "isolate", "freeze", "clean", "disable-now", "force-stop")

func services(s *shell, c *call) flow {
	_, operands := grammar{short: "tpHMsn"}.parse(c.args)
	words := texts(operands)
	verbs := slices.ContainsFunc(words, func(w string) bool { return stops[w] })
	named := slices.ContainsFunc(words, func(w string) bool { return guardServices.MatchString(w) })
	if verbs {
		s.kind(Destroy)
	}
	if verbs && named {
		s.kind(Guard)
		s.danger(DisableGuard, c.piece)
	}
	if slices.Contains(words, "enable") || slices.Contains(words, "load") || slices.Contains(words, "bootstrap") || slices.Contains(words, "link") {
		s.kind(Widen)
		for _, o := range operands { // a unit file of one's own
			if strings.Contains(o.text, "/") {
				s.danger(PersistenceWrite, c.piece)
			}
		}
	}
	if len(words) > 0 && slices.Contains([]string{"show-environment"}, words[0]) {
		return flow{text: hole, taint: shown | credential}
	}
	return flow{text: hole}
}

// guardProcess is what a guard's process is called.
var guardProcess = lazyregexp.New(`(?i)(seawall|^(auditd|fail2ban-server|fail2ban|falco|wazuh\S*|ossec\S*|falcon-sensor|osqueryd|rsyslogd|syslogd)$)`)

func kill(s *shell, c *call) flow {
	for _, a := range c.args {
		if a.taint&guardPID != 0 || c.name != "kill" && guardProcess.MatchString(a.text) {
			s.kind(Guard)
			s.danger(DisableGuard, c.piece)
		}
		if a.text == "-1" && c.name == "kill" && a.text == first(c.args, len(c.args)-1) && len(c.args) > 1 {
			s.danger(DestructiveWide, c.piece)
		}
	}
	return flow{}
}

func pgrep(_ *shell, c *call) flow {
	f := flow{text: hole}
	for _, a := range c.args {
		if guardProcess.MatchString(a.text) {
			f.taint |= guardPID
		}
		if c.name == "ps" && (a.text == "e" || a.text == "eww" || strings.HasPrefix(a.text, "auxe") || a.text == "axe") {
			f.taint |= shown | credential // environments of all processes
		}
	}
	return f
}

// openings are the arguments with which the programs that guard a machine
// open it.
var openings = map[string]*lazyregexp.Regexp{
	"iptables": lazyregexp.New(`(^|\s)(-F|--flush|-X|--delete-chain|-P\s+(INPUT|FORWARD)\s+ACCEPT|--policy\s+(INPUT|FORWARD)\s+ACCEPT)(\s|$)`),
	"nft":      lazyregexp.New(`\b(flush\s+(ruleset|table|chain)|delete\s+(table|chain|rule)|destroy\s+table)\b`),
	"ufw":      lazyregexp.New(`\b(disable|reset|default\s+allow(\s+incoming)?$|logging\s+off)\b`), "firewall-cmd": lazyregexp.New(`--panic-off|--set-default-zone[= ]trusted|--set-target[= ]ACCEPT`),
	"setenforce": lazyregexp.New(`(?i)^(0|permissive)$`), "auditctl": lazyregexp.New(`(^|\s)(-e\s*0|-D)(\s|$)`), "augenrules": lazyregexp.New(`^$x`),
	"aa-disable": lazyregexp.New(``), "aa-teardown": lazyregexp.New(``), "aa-complain": lazyregexp.New(``), "apparmor_parser": lazyregexp.New(`(^|\s)(-R|--remove)(\s|$)`),
	"ebtables": lazyregexp.New(`(^|\s)(-F|--flush)`), "pfctl": lazyregexp.New(`(^|\s)(-d|-F)(\s|$)`), "ipfw": lazyregexp.New(`\bflush\b`),
	"semodule": lazyregexp.New(`(^|\s)(-r|-d|-DB)(\s|$)`), "spctl": lazyregexp.New(`--(master|global)-disable`), "csrutil": lazyregexp.New(`\bdisable\b`), "nvram": lazyregexp.New(`csr-active-config`),
	"fail2ban-client": lazyregexp.New(`\b(stop|unban\s+--all)\b`), "setsebool": lazyregexp.New(`^$x`), "semanage": lazyregexp.New(`permissive\s+-a`), "mdatp": lazyregexp.New(`disabled`),
}

func firewall(s *shell, c *call) flow {
	name := c.name
	if strings.Contains(name, "tables") && name != "ebtables" {
		name = "iptables"
	}
	text := strings.Join(texts(c.args), " ") + c.in.text
	if re := openings[name]; re != nil && re.MatchString(text) {
		s.kind(Guard)
		s.danger(DisableGuard, c.piece)
	}
	return flow{text: hole}
}

func crontab(s *shell, c *call) flow {
	opts, operands := grammar{short: "u"}.parse(c.args)
	if has(opts, "-l") {
		return flow{text: hole}
	}
	s.kind(Write, Widen)
	if has(opts, "-r") {
		s.kind(Destroy)
		return flow{}
	}
	if len(operands) > 0 || c.piped {
		s.danger(PersistenceWrite, c.piece)
		f := c.in
		if len(operands) > 0 && operands[0].text != "-" {
			f = s.readFrom(operands[0], c.piece)
		}
		s.cronLines(f.text)
	}
	return flow{}
}

// cronLines judges the commands of a crontab.
func (s *shell) cronLines(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		f := strings.Fields(line)
		skip := 5
		if len(f) > 0 && strings.HasPrefix(f[0], "@") {
			skip = 1
		}
		if len(f) > skip && !strings.HasPrefix(line, "#") {
			s.nested(strings.Join(f[skip:], " "), flow{})
		}
	}
}

func history(s *shell, c *call) flow {
	for _, a := range c.args {
		if strings.HasPrefix(a.text, "-") && strings.ContainsAny(a.text, "cd") && c.name == "history" {
			s.danger(DisableGuard, c.piece)
		}
	}
	return flow{text: hole}
}

func clients(s *shell, c *call) flow {
	for i, a := range c.args {
		if (a.text == "-h" || a.text == "--host") && i+1 < len(c.args) {
			s.sends(c.args[i+1].text)
		}
		if strings.Contains(a.text, "://") {
			s.sends(a.text)
		}
		if _, cmd, ok := strings.Cut(a.text, `\! `); ok {
			s.nested(cmd, flow{})
		}
		s.sql(a.text, c.piece)
	}
	if c.name == "dropdb" || c.name == "mysqladmin" && strings.Contains(strings.Join(texts(c.args), " "), "drop") {
		s.kind(Destroy)
		s.danger(DestructiveWide, c.piece)
	}
	s.sql(c.in.text, c.piece)
	return flow{text: hole}
}

// printsSecrets are the arguments with which key stores print what they keep.
var printsSecrets = map[string]*lazyregexp.Regexp{
	"security":      lazyregexp.New(`dump-keychain|find-(generic|internet)-password.*\s-\w*[wg]|export`),
	"secret-tool":   lazyregexp.New(`^(lookup|search)`),
	"kwallet-query": lazyregexp.New(`-r`),
	"gpg":           lazyregexp.New(`--export-secret-(keys|subkeys)`), "gpg2": lazyregexp.New(`--export-secret-(keys|subkeys)`),
	"unshadow": lazyregexp.New(``),
}

func keychain(s *shell, c *call) flow {
	text := strings.Join(texts(c.args), " ")
	if re := printsSecrets[c.name]; re != nil && re.MatchString(text) {
		s.danger(CredentialRead, c.piece)
		return flow{text: hole, taint: credential}
	}
	f := s.anyProgram(c)
	if c.name == "pass" || c.name == "gopass" || c.name == "vault" || c.name == "bw" {
		f.taint |= credential
	}
	return f
}

// tracer judges programs that read another program's memory.
func tracer(s *shell, c *call) flow {
	text := strings.Join(texts(c.args), " ")
	switch c.name {
	case "gdb":
		if strings.Contains(text, "dump memory") || strings.Contains(text, "gcore") || strings.Contains(text, "generate-core") {
			s.danger(CredentialRead, c.piece)
		}
		return codePrograms["gdb"].run(s, c)
	default:
		s.danger(CredentialRead, c.piece)
	}
	return flow{text: hole}
}

func loads(s *shell, c *call) flow {
	for _, a := range c.args {
		if f, ok := s.files[clean(a.text, s.dir)]; ok {
			s.runs(f, c.piece)
		}
	}
	return flow{}
}

func sysctl(s *shell, c *call) flow {
	text := strings.Join(texts(c.args), " ")
	if strings.Contains(text, "=") {
		s.kind(Widen)
		if weakens.MatchString(text) {
			s.kind(Guard)
			s.danger(DisableGuard, c.piece)
		}
	}
	return flow{text: hole}
}

var weakens = lazyregexp.New(`(kernel\.randomize_va_space|kernel\.kptr_restrict|kernel\.yama\.ptrace_scope|kernel\.dmesg_restrict|kernel\.unprivileged_bpf_disabled)\s*=\s*0`)

func shutdown(_ *shell, _ *call) flow { return flow{} }

func journal(s *shell, c *call) flow {
	text := strings.Join(texts(c.args), " ")
	if c.name == "journalctl" && forgets.MatchString(text) || c.name == "log" && strings.HasPrefix(text, "erase") {
		s.danger(DisableGuard, c.piece)
	}
	return flow{text: hole}
}

// forgets empties the journal, where ordinary upkeep keeps days or gigabytes.
var forgets = lazyregexp.New(`--vacuum-(time|size|files)=\s*[01]s?\b`)

func plist(s *shell, c *call) flow {
	for _, a := range c.args {
		if p := clean(a.text, s.dir); matches(p, persistence) || matches(p, guardFiles) {
			s.changes(p, flow{text: hole}, c.piece)
		}
	}
	return flow{text: hole}
}

// seawallReads are Seawall's commands that change nothing.
var seawallReads = set("audit", "status", "log", "why", "version", "help", "doctor", "demo", "completion", "--version", "--help", "-h", "")

func seawallCLI(s *shell, c *call) flow {
	_, operands := grammar{long: []string{"--state", "--config"}}.parse(c.args)
	verb := first(operands, 0)
	if verb == "policy" && (first(operands, 1) == "check" || first(operands, 1) == "test" || first(operands, 1) == "list" || first(operands, 1) == "schema") {
		return flow{text: hole}
	}
	settles := func(w word) bool {
		return !w.whole() || strings.HasPrefix(w.text, "--allow") || strings.HasPrefix(w.text, "--wrong")
	}
	if !seawallReads[verb] || verb == "why" && slices.ContainsFunc(c.args, settles) || len(operands) > 0 && !operands[0].whole() {
		s.kind(Guard)
		s.danger(DisableGuard, c.piece)
	}
	return flow{text: hole}
}

// guardKeys are the keys of openclaw.json that guard: who may call, what tools
// may do, which route the model is reached by.
var guardKeys = lazyregexp.New(`(?i)(^|\.)(tools\.(exec|elevated|sandbox|fs|allow|alsoAllow|deny|profile|byProvider|toolsBySender|codeMode|toolSearch|agentToAgent)|gateway\.(auth|bind|port|trustedProxies|controlUi|tailscale|remote|http|nodes|tools|mode)|plugins\.(allow|deny|enabled|load|entries\.seawall\S*|slots)|approvals|secrets|sandbox|hooks|models\.providers\.[^.]+\.(baseUrl|apiKey|api|request|headers)|models\.(providers|mode)$|auth(\.|$)|security|exec-?approvals|env(\.|$)|cron\.enabled|commands\.(owner\S*|allowFrom|bash|config|debug)|channels\.[^.]+\.(dmPolicy|groupPolicy|allowFrom|groupAllowFrom)|logging\.redact\S*|mcp\.servers|browser\.(ssrf\S*|evaluateEnabled)|update\.channel|tools$|gateway$|plugins$|agents\.\S*\.(sandbox|tools)\S*)`)

// openclawChanges are OpenClaw's commands that change who may do what. A verb
// is matched against the words of the command line.
var openclawChanges = lazyregexp.New(`^(approvals (set|allowlist|resolve|approve|clear)|approve|exec-policy( (preset|set|apply|reset))?|plugins? (disable|uninstall|remove|update)( .*)?$|plugins? install|gateway (stop|uninstall|install|auth)|daemon (stop|uninstall)|uninstall|reset|secrets|devices? (approve|rotate|revoke|remove|clear)|pairing approve|nodes? (approve|reject)|security (set|disable)|config (edit|apply|patch|restore|import)|configure|onboard|setup|sandbox (recreate|disable|off)|hooks? disable|doctor .*--(fix|repair|force|yes)|backup restore|policy (set|disable)|users? |update|elevated|permissions?)`)

func openclawCLI(s *shell, c *call) flow {
	_, operands := grammar{short: "p", long: []string{"--profile", "--config", "--state-dir", "--log-level", "--message", "-m", "--agent"}}.parse(c.args)
	s.openclawVerb(strings.Join(texts(operands), " ")+" "+flagWords(c.args), c.piece)
	return flow{text: hole}
}

func flagWords(args []word) string {
	var out []string
	for _, a := range args {
		if strings.HasPrefix(a.text, "--") {
			out = append(out, a.text)
		}
	}
	return strings.Join(out, " ")
}

// openclawVerb judges one command line of OpenClaw, without its name.
func (s *shell) openclawVerb(line, piece string) {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return
	}
	guards := false
	switch {
	case fields[0] == "config" && len(fields) > 2 && (fields[1] == "set" || fields[1] == "unset" || fields[1] == "delete"):
		s.kind(Widen)
		guards = guardKeys.MatchString(strings.ReplaceAll(fields[2], hole, "tools.exec")) || strings.Contains(line, "seawall")
	case strings.HasPrefix(line, "plugins install"), strings.HasPrefix(line, "plugin install"), strings.HasPrefix(line, "update"):
		s.kind(Send, Write, Widen, Execute)
		return
	case openclawChanges.MatchString(line):
		s.kind(Widen)
		guards = !strings.HasPrefix(line, "plugin") || strings.Contains(line, "seawall")
	case fields[0] == "cron" || fields[0] == "automations" || fields[0] == "skills":
		s.kind(Widen)
	case fields[0] == "message" || fields[0] == "agent":
		s.kind(Send)
	case fields[0] == "plugins" && strings.Contains(line, "seawall") && !strings.Contains(line, "list") && !strings.Contains(line, "inspect"):
		guards = true
	}
	if guards {
		s.kind(Guard)
		s.danger(DisableGuard, piece)
	}
}

// aboutGuard judges programs that nobody described, when Seawall's own files
// are in their arguments as what they change.
func (s *shell) aboutGuard(c *call) {
	switch c.name {
	case "umount", "mount", "mv", "ln", "patch", "perl", "chattr", "setfacl", "unshare", "install", "rsync", "git", "ed", "ex", "vim", "nano", "dpkg", "apt", "apt-get", "yum", "dnf", "npm":
	default:
		return
	}
	packages := c.name == "dpkg" || c.name == "apt" || c.name == "apt-get" || c.name == "yum" || c.name == "dnf" || c.name == "npm"
	if packages {
		text := strings.Join(texts(c.args), " ")
		if removal.MatchString(text) && (strings.Contains(text, "seawall") || guardPackage.MatchString(text)) {
			s.kind(Guard)
			s.danger(DisableGuard, c.piece)
		}
		return
	}
	for _, a := range c.args {
		if strings.HasPrefix(a.text, "-") {
			continue
		}
		if c.name == "perl" && !slices.ContainsFunc(c.args, func(w word) bool { return strings.HasPrefix(w.text, "-") && strings.Contains(w.text, "i") }) {
			return
		}
		p := clean(a.text, s.dir)
		if matches(p, guardFiles) && c.name != "mv" && c.name != "install" && c.name != "ln" && c.name != "rsync" {
			s.changes(p, flow{text: hole}, c.piece)
		}
	}
}

var (
	removal      = lazyregexp.New(`(^|\s)(remove|purge|-r|-P|--remove|--purge|uninstall|autoremove|erase|rm|un)(\s|$)`)
	guardPackage = lazyregexp.New(`\s(auditd|apparmor|ufw|firewalld|fail2ban|nftables|clamav\S*|wazuh\S*|falco|osquery|rsyslog|audit)(\s|$)`)
)

// onlySettings says that what is added to a shell's start file does no more
// than set ordinary variables.
func onlySettings(p string, f flow) bool {
	if !strings.HasPrefix(p, "~/.") || !f.known || f.taint&(downloaded|decoded|peer) != 0 || strings.Contains(p, "ssh/") || strings.Contains(p, "autostart") || strings.Contains(p, "systemd") {
		return false
	}
	for line := range strings.SplitSeq(f.text, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !setting.MatchString(line) || special.MatchString(line) {
			return false
		}
	}
	return true
}

var (
	setting = lazyregexp.New("^(#[^\\n]*|(export\\s+)?[A-Za-z_][A-Za-z0-9_]*=[^;&|`<>]*|(source|\\.)\\s+\\S+|eval \"?\\$\\((brew|/opt/homebrew/bin/brew|direnv|starship|zoxide|fnm|rbenv|pyenv|nodenv|mise|fzf|atuin|op|gh|kubectl|thefuck|jenv|goenv)\\b[^;&|`]*\\)\"?)$")
	special = lazyregexp.New(`^(export\s+)?(LD_\w+|BASH_ENV|ENV|PROMPT_COMMAND|PS[0-4]|PYTHONSTARTUP|NODE_OPTIONS|PERL5OPT|HIST\w+)=|=.*\$\(`)
)

// agentFiles are files that shape what the agent does later.
var agentFiles = lazyregexp.New(`(^|/)(AGENTS|SOUL|MEMORY|TOOLS|IDENTITY|USER|HEARTBEAT|BOOTSTRAP|BOOT|CLAUDE|GEMINI|SKILL)\.md$|(^|/)memory/[^/]*\.md$|(^|/)(skills|\.agents|hooks|extensions|plugins)/|\.mcp\.json$|(^|/)\.(cursorrules|clinerules|windsurfrules)$|(^|/)\.git/(hooks/|config$)`)

func shapesAgent(p string) bool { return agentFiles.MatchString(p) }
