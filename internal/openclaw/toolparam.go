package openclaw

import (
	"net/url"
	pathpkg "path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/lazyregexp"
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

	xmlRest = lazyregexp.New(`</arg_value>>+$`)
	office  = lazyregexp.New(`(?i)\.(doc|ppt|xls)(?:odex|codex|xodex|xcodex)$`)
)

// withoutXML cuts until nothing is left to cut: OpenClaw cuts once more what is
// handed on.
func withoutXML(value string) string {
	for strings.Contains(value, "</arg_value>") {
		cut := xmlRest.ReplaceAllString(value, "")
		if cut == value {
			break
		}
		value = cut
	}
	return value
}

// FilePath is the path that a file tool opens for the one it is given, and
// again for that one. What depends on the files that exist, a relative path
// behind "@", stays.
func FilePath(given string) string {
	path := onceTaken(given)
	for again := onceTaken(path); again != path; again = onceTaken(path) {
		path = again
	}
	return path
}

func onceTaken(given string) string {
	path := withoutXML(given)
	path = office.ReplaceAllStringFunc(path, func(ext string) string { return "." + strings.ToLower(ext[1:4]) + "x" })
	named, at := strings.CutPrefix(path, "@")
	if at && (strings.HasPrefix(named, "/") || named == "~" || strings.HasPrefix(named, "~/") || strings.HasPrefix(named, "..") || strings.HasPrefix(named, "file://")) {
		path = named
	}
	if local := localFile(path); local != "" {
		return local
	}
	return path
}

// localFile is the file of a file URL, or "", as Node.js' fileURLToPath has it:
// the URL standard knows no tabs and line breaks in URLs, and no backslash in
// those of files.
func localFile(path string) string {
	if !strings.HasPrefix(path, "file://") {
		return ""
	}
	text := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(strings.TrimRight(path, " "))
	u, err := url.Parse(text)
	if err != nil || u.Host != "" && !strings.EqualFold(u.Host, "localhost") || encodedSlash.MatchString(text) {
		return ""
	}
	return pathpkg.Clean("/" + u.Path)
}

// encodedSlash in the path of a URL is an error.
var encodedSlash = lazyregexp.New(`(?i)^[^?#]*%2f`)

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
