package openclaw

import (
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// Runtime is what the last line of a request says of the run: OpenClaw appends
// "Runtime: agent=main | session=… | sessionId=… | host=…" as a message of the
// user (seen on the wire of 2026.9.6). It is a claim; anyone who can write to
// the model can write it.
type Runtime struct {
	Agent, Session, SessionID string
}

// ParseRuntime reads the line out of a message; ok is false when there is none.
func ParseRuntime(text string) (r Runtime, ok bool) {
	const begins = "Runtime: agent="
	// To look forward for what is seldom there takes a tenth of the time.
	if !strings.Contains(text, begins) {
		return r, false
	}
	i := strings.LastIndex(text, begins)
	line, _, _ := strings.Cut(text[i+len("Runtime: "):], "\n")
	for field := range strings.SplitSeq(line, " | ") {
		name, value, _ := strings.Cut(field, "=")
		switch strings.TrimSpace(name) {
		case "agent":
			r.Agent = value
		case "session":
			r.Session = value
		case "sessionId":
			r.SessionID = value
		}
	}
	return r, true
}

// ParseWorkspace reads the folder that relative paths start from out of
// OpenClaw's instructions, where it stands ahead of all that others write; ""
// when there is none.
func ParseWorkspace(instructions string) string {
	// What is seldom there is looked for: it takes a tenth of the time.
	const says = "Working directory: "
	named := ""
	for i := 0; ; i += len(says) {
		n := strings.Index(instructions[i:], says)
		if n < 0 {
			return folder(named)
		}
		i += n
		switch before := instructions[:i]; {
		case strings.HasSuffix(before, "\n## Workspace\n"):
			return folder(instructions[i+len(says):])
		case named == "" && strings.HasSuffix(before, "\n## Directory Roles\n"):
			named = instructions[i+len(says):]
		}
	}
}

// folder is the first line, without what OpenClaw says of it.
func folder(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(strings.TrimSuffix(line, " (tools and deliverables)."))
}

// IsRuntime reports whether a message is that line and nothing else.
func IsRuntime(text string) bool { return runtimeOnly.MatchString(text) }

var runtimeOnly = lazyregexp.New(`^\s*Runtime: agent=[^|\n]+( \| [A-Za-z_]+=[^|\n]*)*\s*$`)
