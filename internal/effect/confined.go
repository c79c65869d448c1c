package effect

import (
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// confined reports whether inline code plainly computes and prints: it uses nothing
// that reaches other machines, other programs, or names that are made up as it runs.
// Of every other code nobody can say what it does.
func confined(lang language, code string) bool {
	rule, ok := confines[lang]
	if !ok || len(code) > maxConfined || strings.Contains(code, hole) || rule.never.MatchString(code) {
		return false
	}
	for _, m := range rule.imports.FindAllStringSubmatch(code, -1) {
		for name := range strings.SplitSeq(strings.Join(m[1:], ""), ",") {
			name, _, _ = strings.Cut(strings.TrimSpace(name), " as ")
			if !rule.modules[strings.TrimSpace(name)] {
				return false
			}
		}
	}
	return true
}

// maxConfined bounds the code that is taken as plain, in bytes.
const maxConfined = 4096

// confine is what plain code of one language may do.
type confine struct {
	never   *lazyregexp.Regexp // what it must not hold
	imports *lazyregexp.Regexp // the modules that it names
	modules map[string]bool
}

var confines = map[language]confine{
	pythonLanguage: {
		lazyregexp.New(`__|\._|\\[xuN0-7]|\b(subprocess|socket|urllib|http|requests|shutil|posix|eval|exec|compile|getattr|setattr|vars|globals|locals|importlib|modules|breakpoint|input|unlink|rmtree|rmdir|remove|rename|replace_with|system|popen|spawn|fork|kill|environ|putenv|ctypes|builtins|loader|codecs)\b|\bos\.(?:[a-oq-z]|p[^a])|\bimport\s*\(`),
		lazyregexp.New(`\bfrom\s+([\w.]+)\s+import\b|\bimport\s+([\w. ,]+)`),
		wordSet(`json sys re math datetime time collections itertools functools statistics random string textwrap csv decimal fractions pathlib hashlib
			html unicodedata pprint difflib calendar bisect heapq operator typing dataclasses enum os.path zoneinfo uuid copy tomllib yaml numbers cmath locale glob`),
	},
	jsLanguage: {
		lazyregexp.New(`\\[xu0-7]|\b(eval|Function|constructor|globalThis|global|fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|child_process|mainModule|binding|dlopen|unlink\w*|rm\w*|rename\w*|__proto__|prototype|Reflect|Proxy|vm|Worker|spawn\w*|exec\w*|Bun|Deno|import)\b|\bprocess\s*(\[|\.(?:env|binding|kill|dlopen|mainModule|getBuiltinModule|abort|chdir))|[\w)\]]\s*\[\s*(?:[^\]0-9'"\s]|['"][^'"]*['"]\s*[^\]\s])|[{,]\s*\[[^\]]*\]\s*:|\brequire\s*[^\s(]|\brequire\s*\(\s*[^'"\s]`),
		lazyregexp.New(`\brequire\s*\(\s*['"]([^'"]*)['"]`),
		wordSet(`fs path util url assert os node:fs node:path node:util node:url node:assert node:os ./package.json ./package-lock.json ./tsconfig.json`),
	},
	perlLanguage: {
		lazyregexp.New("`|\\b(system|exec|open|eval|qx|require|use|do|fork|unlink|socket|syscall|connect|kill|rename|rmdir|ENV|INC)\\b|\\|\\s*[\"']|[/}#|][a-df-z]*e[a-z]*\\s*(;|$|')"),
		lazyregexp.New(`\bno-module(x)`),
		nil,
	},
	awkLanguage: {
		lazyregexp.New(`\b(system|getline|ENVIRON|close)\b|\||/inet|@(load|include)|>`),
		lazyregexp.New(`\bno-module(x)`),
		nil,
	},
}
