package effect

import (
	"bytes"
	"encoding/json"
)

// Bounds on what is read. An action beyond them is Opaque and carries a
// ParseError, so that a policy can refuse what nobody has looked at.
const (
	maxArgs  = 1 << 20 // bytes of arguments
	maxNest  = 12      // shells within shells, calls within calls
	maxSteps = 20_000  // simple commands evaluated
	maxList  = 1024    // entries of each list in Effects
	maxFlow  = 1 << 16 // bytes of a value that are followed
	maxCode  = 1 << 18 // bytes of inline code that are searched
)

// Of says what a tool call can do of whose tool nothing but the name is known.
func Of(tool string, args []byte) Effects { return OfCall(tool, args, Schema{}) }

// OfCall says what a tool call can do. tool is the real tool's name, args its
// arguments as a JSON object of at most 1 MiB, s how the tool was offered. It is
// pure and safe for concurrent use; what it cannot read it reports as Opaque.
func OfCall(tool string, args []byte, s Schema) Effects {
	r := newRecorder()
	if len(args) > maxArgs {
		r.unreadable("the arguments are longer than 1 MiB")
		return r.effects()
	}
	r.schema = s
	judgeTool(r, tool, decodeArgs(r, args), 0)
	return r.effects()
}

// OfCommand says what a shell command can do.
func OfCommand(command string) Effects {
	r := newRecorder()
	if len(command) > maxArgs {
		r.unreadable("the command is longer than 1 MiB")
		return r.effects()
	}
	newShell(r, 0).top(command)
	return r.effects()
}

// decodeArgs reads a JSON object. encoding/json lets the last of two equal
// keys win, as OpenClaw does, and bounds nesting at 10,000.
func decodeArgs(r *recorder, args []byte) map[string]any {
	args = bytes.TrimSpace(args)
	if len(args) == 0 {
		return nil
	}
	var m map[string]any
	if err := json.Unmarshal(args, &m); err != nil {
		r.opaque()
		r.e.ParseError = "the arguments are not a JSON object"
	}
	return m
}

// Known reports whether a tool is one of OpenClaw's own: how it was offered says
// nothing more of it.
func Known(tool string) bool { _, ok := tools[tool]; return ok }
