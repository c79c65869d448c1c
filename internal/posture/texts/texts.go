// Package texts reads the texts of an OpenClaw for an audit: which secrets
// stand in its files, and what its skills would have the agent do.
package texts

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
)

// Options have [openclaw.Discover] read texts.
func Options() []openclaw.Option {
	return []openclaw.Option{openclaw.SecretsBy(Secrets), openclaw.SkillsBy(Skill)}
}

// Secrets finds the secrets of one text, by rule and line; where a [Mask] took
// one out, its mark counts.
func Secrets(text string) []openclaw.SecretAt {
	var out []openclaw.SecretAt
	line := lines(text)
	for _, f := range fresh(text) {
		out = append(out, openclaw.SecretAt{Rule: f.Rule, Line: line(f.Start)})
	}
	for _, at := range mark.FindAllStringSubmatchIndex(text, -1) {
		out = append(out, openclaw.SecretAt{Rule: text[at[2]:at[3]], Line: line(at[0])})
	}
	for at, i := 0, 0; ; at += i + 1 { // what package host took out of an environment
		if i = strings.Index(text[at:], "="+host.MaskedSecret); i < 0 {
			break
		}
		out = append(out, openclaw.SecretAt{Rule: "assigned-secret", Line: line(at + i)})
	}
	slices.SortStableFunc(out, func(a, b openclaw.SecretAt) int { return a.Line - b.Line })
	return out
}

// dangers are what a skill's commands should never do, in words.
var dangers = map[effect.Danger]string{
	effect.DownloadExecute:  "runs what it downloads",
	effect.EncodedExecute:   "runs what it decodes",
	effect.CredentialSend:   "sends credentials away",
	effect.ReverseShell:     "hands a shell to the network",
	effect.DisableGuard:     "disables a guard",
	effect.DestructiveWide:  "destroys far beyond its work",
	effect.PersistenceWrite: "plants something that starts again",
}

// Skill says what is wrong with one file of a skill: words that command the
// model against its operator, and shell commands with an effect that no skill
// needs, in a script or in the code blocks of a page. It is a first look: what
// other languages do, it does not see.
func Skill(file, text string) []string {
	var out []string
	line := lines(text)
	say := func(what string, at int) { out = append(out, fmt.Sprintf("%s (%s:%d)", what, file, line(at))) }
	for _, f := range detect.Injections(text, detect.FromTool) {
		if f.Verdict == detect.Malicious {
			say(f.Title, f.Start)
		}
	}
	for _, s := range scripts(file, text) { // evidence that is not there word for word stands for the whole block
		found := effect.OfCommand(text[s.start:s.end])
		for _, d := range found.Dangers {
			if what, ok := dangers[d]; ok {
				say(what, s.start+max(0, strings.Index(text[s.start:s.end], found.Evidence[d])))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type span struct{ start, end int }

// block is a fenced block of Markdown that holds shell commands, or does not
// say what it holds.
var block = regexp.MustCompile("(?ms)^[ \t]*```[ \t]*(?i:sh|bash|shell|zsh|console|)[ \t]*\r?\n(.*?)^[ \t]*```")

func scripts(file, text string) []span {
	switch strings.ToLower(path.Ext(file)) {
	case ".sh", ".bash", ".zsh":
		return []span{{0, len(text)}}
	case ".md", ".markdown":
		var out []span
		for _, m := range block.FindAllStringSubmatchIndex(text, -1) {
			out = append(out, span{m[2], m[3]})
		}
		return out
	}
	if strings.HasPrefix(text, "#!") && strings.Contains(strings.SplitN(text, "\n", 2)[0], "sh") {
		return []span{{0, len(text)}}
	}
	return nil
}

// lines returns a function from a byte of a text to its line.
func lines(text string) func(at int) int {
	return func(at int) int { return 1 + strings.Count(text[:min(at, len(text))], "\n") }
}
