package change

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture/texts"
)

// diff is how a step looks to a person; secrets are not in it.
func (s *Step) diff() string {
	switch s.Kind {
	case KindFile:
		return s.perms() + s.fileDiff()
	case KindPerm:
		return s.perms()
	case KindSysctl:
		return fmt.Sprintf("-%s = %s\n+%[1]s = %[3]s\n", s.Target, s.Before.Content, s.After.Content)
	}
	return ""
}

func (s *Step) fileDiff() string {
	if s.Before.Folder || s.After.Folder || string(s.Before.Content) == string(s.After.Content) {
		return ""
	}
	old, next := s.Before.Content, s.After.Content
	if s.Config != "" {
		return openclaw.Diff(s.Target, old, next)
	}
	var m texts.Mask
	if s.Target == "/etc/shadow" {
		return ""
	}
	before, after := m.Text(string(old)), m.Text(string(next))
	from, to := s.Target, s.Target
	if !s.Before.There {
		from = "/dev/null"
	}
	if !s.After.There {
		to = "/dev/null"
	}
	text := string(diff.Diff(from, []byte(before), to, []byte(after)))
	_, text, _ = strings.Cut(text, "\n") // the "diff A B" line
	return text
}

// perms is what changes of mode and owner.
func (s *Step) perms() string {
	b, a := s.Before, s.After
	if !b.There || !a.There {
		return ""
	}
	var out string
	if b.Mode != a.Mode {
		out += fmt.Sprintf("-mode %s %s\n+mode %s %[2]s\n", octal(b), s.Target, octal(a))
	}
	if b.UID != a.UID || b.GID != a.GID {
		out += fmt.Sprintf("-owner %d:%d %s\n+owner %d:%d %[3]s\n", b.UID, b.GID, s.Target, a.UID, a.GID)
	}
	return out
}

var specialBits = map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000}

// octal is a mode as chmod takes it.
func octal(s State) string {
	m := uint32(s.Mode.Perm())
	for bit, value := range specialBits {
		if s.Mode&bit != 0 {
			m |= value
		}
	}
	return fmt.Sprintf("%04o", m)
}
