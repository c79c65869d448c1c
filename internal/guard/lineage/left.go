package lineage

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/origin"
)

// Call is a tool call that may leave something behind.
type Call struct {
	Tool      string
	Args      []byte
	Workspace string // the folder that relative paths start from
	Effects   effect.Effects
}

// arguments are those of OpenClaw's tools that hold what is read again later.
type arguments struct {
	Path          string
	FilePath      string `json:"file_path"`
	Content       *string
	Action        string
	Name, ID      string
	JobID         string
	Message, Text string
	Task, Prompt  string
	Workdir, Cwd  string
	Job, Patch    *arguments
	Payload       *arguments
}

// file is the file that a tool for files is about, which has two names.
func (a *arguments) file() string { return cmp.Or(a.Path, a.FilePath) }

// texts are what somebody will be told by this.
func (a *arguments) texts() (all []string) {
	if a == nil {
		return nil
	}
	all = append(all, a.Message, a.Text, a.Task, a.Prompt)
	for _, in := range []*arguments{a.Job, a.Patch, a.Payload} {
		all = append(all, in.texts()...)
	}
	return slices.DeleteFunc(all, func(s string) bool { return strings.TrimSpace(s) == "" })
}

func (a *arguments) ids() (all []string) {
	for _, in := range []*arguments{a, a.Job, a.Patch} {
		if in != nil {
			all = append(all, in.ID, in.JobID)
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// speaks are the tools that have something said to the agent itself.
var speaks = map[string]bool{"automations": true, "cron": true, "sessions_send": true, "sessions_spawn": true, "subagents": true,
	"conversations_send": true, "conversations_turn": true, "message": true}

// Leaves is what a call leaves behind if it runs.
func (c Call) Leaves() (left []Left) {
	var a arguments
	_ = json.Unmarshal(c.Args, &a)
	named := a.file()
	moves := a.Workdir != "" || a.Cwd != "" || slices.Contains(c.Effects.Commands, "cd") || slices.Contains(c.Effects.Commands, "pushd")
	for _, p := range c.Effects.Writes {
		l := Left{Place: FilePlace(p, c.Workspace)}
		if c.Tool == "write" && a.Content != nil && p == named {
			l.Sum = Sum(*a.Content)
		}
		left = append(left, l)
		switch {
		case strings.ContainsAny(p, "*?[$\x00"):
			left = append(left, Left{Place: place("any", effect.Place(path.Dir(p), c.Workspace))})
		case moves && !path.IsAbs(p) && !strings.HasPrefix(p, "~"):
			left = append(left, Left{Place: place("base", path.Base(p))})
		}
	}
	if speaks[c.Tool] {
		for _, text := range a.texts() {
			left = append(left, Left{Place: textPlace(text)})
		}
	}
	if c.Tool == "automations" || c.Tool == "cron" {
		for _, id := range a.ids() {
			left = append(left, Left{Place: JobPlace(id)})
		}
	}
	if c.Tool == "skill_workshop" && a.Name != "" {
		left = append(left, Left{Place: place("skill", a.Name)})
	}
	return left
}

// Of is the join of what goes into what a call leaves behind: the turn's origins,
// those of the files that it reads, and the web's if it fetches something.
func (b *Book) Of(c Call, turn []origin.Label) []origin.Label {
	all := slices.Clone(turn)
	for _, p := range c.Effects.Reads {
		if labels, ok := b.ever(p, c.Workspace); ok {
			all = join(all, labels)
		}
	}
	if len(c.Effects.URLs)+len(c.Effects.Hosts) > 0 && slices.Contains(c.Effects.Kinds, effect.Execute) {
		all = join(all, []origin.Label{origin.Label(effect.FromWeb)})
	}
	return join(all, nil)
}

// FilePlace is where a file is.
func FilePlace(p, workspace string) Place { return place("file", effect.Place(p, workspace)) }

// JobPlace is a scheduled job, by OpenClaw's id.
func JobPlace(id string) Place { return place("job", id) }

func textPlace(text string) Place { return place("text", Sum(text)) }
