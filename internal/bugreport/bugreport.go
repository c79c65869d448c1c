// Package bugreport gathers what somebody who is to find a fault in Seawall asks
// for, in one text that a person can read before sending it. It sends nothing.
//
//	state, doctor, status, units ─┐
//	rows without texts, cases ────┼──Mask──▶ known secrets out ──▶ one txtar file
//	machine, as audit reads it ───┘
//
// Secrets are taken out twice: by what they look like and where they stand
// (texts.Mask, host.Recorder), and then, over the whole text, by what they are:
// every key that Seawall or OpenClaw is known to have.
package bugreport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/openseawall/seawall/internal/doctor"
	"github.com/openseawall/seawall/internal/guard/why"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/posture/texts"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/packaging"
)

// Subject is what is reported on.
type Subject struct {
	Version string
	Dir     *state.Dir // nil where there is no state
	Machine install.Machine
	Host    host.Host
	Now     time.Time
	Options []openclaw.Option

	Findings []doctor.Finding
	Unwell   error // why the doctor could not look
	Status   any   // as `seawall status --json` prints it, without texts
}

const (
	lastRows = 200
	lastLog  = 200      // lines of the journal
	maxCase  = 64 << 10 // bytes of one case that are taken
)

// preamble is for the person who reads it before sending it.
const preamble = `Seawall bug report, made %s by Seawall %s. Nothing was sent.

Please read it before you do. Secrets were taken out of it. The names of this
machine and its accounts, its addresses, programs and settings, and your own rules
were not. Of what was said in conversations there are only the cases that you kept
with "seawall why ID --wrong". From the line "-- self" on it is a recording of the
machine, which "seawall audit --from" judges.

`

// Gather returns the report.
func Gather(ctx context.Context, s Subject) ([]byte, error) {
	mask := &texts.Mask{}
	recorder := host.Record(s.Host)
	facts := survey.Facts(ctx, recorder, s.Options...)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &report{mask: mask.Text}
	r.add("about", s.about(ctx, facts))
	r.add("doctor", s.doctor())
	status, err := json.MarshalIndent(s.Status, "", "  ")
	r.add("status.json", sayOr(string(status), err))
	if s.Dir != nil {
		for _, name := range []string{state.Policy, "local.cedar"} {
			content, err := s.Dir.Read(name)
			r.add(name, sayOr(string(content), err))
		}
		rows, err := s.rows(ctx)
		r.add("record.jsonl", sayOr(rows, err))
		s.cases(r)
	}
	s.units(ctx, r)
	text := fmt.Appendf(nil, preamble, s.Now.UTC().Format("2006-01-02 15:04 UTC"), s.Version)
	text = append(text, txtar.Format(&r.Archive)...)
	text = append(text, recorder.Archive(mask.Text)...)
	return known(ctx, s, facts).take(text), nil
}

// report is the part of it that is Seawall's own.
type report struct {
	txtar.Archive
	mask func(string) string
}

// add adds a section. A line in it that looks like the head of one is indented.
func (r *report) add(name, text string) {
	var out strings.Builder
	for line := range strings.Lines(r.mask(text)) {
		if strings.HasPrefix(line, "-- ") {
			out.WriteByte(' ')
		}
		out.WriteString(line)
	}
	r.Files = append(r.Files, txtar.File{Name: r.mask(name), Data: []byte(out.String())})
}

// sayOr is a text, or why there is none.
func sayOr(text string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "(there is none)\n"
	case err != nil:
		return "(" + err.Error() + ")\n" + text
	}
	return text
}

func (s Subject) about(ctx context.Context, f *posture.Facts) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seawall   %s, %s, %s/%s, uid %d\n", s.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, os.Geteuid())
	os := f.OS.Value
	fmt.Fprintf(&b, "system    %s, kernel %s, systemd %v, inside %q\n", os.Name, os.Kernel, os.Systemd, os.Container)
	if out, err := s.Machine.Run(ctx, "systemctl", "--version"); err == nil {
		first, _, _ := strings.Cut(string(out), "\n")
		fmt.Fprintf(&b, "systemd   %s\n", first)
	}
	if s.Dir != nil {
		fmt.Fprintf(&b, "state     %s\n", s.Dir)
	}
	if !f.OpenClaw.Ok() {
		fmt.Fprintf(&b, "openclaw  %s\n", f.OpenClaw.Reason)
	}
	for _, in := range f.OpenClaw.Value {
		if in.SetUp() {
			fmt.Fprintf(&b, "openclaw  %s, config %s %s, owner %s, unit %q, container %q, running %v\n",
				in.Version, in.ConfigPath, in.ConfigError, in.Owner, in.Unit, in.Container, in.Process != nil)
		}
	}
	fmt.Fprintf(&b, "tested    OpenClaw %s\n", strings.Join(openclaw.Versions, ", "))
	return b.String()
}

func (s Subject) doctor() string {
	if s.Unwell != nil {
		return sayOr("", s.Unwell)
	}
	if len(s.Findings) == 0 {
		return "Seawall is well.\n"
	}
	var b strings.Builder
	for _, f := range s.Findings {
		fmt.Fprintf(&b, "%s: %s. To change that: %s\n", f.Check, f.What, f.Fix)
	}
	return b.String()
}

// row is what a report has of a row: nothing that anybody said or wrote.
type row struct {
	ID       int64     `json:"id"`
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"`
	Asked    int64     `json:"asked,omitempty"`
	Decision string    `json:"decision,omitempty"`
	Act      string    `json:"act,omitempty"`
	Tool     string    `json:"tool,omitempty"`
	Policy   []string  `json:"policy,omitempty"`
	Version  string    `json:"version,omitempty"`
	Event    string    `json:"event,omitempty"` // Seawall's own words
	Door     string    `json:"door,omitempty"`
	Route    string    `json:"route,omitempty"`
	Speaker  string    `json:"speaker,omitempty"`
	Source   string    `json:"source,omitempty"`
	Rules    []string  `json:"rules,omitempty"` // of detectors
	Kinds    []string  `json:"kinds,omitempty"` // of effects
	Dangers  []string  `json:"dangers,omitempty"`
	Outcome  string    `json:"outcome,omitempty"`
}

func withoutTexts(r ledger.Row) row {
	out := row{ID: r.ID, Time: r.Time, Kind: r.Kind, Asked: r.Asked, Decision: r.Decision, Act: r.Act, Tool: r.Tool, Policy: r.Policy,
		Version: r.Version, Door: r.Door, Route: r.Route, Speaker: r.Speaker, Outcome: r.Outcome}
	if r.Kind == ledger.Event {
		out.Event = r.Why
	}
	if r.Seen != nil {
		out.Source = r.Seen.Source
		for _, signal := range r.Seen.Signals {
			out.Rules = append(out.Rules, signal.Rule)
		}
	}
	if r.Effects != nil {
		out.Kinds, out.Dangers = r.Effects.Kinds, r.Effects.Dangers
	}
	return out
}

func (s Subject) rows(ctx context.Context) (string, error) {
	var b bytes.Buffer
	record, err := ledger.OpenReader(s.Dir)
	if err != nil {
		return "", err
	}
	defer record.Close()
	e := json.NewEncoder(&b)
	for r, err := range record.Rows(ctx, ledger.Filter{Last: lastRows}) {
		if err == nil {
			err = e.Encode(withoutTexts(r))
		}
		if err != nil {
			return b.String(), err
		}
	}
	return b.String(), nil
}

// cases are what the operator said is no finding (seawall why ID --wrong).
func (s Subject) cases(r *report) {
	found, _ := filepath.Glob(filepath.Join(s.Dir.Path(why.Cases), "*"))
	for _, path := range found {
		content, err := s.Dir.Read(filepath.Join(why.Cases, filepath.Base(path)))
		r.add("case "+filepath.Base(path), sayOr(string(content[:min(len(content), maxCase)]), err))
	}
}

// units are the service's own files as systemd reads them, how they stand, and
// what they said last.
func (s Subject) units(ctx context.Context, r *report) {
	var names, logged []string
	for _, u := range packaging.Units(packaging.Program) {
		names, logged = append(names, u.Name), append(logged, "-u", u.Name)
	}
	for _, part := range []struct {
		name string
		args []string
	}{
		{"units", append([]string{"systemctl", "cat", "--no-pager"}, names...)},
		{"units.status", append([]string{"systemctl", "show", "-p", "Id,LoadState,UnitFileState,ActiveState,SubState,Result,NRestarts,StatusText"}, names...)},
		{"journal", append([]string{"journalctl", "--no-pager", "-o", "short-iso", "-n", fmt.Sprint(lastLog)}, logged...)},
	} {
		out, err := s.Machine.Run(ctx, part.args[0], part.args[1:]...)
		r.add(part.name, sayOr(string(out), err))
	}
}
