package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// LocalFile holds the operator's own rules, beside the policy file. It is
// optional.
const LocalFile = "local.cedar"

// RememberedFile holds the exceptions that the operator had remembered when he
// approved something, beside the policy file. It is optional.
const RememberedFile = "remembered.cedar"

// Store keeps the policy in force. It is safe for concurrent use.
type Store struct {
	// Note says what was done to the file when it was opened, for the operator; ""
	// is nothing.
	Note string

	path    string
	current atomic.Pointer[Policy]

	reload  sync.Mutex
	loaded  []source // what is in force was loaded from, nil when not known
	problem atomic.Pointer[string]
}

// OpenStore loads the policy file at path and, if it exists, local.cedar
// beside it. Where there is no policy file the shipped one is written, mode
// 0600; one that an older version shipped, and nobody edited, is replaced. A policy that does not load is an error: there is no last good one yet.
func OpenStore(path string) (*Store, error) {
	if err := ship(path); err != nil {
		return nil, err
	}
	note, err := renew(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, Note: note}
	p, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("the policy in %s cannot be used, so nothing would be allowed; correct it, "+
			"or move it away and the shipped one is written again:\n%w", path, err)
	}
	s.current.Store(p)
	return s, nil
}

// Policy returns the policy in force.
func (s *Store) Policy() *Policy { return s.current.Load() }

// Decide answers one input with the policy in force.
func (s *Store) Decide(in Input) Decision { return s.Policy().Decide(in) }

// Version names the policy in force.
func (s *Store) Version() string { return s.Policy().Version() }

// Problem is the sentence about the files on disk that were refused at the
// last reload, or "" when what is on disk is in force.
func (s *Store) Problem() string {
	if p := s.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// Reload reads the files again. changed says that another policy is now in
// force. When the files do not load, the policy that was in force stays and
// the error says so.
func (s *Store) Reload() (changed bool, err error) {
	s.reload.Lock()
	defer s.reload.Unlock()
	old := s.current.Load()
	sources, err := sourcesAt(s.path)
	if err == nil && s.loaded != nil && slices.EqualFunc(sources, s.loaded, source.equal) {
		s.problem.Store(nil)
		return false, nil
	}
	var p *Policy
	if err == nil {
		p, err = load(sources...)
	}
	if err != nil {
		err = fmt.Errorf("the changed policy in %s was refused, the last good one (%s) stays in force:\n%w",
			s.path, old.Version(), err)
		sentence := err.Error()
		s.problem.Store(&sentence)
		return false, err
	}
	s.problem.Store(nil)
	s.loaded = sources
	if p.Version() == old.Version() {
		return false, nil
	}
	s.current.Store(p)
	return true, nil
}

// Check reads a policy file, and what is beside it, as a store would, and
// returns what it would use or why it would not.
func Check(path string) (*Policy, error) { return read(path) }

func read(path string) (*Policy, error) {
	sources, err := sourcesAt(path)
	if err != nil {
		return nil, err
	}
	return load(sources...)
}

// sourcesAt are the documents of the policy whose file is at path.
func sourcesAt(path string) ([]source, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return withOwn(path, text)
}

func (s source) equal(other source) bool {
	return s.file == other.file && bytes.Equal(s.text, other.text)
}

// withOwn are the documents of a policy whose file at path has that text, and what
// the operator has beside it.
func withOwn(path string, text []byte) ([]source, error) {
	sources := []source{{filepath.Base(path), text}}
	for _, name := range []string{LocalFile, RememberedFile} {
		switch text, err := readFile(filepath.Join(filepath.Dir(path), name)); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			sources = append(sources, source{name, text})
		}
	}
	return sources, nil
}

// readFile reads a policy file that is not larger than one may be.
func readFile(path string) ([]byte, error) {
	// Not to wait for a pipe. Root, who does not own the folder, follows no link.
	flag := os.O_RDONLY | unix.O_NONBLOCK
	if os.Geteuid() == 0 {
		flag |= unix.O_NOFOLLOW
	}
	f, err := os.OpenFile(path, flag, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%s is a link, which root does not follow: name the file itself", path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if !info.Mode().IsRegular() || len(text) > maxSource {
		return nil, fmt.Errorf("%s is not a policy file: it must be a regular file of at most %d bytes", path, maxSource)
	}
	return text, err
}
