package openclaw

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The rules of this file are what single tools of OpenClaw 2026.9.6 do to
// their arguments before they act, some of it behind every hook: a command or
// a path is not what stands in the call.

// ToolParam returns the value that a tool takes for one of its arguments:
//
//	exec                    no rest of XML behind command, workdir, host, ask and
//	                        node (src/agents/bash-tools.exec.ts)
//	read, write, edit, ls   the path that it opens (src/agents/agent-tools.params.ts,
//	                        src/agents/sessions/tools/path-utils.ts): no rest of XML,
//	                        .docx for .docodex, no @ or file:// in front
//
// Anything else is as it was given.
func ToolParam(tool, name, value string) string {
	switch {
	case tool == "exec" && slices.Contains(execParams, name):
		return withoutXML(value)
	case slices.Contains(fileTools, tool) && name == "path":
		return FilePath(value)
	}
	return value
}

var (
	execParams = []string{"command", "workdir", "host", "ask", "node"}
	fileTools  = []string{"read", "write", "edit", "ls"}

	xmlRest = regexp.MustCompile(`</arg_value>>+$`)
	office  = regexp.MustCompile(`(?i)\.(doc|ppt|xls)(?:odex|codex|xodex|xcodex)$`)
)

func withoutXML(value string) string {
	if !strings.Contains(value, "</arg_value>") {
		return value
	}
	return xmlRest.ReplaceAllString(value, "")
}

// FilePath is the path that a file tool opens for the one it is given. What
// depends on the files that exist, a relative path behind "@", stays.
func FilePath(given string) string {
	path := withoutXML(given)
	path = office.ReplaceAllStringFunc(path, func(ext string) string { return "." + strings.ToLower(ext[1:4]) + "x" })
	if named, ok := strings.CutPrefix(path, "@"); ok && (strings.HasPrefix(named, "/") || named == "~" || strings.HasPrefix(named, "~/") ||
		strings.HasPrefix(named, "..") || hasScheme(named)) {
		path = named
	}
	if hasScheme(path) {
		if u, err := url.Parse(path); err == nil && (u.Host == "" || u.Host == "localhost") && u.Path != "" {
			return u.Path
		}
	}
	return path
}

func hasScheme(path string) bool {
	return len(path) >= len("file://") && strings.EqualFold(path[:len("file://")], "file://")
}

// asTaken gives the arguments of a tool as it takes them; changed tells that
// some are not what they were.
func asTaken(tool string, args jsontext.Value, fields map[string]jsontext.Value) (taken jsontext.Value, changed bool) {
	if tool != "exec" && !slices.Contains(fileTools, tool) {
		return args, false
	}
	for name, value := range fields {
		text, ok := unquoted(value)
		if !ok {
			continue
		}
		if is := ToolParam(tool, name, text); is != text {
			fields[name], _ = jsontext.AppendQuote(nil, is)
			changed = true
		}
	}
	if !changed {
		return args, false
	}
	return encode(fields), true
}
