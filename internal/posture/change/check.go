package change

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A check asks the program that will read a file whether it would take it, before
// anything is written.
var checks = []struct {
	// mine reports whether the check is about a step.
	mine func(*Step) bool
	// ask returns why the program would not take what the plan leaves.
	ask func(ctx context.Context, m Machine, p *Plan, s *Step) error
}{
	{(*Step).SSHD, func(ctx context.Context, m Machine, p *Plan, _ *Step) error {
		_, err := p.SSHD(ctx, m, "-t")
		return err
	}},
	{func(s *Step) bool { return s.Kind == KindRuleset }, func(ctx context.Context, m Machine, _ *Plan, s *Step) error {
		_, err := m.Run(ctx, replacing(s.Target, s.After.Content), "nft", "-c", "-f", "-")
		return err
	}},
	{func(s *Step) bool { return s.file("/etc/docker/daemon.json") }, checkDaemon},
	{func(s *Step) bool {
		return s.file("/etc/sudoers") || s.Kind == KindFile && path.Dir(s.Target) == "/etc/sudoers.d"
	},
		func(ctx context.Context, m Machine, _ *Plan, s *Step) error {
			if !s.After.There || s.After.Folder {
				return nil
			}
			_, err := m.Run(ctx, s.After.Content, "visudo", "-c", "-f", "-")
			return err
		}},
}

func (s *Step) file(name string) bool { return s.Kind == KindFile && s.Target == name }

// SSHD reports whether the step changes a file that sshd reads.
func (s *Step) SSHD() bool {
	return s.Kind == KindFile && strings.HasPrefix(s.Target, "/etc/ssh/sshd_config")
}

// Check asks the programs of the machine about the plan. It returns why controls
// cannot have what they asked for. What cannot be asked (a program that is not
// there, no root) is no reason.
func (p *Plan) Check(ctx context.Context, m Machine) map[string]string {
	bad := map[string]string{}
	if os.Geteuid() != 0 {
		return bad
	}
	for _, c := range checks {
		for _, s := range p.Steps {
			if !c.mine(s) {
				continue
			}
			err := c.ask(ctx, m, p, s)
			if err == nil || errors.Is(err, exec.ErrNotFound) {
				continue
			}
			for _, id := range s.Controls {
				bad[id] = fmt.Sprintf("%s would not be taken: %v", s.Target, err)
			}
		}
	}
	return bad
}

// MakeChecked makes a plan that the programs of the machine accept: what they
// would not take is refused, and the rest is asked about again.
func MakeChecked(ctx context.Context, m Machine, wishes []Wish) *Plan {
	var refused []Refused
	for {
		p := Make(ctx, m, wishes)
		bad := p.Check(ctx, m)
		if len(bad) == 0 {
			p.Refused = append(refused, p.Refused...)
			return p
		}
		wishes = slices.DeleteFunc(slices.Clone(wishes), func(w Wish) bool {
			why, is := bad[w.Control]
			if is {
				refused = append(refused, Refused{w.Control, why})
			}
			return is
		})
	}
}

var include = regexp.MustCompile(`(?im)^([ \t]*Include[ \t]+)(.*)$`)

// SSHD asks sshd about the configuration that the plan leaves: -t whether it would
// take it, -T what it would do. It works on a copy.
func (p *Plan) SSHD(ctx context.Context, m Machine, args ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "seawall-sshd-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	// In production paths are whole; Include takes patterns relative to /etc/ssh.
	moved := func(text []byte) []byte {
		return include.ReplaceAllFunc(text, func(line []byte) []byte {
			m := include.FindSubmatch(line)
			words := strings.Fields(string(m[2]))
			for i, w := range words {
				w = strings.Trim(w, `"`)
				if !path.IsAbs(w) {
					w = "/etc/ssh/" + w
				}
				if strings.HasPrefix(w, "/etc/ssh/") {
					w = dir + w
				}
				words[i] = w
			}
			return append(slices.Clone(m[1]), strings.Join(words, " ")...)
		})
	}
	if err := os.MkdirAll(filepath.Join(dir, "etc/ssh/sshd_config.d"), 0o700); err != nil {
		return nil, err
	}
	put := func(name string, s State) error {
		if !s.There || s.Folder {
			return nil
		}
		return os.WriteFile(filepath.Join(dir, name), moved(s.Content), 0o600)
	}
	names := []string{"/etc/ssh/sshd_config"}
	for _, pattern := range []string{"etc/ssh/sshd_config.d/*.conf", "etc/ssh/*.conf"} {
		found, _ := filepath.Glob(filepath.Join(m.Root, pattern))
		for _, f := range found {
			rel, err := filepath.Rel(m.Root, f)
			if err != nil {
				return nil, err
			}
			names = append(names, "/"+rel)
		}
	}
	for _, name := range names {
		s, err := m.read(name)
		if err != nil {
			return nil, err
		}
		if err := put(name, s); err != nil {
			return nil, err
		}
	}
	for _, s := range p.Steps {
		if !s.SSHD() {
			continue
		}
		if !s.After.There {
			_ = os.Remove(filepath.Join(dir, s.Target))
		}
		if err := put(s.Target, s.After); err != nil {
			return nil, err
		}
	}
	out, err := m.Run(ctx, nil, "sshd", append(args, "-f", filepath.Join(dir, "etc/ssh/sshd_config"))...)
	if err != nil && strings.Contains(err.Error(), "privilege separation directory") {
		return nil, fmt.Errorf("sshd never ran here: %w", exec.ErrNotFound)
	}
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), dir, ""))
	}
	return out, nil
}

// checkDaemon asks dockerd, where it can validate (23.0 and later).
func checkDaemon(ctx context.Context, m Machine, _ *Plan, s *Step) error {
	f, err := os.CreateTemp("", "seawall-daemon-*.json")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(s.After.Content); err != nil {
		return err
	}
	f.Close()
	_, err = m.Run(ctx, nil, "dockerd", "--validate", "--config-file", f.Name())
	if err != nil && strings.Contains(err.Error(), "unknown flag") {
		return nil
	}
	return err
}
