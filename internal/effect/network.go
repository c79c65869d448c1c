package effect

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

func init() {
	define(curl, kinds(Read), "curl")
	define(wget, kinds(Read), "wget", "wget2")
	define(fetchers, kinds(Read), "aria2c", "axel", "lynx", "links", "w3m", "elinks", "fetch", "lwp-request", "lwp-download", "GET", "curlie", "httrack", "youtube-dl", "yt-dlp", "POST")
	define(httpie, kinds(Read), "http", "https", "xh", "httpie")
	define(netcat, kinds(Send), "nc", "ncat", "netcat", "nc.traditional", "nc.openbsd", "cryptcat", "sbd", "rcat", "pwncat", "telnet", "pnscan", "rustcat", "dbd", "scnc")
	define(socat, kinds(Send), "socat", "websocat")
	define(ssh, kinds(Send), "ssh", "autossh", "mosh", "dbclient", "rsh", "rlogin", "plink", "sshuttle", "chisel", "bore", "dnscat", "iodine", "gs-netcat", "gsocket")
	define(transfers, kinds(Read, Send), "scp", "sftp", "rsync", "rclone", "croc", "wormhole", "magic-wormhole", "lftp", "ftp", "tftp", "ncftpput", "smbclient", "s3cmd", "gsutil", "mc", "b2", "azcopy", "pscp", "ipfs", "onionshare-cli", "ffsend", "cadaver", "restic", "borg")
	define(cloudCopy, nil, "aws", "gcloud", "az", "gh", "glab", "doctl", "oci")
	define(mailers, kinds(Send), "mail", "mailx", "mutt", "neomutt", "sendmail", "msmtp", "swaks", "ssmtp", "s-nail", "sendemail", "telegram-send", "ntfy", "apprise", "slackcat", "notify", "wall", "himalaya")
	define(dns, kinds(Send), "dig", "nslookup", "host", "drill", "kdig", "ping", "ping6", "fping", "hping3", "whois", "finger", "resolvectl", "nsupdate", "traceroute", "doggo", "getent", "logger")
	define(git, nil, "git", "hub", "jj")
	define(ztcp, kinds(Send), "ztcp")
	define(payloads, kinds(Execute), "msfvenom", "msfconsole", "msfcli", "weevely", "sliver-client")
}

// secretUse says how a command uses a value that it sends.
type secretUse uint8

const (
	asContent secretUse = iota // in a URL, a body, a file: the other side may keep it
	asLogin                    // in an authentication header or as user and password
)

// sendsValue judges a value that goes to a host. A key that logs in to its own
// vendor is ordinary work.
func (s *shell) sendsValue(w word, host string, use secretUse, piece string) {
	if w.taint&(credential|shown) == 0 && len(w.names) == 0 || loopback(host) {
		return
	}
	if len(w.names) > 0 {
		for _, n := range w.names {
			if !s.mayKnow(n, host, use) {
				s.danger(CredentialSend, piece)
			}
		}
		return
	}
	if use == asContent || w.taint&shown != 0 {
		s.danger(CredentialSend, piece)
	}
}

// vendors are keys whose owner is known by their name, and where they belong.
var vendors = []struct{ name, host *lazyregexp.Regexp }{
	{lazyregexp.New(`(?i)^(openai)_`), lazyregexp.New(`(^|\.)(openai\.com|openai\.azure\.com)$`)},
	{lazyregexp.New(`(?i)^(anthropic|claude)_`), lazyregexp.New(`(^|\.)(anthropic\.com|claude\.ai)$`)},
	{lazyregexp.New(`(?i)^aws_`), lazyregexp.New(`(^|\.)(amazonaws\.com(\.cn)?|aws\.amazon\.com)$`)},
	{lazyregexp.New(`(?i)^(gh|github)_`), lazyregexp.New(`(^|\.)(github\.com|githubusercontent\.com|githubcopilot\.com|ghcr\.io)$`)},
	{lazyregexp.New(`(?i)^(gitlab)_`), lazyregexp.New(`gitlab`)},
	{lazyregexp.New(`(?i)^(gemini|google|gcp)_`), lazyregexp.New(`(^|\.)(googleapis\.com|google\.com|google\.dev)$`)},
	{lazyregexp.New(`(?i)^(hf|huggingface)_`), lazyregexp.New(`(^|\.)(huggingface\.co|hf\.co|hf\.space)$`)},
	{lazyregexp.New(`(?i)^(stripe)_`), lazyregexp.New(`(^|\.)stripe\.com$`)},
	{lazyregexp.New(`(?i)^(slack)_`), lazyregexp.New(`(^|\.)slack\.com$`)},
	{lazyregexp.New(`(?i)^(telegram)_`), lazyregexp.New(`(^|\.)telegram\.org$`)},
	{lazyregexp.New(`(?i)^(openclaw|clawdbot|moltbot|seawall)_`), lazyregexp.New(`(^|\.)(openclaw\.ai|clawd\.bot|clawhub\.(ai|com))$`)},
}

// anonymous are the pieces of a variable's name that do not name a vendor.
var anonymous = set("api", "apikey", "key", "keys", "token", "tokens", "secret", "access", "password", "passwd", "passphrase", "pass", "pwd", "auth", "bot", "app", "my", "user",
	"admin", "client", "id", "url", "the", "prod", "dev", "test", "account", "service", "bearer", "refresh", "private", "public", "personal", "pat", "session", "master", "root", "db", "database", "jwt", "value", "new", "old", "default", "credentials", "creds", "credential")

// mayKnow says that a host may learn a variable of this name.
func (s *shell) mayKnow(name, host string, use secretUse) bool {
	for _, v := range vendors {
		if v.name.MatchString(name) {
			return host == "" || v.host.MatchString(host)
		}
	}
	if use == asLogin || host == "" {
		return true
	}
	for _, t := range strings.Split(strings.ToLower(name), "_") {
		if len(t) < 3 || anonymous[t] {
			continue
		}
		if strings.Contains(strings.ReplaceAll(host, "-", ""), t) {
			return true
		}
	}
	return false
}

// received is what a fetch delivers.
func (s *shell) received(address, piece string) flow {
	host := s.sends(address)
	if metadata(host) && strings.Contains(address, "/") && metadataSecret.MatchString(address) {
		s.danger(CredentialRead, piece)
		return flow{text: hole, taint: downloaded | credential}
	}
	return flow{text: hole, taint: downloaded}
}

var metadataSecret = lazyregexp.New(`(?i)(credential|token|user-?data|identity|iam|$)`)

// fromFile reads a value in the form @file.
func (s *shell) fromFile(w word, c *call) word {
	t := w.text
	if i := strings.LastIndex(t, "@"); i >= 0 && (i == 0 || t[i-1] == '=') {
		p := strings.SplitN(t[i+1:], ";", 2)[0]
		if p == "-" || p == "/dev/stdin" {
			w.taint |= c.in.taint
			w.names = append(w.names, c.in.names...)
			return w
		}
		f := w
		f.text = p
		got := s.readFrom(f, c.piece)
		w.taint |= got.taint
	} else if i := strings.Index(t, "=<"); i >= 0 {
		w.taint |= s.readFrom(word{flow: flow{text: t[i+2:]}}, c.piece).taint
	}
	return w
}

var curlFlags = grammar{
	short: "AbcCdDeEFhHKmoPQrtTuUwxXyYz",
	long: strings.Fields(`--data --data-raw --data-binary --data-urlencode --data-ascii --json --form --form-string --header --output --user --url --request --upload-file
		--proxy --proxy-user --cacert --capath --cert --key --config --connect-timeout --max-time --retry --retry-delay --retry-max-time --user-agent --referer --cookie --cookie-jar
		--resolve --connect-to --url-query --interface --write-out --range --oauth2-bearer --netrc-file --aws-sigv4 --limit-rate --max-redirs --output-dir --dump-header --unix-socket
		--ciphers --tls-max --proto --proto-redir --proto-default --max-filesize --socks5 --socks5-hostname --doh-url --dns-servers --stderr --trace --trace-ascii --etag-save --etag-compare --pass --mail-from --mail-rcpt --noproxy --local-port --continue-at --time-cond --variable --expand-data --expand-url`),
}

func curl(s *shell, c *call) flow {
	opts, operands := curlFlags.parse(c.args)
	for _, o := range opts {
		if o.name == "--url" {
			operands = append(operands, o.value)
		}
	}
	host := ""
	out := flow{text: hole}
	for _, u := range operands {
		f := s.received(u.text, c.piece)
		out.taint |= f.taint
		if h := hostOf(u.text); host == "" || h != "" && !loopback(h) {
			host = h
		}
	}
	for _, u := range operands {
		s.sendsValue(u, hostOf(u.text), asContent, c.piece)
	}
	saved, named := false, false
	for _, o := range opts {
		switch o.name {
		case "-d", "--data", "--data-binary", "--data-urlencode", "--data-ascii", "--json", "-F", "--form", "--url-query", "--variable":
			s.sendsValue(s.fromFile(o.value, c), host, asContent, c.piece)
		case "--data-raw", "--form-string", "-A", "--user-agent", "-e", "--referer", "--expand-data", "-X", "--request":
			s.sendsValue(o.value, host, asContent, c.piece)
		case "-b", "--cookie":
			w := o.value
			if !strings.Contains(w.text, "=") && w.whole() {
				w.taint |= s.readFrom(w, c.piece).taint &^ credential
			}
			s.sendsValue(w, host, asLogin, c.piece)
		case "-H", "--header":
			w := s.fromFile(o.value, c)
			s.sendsValue(w, host, headerUse(w.text), c.piece)
		case "-u", "--user", "--oauth2-bearer", "-U", "--proxy-user":
			s.sendsValue(o.value, host, asLogin, c.piece)
		case "-T", "--upload-file":
			f := c.in
			if o.value.text != "-" && o.value.text != "." {
				f = s.readFrom(o.value, c.piece)
			}
			s.sendsValue(word{flow: f}, host, asContent, c.piece)
			if f.taint&shellOut != 0 {
				s.danger(ReverseShell, c.piece)
			}
		case "-K", "--config":
			s.opaque()
			if o.value.text != "-" {
				s.readFrom(o.value, c.piece)
			} else if c.in.known {
				s.kind(Send)
			}
		case "-o", "--output", "-D", "--dump-header", "-c", "--cookie-jar":
			saved = saved || o.name == "-o" || o.name == "--output"
			if o.value.text == "-" {
				saved = false
				continue
			}
			s.writeTo(o.value.text, out, false, c.piece)
		case "-O", "--remote-name", "--remote-name-all":
			named = true
		}
	}
	if named && !saved {
		saved = true
		for _, u := range operands {
			s.writeTo(remoteName(u.text), out, false, c.piece)
		}
	}
	if saved && len(operands) <= 1 {
		return flow{}
	}
	if has(opts, "-I", "--head") {
		return flow{text: hole}
	}
	return out
}

// headerUse tells a header that logs in from one that carries content.
func headerUse(h string) secretUse {
	name, _, _ := strings.Cut(strings.ToLower(h), ":")
	if strings.Contains(name, "auth") || strings.Contains(name, "key") || strings.Contains(name, "token") || strings.Contains(name, "secret") || strings.Contains(name, "cookie") || strings.Contains(name, "pass") {
		return asLogin
	}
	return asContent
}

// remoteName is the file name a download gets from its URL.
func remoteName(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path == "" || strings.HasSuffix(u.Path, "/") {
		return "index.html"
	}
	return path.Base(u.Path)
}

func wget(s *shell, c *call) flow {
	opts, operands := grammar{short: "OoaPeQtTwUiBlARDIX", long: strings.Fields(`--output-document --output-file --directory-prefix --header --post-data --post-file --body-data --body-file --method --user --password
		--user-agent --tries --timeout --input-file --referer --load-cookies --save-cookies --execute --level --accept --reject --domains --wait --limit-rate --use-askpass`)}.parse(c.args)
	host := ""
	out := flow{text: hole}
	for _, u := range operands {
		out.taint |= s.received(u.text, c.piece).taint
		host = hostOf(u.text)
		s.sendsValue(u, host, asContent, c.piece)
	}
	dir, target := "", word{}
	for _, o := range opts {
		switch o.name {
		case "--post-file", "--body-file":
			s.sendsValue(word{flow: s.readFrom(o.value, c.piece)}, host, asContent, c.piece)
		case "--post-data", "--body-data", "--user-agent", "-U", "--referer":
			s.sendsValue(o.value, host, asContent, c.piece)
		case "--header":
			s.sendsValue(o.value, host, headerUse(o.value.text), c.piece)
		case "--password", "--http-password":
			s.sendsValue(o.value, host, asLogin, c.piece)
		case "-O", "--output-document":
			target = o.value
		case "-P", "--directory-prefix":
			dir = o.value.text + "/"
		case "-i", "--input-file":
			s.readFrom(o.value, c.piece)
			s.kind(Send)
		case "-e", "--execute", "--use-askpass":
			s.opaque()
			if o.name == "--use-askpass" {
				s.runFile(o.value, c)
			}
		}
	}
	if strings.HasPrefix(target.text, "-") || target.text == "/dev/stdout" {
		return out
	}
	if target.text != "" {
		s.writeTo(target.text, out, false, c.piece)
		return flow{}
	}
	if !has(opts, "--spider") {
		for _, u := range operands {
			s.writeTo(dir+remoteName(u.text), out, false, c.piece)
		}
	}
	return flow{}
}

func fetchers(s *shell, c *call) flow {
	opts, operands := grammar{short: "odxsUpPf"}.parse(c.args)
	out := flow{text: hole}
	for _, u := range operands {
		if !strings.Contains(u.text, ".") && !strings.Contains(u.text, "://") {
			continue
		}
		out.taint |= s.received(u.text, c.piece).taint
		s.sendsValue(u, hostOf(u.text), asContent, c.piece)
		if c.name == "aria2c" || c.name == "axel" || c.name == "lwp-download" || c.name == "fetch" {
			s.writeTo(remoteName(u.text), out, false, c.piece)
		}
	}
	if o, ok := find(opts, "-o"); ok && o.has && o.value.text != "-" {
		s.writeTo(o.value.text, out, false, c.piece)
	}
	s.sendsValue(word{flow: c.in}, "", asContent, c.piece)
	return out
}

func httpie(s *shell, c *call) flow {
	opts, operands := grammar{short: "oapAC", long: []string{"--output", "--auth", "--bearer", "--form", "--raw", "--session"}}.parse(c.args)
	host := ""
	out := flow{text: hole, taint: downloaded}
	for i, o := range operands {
		switch {
		case i == 0 && strings.Trim(o.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "":
		case host == "":
			out = s.received(o.text, c.piece)
			host = hostOf(o.text)
			s.sendsValue(o, host, asContent, c.piece)
		case strings.Contains(o.text, "@"):
			s.sendsValue(s.fromFile(word{flow: flow{text: "=" + o.text[strings.Index(o.text, "@"):]}}, c), host, asContent, c.piece)
		case strings.Contains(o.text, ":") && !strings.Contains(o.text, "="):
			s.sendsValue(o, host, headerUse(o.text), c.piece)
		default:
			s.sendsValue(o, host, asContent, c.piece)
		}
	}
	s.sendsValue(word{flow: c.in}, host, asContent, c.piece)
	if o, ok := find(opts, "-o", "--output"); ok {
		s.writeTo(o.value.text, out, false, c.piece)
		return flow{}
	}
	return out
}

// netcat judges raw connections.
func netcat(s *shell, c *call) flow {
	if c.name == "pwncat" {
		s.danger(ReverseShell, c.piece)
	}
	opts, operands := grammar{short: "ecgGiIOopPqsTVwWXxmMY", long: []string{"--exec", "--sh-exec", "--lua-exec", "--source", "--source-port", "--wait", "--proxy", "--idle-timeout", "--ssl-cert", "--ssl-key"}}.parse(c.args)
	if o, ok := find(opts, "-e", "-c", "--exec", "--sh-exec", "--lua-exec"); ok && (o.has || o.name != "-c") {
		s.danger(ReverseShell, c.piece)
	}
	if o, ok := find(opts, "-s"); ok && usesShell.re.MatchString(o.value.text+" ") {
		s.danger(ReverseShell, c.piece)
	}
	if has(opts, "-l", "--listen") {
		s.kind(Widen)
	}
	if host := first(operands, 0); host != "" {
		s.sends(host)
	}
	if has(opts, "-z") {
		return flow{}
	}
	s.leaks(c.in, c.piece)
	if c.in.taint&shellOut != 0 {
		s.danger(ReverseShell, c.piece)
	}
	for _, o := range operands {
		s.sendsValue(o, "", asContent, c.piece)
	}
	return flow{text: hole, taint: peer}
}

var (
	socatShell = lazyregexp.New(`(?i)\b(exec|system|shell)\b\s*:`)
	socatNet   = lazyregexp.New(`(?i)\b(tcp|tcp4|tcp6|udp|udp4|udp6|openssl|ssl|sctp|socks4a?|socks5|proxy|vsock|dtls)[-a-z0-9]*:`)
	socatFile  = lazyregexp.New(`(?i)\b(open|file|gopen|rdonly)?:([^,]+)`)
)

func socat(s *shell, c *call) flow {
	both := strings.Join(texts(c.args), " ")
	for _, a := range c.args {
		if m := socatNet.FindStringIndex(a.text); m != nil {
			s.sends(strings.Split(a.text[m[1]:], ",")[0])
		}
		if m := socatFile.FindStringSubmatch(a.text); m != nil && rankOf(clean(m[2], s.dir)) != plain {
			s.leaks(s.readFrom(lit(m[2]), c.piece), c.piece)
		}
	}
	if socatShell.MatchString(both) && (socatNet.MatchString(both) || strings.Contains(both, "ws://") || strings.Contains(both, "wss://")) || c.name == "websocat" && strings.Contains(both, "sh-c:") {
		s.danger(ReverseShell, c.piece)
	}
	if strings.Contains(strings.ToLower(both), "listen") {
		s.kind(Widen)
	}
	s.leaks(c.in, c.piece)
	if c.in.taint&shellOut != 0 {
		s.danger(ReverseShell, c.piece)
	}
	return flow{text: hole, taint: peer}
}

func ssh(s *shell, c *call) flow {
	opts, rest := grammar{short: "bcDEeFIiJLlmOopQRSWw", stop: true}.parse(c.args)
	for _, o := range opts {
		if o.name == "-o" {
			if _, cmd, ok := strings.Cut(o.value.text, "="); ok && strings.Contains(strings.ToLower(o.value.text), "command") {
				s.nested(cmd, flow{})
			}
		}
		if o.name == "-R" || o.name == "-D" || o.name == "-w" {
			s.kind(Widen)
		}
	}
	if len(rest) == 0 {
		return flow{text: hole}
	}
	host := s.sends(rest[0].text)
	s.sendsValue(word{flow: c.in}, host, asContent, c.piece)
	if c.name != "ssh" && c.name != "autossh" {
		return flow{text: hole, taint: peer}
	}
	// The command runs there, not here; its danger is the same.
	if len(rest) > 1 {
		for _, w := range rest[1:] {
			s.sendsValue(w, host, asContent, c.piece)
		}
		remote := newShell(s.recorder, s.depth+1)
		if s.depth+1 < maxNest {
			remote.nested(strings.Join(texts(rest[1:]), " "), flow{taint: c.in.taint, text: c.in.text, known: c.in.known})
		}
	}
	return flow{text: hole}
}

// remote is host:path, user@host:path or scheme://.
var remote = lazyregexp.New(`^([A-Za-z0-9_.\-]+@)?[A-Za-z0-9_.\-\x00]{2,}::?|^\w+://|^s3:|^gs:`)

// transfers judges programs whose operands are files here and places there.
func transfers(s *shell, c *call) flow {
	opts, operands := grammar{short: "cFiJloPSePTu", long: []string{"--rsh", "--exclude", "--include", "--files-from", "--password-file"}}.parse(c.args)
	if o, ok := find(opts, "-e", "--rsh"); ok && o.has && c.name == "rsync" {
		s.nested(o.value.bare(), flow{})
	}
	out := flow{text: hole}
	for i, o := range operands {
		if remote.MatchString(o.text) && !strings.HasPrefix(o.text, "/") {
			s.sends(strings.Replace(o.text, "::", ":", 1))
			if i < len(operands)-1 || c.name == "lftp" || c.name == "ftp" {
				out.taint |= downloaded
			} else {
				continue
			}
			if last := operands[len(operands)-1]; i < len(operands)-1 && !remote.MatchString(last.text) {
				s.writeTo(last.text, flow{text: hole, taint: downloaded}, false, c.piece)
			}
			continue
		}
		p := clean(o.text, s.dir)
		if wide(p) && i < len(operands)-1 && anyRemote(operands[i+1:]) {
			s.reads(o.text)
			s.leaks(flow{taint: credential}, c.piece)
			continue
		}
		if rankOf(p) == plain && !secretTree(p) {
			if f, ok := s.files[p]; !ok || f.taint&(credential|shown) == 0 {
				continue
			}
		}
		if i < len(operands)-1 || c.name == "croc" || c.name == "wormhole" || c.name == "ipfs" || !anyRemote(operands) {
			f := s.readFrom(o, c.piece)
			if secretTree(p) {
				s.danger(CredentialRead, c.piece)
				f.taint |= credential
			}
			s.leaks(f, c.piece)
		}
	}
	for _, o := range opts {
		if o.has && (strings.Contains(o.value.text, "put ") || strings.Contains(o.value.text, "mirror -R")) {
			s.ftpScript(o.value.text, c)
		}
	}
	if c.in.known {
		s.ftpScript(c.in.text, c)
	} else {
		s.leaks(c.in, c.piece)
	}
	return out
}

func anyRemote(ws []word) bool {
	for _, w := range ws {
		if remote.MatchString(w.text) {
			return true
		}
	}
	return false
}

// ftpScript judges put commands in the script of a transfer program.
func (s *shell) ftpScript(text string, c *call) {
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		f := strings.Fields(line)
		if len(f) > 1 && (f[0] == "put" || f[0] == "mput" || f[0] == "send" || f[0] == "mirror") {
			s.leaks(s.readFrom(lit(f[1]), c.piece), c.piece)
		}
		if len(f) > 0 && strings.HasPrefix(f[0], "!") {
			s.nested(strings.TrimPrefix(line, "!"), flow{})
		}
	}
}

// cloudCopy judges the uploads of vendors' command lines.
func cloudCopy(s *shell, c *call) flow {
	_, operands := grammar{}.parse(c.args)
	verbs := strings.Join(texts(operands[:min(2, len(operands))]), " ")
	uploads := strings.HasPrefix(verbs, "s3 ") || strings.HasPrefix(verbs, "storage ") || verbs == "gist create" || verbs == "snippet create" || verbs == "release upload" || verbs == "s3api put-object" || verbs == "os object"
	if auditTrails.MatchString(strings.Join(texts(operands), " ")) {
		s.kind(Guard, Destroy)
		s.danger(DisableGuard, c.piece)
	}
	out := flow{text: hole}
	if asks := strings.Fields(verbs); len(asks) > 0 && !uploads && looksUp(asks) {
		s.kind(Read)
	} else {
		s.kind(Send)
	}
	if uploads {
		for _, o := range operands {
			if f := strings.TrimPrefix(o.text, "fileb://"); rankOf(clean(f, s.dir)) != plain {
				s.leaks(s.readFrom(lit(f), c.piece), c.piece)
			} else if f, ok := s.files[clean(o.text, s.dir)]; ok {
				s.leaks(f, c.piece)
			}
		}
		s.leaks(c.in, c.piece)
	}
	if prints := map[string]bool{"auth token": true, "auth print-access-token": true, "auth print-identity-token": true, "configure get": true, "account get-access-token": true, "secretsmanager get-secret-value": true, "secrets versions": true, "keyvault secret": true, "configure export-credentials": true}; prints[verbs] {
		out.taint |= credential
	}
	if strings.Contains(verbs, "delete") || strings.Contains(verbs, " rm") || strings.Contains(verbs, " rb") {
		s.kind(Destroy)
	}
	return out
}

// looksUp reports whether the command of a vendor's program only shows what is in an
// account that the operator has set up for it.
func looksUp(words []string) bool {
	last := words[len(words)-1]
	for _, beginning := range []string{"list", "view", "describe", "show", "get", "ls", "status", "checks", "diff", "watch", "head"} {
		if last == beginning || strings.HasPrefix(last, beginning+"-") {
			return true
		}
	}
	return false
}

// auditTrails are the ways to stop the record that a cloud keeps (MITRE
// T1562.008).
var auditTrails = lazyregexp.New(`\b(cloudtrail (stop-logging|delete-trail|put-event-selectors)|guardduty delete-detector|configservice (stop|delete)-\S+|logs delete-log-(group|stream)|logging (logs|sinks|buckets) delete|monitor (diagnostic-settings|log-profiles) delete|ec2 delete-flow-logs|securityhub disable-\S+)`)

func mailers(s *shell, c *call) flow {
	for i, a := range c.args {
		if strings.Contains(a.text, "@") && !strings.HasPrefix(a.text, "-") && !strings.Contains(a.text, "=") {
			s.add(&s.e.To, readable(a.text))
		}
		if (a.text == "-a" || a.text == "-A" || strings.HasPrefix(a.text, "--attach")) && i+1 < len(c.args) {
			s.leaks(s.readFrom(c.args[i+1], c.piece), c.piece)
		} else {
			s.sendsValue(s.fromFile(a, c), "", asContent, c.piece)
		}
	}
	s.leaks(c.in, c.piece)
	return flow{}
}

// dns judges programs whose argument itself leaves the machine: a name to
// look up, the bytes of a ping.
func dns(s *shell, c *call) flow {
	for _, a := range c.args {
		if a.taint&(credential|shown) != 0 || len(a.names) > 0 {
			s.danger(CredentialSend, c.piece)
		}
		if strings.Contains(a.text, ".") && !strings.HasPrefix(a.text, "-") && !strings.HasPrefix(a.text, "+") {
			s.sends(strings.TrimPrefix(a.text, "@"))
		}
	}
	return flow{text: hole}
}

func ztcp(s *shell, c *call) flow {
	_, operands := grammar{short: "d"}.parse(c.args)
	if len(operands) > 0 {
		s.sends(operands[0].text)
	}
	conn := flow{text: hole, taint: peer}
	s.vars["REPLY"] = conn
	return flow{}
}

func payloads(s *shell, c *call) flow {
	if args := strings.ToLower(strings.Join(texts(c.args), " ")); strings.Contains(args, "reverse") || strings.Contains(args, "bind") || strings.Contains(args, "shell") || strings.Contains(args, "meterpreter") || strings.Contains(args, "handler") {
		s.danger(ReverseShell, c.piece)
	}
	return flow{text: hole}
}

// gitSends and its neighbours sort git's verbs.
var (
	gitSends   = set("push", "fetch", "pull", "clone", "ls-remote", "remote", "submodule", "send-email", "lfs", "request-pull", "sync", "ftp-push", "svn")
	gitReads   = set("status", "log", "diff", "show", "branch", "blame", "grep", "ls-files", "rev-parse", "describe", "shortlog", "reflog", "cat-file", "tag", "stash", "config", "rev-list", "name-rev", "help", "version")
	gitDestroy = set("clean", "gc", "prune", "filter-branch", "filter-repo")
)

// gitLoses reports whether a command gives up what git has no other copy of.
func gitLoses(verb string, args []string) bool {
	has := func(names ...string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return slices.Contains(names, a) })
	}
	switch verb {
	case "branch", "tag":
		return has("-D", "--delete", "-d")
	case "stash":
		return has("drop", "clear")
	case "checkout":
		return has("--", "-f", "--force", ".")
	case "restore":
		return !has("--staged") || has("--worktree")
	case "rm":
		return has("-f", "--force", "-rf", "-fr")
	case "reset":
		return has("--hard", "--merge")
	case "worktree", "remote":
		return has("remove", "rm", "prune")
	}
	return false
}

// gitRedirects reports whether a command changes where a repository's remotes lead.
func gitRedirects(verb string, args []string) bool {
	if len(args) == 0 {
		return false
	}
	switch verb {
	case "remote":
		return args[0] == "add" || args[0] == "set-url" || args[0] == "rename"
	case "config":
		text := strings.ToLower(strings.Join(args, " "))
		return len(args) > 1 && (strings.Contains(text, "remote.") || strings.Contains(text, "insteadof") || strings.Contains(text, "pushurl"))
	}
	return false
}

// remote notes what a git command that contacts another machine is told of where.
func (s *shell) remote(verb string, args []word) {
	if verb == "remote" && (len(args) == 0 || args[0].text == "-v" || args[0].text == "show" || args[0].text == "get-url" || args[0].text == "remove") {
		s.kind(Read)
		return
	}
	s.kind(Send)
	if verb != "push" && verb != "pull" && verb != "fetch" && verb != "ls-remote" {
		return
	}
	for _, a := range args {
		if t := a.text; !strings.HasPrefix(t, "-") {
			if !a.whole() {
				s.vague = true
			} else if !strings.Contains(t, "://") && !strings.Contains(t, "@") && !strings.ContainsAny(t, ":/") {
				s.add(&s.remotes, t)
			} else {
				s.sends(t)
			}
			return
		}
	}
	s.add(&s.remotes, "origin")
}

func git(s *shell, c *call) flow {
	opts, rest := grammar{short: "Cc", long: []string{"--git-dir", "--work-tree", "--exec-path", "--namespace"}, stop: true}.parse(c.args)
	for _, o := range opts {
		if o.name == "-c" && gitRuns.MatchString(o.value.text) {
			_, cmd, _ := strings.Cut(o.value.text, "=")
			s.nested(strings.TrimPrefix(cmd, "!"), flow{})
		}
	}
	if len(rest) == 0 {
		return flow{}
	}
	verb := rest[0].text
	plainArgs := texts(rest[1:])
	switch {
	case gitSends[verb]:
		s.remote(verb, rest[1:])
	case gitReads[verb]:
		s.kind(Read)
	default:
		s.kind(Read, Write)
	}
	if gitDestroy[verb] || gitLoses(verb, plainArgs) {
		s.kind(Destroy)
	}
	if gitRedirects(verb, plainArgs) {
		s.kind(Write, Widen)
	}
	args := strings.Join(texts(rest), " ")
	if verb == "push" && (strings.Contains(args, "-f") || strings.Contains(args, "--force") || strings.Contains(args, "--delete") || strings.Contains(args, "--mirror")) {
		s.kind(Destroy)
	}
	if verb == "config" && gitRuns.MatchString(args) {
		s.kind(Execute)
		if len(rest) > 2 {
			s.nested(strings.TrimPrefix(rest[len(rest)-1].bare(), "!"), flow{})
		}
	}
	if verb == "credential" && strings.Contains(args, "fill") {
		s.danger(CredentialRead, c.piece)
	}
	if strings.Contains(args, "ext::") {
		_, cmd, _ := strings.Cut(args, "ext::")
		s.nested(cmd, flow{})
	}
	for _, a := range rest[1:] {
		if strings.Contains(a.text, "://") || strings.HasPrefix(a.text, "git@") {
			host := s.sends(a.text)
			s.sendsValue(a, host, asLogin, c.piece)
		}
	}
	out := flow{text: hole}
	if verb == "show" || verb == "cat-file" || verb == "diff" || verb == "grep" {
		for _, a := range rest[1:] {
			if rankOf(clean(a.text, s.dir)) == machineSecret {
				s.danger(CredentialRead, c.piece)
			}
		}
	}
	return out
}

var gitRuns = lazyregexp.New(`(?i)^(config .*)?(alias\.\S+\s*[= ]\s*['"]?!|core\.(pager|editor|sshcommand|fsmonitor|hookspath|gitproxy)|credential\.(\S+\.)?helper[= ]!|diff\.\S*(external|command)|\S*\.(cmd|textconv|smudge|clean|process))`)
