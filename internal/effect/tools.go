package effect

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/dop251/goja/parser"

	"github.com/openseawall/seawall/internal/lazyregexp"
	"github.com/openseawall/seawall/internal/openclaw"
)

// tool is what is known of one of OpenClaw's tools (2026.9, 54 of them).
type tool struct {
	kinds []Kind
	run   func(*shell, map[string]any) // nil: the arguments are looked at by their names
}

var tools map[string]tool

func init() {
	reads := tool{kinds: kinds(Read)}
	writes := tool{kinds: kinds(Write)}
	sends := tool{kinds(Send), attachments}
	tools = map[string]tool{
		"exec": {kinds(Execute), execTool}, "process": {kinds(Execute), typedTool}, "terminal": {kinds(Execute), typedTool},
		"read": {kinds(Read), readTool}, "ls": {kinds(Read), listTool}, "write": {kinds(Write), writeTool}, "edit": {kinds(Read, Write), writeTool}, "apply_patch": {kinds(Write), patchTool},
		"file_fetch": {kinds(Read), readTool}, "dir_fetch": {kinds(Read), readTool}, "dir_list": {kinds(Read), listTool}, "file_write": {kinds(Write), writeTool},
		"web_fetch": {kinds(Read, Send), urlTool}, "web_search": {kinds: kinds(Read, Send)}, "browser": {kinds(Read, Send), browserTool}, "canvas": {kinds(Write), browserTool}, "mobile_ui": {kinds: kinds(Read, Execute, Send)},
		"message": sends, "conversations_send": sends, "conversations_turn": sends, "sessions_send": sends, "tts": {kinds: kinds(Send)}, "talk_voice": {kinds: kinds(Send, Write)},
		"sessions_spawn": {kinds: kinds(Execute)}, "subagents": {kinds: kinds(Execute)}, "node_inference": {kinds: kinds(Execute, Send)},
		"automations": {kinds(Read), scheduleTool}, "cron": {kinds(Read), scheduleTool},
		"gateway": {kinds(Guard), gatewayTool}, "plugins": {kinds(Read), pluginsTool}, "secrets": {kinds(Guard), secretsTool}, "openclaw": {kinds(Widen, Guard), setupTool},
		"nodes": {kinds(Send), nodesTool}, "portal": {kinds: kinds(Widen, Send)}, "skill_workshop": {kinds(Read), skillTool}, "intent": {kinds: kinds(Read)},
		"agents_list": reads, "agents_wait": reads, "ask_user": sends, "conversations_list": reads, "get_goal": reads, "memory_get": reads, "memory_search": reads, "session_status": reads,
		"sessions": reads, "sessions_history": reads, "sessions_list": reads, "sessions_search": reads, "sessions_yield": reads, "transcripts": reads, "tool_search": reads, "tool_describe": reads, "wait": reads,
		"create_goal": writes, "update_goal": writes, "dashboard": writes, "progress_card": writes, "theme": writes,
		"tool_call": {nil, nestedTool},
	}
}

// judgeTool notes the effects of one tool call.
func judgeTool(r *recorder, name string, args map[string]any, depth int) {
	if depth > maxNest {
		r.unreadable("the call holds too many calls within calls")
		return
	}
	s := newShell(r, depth)
	defer s.recipients(args)
	t, ok := tools[name]
	if !ok {
		if t, ok = foreign(name); ok {
			s.foreignTool(t, args)
		} else {
			s.unknownTool(name, args, r.schema)
		}
		return
	}
	r.kind(t.kinds...)
	if t.run != nil {
		t.run(s, args)
		return
	}
	s.arguments(args, t.kinds, false)
}

// nestedTool judges the call within OpenClaw's tool_call {id, args}.
func nestedTool(s *shell, args map[string]any) {
	inner, _ := args["args"].(map[string]any)
	if text, ok := args["args"].(string); ok {
		inner = decodeArgs(s.recorder, []byte(text))
	}
	judgeTool(s.recorder, text(args, "id", "name", "tool"), inner, s.depth+1)
}

// text is the first of the named arguments that is a string.
func text(args map[string]any, names ...string) string {
	for _, n := range names {
		if v, ok := args[n].(string); ok && v != "" {
			return v
		}
	}
	return ""
}

// commandLine is a command given as a string or as a list of arguments.
func commandLine(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		ws := make([]word, 0, len(v))
		for _, e := range v {
			if t, ok := e.(string); ok {
				ws = append(ws, lit(t))
			}
		}
		return quoted(ws)
	}
	return ""
}

// execTool judges exec. In OpenClaw's code mode the same tool takes
// JavaScript, as code or as command, that calls the other tools.
func execTool(s *shell, args map[string]any) {
	if code := text(args, "code"); code != "" {
		s.codeMode(code)
	}
	command := commandLine(args["command"])
	if command == "" {
		command = commandLine(args["cmd"])
	}
	if command == "" {
		return
	}
	if callsTool.MatchString(command) && isScript(command) {
		s.codeMode(command)
		before := s.e.ParseError
		defer func() { s.e.ParseError = before }() // it is no shell command
	}
	if dir := text(args, "workdir", "cwd"); dir != "" {
		s.dir = clean(dir, "")
	}
	if env, ok := args["env"].(map[string]any); ok {
		for name, v := range env {
			if value, ok := v.(string); ok {
				s.vars[name] = known(value)
				s.environment(name, known(value))
			}
		}
	}
	if e, ok := args["elevated"].(bool); ok && e {
		s.kind(Widen)
	}
	s.top(command)
}

// isScript says that a text is JavaScript, as the body of an async function.
func isScript(code string) bool {
	if len(code) > maxFlow || strings.Count(code, "(")+strings.Count(code, "[")+strings.Count(code, "{") > maxScriptBrackets {
		return false
	}
	_, err := parser.ParseFile(nil, "", "(async () => {"+code+"\n})", 0)
	return err == nil
}

// maxScriptBrackets bounds what could make the parser recurse.
const maxScriptBrackets = 2000

var callsTool = lazyregexp.New(`(?:\bawait\s|\breturn\s|=>|\btools?\.|\bcatalog\b|MCP\b)[\s\S]{0,200}\(`)

// codeMode judges JavaScript that calls tools by its string literals.
//
// It runs where nothing but these tools can be reached, and each call that it makes
// is judged by itself at the hook, so it is not unseen.
func (s *shell) codeMode(code string) {
	unseen := s.e.Unseen
	s.scanCode(jsLanguage, code)
	s.e.Unseen = unseen
	for i, m := range literal.FindAllStringIndex(code, maxLiterals+1) {
		if i == maxLiterals {
			s.unreadable("the code has too many strings to read")
			return
		}
		t := templated.ReplaceAllString(unquote(code[m[0]:m[1]]), "$$unknown")
		word, _, _ := strings.Cut(strings.TrimSpace(t), " ")
		if _, known := programs[word]; known || commandKey.MatchString(code[max(0, m[0]-40):m[0]]) {
			newShell(s.recorder, s.depth+1).top(t)
		}
	}
}

var (
	templated  = lazyregexp.New(`\$\{[^}]*\}`)
	commandKey = lazyregexp.New(`(?i)\b(command|cmd|script|data|input)["']?\s*:\s*$`)
)

// typedTool judges what is typed into a running program. It may be a shell;
// that it does not parse as one says nothing.
func typedTool(s *shell, args map[string]any) {
	for _, key := range []string{"command", "cmd", "data", "input", "text", "keys", "paste", "literal", "value"} {
		line := commandLine(args[key])
		if strings.TrimSpace(line) == "" {
			continue
		}
		before := s.e.ParseError
		s.top(line)
		if key != "command" && key != "cmd" {
			s.e.ParseError = before
		}
	}
	s.arguments(without(args, "command", "cmd", "data", "input", "text", "keys", "paste", "literal", "value"), nil, false)
}

func without(args map[string]any, names ...string) map[string]any {
	m := make(map[string]any, len(args))
	for k, v := range args {
		if !slices.Contains(names, k) {
			m[k] = v
		}
	}
	return m
}

var pathKeys = []string{"path", "file_path", "filePath", "filepath", "file", "filename", "absolutePath", "remotePath", "localPath", "dir", "directory", "source"}

func readTool(s *shell, args map[string]any) {
	s.eachPath(args, func(p string) { s.readPath(p, "read "+p) })
}

func (s *shell) readPath(p, piece string) flow {
	s.reads(p)
	full := clean(strings.Replace(p, "~", home, 1), s.dir)
	if secretTree(full) {
		s.danger(CredentialRead, piece)
	}
	f := s.readFrom(lit(strings.Replace(p, "~/", home+"/", 1)), piece)
	return f
}

func (s *shell) eachPath(args map[string]any, f func(string)) {
	for _, k := range pathKeys {
		if p, ok := args[k].(string); ok && p != "" {
			f(openclaw.FilePath(p))
		}
	}
	for _, k := range []string{"paths", "files"} {
		list, _ := args[k].([]any)
		for _, v := range list {
			switch v := v.(type) {
			case string:
				f(openclaw.FilePath(v))
			case map[string]any:
				s.eachPath(v, f)
			}
		}
	}
}

func listTool(s *shell, args map[string]any) { s.eachPath(args, s.reads) }

func writeTool(s *shell, args map[string]any) {
	content := text(args, "content", "contents", "text", "newText", "new_text", "new_string", "newString", "data", "file_text", "new_str", "replacement", "replace", "code_edit")
	edits, _ := args["edits"].([]any)
	for _, e := range edits {
		if m, ok := e.(map[string]any); ok {
			content += "\n" + text(m, "newText", "new_text", "new_string", "newString")
		}
	}
	s.eachPath(args, func(p string) { s.writeFile(p, content) })
}

// writeFile judges that a file gets a content through a tool.
func (s *shell) writeFile(p, content string) {
	s.writes(p)
	full := clean(strings.Replace(p, "~", home, 1), s.dir)
	s.changes(full, known(content), "write "+p)
	if devices.MatchString(full) {
		s.danger(DestructiveWide, "write "+p)
	}
	s.scriptContent(p, content)
}

// scriptContent judges the content of a file that is a script, as if it ran:
// that is what it is for.
func (s *shell) scriptContent(p, content string) {
	lang := shebang(content)
	script := strings.HasPrefix(content, "#!")
	for ext, l := range extensions {
		if strings.HasSuffix(p, ext) {
			script, lang = true, l
		}
	}
	switch {
	case !script:
	case lang == shellLanguage:
		in := newShell(s.recorder, s.depth+1)
		before := s.e.ParseError
		in.script(content, flow{})
		s.e.ParseError = before
	default:
		newShell(s.recorder, s.depth+1).scriptCode(lang, content)
	}
}

// extensions are the names of script files. Programs in other languages are
// read only where they are run inline: as files they are too varied.
var extensions = map[string]language{".sh": shellLanguage, ".bash": shellLanguage, ".zsh": shellLanguage, ".command": shellLanguage,
	".py": pythonLanguage, ".pl": perlLanguage, ".rb": rubyLanguage, ".php": phpLanguage, ".ps1": powershellLanguage}

// scriptCode judges a program in a file only for what no program needs.
func (s *shell) scriptCode(_ language, code string) {
	if len(code) > maxFlow {
		code = code[:maxFlow]
	}
	if usesSocket.re.MatchString(code) && handsOver.MatchString(code) {
		s.danger(ReverseShell, code)
	}
	if usesDecode.re.MatchString(code) && runsDecoded.MatchString(code) {
		s.danger(EncodedExecute, code)
	}
}

var (
	handsOver   = lazyregexp.New(`(?i)dup2\s*\(\s*\w+\.fileno|pty\.spawn|open\(STD(IN|OUT),\s*['"]?>&|proc_open\s*\([^)]*\$?s|/bin/(ba|z|da)?sh['"]?,?\s*['"]?-i|exec\s*\(?['"]/bin/(ba)?sh`)
	runsDecoded = lazyregexp.New(`(?i)(exec|eval)\s*\(\s*[\w.\s(]*(b64decode|base64_decode|decode_base64|unhexlify|decompress|fromhex|loads)`)
)

// patchTool judges OpenClaw's patch format: *** Add File: path, and + lines.
func patchTool(s *shell, args map[string]any) {
	var file string
	var content strings.Builder
	flush := func() {
		if file != "" {
			s.writeFile(file, content.String())
		}
		file = ""
		content.Reset()
	}
	for line := range strings.SplitSeq(text(args, "input", "patch", "diff"), "\n") {
		if m := patchHeader.FindStringSubmatch(line); m != nil {
			flush()
			file = openclaw.FilePath(strings.TrimSpace(m[2]))
			if m[1] == "Delete File" {
				s.gone(file, "delete "+file)
			}
		} else if rest, ok := strings.CutPrefix(line, "+"); ok && content.Len() < maxFlow {
			content.WriteString(strings.TrimPrefix(rest, "++ ") + "\n")
		}
	}
	flush()
}

var patchHeader = lazyregexp.New(`^\s*\*\*\* (Add File|Update File|Delete File|Move to): (.+)$`)

func urlTool(s *shell, args map[string]any) {
	s.arguments(args, kinds(Read, Send), false)
}

func browserTool(s *shell, args map[string]any) {
	s.arguments(args, kinds(Send), true)
	if code := text(args, "fn", "javaScript", "expression", "script", "code"); code != "" {
		s.kind(Execute)
		s.scanCode(jsLanguage, code)
	}
	if request, ok := args["request"].(map[string]any); ok {
		browserTool(s, request)
	}
}

// attachments judges tools that send: a file they carry leaves the machine.
func attachments(s *shell, args map[string]any) { s.arguments(args, kinds(Send), true) }

func scheduleTool(s *shell, args map[string]any) {
	switch action := text(args, "action", "op"); action {
	case "list", "status", "runs", "get", "history":
	case "remove", "delete":
		s.kind(Destroy, Widen)
	case "run", "wake":
		s.kind(Execute)
	default:
		s.kind(Write, Widen)
	}
	s.arguments(args, kinds(Widen), false)
}

// gatewayTool judges OpenClaw's gateway tool: configuration, updates, restarts.
func gatewayTool(s *shell, args map[string]any) {
	action := text(args, "action", "op", "method")
	piece := "gateway " + action
	switch {
	case action == "config.get" || strings.HasPrefix(action, "config.schema") || action == "status":
		s.kind(Read)
	case action == "restart":
		s.kind(Execute)
	case strings.HasPrefix(action, "update"):
		s.kind(Widen, Execute, Send)
	case strings.HasPrefix(action, "config.apply"):
		s.kind(Write, Widen)
		s.danger(DisableGuard, piece)
	default:
		s.kind(Write, Widen)
		if s.guardConfig(args) {
			s.danger(DisableGuard, piece)
		}
	}
}

// guardConfig says that a change of configuration touches what guards.
func (s *shell) guardConfig(args map[string]any) bool {
	if p := text(args, "path", "key"); p != "" {
		return guardKeys.MatchString(p)
	}
	for _, k := range []string{"raw", "patch", "config", "value", "set", "changes"} {
		var v any = args[k]
		if t, ok := v.(string); ok {
			if json.Unmarshal([]byte(t), &v) != nil && t != "" {
				s.opaque()
				return looseKeys.MatchString(t)
			}
		}
		if touches(v, "", 0) {
			return true
		}
	}
	return false
}

// looseKeys finds guarding sections in configuration that is not plain JSON.
var looseKeys = lazyregexp.New(`(?i)\b(exec|auth|approvals|plugins|sandbox|allow|deny|bind|baseUrl|apiKey|secrets|hooks|elevated|dmPolicy|seawall)\b["']?\s*[:.]`)

// touches walks a configuration by its key paths.
func touches(v any, at string, depth int) bool {
	if depth > 32 {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			p := strings.TrimPrefix(at+"."+k, ".")
			if _, deeper := e.(map[string]any); guardKeys.MatchString(p) && !(deeper && (p == "tools" || p == "gateway" || p == "plugins")) || touches(e, p, depth+1) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if touches(e, at, depth+1) {
				return true
			}
			if m, ok := e.(map[string]any); ok && guardKeys.MatchString(text(m, "path", "key")) {
				return true
			}
		}
	}
	return false
}

func pluginsTool(s *shell, args map[string]any) {
	action := text(args, "action", "op")
	piece := "plugins " + action + " " + text(args, "id", "plugin", "pluginId", "name", "package", "spec")
	switch action {
	case "list", "inspect", "search", "status", "info", "get":
		return
	case "install", "enable", "update":
		s.kind(Write, Widen, Execute, Send)
	default:
		s.kind(Write, Widen, Guard)
	}
	if strings.Contains(strings.ToLower(piece), "seawall") || s.guardConfig(args) {
		s.danger(DisableGuard, piece)
	}
	s.arguments(args, nil, false)
}

// secretsTool judges OpenClaw's secrets tool. Values never come back to the
// model from it; to put one in is a change of who may do what.
func secretsTool(s *shell, args map[string]any) {
	switch text(args, "action", "op") {
	case "list", "status", "audit", "describe":
		s.kind(Read)
	case "get", "read", "reveal", "show", "resolve", "export":
		s.kind(Read)
		s.danger(CredentialRead, "secrets "+text(args, "action", "op"))
	case "delete", "remove":
		s.kind(Write, Destroy)
	default:
		s.kind(Write, Widen)
	}
}

// asksToOpen are requests, in words, to take OpenClaw's guards down.
var asksToOpen = lazyregexp.New(`(?i)\b(disable|turn off|remove|uninstall|bypass|skip|loosen|relax|stop|without|no)\b.{0,60}\b(seawall|guard|approval|approvals|sandbox|auth|authentication|firewall|token|password|policy|plugin|restriction)|\b(yolo|full access|allow all|auto[- ]?approve|security[ =:"]*full|ask[ =:"]*off|exec[- ]?policy|exec\.(mode|security|ask)|mode[ =:"]*full|auth\.mode|bind[ =:"]*(lan|0\.0\.0\.0|all)|base ?url)\b`)

// setupTool judges the tool that hands OpenClaw's own set-up a task in words.
func setupTool(s *shell, args map[string]any) {
	s.opaque()
	raw, err := json.Marshal(args)
	if err != nil {
		return
	}
	if asksToOpen.MatchString(string(raw)) || touches(map[string]any(args), "", 0) {
		s.danger(DisableGuard, "openclaw "+string(raw))
	}
	line := commandLine(args["command"])
	if line == "" {
		line = commandLine(args["args"])
	}
	s.openclawVerb(line, "openclaw "+line)
}

func nodesTool(s *shell, args map[string]any) {
	switch action := text(args, "action", "op"); action {
	case "status", "list", "describe", "pending":
		s.kind(Read)
	case "approve", "reject", "rename", "remove", "pair":
		s.kind(Widen, Guard)
	default:
		s.kind(Execute)
	}
	s.arguments(args, kinds(Execute), false)
}

func skillTool(s *shell, args map[string]any) {
	switch text(args, "action", "op") {
	case "list", "get", "inspect", "search", "status", "history", "diff":
	default:
		s.kind(Write, Widen)
	}
	s.arguments(args, kinds(Write), false)
}

// roles of arguments, by their names.
var (
	commandArg = lazyregexp.New(`(?i)^(command|cmd|shell|bash|command_?line|shell_?command|script)$`)
	pathArg    = lazyregexp.New(`(?i)(path|file|filename|dir|directory|folder|source|src|destination|dest|attachment|media|upload|image|document)s?$`)
	// filed is by its name a file, whatever its value looks like.
	filed  = lazyregexp.New(`(?i)(path|file|filename|dir|directory|folder|attachment|media|upload|src)s?$`)
	urlArg = lazyregexp.New(`(?i)(url|uri|href|link|endpoint|webhook|address|target)s?$`)
)

// arguments judges arguments by their names and shapes. sending says that
// files in them leave the machine.
func (s *shell) arguments(v any, ks []Kind, sending bool) { s.argument("", v, ks, sending, 0) }

func (s *shell) argument(key string, v any, ks []Kind, sending bool, depth int) {
	if depth > 32 || !s.step() {
		s.unreadable("the arguments are nested too deeply to follow")
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			s.argument(k, e, ks, sending, depth+1)
		}
	case []any:
		if commandArg.MatchString(key) {
			s.top(commandLine(v))
			return
		}
		for _, e := range v {
			s.argument(key, e, ks, sending, depth+1)
		}
	case string:
		s.argumentText(key, v, ks, sending)
	}
}

func (s *shell) argumentText(key, v string, ks []Kind, sending bool) {
	switch {
	case commandArg.MatchString(key) && v != "":
		s.top(v)
	case strings.HasPrefix(v, "file://"):
		f := s.readPath(strings.TrimPrefix(v, "file://"), v)
		if sending {
			s.leaks(f, v)
		}
	case strings.HasPrefix(v, "http://"), strings.HasPrefix(v, "https://"), urlArg.MatchString(key) && strings.Contains(v, "."):
		s.received(v, v)
	case pathArg.MatchString(key) && len(v) < 4096:
		piece := key + " " + v
		p := clean(strings.Replace(v, "~", home, 1), s.dir)
		if (slices.Contains(ks, Write) || slices.Contains(ks, Destroy)) && (filed.MatchString(key) || isPath.MatchString(v)) {
			s.writes(v)
			s.changes(p, flow{text: hole}, piece)
			if slices.Contains(ks, Destroy) {
				s.gone(v, piece)
			}
		}
		if !slices.Contains(ks, Write) || sending {
			f := s.readPath(v, piece)
			if sending {
				s.leaks(f, piece)
			}
		}
	}
}

func (s *shell) guardConfigName(name string) bool {
	return strings.Contains(strings.ToLower(name), "seawall")
}
