package openclaw

// Tool is one of OpenClaw's own tools.
type Tool struct {
	Name  string
	Group string // section of OpenClaw's catalog: fs, runtime, web, … or search, plugin
	What  string // what it does, for a person who is asked about it
}

// Tools are the tools of OpenClaw 2026.9.6: its core catalog
// (src/agents/tool-catalog.ts), the controls of tool search and code mode, and
// the tools of the plugins it loads by default.
var Tools = []Tool{
	{"ls", "fs", "lists a directory"},
	{"read", "fs", "reads a file"},
	{"write", "fs", "writes a file"},
	{"edit", "fs", "changes text in a file"},
	{"apply_patch", "fs", "changes files by a patch"},

	{"exec", "runtime", "runs a shell command"},
	{"process", "runtime", "watches, feeds and ends commands that run"},
	{"code_execution", "runtime", "runs code at the provider"},
	{"secrets", "runtime", "asks for and stores credentials"},

	{"web_search", "web", "searches the web"},
	{"web_fetch", "web", "fetches a web page"},
	{"x_search", "web", "searches X"},

	{"memory_search", "memory", "searches its memory"},
	{"memory_get", "memory", "reads its memory"},

	{"sessions", "sessions", "changes how sessions are labelled and kept"},
	{"sessions_list", "sessions", "lists sessions"},
	{"sessions_history", "sessions", "reads another session"},
	{"sessions_search", "sessions", "searches all sessions"},
	{"sessions_send", "sessions", "writes into another session"},
	{"sessions_spawn", "sessions", "starts another agent"},
	{"sessions_yield", "sessions", "ends its turn to wait"},
	{"conversations_list", "sessions", "lists whom it can write to"},
	{"conversations_send", "sessions", "writes to somebody outside"},
	{"conversations_turn", "sessions", "writes to somebody outside and waits for the answer"},
	{"github_identity_status", "sessions", "looks at its GitHub identity"},
	{"github_publish", "sessions", "publishes its work as a pull request"},
	{"agents_wait", "sessions", "waits for other agents"},
	{"subagents", "sessions", "lists and ends background work"},
	{"session_status", "sessions", "looks at its own session"},
	{"suggest_task", "sessions", "suggests a task"},
	{"dismiss_task", "sessions", "drops a suggested task"},

	{"browser", "ui", "drives a web browser"},
	{"screen", "ui", "drives the operator's page"},
	{"theme", "ui", "changes how the page looks"},
	{"dashboard", "ui", "arranges the session's board"},
	{"terminal", "ui", "types into a terminal of the operator"},
	{"portal", "ui", "puts a local web server on the gateway"},
	{"canvas", "ui", "shows pages on a paired device"},
	{"show_widget", "ui", "shows a widget"},

	{"message", "messaging", "sends messages"},
	{"heartbeat_respond", "automation", "answers its own heartbeat"},
	{"automations", "automation", "schedules work for later"},
	{"gateway", "automation", "updates OpenClaw and reads its config"},
	{"plugins", "automation", "installs and reloads plugins"},
	{"openclaw", "automation", "sets OpenClaw up and repairs it"},

	{"nodes", "nodes", "uses paired devices"},
	{"computer", "nodes", "drives a desktop"},
	{"mobile_ui", "nodes", "drives a phone"},

	{"agents_list", "agents", "lists agents"},
	{"get_goal", "agents", "reads its goal"},
	{"create_goal", "agents", "sets itself a goal"},
	{"update_goal", "agents", "ends or blocks its goal"},
	{"progress_card", "agents", "shows its progress"},
	{"ask_user", "agents", "asks the user"},
	{"skill_workshop", "agents", "writes skills"},

	{"view_image", "media", "looks at an image"},
	{"image_generate", "media", "makes images"},
	{"music_generate", "media", "makes music"},
	{"video_generate", "media", "makes videos"},
	{"tts", "media", "speaks"},
	{"pdf", "media", "reads a PDF"},

	{"tool_search", "search", "searches hidden tools"},
	{"tool_describe", "search", "reads how a hidden tool is called"},
	{"tool_call", "search", "calls a hidden tool"},
	{"tool_search_code", "search", "runs code that calls hidden tools"},
	{"wait", "search", "waits for code that runs"},

	{"file_fetch", "plugin", "reads a file of a paired device"},
	{"file_write", "plugin", "writes a file on a paired device"},
	{"dir_list", "plugin", "lists a directory of a paired device"},
	{"dir_fetch", "plugin", "copies a directory from a paired device"},
	{"node_inference", "plugin", "runs a model on a paired device"},
	{"talk_voice", "plugin", "changes its voice"},
	{"transcripts", "plugin", "reads recordings of calls"},
	{"intent", "plugin", "keeps a standing order of the user"},
}

// ToolNamed returns a tool of [Tools].
func ToolNamed(name string) (Tool, bool) {
	for _, t := range Tools {
		if t.Name == name {
			return t, true
		}
	}
	return Tool{}, false
}
