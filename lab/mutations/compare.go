package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	lab "github.com/openseawall/seawall/lab/openclaw"
)

// Said is what another program said of a mutated machine: caught, missed, or ""
// where it was not asked, because the mutation is about what it never looks at.
type Said string

const (
	Caught Said = "caught"
	Missed Said = "missed"
)

// aboutOpenClaw reports whether a mutation is in OpenClaw's own files.
func (m Mutation) aboutOpenClaw() bool {
	for _, paths := range [][]string{sorted(m.Config), sorted(m.Chmod), sorted(m.Append), m.Remove, sorted(m.Write)} {
		for _, p := range paths {
			if len(m.Config) > 0 || strings.HasPrefix(p, "/var/lib/claw/") {
				return true
			}
		}
	}
	return false
}

// aboutContainers reports whether a mutation is in what Docker runs or would:
// the recorded Docker answers no program but Seawall.
func (m Mutation) aboutContainers() bool { return m.Base != "" }

// notCopied reports whether a mutation is in what a copy of files does not hold:
// what runs, listens, is installed, is loaded into the kernel's packet filter or
// stands in a database. Lynis would be judged by the copy, and is not asked.
func (m Mutation) notCopied() bool {
	return m.Socket != nil || m.Process != nil || m.NFT != nil || len(m.Answer)+len(m.Unit)+len(m.Install)+len(m.Purge)+len(m.Apt) > 0
}

// auditor runs `openclaw security audit` on copies of the recorded machine's
// OpenClaw.
type auditor struct {
	installed *lab.Installed
	before    map[string]bool
}

func newAuditor(ctx context.Context, root string) (*auditor, error) {
	in, err := lab.Install(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	a := &auditor{installed: in}
	recorded, err := base(root, "")
	if err != nil {
		return nil, err
	}
	a.before, err = a.findings(ctx, recorded)
	return a, err
}

func (a *auditor) said(ctx context.Context, recorded, overlay []byte) (Said, error) {
	after, err := a.findings(ctx, recorded, overlay)
	if err != nil {
		return "", err
	}
	for f := range after {
		if !a.before[f] {
			return Caught, nil
		}
	}
	return Missed, nil
}

// findings are the checks that failed, each with its detail.
func (a *auditor) findings(ctx context.Context, archives ...[]byte) (map[string]bool, error) {
	dir, err := os.MkdirTemp("", "mutation-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := copied(dir, archives...); err != nil {
		return nil, err
	}
	home := filepath.Join(dir, "var/lib/claw")
	// The copy belongs to whoever audits it, as the machine's does.
	if err := filepath.WalkDir(home, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, os.Getuid(), os.Getgid())
	}); err != nil {
		return nil, err
	}
	config := filepath.Join(home, ".openclaw/openclaw.json")
	if text, err := os.ReadFile(config); err == nil {
		info, err := os.Stat(config)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(config, bytes.ReplaceAll(text, []byte("/var/lib/claw"), []byte(home)), info.Mode()); err != nil {
			return nil, err
		}
	}
	bin := filepath.Join(a.installed.Dir, "node_modules/.bin")
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "node"), filepath.Join(a.installed.Package(), "openclaw.mjs"), "security", "audit", "--json")
	cmd.Env = []string{"HOME=" + home, "PATH=" + bin + ":/usr/bin:/bin", "NO_COLOR=1"}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	i := bytes.IndexByte(out, '{')
	if i < 0 {
		return map[string]bool{"it does not start with this config": true}, nil
	}
	var report struct {
		Findings []struct{ CheckID, Severity, Detail string }
	}
	if err := json.Unmarshal(out[i:], &report); err != nil {
		return map[string]bool{"it does not start with this config": true}, nil
	}
	found := map[string]bool{}
	for _, f := range report.Findings {
		if f.Severity != "info" {
			found[f.CheckID+": "+strings.ReplaceAll(f.Detail, dir, "")] = true
		}
	}
	return found, nil
}

// lynis runs Lynis in a Debian that holds a copy of the recorded machine.
type lynis struct {
	tree   string // the Debian, unpacked once
	before map[string]bool
}

// lynisGroups are the tests that look at what a mutation of this list touches.
const lynisGroups = "accounting authentication boot_services file_permissions filesystems firewalls homedirs insecure_services kernel kernel_hardening logging networking ports_packages scheduling ssh storage time"

func newLynis(ctx context.Context, root, image string) (*lynis, error) {
	if _, err := exec.LookPath("lynis"); err != nil {
		return nil, errors.New("lynis is not installed: apt-get install lynis")
	}
	dir, err := os.MkdirTemp("", "lynis-")
	if err != nil {
		return nil, err
	}
	l := &lynis{tree: dir}
	for _, args := range [][]string{
		{"tar", "-C", dir, "-xf", image},
		{"mkdir", "-p", dir + "/usr/share/lynis", dir + "/etc/lynis", dir + "/etc/ssh"},
		{"cp", "-a", "/usr/share/lynis/.", dir + "/usr/share/lynis"},
		{"cp", "-a", "/etc/lynis/.", dir + "/etc/lynis"},
		{"cp", "-a", "/usr/sbin/lynis", dir + "/usr/sbin/lynis"},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	recorded, err := base(root, "")
	if err != nil {
		return nil, err
	}
	l.before, err = l.findings(ctx, recorded)
	return l, err
}

// batches puts mutations together that touch different things: Lynis takes long
// to start, and names what it finds.
func batches(all []Mutation) (out [][]Mutation) {
	var taken []map[string]bool
next:
	for _, m := range all {
		touched := m.touches()
		for i, t := range taken {
			if !slices.ContainsFunc(touched, func(w string) bool { return t[w] }) {
				out[i] = append(out[i], m)
				for _, w := range touched {
					t[w] = true
				}
				continue next
			}
		}
		t := map[string]bool{}
		for _, w := range touched {
			t[w] = true
		}
		out, taken = append(out, []Mutation{m}), append(taken, t)
	}
	return out
}

// touches are the words by which a finding is known to be about a mutation.
func (m Mutation) touches() (words []string) {
	words = slices.Concat(sorted(m.SSHD), sorted(m.Sysctl), sorted(m.Chmod), m.Remove, sorted(m.Append), sorted(m.Write), sorted(m.Replace))
	// What Lynis calls some of them.
	for _, w := range slices.Clone(words) {
		words = append(words, called[w]...)
	}
	return words
}

// called are Lynis' tests for what has no name of its own in a finding.
var called = map[string][]string{
	"/etc/shadow": {"AUTH-9283", "without password"}, "/etc/passwd": {"AUTH-9204", "uid zero", "administrator accounts"}, "/home/admin": {"HOME-"}, "/tmp": {"FILE-6362"},
	"/var/log/journal": {"LOGG-"},
	"/etc/cron.allow":  {"SCHD-"}, "/etc/sudoers": {"AUTH-9252", "sudoers"}, "/usr/local/bin": {"FILE-"},
}

// said runs one batch and tells for each mutation whether Lynis noticed it.
func (l *lynis) said(ctx context.Context, recorded []byte, batch []Mutation) (map[string]Said, error) {
	archives := [][]byte{recorded}
	w := newMachine(recorded)
	for _, m := range batch {
		m.apply(w)
	}
	after, err := l.findings(ctx, append(archives, w.text())...)
	if err != nil {
		return nil, err
	}
	said := map[string]Said{}
	for _, m := range batch {
		said[m.Name] = Missed
		for f := range after {
			if !l.before[f] && slices.ContainsFunc(m.touches(), func(word string) bool { return strings.Contains(strings.ToLower(f), strings.ToLower(word)) }) {
				said[m.Name] = Caught
			}
		}
	}
	return said, nil
}

// line matches what Lynis reports: warnings, suggestions, and details with the
// value that differs from what it wants.
var line = regexp.MustCompile(`(?m)^(?:warning|suggestion|details)\[\]=(.*)$`)

var active = regexp.MustCompile(`(?m)^ActiveState=active$`)

func (l *lynis) findings(ctx context.Context, archives ...[]byte) (map[string]bool, error) {
	dir, err := os.MkdirTemp("", "mutation-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.CommandContext(ctx, "cp", "-a", l.tree+"/.", dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copying the Debian: %w: %s", err, out)
	}
	if err := copied(dir, archives...); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "etc/ssh/sshd_config"), nil, 0o600); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	// What runs is what the recorded units say: a program that sleeps under each name.
	units, err := os.ReadFile(filepath.Join(dir, "lab/units"))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "lab/run"), 0o755); err != nil {
		return nil, err
	}
	daemons := ""
	for unit, name := range map[string]string{"ssh": "sshd", "fail2ban": "fail2ban-server", "systemd-timesyncd": "systemd-timesyncd"} {
		if active.MatchString(regexp.MustCompile(`(?s)Id=` + unit + `\.service\n.*?\n\n`).FindString(string(units))) {
			daemons += fmt.Sprintf("cp %[1]s/usr/bin/sleep %[1]s/lab/run/%[2]s; chroot %[1]s /lab/run/%[2]s 600 >/dev/null 2>&1 & ", dir, name)
		}
	}
	script := fmt.Sprintf("mount -t proc proc %[1]s/proc && mount -t tmpfs none %[1]s/dev/shm; "+daemons+"exec chroot %[1]s /usr/sbin/lynis audit system --quick --no-colors --no-log --report-file /lab/report --tests-from-group '%[2]s'", dir, lynisGroups)
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--fork", "--net", "sh", "-c", script)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	text, readErr := os.ReadFile(filepath.Join(dir, "lab/report"))
	if readErr != nil {
		return nil, fmt.Errorf("running lynis: %v: %s", err, out)
	}
	found := map[string]bool{}
	for _, m := range line.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = true
	}
	// The screen says more than the report: "File: /etc/passwd [ SUGGESTION ]".
	for screen := range strings.Lines(string(out)) {
		screen = strings.Join(strings.Fields(escape.ReplaceAllString(screen, " ")), " ")
		if m := result.FindStringSubmatch(screen); m != nil && !slices.Contains(fine, m[1]) {
			found[screen] = true
		}
	}
	return found, nil
}

var (
	escape = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)
	result = regexp.MustCompile(`\[ ([A-Z ]+) \]$`)
	fine   = []string{"OK", "DONE", "ENABLED", "HARDENED", "RUNNING", "YES", "FOUND", "ACTIVE", "PROTECTED"}
)

func (l *lynis) close() { _ = os.RemoveAll(l.tree) }
