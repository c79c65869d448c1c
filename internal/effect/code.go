package effect

import (
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// language is one that inline code may be in. None is parsed; what code does
// is judged by the names it uses and by its string literals, and it is always
// Opaque.
type language uint8

const (
	anyLanguage language = iota
	shellLanguage
	pythonLanguage
	perlLanguage
	rubyLanguage
	jsLanguage
	phpLanguage
	awkLanguage
	powershellLanguage
)

// usage is one thing that code can do, by the names languages have for it. The
// hints are pieces, in lower case, without one of which no name is there.
type usage struct {
	re    *lazyregexp.Regexp
	hints []string
}

func uses(re string, hints ...string) usage { return usage{lazyregexp.New(re), hints} }

// in says whether code does it; lower is the code in lower case.
func (u usage) in(code, lower string) bool {
	for _, h := range u.hints {
		if strings.Contains(lower, h) {
			return u.re.MatchString(code)
		}
	}
	return len(u.hints) == 0 && u.re.MatchString(code)
}

var (
	usesSocket = uses(`(?i)\bsocket\b|\bfsockopen\b|\bpfsockopen\b|stream_socket_client|TCPSocket|UDPSocket|TcpStream|TCPServer|TCPClient|IO::Socket|net\.(connect|createconnection|socket|dial|createserver)|require\(['"](node:)?net['"]\)|/inet/(tcp|udp)/|gen_tcp|luasocket|Socket\s*\(|sockaddr_in|SOCK_STREAM|net\.Dial|WSASocket|/dev/tcp/|socat\b|\bTcpClient\b`, "sock", "tcp", "udp", "net", "/inet/")
	usesShell  = uses(`(?i)(/bin/)?\b(sh|bash|zsh|ksh|ash|dash)\b['"\s,\]);]|/bin/(ba|z|k|a|da)?sh|cmd(\.exe)?\b['"]|powershell(\.exe)?['"]|\bpty\.spawn|\bProcessBuilder\b|\bexecve?\s*\(|child_process|proc_open|shell_exec|Runtime\.getRuntime|CreateProcess|\bpopen\d?\b|os\.system|subprocess|passthru|\bSystem\.Diagnostics\.Process\b|\bexec\.Command\b|Command::new|:os\.cmd|\bIEX\b|Invoke-Expression|getline|io\.popen|os\.execute|\bOpen3\b|shell:\s*true|\bsystem\b`)
	usesEval   = uses(`(?i)\bexec\s*\(|\beval\b\s*[\(\s$]|\bcompile\s*\(|new\s+Function|vm\.run|Invoke-Expression|\biex\b|loadstring|\bload\s*\(|create_function|instance_eval|os\.system\s*\(\s*(\w+\.)*(b64decode|decode|fromhex)|system\s*\(\s*(\w+::)?(decode_base64|pack|base64_decode)|(shell_exec|passthru|system)\s*\(\s*base64_decode|marshal\.loads|execSync\s*\(\s*(Buffer|atob)`)
	usesFetch  = uses(`(?i)urlopen|urlretrieve|requests\.(get|post|request)|urllib|httpx|aiohttp|http\.client|\bfetch\s*\(|https?\.get|http\.request|axios|LWP|open-uri|Net::HTTP|file_get_contents\s*\(\s*['"]https?:|curl_exec|DownloadString|DownloadFile|DownloadData|Invoke-WebRequest|\biwr\b|Invoke-RestMethod|\birm\b|URI\.(open|parse)|HTTP::Tiny|io/http|net/http|wget|curl`, "url", "request", "http", "fetch", "axios", "lwp", "curl", "wget", "download", "iwr", "irm", "file_get", "uri")
	usesSend   = uses(`(?i)requests\.(post|put|get|request)|urlopen|httpx\.|http\.client|\bfetch\s*\(|https?\.(request|get)|axios|sendall|\.send\s*\(|smtplib|curl_exec|Net::HTTP|LWP|UploadString|Invoke-WebRequest|Invoke-RestMethod|ftplib|paramiko|boto3|file_get_contents\s*\(\s*['"]https?:|TCPSocket|XMLHttpRequest|sendBeacon`)
	usesDecode = uses(`(?i)b64decode|base64\.|decodestring|a2b_|fromhex|unhexlify|codecs\.decode|rot13|\batob\s*\(|Buffer\.from\s*\([^)]*['"](base64|hex)['"]|base64_decode|hex2bin|str_rot13|gzinflate|gzuncompress|decode_base64|MIME::Base64|unpack\s*\(?\s*['"](m|u|H)|pack\s*\(?\s*['"](m|u|H)|Base64\.(strict_|urlsafe_)?decode|FromBase64String|zlib\.decompress|marshal\.loads|fromCharCode|\bchr\s*\(\s*\d+\s*\)\s*\.`, "64", "hex", "rot13", "decode", "decompress", "inflate", "uncompress", "pack", "marshal", "fromcharcode", "chr(", "a2b_")
	usesEnv    = uses(`os\.environ\b\s*($|[^\[.\w]|\.(copy|items|values)\b)|process\.env\s*($|[^.\[\w])|ENV\.to_h|getenv\(\)|\bdict\(os\.environ|%ENV\b|\$_ENV\b`, "env")
	removeTree = uses(`(?i)(rmtree|rmSync|rimraf|remove_tree|rm_rf|RemoveAll|removeSync)\s*\(?\s*['"](/|~|/\*|/home|/etc|/usr|/var|/root|[A-Z]:\\?)/?['"]`, "rmtree", "rmsync", "rimraf", "remove_tree", "rm_rf", "removeall", "removesync")
	// connects tells a connection from a look at the machine's own name.
	connects = uses(`(?i)connect|listen|accept|\bbind\b|TCPSocket|TCPClient|TcpStream|fsockopen|stream_socket_client|/inet/|/dev/tcp/|\bdial\b|socket\.tcp|IO::Socket|gen_tcp|createServer|net\.Socket|new\s+Socket|Socket\s*\(`)

	readsAndRuns = lazyregexp.New(`(?i)(exec|eval)\s*\(\s*(input|sys\.stdin|open\(0|STDIN|gets|<>|require\(['"]fs['"]\)\.readFileSync\(0)`)
)

// literal is a string literal of any of the languages.
var literal = lazyregexp.New(`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|` + "`(?:[^`\\\\]|\\\\.)*`")

// runsLiteral is a call whose argument is a command line.
var runsLiteral = lazyregexp.New(`(?i)(?:\bsystem|\bpopen\d?|\bexec(?:Sync|File|FileSync|l|lp|v|vp|ve|vpe|le|lpe)?|\bspawn(?:Sync|l|lp|v|vp)?|\bcall|\brun|\bcheck_output|\bcheck_call|\bgetoutput|\bgetstatusoutput|\bPopen|\bshell_exec|\bpassthru|\bproc_open|\bexecute|\bcreate_subprocess_shell|\bos\.cmd|\bdo shell script|%x|\bqx|\bIO\.popen|\bBun\.\$|\$)\s*[\(\[{ ]?\s*$`)

// maxLiterals bounds the string literals of one piece of code that are judged.
const maxLiterals = 10_000

// scanCode judges code. It returns what its output may carry.
func (s *shell) scanCode(lang language, code string) flow {
	s.opaque()
	if !confined(lang, code) {
		s.unseen()
		s.shows(Execute, code)
	}
	if len(code) > maxFlow {
		s.unreadable("the code is too long to read")
		code = code[:maxFlow]
	}
	if s.code -= len(code); s.code < 0 || s.depth >= maxNest {
		s.unreadable("the code is too long to read")
		return flow{}
	}
	out := flow{text: hole}
	lower := strings.ToLower(code)
	socket := usesSocket.in(code, lower)
	if socket {
		s.kind(Send)
		if connects.in(code, lower) && usesShell.in(code, lower) {
			s.danger(ReverseShell, code)
		}
	}
	if webShell.in(code, lower) {
		s.danger(ReverseShell, code)
	}
	fetch := usesFetch.in(code, lower)
	if fetch && (lang != anyLanguage || strings.Contains(code, "(")) {
		s.kind(Send)
		if fetchesAndRuns(code) {
			s.danger(DownloadExecute, code)
		}
	}
	if usesDecode.in(code, lower) && usesEval.in(code, lower) {
		s.danger(EncodedExecute, code)
	}
	sends := socket || fetch && usesSend.in(code, lower)
	if usesEnv.in(code, lower) {
		if sends {
			s.danger(CredentialSend, code)
		} else if strings.Contains(code, "print") || strings.Contains(code, "console.log") || strings.Contains(code, "puts") {
			out.taint |= shown | credential
		}
	}
	if removeTree.in(code, lower) {
		s.kind(Destroy)
		s.danger(DestructiveWide, code)
	}
	out.taint |= s.literals(lang, code, touch{sends: sends, writes: writesFile.in(code, lower)}).taint
	return out
}

// webShell runs what a web request says.
var webShell = uses("(?i)(\\b(system|exec|passthru|shell_exec|popen|proc_open|eval|assert)\\s*\\(\\s*\\(?|`)\\s*\\$?_(GET|POST|REQUEST|COOKIE)\\b|\\$_(GET|POST|REQUEST|COOKIE)\\[.{1,40}(system|exec|passthru|shell_exec)\\s*\\(|getRuntime\\(\\)\\.exec\\(request\\.getParameter", "_get", "_post", "_request", "_cookie", "getruntime")

// fetchesAndRuns says that what code fetches is what it runs, as far as names
// can tell: both in one expression, or code is evaluated after a fetch.
func fetchesAndRuns(code string) bool {
	return usesEval.re.MatchString(code) && fetchNear.MatchString(code)
}

var fetchNear = lazyregexp.New(`(?is)(exec|eval|compile|Function|iex|Invoke-Expression|load|loadstring|instance_eval|runInThisContext)\b.{0,200}(urlopen|requests\.get|urllib|httpx|fetch|https?\.get|file_get_contents|DownloadString|iwr|irm|Invoke-WebRequest|Invoke-RestMethod|Net::HTTP|open-uri|LWP|URI\.open|get\()|(DownloadString|iwr|irm|Invoke-WebRequest|Invoke-RestMethod|urlopen|requests\.get|https?\.get|fetch\().{0,400}(\|\s*iex|Invoke-Expression|\bexec\s*\(|\beval\s*\()`)

// touch is what code does with the files it names.
type touch struct{ sends, writes bool }

// literals judges the string literals of code: command lines, paths, URLs.
func (s *shell) literals(lang language, code string, does touch) (out flow) {
	for i, m := range literal.FindAllStringIndex(code, maxLiterals+1) {
		if i == maxLiterals {
			s.unreadable("the code has too many strings to read")
			break
		}
		text := unquote(code[m[0]:m[1]])
		before := code[max(0, m[0]-60):m[0]]
		switch {
		case runsLiteral.MatchString(before) || lang == perlLanguage && code[m[0]] == '`' || lang == rubyLanguage && code[m[0]] == '`' || lang == phpLanguage && code[m[0]] == '`':
			s.nested(text+arguments(code[m[1]:]), flow{})
		case strings.HasPrefix(text, "http://"), strings.HasPrefix(text, "https://"):
			s.sends(text)
			if metadata(hostOf(text)) {
				s.danger(CredentialRead, code)
			}
		case len(text) > 1 && len(text) < 512 && strings.ContainsAny(text, "/.~_"):
			out.taint |= s.pathInCode(text, code, does).taint
		}
	}
	return out
}

// pathInCode judges a literal that may be a path.
func (s *shell) pathInCode(text, code string, does touch) (out flow) {
	p := clean(strings.Replace(text, "~", home, 1), s.dir)
	switch rankOf(p) {
	case machineSecret:
		s.reads(text)
		s.danger(CredentialRead, code)
		out.taint |= credential
	case projectSecret:
		s.reads(text)
		out.taint |= credential
	default:
		if does.writes && p != "" {
			s.changes(p, flow{text: hole}, code)
		}
		return out
	}
	if does.writes {
		s.changes(p, flow{text: hole}, code)
	}
	if does.sends && !strings.Contains(code, "load_dotenv") {
		s.danger(CredentialSend, code)
	}
	return out
}

var writesFile = uses(`(?i)\bopen\s*\([^)]*,\s*['"][wa]|writeFile|appendFile|file_put_contents|File\.write|\.write_text|os\.(remove|unlink|rename)|unlink(Sync)?\s*\(|shutil\.(copy|move)|rmtree|fs\.(rm|cp|rename)`, "open", "write", "append", "put_contents", "remove", "unlink", "rename", "shutil", "rmtree", "fs.")

// arguments are the further literals of a list: ["rm", "-rf", "/"].
func arguments(rest string) string {
	var b strings.Builder
	for range 32 {
		trimmed := strings.TrimLeft(rest, " \t\n,[")
		if trimmed == "" || len(trimmed) == len(rest) || trimmed[0] != '"' && trimmed[0] != '\'' {
			break
		}
		m := literal.FindStringIndex(trimmed)
		if m == nil || m[0] != 0 {
			break
		}
		text := unquote(trimmed[:m[1]])
		b.WriteString(" " + quoted([]word{lit(text)}))
		rest = trimmed[m[1]:]
	}
	return b.String()
}

// unquote takes the quotes off and decodes the commonest escapes.
func unquote(q string) string {
	if len(q) < 2 {
		return q
	}
	return escapes.Replace(q[1 : len(q)-1])
}

var escapes = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\"`, `"`, `\'`, `'`, `\\`, `\`, `\/`, `/`)
