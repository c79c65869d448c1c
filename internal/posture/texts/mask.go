package texts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
)

// Mask takes secrets out of what is recorded of a machine, so that an audit of
// the recording finds what an audit of the machine found: a secret becomes a
// mark of the same length that names its rule, two secrets two marks, and one
// secret the same mark everywhere. The zero Mask is ready.
type Mask struct{ known map[string]int }

// mark is a secret that a Mask took out: <github-token:masked1-k7QzR2…>.
var mark = regexp.MustCompile(`<([a-z0-9-]{3,48}):masked[^<>\s"']*>`)

// fresh finds the secrets of a text that are no marks, and stand for no key.
func fresh(text string) []detect.Finding {
	return slices.DeleteFunc(detect.Secrets(text), func(f detect.Finding) bool {
		return strings.Contains(text[f.Start:f.End], "masked") || openclaw.StandIn(text[f.Start:f.End])
	})
}

// noise fills a mark up; it repeats nothing and spells nothing.
const noise = "k7QzR2vXb9LtWm4NcYp8HsJd6GfT3xZq5"

func (m *Mask) filler(secret string, n int) string {
	if m.known == nil {
		m.known = map[string]int{}
	}
	if _, ok := m.known[secret]; !ok {
		m.known[secret] = len(m.known) + 1
	}
	text := fmt.Sprintf("masked%d-", m.known[secret])
	for len(text) < n {
		text += noise
	}
	return text[:n]
}

// whole is the mark of a secret, at least as long as the secret.
func (m *Mask) whole(f detect.Finding, secret string) string {
	return "<" + f.Rule + ":" + m.filler(secret, max(len("masked1"), len(secret)-len(f.Rule)-len("<:>"))) + ">"
}

// fitted is a mark exactly as long as the secret: a config's checks judge its
// length. One that is too short for a mark is only blotted out.
func (m *Mask) fitted(f detect.Finding, secret string) string {
	if inner := len(secret) - len(f.Rule) - len("<:>"); inner >= len("masked") {
		return "<" + f.Rule + ":" + m.filler(secret, inner) + ">"
	}
	return m.filler(secret, len(secret))
}

// assigned is a value that a name or scheme before it makes a credential,
// whatever it looks like.
var assigned = regexp.MustCompile(`(?i)((?:authorization["']?\s*[:=]\s*["']?(?:bearer|basic)\s+)|(?:(?:password|passwd|passphrase|token|secret|api[-_]?key)["']?\s*[:=]\s*["']?))([^\s"',;{}\[\]<>$\\]{3,})`)

// Text masks the secrets of any text.
func (m *Mask) Text(text string) string {
	text = detect.Redact(text, fresh(text), m.whole)
	return assigned.ReplaceAllStringFunc(text, func(s string) string {
		at := assigned.FindStringSubmatchIndex(s)
		value := s[at[4]:at[5]]
		switch strings.ToLower(value) {
		case "true", "false", "null", "undefined", "bearer", "basic", "none", "yes", "not", "set":
			return s
		}
		if strings.HasPrefix(value, "masked") || openclaw.StandIn(value) {
			return s
		}
		return s[:at[4]] + m.filler(value, len(value))
	})
}

// pair is a key and a text in JSON5.
var pair = regexp.MustCompile(`(["']?)([A-Za-z_][A-Za-z0-9_]*)(["']?\s*:\s*)(?:"([^"\\\n]*)"|'([^'\\\n]*)')`)

// notSecret are keys that only sound as if they named a credential.
var notSecret = regexp.MustCompile(`(?i)(session|main|skill|public)key$`)

// Config masks an OpenClaw config: what its detectors know, and every text under
// a key that names a credential. References to the environment stay.
func (m *Mask) Config(text string) string { return m.pairs(detect.Redact(text, fresh(text), m.fitted)) }

// OldConfig masks a copy of a config, of which nothing but its secrets is judged.
func (m *Mask) OldConfig(text string) string {
	return m.pairs(detect.Redact(text, fresh(text), m.whole))
}

func (m *Mask) pairs(text string) string {
	return pair.ReplaceAllStringFunc(text, func(s string) string {
		at := pair.FindStringSubmatchIndex(s)
		from, to := at[8], at[9]
		if from < 0 {
			from, to = at[10], at[11]
		}
		key, value := s[at[4]:at[5]], s[from:to]
		if notSecret.MatchString(key) || !host.LooksSecret(key, value) || openclaw.StandIn(value) || strings.HasPrefix(value, "<") || strings.Contains(value, "${") {
			return s
		}
		return s[:from] + m.filler(value, len(value)) + s[to:]
	})
}

// Private leaves nothing of a text but its lines and the marks of its secrets:
// what an agent remembers is nobody's business, whether or not it looks like a
// secret.
func (m *Mask) Private(text string) string {
	text = detect.Redact(text, fresh(text), m.whole)
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.Join(mark.FindAllString(line, -1), " "))
		if strings.HasSuffix(line, "\n") {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
