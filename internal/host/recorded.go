package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
)

// recorded is a machine as an archive remembers it.
type recorded struct {
	self    *Self
	paths   map[string]*recordedPath
	answers map[string]recordedAnswer // run, stderr and docker, by section key
}

// recordedPath is all that is known of one path. Kinds of question that were
// not asked have no entry.
type recordedPath struct {
	info    *FileInfo
	content []byte
	read    bool // content is an answer
	entries []FileInfo
	listed  bool // entries is an answer
	absent  bool
	failed  map[string]string // kind to reason
}

type recordedAnswer struct {
	body []byte
	exit int
	err  error
}

// Parse returns the machine that the archives describe. Each is a txtar file,
// as [Recorder.Archive] writes it, with one section a question:
//
//	-- self uid=0 time=2026-11-24T05:00:00Z --
//	-- file /etc/os-release mode=0644 owner=0:0 --       the content; answers Stat as well
//	-- stat /run/docker.sock mode=s0660 owner=0:998 --   a Stat alone
//	-- dir /etc/cron.d mode=d0755 owner=0:0 --           one entry a line: name mode owner=U:G size=N [-> target]
//	-- run exit=1 fail2ban-client ping --                standard output; exit=0 goes without saying
//	-- stderr fail2ban-client ping --                    standard error of the same command
//	-- docker /containers/json?all=1 --                  JSON of the Docker Engine
//	-- absent run nft --                                 not there: of file, stat, dir, run, docker
//	-- error run sshd -T --                              unknown; the body is the reason
//
// Modes are octal, with a letter before those of other than regular files:
// d0700, s0660, p0600, c0666, b0660, l0777->TARGET. Words with spaces are
// Go-quoted. "absent run nft" takes the command away whatever it is asked, and
// "absent docker /" the whole Engine, but for questions with sections of
// their own. [Live] names the reader's own questions (run seawall:processes).
//
// A later archive wins over an earlier one where both answer the same
// question, so that a test host is a base and a few words on what differs.
// What no archive answers is unknown ("not recorded"), except that a path
// which its recorded parent directory does not list is absent. A path that an
// overlay adds appears in its recorded parent, one it takes away does not.
func Parse(archives ...[]byte) (Host, error) {
	r := &recorded{paths: map[string]*recordedPath{}, answers: map[string]recordedAnswer{}}
	for _, a := range archives {
		for _, file := range txtar.Parse(a).Files {
			if err := r.add(file.Name, file.Data); err != nil {
				return nil, fmt.Errorf("recorded host, section %q: %w", file.Name, err)
			}
		}
	}
	return r, nil
}

func (r *recorded) add(name string, body []byte) error {
	s, err := parseSection(name)
	if err != nil {
		return err
	}
	switch s.kind {
	case "self":
		return r.addSelf(s)
	case "run", "stderr", "docker":
		return r.addAnswer(s, body)
	}
	return r.addPath(s, body)
}

func (r *recorded) addSelf(s section) error {
	uid, err := strconv.ParseUint(s.attrs["uid"], 10, 32)
	if err != nil {
		return fmt.Errorf("uid %q is not a number", s.attrs["uid"])
	}
	at, err := time.Parse(time.RFC3339, s.attrs["time"])
	if err != nil {
		return fmt.Errorf("time %q is not RFC 3339", s.attrs["time"])
	}
	r.self = &Self{UID: uint32(uid), Time: at}
	return nil
}

func (r *recorded) addAnswer(s section, body []byte) error {
	a := recordedAnswer{body: body}
	if exit, ok := s.attrs["exit"]; ok {
		n, err := strconv.Atoi(exit)
		if err != nil {
			return fmt.Errorf("exit %q is not a number", exit)
		}
		a.exit = n
	}
	switch s.state {
	case "absent":
		a.err = fmt.Errorf("%s is not there: %w", s.question, ErrAbsent)
		if s.kind == "run" {
			a.err = fmt.Errorf("%s is not installed: %w", strings.SplitN(s.question, " ", 2)[0], ErrAbsent)
		}
	case "error":
		a.err = errors.New(reasonText(body))
	}
	r.answers[s.key()] = a
	return nil
}

func (r *recorded) addPath(s section, body []byte) error {
	p := r.paths[s.question]
	if p == nil {
		p = &recordedPath{failed: map[string]string{}}
		r.paths[s.question] = p
	}
	switch s.state {
	case "absent":
		*p = recordedPath{absent: true, failed: map[string]string{}}
		return nil
	case "error":
		p.absent = false
		p.failed[s.kind] = reasonText(body)
		return nil
	}
	p.absent = false
	delete(p.failed, s.kind)
	if len(s.attrs) > 0 {
		info, err := s.fileInfo()
		if err != nil {
			return err
		}
		if _, ok := s.attrs["size"]; !ok && s.kind == "file" {
			info.Size = int64(len(body))
		}
		p.info = &info
		delete(p.failed, "stat")
	}
	switch s.kind {
	case "file":
		p.content, p.read = body, true
	case "dir":
		p.entries, p.listed = nil, true
		for line := range bytes.Lines(body) {
			text := strings.TrimSpace(string(line))
			if text == "" {
				continue
			}
			entry, err := parseEntry(s.question, text)
			if err != nil {
				return err
			}
			p.entries = append(p.entries, entry)
		}
	}
	return nil
}

func reasonText(body []byte) string {
	if text := strings.TrimSpace(string(body)); text != "" {
		return text
	}
	return "it could not be read"
}

func notRecorded(what string) error { return fmt.Errorf("%s: not recorded", what) }

// absent reports whether a path, or a folder it would have to be in, is known
// not to be there. A path that is not absolute names nothing.
func (r *recorded) absent(name string) bool {
	if !path.IsAbs(name) {
		return true
	}
	for ; name != "/"; name = path.Dir(name) {
		if p := r.paths[name]; p != nil {
			return p.absent
		}
		if parent := r.paths[path.Dir(name)]; parent != nil && parent.listed && entryOf(parent, name) == nil {
			return true
		}
	}
	return false
}

func entryOf(dir *recordedPath, name string) *FileInfo {
	for i := range dir.entries {
		if dir.entries[i].Path == name {
			return &dir.entries[i]
		}
	}
	return nil
}

func (r *recorded) ReadFile(_ context.Context, name string) ([]byte, error) {
	name = path.Clean(name)
	p := r.paths[name]
	switch {
	case p != nil && p.failed["file"] != "":
		return nil, errors.New(p.failed["file"])
	case p != nil && p.read:
		return bytes.Clone(p.content), nil
	case r.absent(name):
		return nil, fmt.Errorf("reading %s: %w", name, ErrAbsent)
	}
	return nil, notRecorded("reading " + name)
}

func (r *recorded) Stat(_ context.Context, name string) (FileInfo, error) {
	name = path.Clean(name)
	p := r.paths[name]
	switch {
	case p != nil && p.failed["stat"] != "":
		return FileInfo{}, errors.New(p.failed["stat"])
	case p != nil && p.info != nil:
		return *p.info, nil
	case r.absent(name):
		return FileInfo{}, fmt.Errorf("looking at %s: %w", name, ErrAbsent)
	}
	if parent := r.paths[path.Dir(name)]; parent != nil && parent.listed {
		if entry := entryOf(parent, name); entry != nil {
			return *entry, nil
		}
	}
	return FileInfo{}, notRecorded("looking at " + name)
}

// ReadDir lists what was recorded of a directory, together with paths in it
// that an overlay added, and without those it took away.
func (r *recorded) ReadDir(_ context.Context, name string) ([]FileInfo, error) {
	name = path.Clean(name)
	p := r.paths[name]
	switch {
	case p != nil && p.failed["dir"] != "":
		return nil, errors.New(p.failed["dir"])
	case p != nil && p.listed:
	case r.absent(name):
		return nil, fmt.Errorf("listing %s: %w", name, ErrAbsent)
	default:
		return nil, notRecorded("listing " + name)
	}
	byPath := map[string]FileInfo{}
	for _, e := range p.entries {
		byPath[e.Path] = e
	}
	for child, known := range r.paths {
		switch {
		case path.Dir(child) != name || child == name:
		case known.absent:
			delete(byPath, child)
		case known.info != nil:
			byPath[child] = *known.info
		}
	}
	list := make([]FileInfo, 0, len(byPath))
	for e := range maps.Values(byPath) {
		list = append(list, e)
	}
	sortByPath(list)
	return list, nil
}

func (r *recorded) Run(_ context.Context, name string, args ...string) (Output, error) {
	question := joinWords(append([]string{name}, args...))
	a, ok := r.answers["run "+question]
	if !ok {
		// One line takes a command away whatever it is asked.
		if only, ok := r.answers["run "+quoteWord(name)]; ok && errors.Is(only.err, ErrAbsent) {
			return Output{}, only.err
		}
		return Output{}, notRecorded(question)
	}
	if a.err != nil {
		return Output{}, a.err
	}
	return Output{Stdout: bytes.Clone(a.body), Stderr: bytes.Clone(r.answers["stderr "+question].body), Exit: a.exit}, nil
}

func (r *recorded) Docker(_ context.Context, question string) ([]byte, error) {
	a, ok := r.answers["docker "+question]
	if !ok {
		// No Engine at all is one line as well.
		if all, ok := r.answers["docker /"]; ok && all.err != nil {
			return nil, all.err
		}
		return nil, notRecorded("Docker " + question)
	}
	return bytes.Clone(a.body), a.err
}

func (r *recorded) Self(context.Context) (Self, error) {
	if r.self == nil {
		return Self{}, notRecorded("who asked")
	}
	return *r.self, nil
}
