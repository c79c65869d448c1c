package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

// Recorder is a host that remembers every question and its answer.
type Recorder struct {
	Host
	mu       sync.Mutex
	sections map[string]recording
}

// recording is one answer before redaction.
type recording struct {
	kind  string
	words []string // the question
	info  *FileInfo
	list  []FileInfo
	body  []byte
	exit  int
	err   error
}

// Record wraps h, which goes on answering as before.
func Record(h Host) *Recorder {
	return &Recorder{Host: h, sections: map[string]recording{}}
}

func (r *Recorder) keep(rec recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sections[rec.kind+" "+joinWords(rec.words)] = rec
}

func (r *Recorder) ReadFile(ctx context.Context, name string) ([]byte, error) {
	b, err := r.Host.ReadFile(ctx, name)
	rec := recording{kind: "file", words: []string{path.Clean(name)}, body: maskRecord(name, b), err: err}
	if err == nil {
		if info, err := r.Host.Stat(ctx, name); err == nil && info.Target == "" {
			rec.info = &info
		}
	}
	r.keep(rec)
	return b, err
}

func (r *Recorder) Stat(ctx context.Context, name string) (FileInfo, error) {
	info, err := r.Host.Stat(ctx, name)
	r.keep(recording{kind: "stat", words: []string{path.Clean(name)}, info: &info, err: err})
	return info, err
}

func (r *Recorder) ReadDir(ctx context.Context, name string) ([]FileInfo, error) {
	list, err := r.Host.ReadDir(ctx, name)
	rec := recording{kind: "dir", words: []string{path.Clean(name)}, list: list, err: err}
	if err == nil {
		if info, err := r.Host.Stat(ctx, name); err == nil {
			rec.info = &info
		}
	}
	r.keep(rec)
	return list, err
}

func (r *Recorder) Run(ctx context.Context, name string, args ...string) (Output, error) {
	out, err := r.Host.Run(ctx, name, args...)
	words := append([]string{name}, args...)
	r.keep(recording{kind: "run", words: words, body: out.Stdout, exit: out.Exit, err: err})
	if err == nil && len(out.Stderr) > 0 {
		r.keep(recording{kind: "stderr", words: words, body: out.Stderr})
	}
	return out, err
}

func (r *Recorder) Docker(ctx context.Context, name string) ([]byte, error) {
	b, err := r.Host.Docker(ctx, name)
	body := b
	if err == nil {
		if body, err = maskEngine(b, LooksSecret); err != nil {
			body = nil
		}
	}
	r.keep(recording{kind: "docker", words: []string{name}, body: body, err: err})
	return b, err
}

func (r *Recorder) Self(ctx context.Context) (Self, error) {
	self, err := r.Host.Self(ctx)
	if err == nil {
		r.keep(recording{kind: "self", body: []byte(fmt.Sprintf("uid=%d time=%s", self.UID, self.Time.UTC().Format(time.RFC3339)))})
	}
	return self, err
}

// Rewrite replaces what was recorded of one question: kind "file" with its path,
// or "run" with its words. Nothing happens where it was not asked.
func (r *Recorder) Rewrite(rewrite func(string) string, kind string, words ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := kind + " " + joinWords(words)
	if rec, ok := r.sections[key]; ok && rec.err == nil {
		rec.body = []byte(rewrite(string(rec.body)))
		r.sections[key] = rec
	}
}

// Archive returns all that was asked as a txtar file that [Parse] reads. Every
// text, paths and reasons included, passes through redact, which may be nil.
// Values of environments are not in it, nor are binary answers.
func (r *Recorder) Archive(redact func(string) string) []byte {
	if redact == nil {
		redact = func(s string) string { return s }
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &txtar.Archive{}
	for _, key := range r.keys() {
		a.Files = append(a.Files, r.sections[key].section(redact))
	}
	return txtar.Format(a)
}

// keys orders the sections by kind, then by question.
func (r *Recorder) keys() []string {
	keys := make([]string, 0, len(r.sections))
	for key := range r.sections {
		keys = append(keys, key)
	}
	order := func(key string) int {
		kind, _, _ := strings.Cut(key, " ")
		return slices.Index(sectionKinds, kind)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if c := order(a) - order(b); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	return keys
}

func (rec recording) section(redact func(string) string) txtar.File {
	if rec.kind == "self" {
		return txtar.File{Name: "self " + string(rec.body)}
	}
	words := make([]string, len(rec.words))
	for i, w := range rec.words {
		words[i] = redact(w)
	}
	question := joinWords(words)
	switch {
	case errors.Is(rec.err, ErrAbsent):
		return txtar.File{Name: "absent " + rec.kind + " " + question}
	case rec.err != nil:
		return failedSection(rec.kind, question, redact(rec.err.Error()))
	}
	body := []byte(redact(string(rec.text())))
	if rec.kind == "dir" {
		body = rec.listing(redact)
	}
	if reason := unrecordable(body); reason != "" {
		return failedSection(rec.kind, question, words[0]+": "+reason)
	}
	name := rec.kind + " "
	if rec.exit != 0 {
		name += fmt.Sprintf("exit=%d ", rec.exit)
	}
	name += question
	if rec.info != nil {
		info := *rec.info
		info.Target = redact(info.Target)
		name += " " + info.attributes()
	}
	return txtar.File{Name: name, Data: body}
}

func (rec recording) text() []byte {
	if rec.kind == "stat" {
		return nil
	}
	return rec.body
}

func (rec recording) listing(redact func(string) string) []byte {
	var b bytes.Buffer
	for _, e := range rec.list {
		e.Path = path.Join(path.Dir(e.Path), redact(path.Base(e.Path)))
		e.Target = redact(e.Target)
		fmt.Fprintln(&b, formatEntry(e))
	}
	return b.Bytes()
}

func failedSection(kind, question, reason string) txtar.File {
	return txtar.File{Name: "error " + kind + " " + question, Data: []byte(firstLine([]byte(reason)) + "\n")}
}

// unrecordable says why a body cannot be a section of a txtar file, which has
// no way to escape one of its own marker lines.
func unrecordable(body []byte) string {
	switch {
	case bytes.IndexByte(body, 0) >= 0 || !utf8.Valid(body):
		return "binary, not recorded"
	case len(txtar.Parse(body).Files) > 0:
		return "it holds a line like a section of a recording, not recorded"
	}
	return ""
}

var (
	environFile = regexp.MustCompile(`^/proc/[^/]+/environ$`)
	envFile     = regexp.MustCompile(`(^|/)(\.env(\.[^/]*)?|[^/]*\.env)$`)
)

// maskRecord takes the values out of files that hold environments, the
// passwords out of git's URLs, and the hashes out of the shadow files.
func maskRecord(name string, b []byte) []byte {
	switch {
	case environFile.MatchString(name):
		return []byte(strings.Join(maskEnv(strings.Split(string(b), "\x00"), LooksSecret), "\n"))
	case envFile.MatchString(name):
		return maskEnvFile(b)
	case strings.HasSuffix(name, "/.git/config"):
		return gitPassword.ReplaceAll(b, []byte("://"))
	}
	return maskFile(name, b)
}

// gitPassword is the user part of a URL, which may be a token.
var gitPassword = regexp.MustCompile(`://[^/\s@]*@`)

// maskEnvFile keeps the names of an environment file. Anything that is not a
// plain assignment, as the later lines of a quoted value, is left out.
func maskEnvFile(b []byte) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(string(b)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		name = strings.TrimSpace(strings.TrimPrefix(name, "export "))
		if !ok || !envName.MatchString(name) {
			continue
		}
		fmt.Fprintf(&out, "%s=%s\n", name, masked(LooksSecret, name, strings.Trim(value, `"' `)))
	}
	return out.Bytes()
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// firstLine returns the first line that says something, at most 300 bytes of it.
func firstLine(b []byte) string {
	for line := range bytes.Lines(b) {
		if text := strings.TrimSpace(string(line)); text != "" {
			if len(text) > 300 {
				text = strings.ToValidUTF8(text[:300], "") + "…"
			}
			return text
		}
	}
	return ""
}
