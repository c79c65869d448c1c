// Package vouch lists what an agent with a history has without a known writer, for
// the operator to vouch for: files of the workspace, memory, skills, scheduled jobs.
//
//	installs ─▶ Read ─▶ Found ─┐
//	lineage, vouched.json ─────┴▶ Offers ─▶ Accept ─▶ vouched.json
package vouch

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/lazyregexp"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

// State is how an offer stands.
type State string

const (
	Unknown State = "unknown" // nobody known wrote it
	Agent   State = "agent"   // the agent wrote it, with what Labels say in mind
	Changed State = "changed" // it is not what was vouched for any more
	Vouched State = "vouched"
)

// Offer is one thing that the operator may vouch for.
type Offer struct {
	ID     string   `json:"id"`   // a path, or job:ID
	Kind   string   `json:"kind"` // workspace, memory, skill, job
	Name   string   `json:"name,omitempty"`
	State  State    `json:"state"`
	Labels []string `json:"from,omitempty"` // what the agent wrote it of
	// Passes are the addresses in it: what it would let pass.
	Passes   []string `json:"passes,omitempty"`
	Schedule string   `json:"schedule,omitempty"`
	Tools    []string `json:"tools,omitempty"` // of a job
	Diff     string   `json:"diff,omitempty"`  // against what was vouched for
	Text     string   `json:"-"`

	place lineage.Place
	key   string // in vouched.json
}

// maxText is how long a file may be that is offered, in bytes: longer ones nobody reads.
const maxText = 256 << 10

// Found is what some OpenClaws have.
type Found struct {
	Files map[string]File // by their paths
	Jobs  []host.Job
	// Problems are sentences about what could not be read.
	Problems []string
}

// File is one that tells the agent something.
type File struct{ Kind, Text string }

// Read reads what the agent has been told by files and jobs. It needs whoever may read
// OpenClaw's files.
func Read(ctx context.Context, h host.Host, installs []openclaw.Install) Found {
	found := Found{Files: map[string]File{}}
	for _, i := range installs {
		for file, kind := range files(i) {
			text, err := h.ReadFile(ctx, file)
			switch {
			case errors.Is(err, host.ErrAbsent):
			case err != nil:
				found.Problems = append(found.Problems, err.Error())
			case len(text) > maxText:
				found.Problems = append(found.Problems, file+" is longer than 256 KiB: what nobody reads, nobody can vouch for")
			case strings.TrimSpace(string(text)) != "":
				found.Files[file] = File{kind, string(text)}
			}
		}
		jobs, err := host.ReadJobs(ctx, i.Database())
		if err != nil && !errors.Is(err, host.ErrAbsent) {
			found.Problems = append(found.Problems, err.Error())
		}
		found.Jobs = append(found.Jobs, jobs...)
	}
	slices.Sort(found.Problems)
	return found
}

// Offers are what was found, as it stands: files before jobs. book may be nil.
func (f Found) Offers(vouched operator.Vouched, book *lineage.Book) (all []Offer) {
	for _, file := range slices.Sorted(maps.Keys(f.Files)) {
		all = append(all, offerFile(file, f.Files[file].Kind, f.Files[file].Text, vouched, book))
	}
	for _, j := range f.Jobs {
		all = append(all, offerJob(j, vouched, book))
	}
	return all
}

// files are those that tell the agent something, by their kind.
func files(i openclaw.Install) map[string]string {
	all := map[string]string{}
	for _, f := range i.Files {
		if path.Ext(f.Path) != ".md" {
			continue
		}
		switch f.Kind {
		case "bootstrap":
			all[f.Path] = "workspace"
		case "memory":
			all[f.Path] = "memory"
		}
	}
	for _, s := range i.Skills {
		all[path.Join(s.Path, "SKILL.md")] = "skill"
	}
	return all
}

func offerFile(file, kind, text string, vouched operator.Vouched, book *lineage.Book) Offer {
	o := Offer{ID: file, Kind: kind, State: Unknown, Text: text, Passes: passes(text), place: lineage.FilePlace(file, ""), key: effect.Place(file, "")}
	known, wrote := book.At(o.place)
	before, was := vouched.Files[o.key]
	switch {
	case was && before.Sum == lineage.Sum(text):
		o.State = Vouched
		return o
	case was && before.Text != "":
		o.Diff = difference(file, before.Text, clean(text))
	}
	if was {
		o.State = Changed
	}
	if wrote && (!was || known.Last.After(before.Given)) {
		o.State, o.Labels = Agent, names(known)
	}
	return o
}

func names(k lineage.Known) (all []string) {
	for _, l := range k.Labels {
		all = append(all, string(l))
	}
	return all
}

// definition is what matters of OpenClaw's own of a job.
type definition struct {
	Schedule json.RawMessage
	Payload  struct {
		Message    string
		ToolsAllow []string
	}
	Delivery struct{ Channel, To string }
}

func offerJob(j host.Job, vouched operator.Vouched, book *lineage.Book) Offer {
	var d definition
	_ = json.Unmarshal(j.JSON, &d)
	o := Offer{ID: "job:" + j.ID, Kind: "job", Name: j.Name, State: Unknown, Text: d.Payload.Message, Schedule: string(d.Schedule),
		Tools: slices.DeleteFunc(d.Payload.ToolsAllow, func(t string) bool { return t == "*" }), place: lineage.JobPlace(j.ID), key: j.ID}
	o.Passes = passes(d.Payload.Message)
	for _, to := range []string{d.Delivery.Channel, d.Delivery.To} {
		if to != "" && !slices.Contains(o.Passes, to) {
			o.Passes = append(o.Passes, to)
		}
	}
	known, wrote := book.At(o.place)
	before := vouched.Orders[j.ID]
	switch {
	case before != nil && before.Sum == lineage.Sum(o.Text) && before.Schedule == o.Schedule && !(wrote && known.Last.After(before.Given)):
		o.State, o.Tools, o.Passes = Vouched, before.Tools, before.To
		return o
	case before != nil:
		o.State = Changed
		o.Diff = difference(o.ID, before.Schedule+"\n"+before.Text+"\n", o.Schedule+"\n"+clean(o.Text)+"\n")
	}
	if wrote && (before == nil || known.Last.After(before.Given)) {
		o.State, o.Labels = Agent, names(known)
	}
	return o
}

// maxPasses is how many addresses are shown of one text.
const maxPasses = 64

// addresses are what a call can go to: links, mail addresses, accounts.
var addresses = lazyregexp.New(`https?://[^\s"'<>()\[\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b|\+\d{7,15}\b`)

// passes are the addresses in a text.
func passes(text string) []string {
	all := addresses.FindAllString(text, maxPasses)
	for i, a := range all {
		all[i] = strings.TrimRight(a, ".,;:")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func difference(name, before, now string) string {
	return string(diff.Diff(name+" (vouched for)", []byte(before), name, []byte(now)))
}

// clean is a text without secrets.
func clean(text string) string { return detect.Redact(text, detect.Secrets(text), detect.DefaultMark) }

// Accept vouches for an offer as it was shown: its content, and of a job the tools
// that it may use without a question, and the destinations.
func Accept(dir *state.Dir, o Offer, now time.Time) error {
	return operator.Vouch(dir, func(v *operator.Vouched) {
		if o.Kind == "job" {
			v.Orders[o.key] = &operator.Order{Name: o.Name, Sum: lineage.Sum(o.Text), Schedule: o.Schedule, Text: clean(o.Text), Tools: o.Tools, To: o.Passes, Given: now}
			return
		}
		c := operator.VouchedContent{Sum: lineage.Sum(o.Text), Given: now}
		const shown = 64 << 10 // bytes that are kept for a difference
		if len(o.Text) <= shown {
			c.Text = clean(o.Text)
		}
		v.Files[o.key] = c
	})
}

// Revoke takes a vouch back, by path or job:ID; ok is false where there was none.
func Revoke(dir *state.Dir, id string) (ok bool, err error) {
	err = operator.Vouch(dir, func(v *operator.Vouched) {
		if job, is := strings.CutPrefix(id, "job:"); is {
			_, ok = v.Orders[job]
			delete(v.Orders, job)
			return
		}
		key := effect.Place(id, "")
		_, ok = v.Files[key]
		delete(v.Files, key)
	})
	return ok, err
}
