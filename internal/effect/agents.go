package effect

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// alike says which tools of other agents do what: coding agents, the tools that
// vendors train their models on (Anthropic's bash and text editor, OpenAI's
// shell and apply_patch), MCP's reference servers. The names are as toolKey
// makes them.
var alike = map[string]tool{}

func init() {
	for _, family := range []struct {
		tool
		names string
	}{
		{tool{kinds(Execute), runTool}, `exec bash shell sh terminal_command command cmd run run_command run_commands execute execute_command
			execute_bash execute_shell run_bash run_shell run_shell_command shell_command shell_exec exec_command local_shell
			run_terminal_cmd run_in_terminal run_terminal_command run_script execute_bash_command powershell container_exec`},
		{tool{kinds(Execute), codeTool}, `python python3 execute_python run_python ipython ipython_cell execute_ipython_cell run_ipython
			jupyter code_interpreter code_execution run_code execute_code execute javascript run_javascript node repl python_repl`},
		{tool{kinds(Execute), typedTool}, `write_stdin send_keys send_input bash_input terminal_input type_in_terminal`},
		{tool{kinds(Read, Write), editorTool}, editors + `memory`},
		{tool{kinds(Read), readTool}, `read read_file read_files view_file open_file get_file get_file_contents read_text_file read_media_file
			read_multiple_files view cat file_read notebook_read read_notebook`},
		{tool{kinds(Read), listTool}, `ls list_dir list_directory list_files directory_tree glob grep file_search grep_search search_files
			find_files codebase_search list_directory_with_sizes get_file_info`},
		{tool{kinds(Write), writeTool}, newFiles + `file_write`},
		{tool{kinds(Read, Write), writeTool}, edits + `replace insert`},
		{tool{kinds(Write), patchTool}, `patch apply_diff apply_patch`},
		{tool{kinds(Write, Destroy), deleteTool}, `delete_file remove_file delete_files delete_path remove_path delete_directory rm`},
		{tool{kinds(Read, Send), urlTool}, `fetch webfetch web_fetch fetch_url url_fetch read_url get_url open_url visit_url http_get http_request http
			curl browse fetch_webpage fetch_fetch read_web_page web_read read_url_content web_search search_web google_search`},
		{tool{kinds(Read, Send), browserTool}, `browser_navigate browser_evaluate browser_run_code browser_action browser_upload
			browser_file_upload puppeteer_navigate puppeteer_evaluate playwright_navigate playwright_evaluate goto navigate`},
	} {
		for name := range strings.FieldsSeq(family.names) {
			alike[name] = family.tool
		}
	}
}

// foreign finds a tool of another agent by its name, however that is written:
// Bash, executeCommand, mcp__filesystem__read_file.
func foreign(name string) (tool, bool) {
	t, ok := alike[toolKey(name)]
	if i := strings.LastIndex(name, "."); ok && i > 0 && nounsOf(wordsOf(name[:i], 32))&^(aFile|aProgram) != 0 {
		return tool{}, false // events.insert inserts no text
	}
	return t, ok
}

// What writes files.
const (
	newFiles = `write write_file create_file write_to_file save_file append_file append_to_file new_file
		insert_edit_into_file write_text_file `
	edits = `edit edit_file multi_edit str_replace replace_in_file search_replace search_and_replace
		file_edit notebook_edit replace_string_in_file update_file modify_file `
	editors = `str_replace_based_edit_tool str_replace_editor text_editor edit_tool `
)

// toolKey is a tool's name without its server, in snake case.
func toolKey(name string) string {
	name = name[max(0, len(name)-128):]
	for _, separator := range []string{"__", ".", "/", ":"} {
		if i := strings.LastIndex(name, separator); i >= 0 && i+len(separator) < len(name) {
			name = name[i+len(separator):]
		}
	}
	name = strings.NewReplacer("-", "_", " ", "_").Replace(strings.TrimSpace(name))
	return strings.ToLower(humps.ReplaceAllString(name, "${1}_${2}"))
}

var humps = lazyregexp.New(`([a-z0-9])([A-Z])`)

// foreignTool judges a call of another agent's tool: what is known of the tool,
// and all of its arguments by their names, since other agents know other ones.
func (s *shell) foreignTool(t tool, args map[string]any) {
	s.kind(t.kinds...)
	t.run(s, args)
	rest := args
	if slices.Contains(t.kinds, Execute) || slices.Contains(t.kinds, Write) {
		rest = without(args, "command", "content", "file_text", "new_str")
	}
	s.arguments(rest, t.kinds, slices.Contains(t.kinds, Send))
}

// commandLines are where commands stand in the tools that run them.
var commandLines = []string{"command", "cmd", "commands", "cmds", "shell_command", "command_line", "commandLine", "CommandLine", "script", "input", "action"}

// runTool judges a tool that runs shell commands: one, or a list, each a text,
// a list of arguments or an object that holds one.
func runTool(s *shell, args map[string]any) {
	if dir := text(args, "workdir", "cwd", "working_directory", "workingDirectory", "dir_path", "Cwd"); dir != "" {
		s.dir = clean(dir, "")
	}
	for _, name := range commandLines {
		s.commands(args[name], strings.HasSuffix(name, "s"), 0)
	}
	if code := text(args, "code"); code != "" {
		codeTool(s, args)
	}
}

// commands judges a command; several says that a list holds one in each element.
func (s *shell) commands(v any, several bool, depth int) {
	switch v := v.(type) {
	case string:
		var words []any
		if strings.HasPrefix(strings.TrimSpace(v), "[") && json.Unmarshal([]byte(v), &words) == nil {
			s.commands(words, several, depth+1) // a list of arguments, written as a text
			return
		}
		s.top(v)
	case []any:
		if !several {
			s.top(commandLine(v))
			return
		}
		for _, e := range v {
			s.commands(e, false, depth+1)
		}
	case map[string]any:
		if depth < maxNest {
			for _, name := range commandLines {
				s.commands(v[name], strings.HasSuffix(name, "s"), depth+1)
			}
		}
	}
}

// languages are the names that tools give to the languages of code.
var languages = map[string]language{
	"bash": shellLanguage, "sh": shellLanguage, "shell": shellLanguage, "zsh": shellLanguage,
	"python": pythonLanguage, "py": pythonLanguage, "python3": pythonLanguage, "ipython": pythonLanguage,
	"javascript": jsLanguage, "js": jsLanguage, "node": jsLanguage, "typescript": jsLanguage, "ts": jsLanguage,
	"ruby": rubyLanguage, "perl": perlLanguage, "php": phpLanguage, "powershell": powershellLanguage, "pwsh": powershellLanguage,
}

// magic is a line of a notebook's cell that its shell runs.
var magic = lazyregexp.New(`(?m)^\s*(?:!|%sx |%system |%%(?:bash|sh)\s*\n)(.*)$`)

// codeTool judges a tool that runs a program which stands in its arguments.
func codeTool(s *shell, args map[string]any) {
	lang := languages[strings.ToLower(text(args, "language", "lang", "runtime", "kernel"))]
	for _, name := range []string{"code", "source", "script", "program", "input", "python", "javascript", "cell", "command", "query"} {
		code := text(args, name)
		switch {
		case code == "":
		case lang == shellLanguage:
			s.top(code)
		default:
			s.scanCode(lang, code)
			for _, m := range magic.FindAllStringSubmatch(code, maxList) {
				s.top(m[1])
			}
		}
	}
}

// editorTool judges Anthropic's text editor and tools after its manner: one
// argument says what to do with a path.
func editorTool(s *shell, args map[string]any) {
	switch text(args, "command", "action", "operation") {
	case "view", "read", "open", "list":
		readTool(s, args)
	case "delete", "remove":
		deleteTool(s, args)
	case "rename", "move":
		old := map[string]any{"path": text(args, "old_path", "path")}
		deleteTool(s, old)
		writeTool(s, map[string]any{"path": text(args, "new_path", "destination")})
	default:
		content := text(args, "file_text", "new_str", "insert_text", "content")
		s.eachPath(args, func(p string) { s.writeFile(p, content) })
	}
}

// deleteTool judges a tool that deletes files.
func deleteTool(s *shell, args map[string]any) {
	s.eachPath(args, func(p string) {
		s.writes(p)
		s.gone(p, "delete "+p)
	})
}
