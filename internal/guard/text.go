package guard

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"unsafe"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/openclaw"
)

// Source is who a text on its way to the model is from.
type Source string

const (
	Person    Source = "person"
	Tool      Source = "tool"
	System    Source = "system"
	Assistant Source = "assistant"
)

// Text is one text that the model would read.
type Text struct {
	Turn
	Source Source
	Tool   string // whose result it is
	Text   string
	Sum    [sha256.Size]byte // of Text; the zero value is not known
	// Follows says that the text goes on from the one before it: see Join.
	Follows bool

	across []detect.Finding // see Join
}

// Reading is the decision about a text, and what goes to the model instead of
// it when the verdict is redact.
type Reading struct {
	Decision
	Found    []string // titles of what was found, for a person
	Redacted string
	Secrets  map[string]string // mark to the secret that it stands for

	found  []detect.Finding
	passes bool // the operator can let it through
}

// findings is what the detectors said of one text.
type findings struct {
	all       []detect.Finding
	injection detect.Verdict
	secrets   []detect.Finding
}

// Reader reads the texts of one request. The policy is asked once about those
// that look alike to it; with the next request it is asked again. It is for one
// goroutine.
type Reader struct {
	*Guard
	edition edition
	alike   map[likeness]Decision
}

// likeness is all that the policy sees of a text without secrets.
type likeness struct {
	agent     string
	source    Source
	injection detect.Verdict
}

// Reader returns one for a new request.
func (g *Guard) Reader() *Reader {
	return &Reader{g, edition{g.known.Load(), g.policy.Version()}, map[likeness]Decision{}}
}

// Read decides about a text on its way to the model. A text whose decision was
// recorded before gets no second row.
func (g *Reader) Read(ctx context.Context, t Text) Reading {
	key := g.key(&t)
	f := g.right(&t, g.lookUp(key, func() findings { return g.detect(t.Text, t.Source) })).and(t.across)
	d := g.judge(t, f)
	var passes, passed bool
	if d.Verdict == policy.Deny && f.injection == detect.Malicious {
		d, passes, passed = g.passed(t, f, d)
	}
	r := Reading{Decision: d, Found: titles(f.all), found: f.all, passes: passes}
	if d.Verdict != policy.Allow || f.injection == detect.Suspicious || passed {
		r.Decision = g.keepOnce(ctx, key, t, d, f, passed)
	}
	if r.Verdict == policy.Redact {
		r.Secrets = map[string]string{}
		r.Redacted = detect.Redact(t.Text, f.secrets, func(f detect.Finding, secret string) string {
			mark := g.mark(f, secret)
			r.Secrets[mark] = secret
			return mark
		})
	}
	return r
}

// keepOnce writes the decision about a text into the record, unless it stands
// there already. Each run that makes use of a pass is one more row.
func (g *Guard) keepOnce(ctx context.Context, key textKey, t Text, d Decision, f findings, passed bool) Decision {
	row := rowKey{key.sum, key.source, key.policy, t.Agent, t.Session, d.Verdict, ""}
	if passed {
		row.run = "run " + t.Trace
	}
	if id, ok := g.recorded.Get(row); ok {
		d.ID = id
		return d
	}
	in := t.input(f)
	in.Approved = passed
	d = g.keep(ctx, t.Turn, d, ledger.Row{
		Act: "read", Tool: t.Tool, Action: t.exact(),
		Detail: strings.TrimSuffix(string(t.Source)+": "+strings.Join(titles(f.all), ", "), ": "),
		Seen:   g.seen(in, t.Text, f.all, t.across),
	})
	if !d.Unkept {
		g.recorded.Add(row, d.ID)
	}
	return d
}

// judge asks the policy about a text, unless it was asked about one like it.
func (g *Reader) judge(t Text, f findings) Decision {
	like := likeness{t.Agent, t.Source, f.injection}
	if d, ok := g.alike[like]; ok && len(f.secrets) == 0 {
		return d
	}
	d := g.decide(t.input(f))
	if len(f.secrets) == 0 {
		g.alike[like] = d
	}
	return d
}

// input is what the policy sees of a text.
func (t Text) input(f findings) policy.Input {
	return policy.Input{
		Agent: t.Agent, Act: policy.Read, Source: string(t.Source),
		Injection: verdictName(f.injection), Secrets: rules(f.secrets),
	}
}

// sum names a text. It does not copy it: a conversation is long.
func sum(text string) [sha256.Size]byte {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(text), len(text)))
}

// sum is the text's Sum.
func (t *Text) sum() [sha256.Size]byte {
	if t.Sum == ([sha256.Size]byte{}) {
		t.Sum = sum(t.Text)
	}
	return t.Sum
}

func (r *Reader) key(t *Text) textKey {
	return textKey{sum: t.sum(), source: t.Source, edition: r.edition}
}

// lookUp returns what the detectors find in a text, from memory if it was read
// before.
func (g *Guard) lookUp(key textKey, read func() findings) findings {
	f, ok := g.found.Get(key)
	if !ok {
		f = read()
		g.found.Add(key, f)
	}
	return f
}

// detect reads a text.
func (g *Guard) detect(text string, from Source) findings {
	var f findings
	switch from {
	case Person:
		f.all = detect.Injections(openclaw.WithoutNotices(text), detect.FromPerson)
	case Tool:
		f.all = detect.Injections(openclaw.WithoutNotices(text), detect.FromTool)
	}
	for _, i := range f.all {
		f.injection = max(f.injection, i.Verdict)
	}
	f.secrets = g.secrets(text)
	f.all = append(f.all, f.secrets...)
	return f
}

// secrets finds what may be cut out of a text: credentials with a recognisable
// form, and this machine's own.
func (g *Guard) secrets(text string) []detect.Finding {
	found := slices.DeleteFunc(detect.Secrets(text), func(f detect.Finding) bool { return f.Verdict < detect.Malicious })
	if known := g.known.Load(); known != nil {
		found = merge(found, known.Find(text))
	}
	return found
}

// merge joins two lists of findings. Two that overlap become one, which covers
// both and has the name of the longer.
func merge(a, b []detect.Finding) []detect.Finding {
	if len(b) == 0 {
		return a
	}
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y detect.Finding) int {
		if x.Start != y.Start {
			return x.Start - y.Start
		}
		return y.End - x.End
	})
	kept := all[:0]
	for _, f := range all {
		if n := len(kept); n > 0 && f.Start < kept[n-1].End {
			last := &kept[n-1]
			start, end := last.Start, max(last.End, f.End)
			if f.End-f.Start > last.End-last.Start {
				*last = f
			}
			last.Start, last.End = start, end
			continue
		}
		kept = append(kept, f)
	}
	return kept
}

func rules(found []detect.Finding) []string {
	return names(found, func(f detect.Finding) string { return f.Rule })
}

func titles(found []detect.Finding) []string {
	return names(found, func(f detect.Finding) string { return f.Title })
}

func names(found []detect.Finding, name func(detect.Finding) string) []string {
	var out []string
	for _, f := range found {
		if n := name(f); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func verdictName(v detect.Verdict) string {
	return [...]string{detect.Clean: "clean", detect.Suspicious: "suspicious", detect.Malicious: "malicious"}[v]
}
