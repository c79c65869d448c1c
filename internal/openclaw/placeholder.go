package openclaw

import (
	"slices"
	"strings"
)

// ownMarks are values of apiKey that OpenClaw does not take for a key.
var ownMarks = []string{"ollama-local", "custom-local", "codex-app-server", "gcp-vertex-credentials", "secretref-managed", "lmstudio-local", "minimax-oauth"}

// PlaceholderProblem says why OpenClaw would not treat a text as a key, or ""
// when it would.
func PlaceholderProblem(text string) string {
	switch {
	case len(text) < 16:
		return "it is too short to look like a key"
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'\$`, r) }):
		return "it has characters that no key has"
	case strings.Contains(text, "..."), strings.Contains(text, "***"), strings.Contains(text, "[redacted]"):
		return "OpenClaw takes it for a secret that was blanked out"
	case variableName.MatchString(text):
		return "OpenClaw takes it for the name of a variable"
	case strings.HasPrefix(text, "oauth:"), strings.HasPrefix(text, "secretref-"), strings.HasPrefix(text, "openclaw:"), strings.HasPrefix(text, "oc-sent-"):
		return "OpenClaw takes it for a mark of its own"
	}
	for _, mark := range ownMarks {
		if text == mark {
			return "OpenClaw takes it for a mark of its own"
		}
	}
	return ""
}

// StandIn reports whether a value only stands for a key: the token Seawall
// leaves in a key's place, and the words that local servers without keys are
// given.
func StandIn(v string) bool {
	switch v = strings.ToLower(v); v {
	case "", "none", "local", "ollama", "lm-studio", "lmstudio", "n/a", "not-needed", "dummy", "undefined", "null":
		return true
	}
	return strings.HasPrefix(strings.TrimPrefix(v, "sk-"), "seawall-") || slices.Contains(ownMarks, v)
}
