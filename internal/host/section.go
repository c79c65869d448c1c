package host

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// section is the first line of one answer in a recorded host: what was asked
// and, for paths, mode and owner.
//
//	self uid=0 time=2026-11-24T05:00:00Z
//	file /etc/os-release mode=0644 owner=0:0
//	run exit=1 fail2ban-client ping
//	absent stat /etc/docker
type section struct {
	state    string // "", "absent" or "error"
	kind     string // self, file, stat, dir, run, stderr, docker
	question string // the path, or the words of a command, each quoted if need be
	attrs    map[string]string
}

// key tells two sections about the same question from all others.
func (s section) key() string { return s.kind + " " + s.question }

var sectionKinds = []string{"self", "file", "stat", "dir", "run", "stderr", "docker"}

// parseSection reads the name of a txtar section.
func parseSection(name string) (section, error) {
	words, err := splitWords(name)
	if err != nil {
		return section{}, err
	}
	s := section{attrs: map[string]string{}}
	if len(words) > 0 && (words[0] == "absent" || words[0] == "error") {
		s.state, words = words[0], words[1:]
	}
	if len(words) == 0 || !slices.Contains(sectionKinds, words[0]) {
		return section{}, fmt.Errorf("it must begin with one of %s", strings.Join(sectionKinds, ", "))
	}
	s.kind, words = words[0], words[1:]

	if s.kind == "run" || s.kind == "stderr" {
		if len(words) > 0 && s.kind == "run" {
			if exit, ok := strings.CutPrefix(words[0], "exit="); ok {
				s.attrs["exit"], words = exit, words[1:]
			}
		}
		if len(words) == 0 {
			return section{}, fmt.Errorf("it names no command")
		}
		s.question = joinWords(words)
		return s, nil
	}
	if s.kind != "self" {
		if len(words) == 0 {
			return section{}, fmt.Errorf("it names no path")
		}
		s.question, words = words[0], words[1:]
		if !strings.HasPrefix(s.question, "/") {
			return section{}, fmt.Errorf("%q is not an absolute path", s.question)
		}
		if s.kind != "docker" {
			s.question = path.Clean(s.question)
		}
	}
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			return section{}, fmt.Errorf("%q is not an attribute such as mode=0644", w)
		}
		s.attrs[key] = value
	}
	return s, nil
}

// splitWords splits at spaces; a word, or the value of an attribute, that
// holds one is Go-quoted.
func splitWords(s string) ([]string, error) {
	var words []string
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		var word strings.Builder
		for s != "" && s[0] != ' ' {
			if s[0] != '"' {
				word.WriteByte(s[0])
				s = s[1:]
				continue
			}
			quoted, err := strconv.QuotedPrefix(s)
			if err != nil {
				return nil, fmt.Errorf("the quotation marks of %s do not match", s)
			}
			text, _ := strconv.Unquote(quoted)
			word.WriteString(text)
			s = s[len(quoted):]
		}
		words = append(words, word.String())
	}
	return words, nil
}

func joinWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quoteWord(w)
	}
	return strings.Join(quoted, " ")
}

func quoteWord(w string) string {
	plain := func(r rune) bool {
		return r != '"' && r != '\\' && r != unicode.ReplacementChar && unicode.IsGraphic(r) && !unicode.IsSpace(r)
	}
	if w != "" && w != "->" && strings.IndexFunc(w, func(r rune) bool { return !plain(r) }) < 0 {
		return w
	}
	return strconv.Quote(w)
}

// fileInfo reads the attributes mode, owner, size and mtime of a path.
func (s section) fileInfo() (FileInfo, error) {
	f := FileInfo{Path: s.question}
	for key, value := range s.attrs {
		if err := f.set(key, value); err != nil {
			return FileInfo{}, err
		}
	}
	// A link to a folder can be listed, and stays a link.
	if s.kind == "dir" && f.Mode&fs.ModeSymlink == 0 {
		f.Mode = f.Mode&^fs.ModeType | fs.ModeDir
	}
	return f, nil
}

func (f *FileInfo) set(key, value string) (err error) {
	switch key {
	case "mode":
		f.Mode, f.Target, err = parseMode(value)
	case "owner":
		user, group, ok := strings.Cut(value, ":")
		uid, errUser := strconv.ParseUint(user, 10, 32)
		gid, errGroup := strconv.ParseUint(group, 10, 32)
		if !ok || errUser != nil || errGroup != nil {
			return fmt.Errorf("owner %q is not of the form 0:0", value)
		}
		f.UID, f.GID = uint32(uid), uint32(gid)
	case "size":
		f.Size, err = strconv.ParseInt(value, 10, 64)
	case "mtime":
		f.ModTime, err = time.Parse(time.RFC3339, value)
	default:
		return fmt.Errorf("no attribute is called %q: use mode, owner, size, mtime", key)
	}
	if err != nil {
		return fmt.Errorf("%s %q is not valid: %w", key, value, err)
	}
	return nil
}

// attributes writes what fileInfo reads.
func (f FileInfo) attributes() string {
	s := fmt.Sprintf("mode=%s owner=%d:%d size=%d", quoteWord(formatMode(f)), f.UID, f.GID, f.Size)
	if !f.ModTime.IsZero() {
		s += " mtime=" + f.ModTime.UTC().Format(time.RFC3339)
	}
	return s
}

var modeTypes = []struct {
	letter byte
	mode   fs.FileMode
}{
	{'d', fs.ModeDir}, {'l', fs.ModeSymlink}, {'s', fs.ModeSocket}, {'p', fs.ModeNamedPipe},
	{'c', fs.ModeDevice | fs.ModeCharDevice}, {'b', fs.ModeDevice},
}

// Unix writes setuid, setgid and sticky into the octal number; Go keeps them
// among its own bits.
var modeBits = []struct {
	octal uint64
	mode  fs.FileMode
}{{0o4000, fs.ModeSetuid}, {0o2000, fs.ModeSetgid}, {0o1000, fs.ModeSticky}}

// parseMode reads 0644, d0700, s0660, l0777->TARGET, and modes as
// fs.FileMode prints them (Srw-rw----).
func parseMode(s string) (mode fs.FileMode, target string, err error) {
	rest, target, _ := strings.Cut(s, "->")
	rest = strings.TrimSpace(rest)
	target = strings.TrimSpace(target)
	if rest == "" {
		return 0, "", fmt.Errorf("it is empty")
	}
	for _, t := range modeTypes {
		if rest[0] == t.letter && !strings.ContainsAny(rest, "rwx-") {
			mode, rest = t.mode, rest[1:]
			break
		}
	}
	bits, err := strconv.ParseUint(rest, 8, 12)
	if err != nil {
		m, ok := parseModeString(rest)
		if !ok {
			return 0, "", fmt.Errorf("write it as 0644, d0700, s0660 or l0777->TARGET")
		}
		return m, target, nil
	}
	mode |= fs.FileMode(bits & 0o777)
	for _, b := range modeBits {
		if bits&b.octal != 0 {
			mode |= b.mode
		}
	}
	return mode, target, nil
}

// parseModeString reads the output of fs.FileMode.String.
func parseModeString(s string) (fs.FileMode, bool) {
	const types, perms = "dalTLDpSugct?", "rwxrwxrwx"
	if len(s) < len(perms) {
		return 0, false
	}
	var mode fs.FileMode
	kind, perm := s[:len(s)-len(perms)], s[len(s)-len(perms):]
	for _, r := range kind {
		i := strings.IndexRune(types, r)
		if i < 0 && r != '-' {
			return 0, false
		}
		if i >= 0 {
			mode |= 1 << (31 - i)
		}
	}
	for i := range perms {
		switch perm[i] {
		case perms[i]:
			mode |= 1 << (8 - i)
		case '-':
		default:
			return 0, false
		}
	}
	return mode, true
}

func formatMode(f FileInfo) string {
	bits := uint64(f.Mode.Perm())
	for _, b := range modeBits {
		if f.Mode&b.mode != 0 {
			bits |= b.octal
		}
	}
	kind := ""
	for _, t := range modeTypes {
		if f.Mode.Type() == t.mode {
			kind = string(t.letter)
		}
	}
	s := fmt.Sprintf("%s%04o", kind, bits)
	if f.Target != "" {
		s += "->" + f.Target
	}
	return s
}

// parseEntry reads one line of a recorded directory:
// "name mode owner=U:G size=N [mtime=T] [-> target]".
func parseEntry(dir, line string) (FileInfo, error) {
	words, err := splitWords(line)
	if err != nil {
		return FileInfo{}, err
	}
	if len(words) < 2 {
		return FileInfo{}, fmt.Errorf("%q is not of the form: name mode owner=0:0 size=0", line)
	}
	name := words[0]
	if name == "." || name == ".." || strings.Contains(name, "/") || name == "" {
		return FileInfo{}, fmt.Errorf("%q is not a name", name)
	}
	f := FileInfo{Path: path.Join(dir, name)}
	if err := f.set("mode", words[1]); err != nil {
		return FileInfo{}, err
	}
	words = words[2:]
	for len(words) > 0 {
		if words[0] == "->" && len(words) == 2 {
			f.Target = words[1]
			break
		}
		key, value, _ := strings.Cut(words[0], "=")
		if err := f.set(key, value); err != nil {
			return FileInfo{}, err
		}
		words = words[1:]
	}
	return f, nil
}

func formatEntry(f FileInfo) string {
	return quoteWord(path.Base(f.Path)) + " " + strings.TrimPrefix(f.attributes(), "mode=")
}

func sortByPath(list []FileInfo) {
	slices.SortFunc(list, func(a, b FileInfo) int { return strings.Compare(a.Path, b.Path) })
}
