package openclaw

import (
	"path"
	"strings"
)

// ContextFile is a file of the workspace as it stands in OpenClaw's instructions
// (# Project Context of its system prompt, seen on the wire of 2026.9.6).
type ContextFile struct {
	Path string
	// Text begins with the content. It goes on to the next file, or the end of the
	// instructions: what a file says may look like the heading of another.
	Text string
}

// maxContextFiles bounds the headings that are taken for files.
const maxContextFiles = 64

// ContextFiles are the workspace's files in OpenClaw's instructions, in their order.
func ContextFiles(instructions string) (files []ContextFile) {
	_, rest, ok := strings.Cut(instructions, "\n# Project Context\n")
	if !ok {
		return nil
	}
	const heading = "\n## "
	begin, name := -1, ""
	add := func(end int) {
		if begin >= 0 && begin <= end {
			files = append(files, ContextFile{name, rest[begin:end]})
		}
	}
	for at := 0; len(files) < maxContextFiles-1; {
		i := strings.Index(rest[at:], heading)
		if i < 0 {
			break
		}
		i += at
		line, _, _ := strings.Cut(rest[i+len(heading):], "\n")
		at = i + len(heading) + len(line)
		if isContextPath(line) {
			add(i)
			begin, name = min(at+1, len(rest)), line
		}
	}
	add(len(rest))
	return files
}

func isContextPath(line string) bool {
	return path.IsAbs(line) && path.Ext(line) != "" && len(line) < 4096
}
