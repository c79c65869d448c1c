// Package install makes Seawall a service of this machine, and takes that back.
//
//	units, program, account ──Prepare──▶ Plan ──Apply──▶ journal, then the machine
//	journal                 ──Remove───▶ Plan ──Apply──▶ the machine as it was
//
// A plan says all that it would do and does nothing by itself. The journal
// (install.json, see state.WriteJournal) is on the disk before the first file is
// written; what it does not know was not Seawall's and stays. A unit that
// somebody edited by hand stays as well, and is named.
package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/whole"
	"github.com/openseawall/seawall/packaging"
)

// Where units stand: the administrator's folder, which goes before that of
// packages (systemd.unit(5)).
const (
	unitFolder    = "/etc/systemd/system"
	packageFolder = "/usr/lib/systemd/system"
	localProgram  = "/usr/local/bin/seawall"
)

// programFolders are the places where only root puts programs. What runs as a
// service stands in one of them.
var programFolders = []string{"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}

// ErrNoSystemd says that this machine has no systemd that runs.
var ErrNoSystemd = errors.New("systemd does not run on this machine, so there is nothing to make a service with: start `seawall up --yes --keep` by whatever starts programs here, as root (docs/install.md, Without systemd)")

// Plan is what would be done, in order.
type Plan struct {
	Steps []Step
	Notes []string // what a person should know before saying yes
}

// Step is one thing that is done to the machine.
type Step struct {
	What string // "write /etc/systemd/system/seawall.socket"
	do   func(ctx context.Context) error
}

// NewStep is a step that another package does.
func NewStep(what string, do func(ctx context.Context) error) Step { return Step{what, do} }

// Empty reports that there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// Apply does what the plan says and tells of each step that was done.
func (p *Plan) Apply(ctx context.Context, done func(Step)) error {
	for _, s := range p.Steps {
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.What, err)
		}
		done(s)
	}
	return nil
}

func (p *Plan) add(what string, do func(ctx context.Context) error) {
	p.Steps = append(p.Steps, Step{what, do})
}

func (p *Plan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// journal is what install did to a machine.
type journal struct {
	Account bool   `json:"account,omitempty"` // the user was made
	Files   []file `json:"files"`
}

// file is a file that install wrote.
type file struct {
	Path string `json:"path"`
	// SHA256 is of its content, in hex, so that an edit by hand is seen.
	SHA256 string `json:"sha256"`
}

func readJournal(dir *state.Dir) (journal, error) {
	var j journal
	// A foreign one is followed as far as it names Seawall's own files (own).
	content, _, err := dir.ReadJournal(state.Install)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return j, err
	}
	if err := json.Unmarshal(content, &j); err != nil {
		return j, fmt.Errorf("the journal %s is damaged: delete it; `seawall remove` then leaves the units in %s, docs/without-seawall.md says how to take them out by hand", dir.JournalPath(state.Install), unitFolder)
	}
	return j, nil
}

func (j journal) write(dir *state.Dir) error {
	content, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return dir.WriteJournal(state.Install, append(content, '\n'))
}

// with is the journal with a file more, or another content of it.
func (j journal) with(f file) journal {
	j.Files = append(slices.DeleteFunc(slices.Clone(j.Files), func(old file) bool { return old.Path == f.Path }), f)
	return j
}

// wrote reports whether install wrote a file, and with this content.
func (j journal) wrote(path string, content []byte) (known, same bool) {
	i := slices.IndexFunc(j.Files, func(f file) bool { return f.Path == path })
	return i >= 0, i >= 0 && j.Files[i].SHA256 == sum(content)
}

func sum(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}

// Prepare plans to make a service of the program at a path, for a state
// directory. On a machine where all is done already the plan is empty.
func Prepare(ctx context.Context, m Machine, dir *state.Dir, program string) (*Plan, error) {
	if !m.exists("/run/systemd/system") {
		return nil, ErrNoSystemd
	}
	if !Uses(dir) {
		return nil, fmt.Errorf("a service keeps its state in %s, not in %s: run this without --state", packaging.State, dir)
	}
	j, err := readJournal(dir)
	if err != nil {
		return nil, err
	}
	b := &builder{Machine: m, dir: dir, journal: j, plan: &Plan{}}
	if err := b.free(ctx); err != nil {
		return nil, err
	}
	if program, err = b.program(program); err != nil {
		return nil, err
	}
	b.account()
	if err := b.units(program); err != nil {
		return nil, err
	}
	return b.plan, b.start(ctx)
}

// builder collects the steps of one plan.
type builder struct {
	Machine
	dir     *state.Dir
	journal journal
	plan    *Plan
	changed bool // a unit or the program: what runs has to start anew
}

// free refuses a state directory on which a Seawall runs that is not the
// service.
func (b *builder) free(ctx context.Context) error {
	running, err := service.Find(b.dir)
	if err != nil || running == nil || b.Status(ctx).Active {
		return err
	}
	return fmt.Errorf("another Seawall runs already, as process %d: end its `seawall up` first (Ctrl-C in its terminal, or kill %d), then run this again", running.PID, running.PID)
}

// program plans to put the program where only root can replace it, and returns
// that place.
func (b *builder) program(path string) (string, error) {
	if slices.Contains(programFolders, filepath.Dir(path)) {
		return path, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading this program: %w", err)
	}
	old, err := b.read(localProgram)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	switch known, _ := b.journal.wrote(localProgram, old); {
	case err == nil && sum(old) == sum(content):
		return localProgram, nil
	case err == nil && !known:
		return "", fmt.Errorf("%s is there already, and `seawall install` did not put it there: run that one, or delete it first", localProgram)
	}
	b.write(localProgram, content, 0o755)
	return localProgram, nil
}

func (b *builder) account() {
	uid, gid := b.dir.Owner()
	if id, known := b.lookup(service.Account); known {
		if uid != id.uid || gid != id.gid {
			b.plan.add(fmt.Sprintf("give %s to the user %q", b.dir, service.Account), func(context.Context) error { return b.dir.Give(id.uid, id.gid) })
		}
		return
	}
	b.plan.add(fmt.Sprintf("make the system user %q, which runs the doors, and give it %s", service.Account, b.dir), func(ctx context.Context) error {
		b.journal.Account = true
		if err := b.journal.write(b.dir); err != nil {
			return err
		}
		uid, gid, err := service.MakeAccount(ctx)
		if err != nil {
			return err
		}
		return b.dir.Give(uid, gid)
	})
}

// units plans the units where no package brought them.
func (b *builder) units(program string) error {
	for _, u := range packaging.Units(program) {
		path := filepath.Join(unitFolder, u.Name)
		dropins, _ := fs.Glob(b.FS, strings.TrimPrefix(path, "/")+".d/*.conf")
		dropins = slices.DeleteFunc(dropins, func(d string) bool { return "/"+d == outsideFile })
		if len(dropins) > 0 {
			b.plan.note("%s is changed by /%s, which stays in force", u.Name, strings.Join(dropins, " and /"))
		}
		old, err := b.read(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		known, same := b.journal.wrote(path, old)
		switch {
		case err == nil && string(old) == u.Text:
		case err == nil && !(known && same):
			b.plan.note("%s was edited by hand and stays as it is: to have Seawall's own, delete it and run this again; changes of yours belong into `systemctl edit %s`", path, u.Name)
		case err == nil || !b.packaged(program):
			b.write(path, []byte(u.Text), 0o644)
		}
	}
	return nil
}

// packaged reports whether a package brought the units for a program.
func (b *builder) packaged(program string) bool {
	return program == packaging.Program && b.exists(filepath.Join(packageFolder, "seawall.service"))
}

// write plans to write a file, journal first.
func (b *builder) write(path string, content []byte, mode fs.FileMode) {
	b.changed = true
	b.plan.add("write "+path, func(context.Context) error {
		b.journal = b.journal.with(file{path, sum(content)})
		if err := b.journal.write(b.dir); err != nil {
			return err
		}
		root, err := os.OpenRoot(b.at(filepath.Dir(path)))
		if err != nil {
			return err
		}
		defer root.Close()
		name := filepath.Base(path)
		return whole.Write(root, name, "."+name+".new", content, mode, 0, 0)
	})
}

// start plans that the units start with the machine and now.
func (b *builder) start(ctx context.Context) error {
	names := enabled()
	if b.changed {
		b.plan.add("let systemd read its units again", func(ctx context.Context) error { return b.systemctl(ctx, "daemon-reload") })
	}
	status := b.Status(ctx)
	if !status.Enabled {
		b.plan.add("start "+strings.Join(names, ", ")+" with the machine", func(ctx context.Context) error {
			return b.systemctl(ctx, append([]string{"enable"}, names...)...)
		})
	}
	switch {
	case !status.Active:
		b.plan.add("open the doors", b.open)
	case b.changed:
		b.plan.add("start the doors anew, without failing a request", func(ctx context.Context) error {
			if err := b.systemctl(ctx, "restart", "seawall.service", "seawall-watch.service"); err != nil {
				return b.whyNot(ctx, err)
			}
			return nil
		})
	}
	return nil
}

func (b *builder) open(ctx context.Context) error {
	if err := b.systemctl(ctx, append([]string{"start"}, opens()...)...); err != nil {
		return b.whyNot(ctx, err)
	}
	// What reads the machine and tries its boundary takes minutes, and is started
	// again by its timer.
	return b.systemctl(ctx, append([]string{"start", "--no-block"}, enabled()...)...)
}

// whyNot is the doors' own reason for not opening, where they gave one.
func (b *builder) whyNot(ctx context.Context, err error) error {
	if s := b.Status(ctx); !s.Active && s.Said != "" {
		return errors.New(s.Said)
	}
	return fmt.Errorf("%w; `journalctl -u seawall -u seawall.socket -n 20` says why", err)
}

// enabled are the units that start with the machine.
func enabled() (names []string) {
	for _, u := range packaging.Units(packaging.Program) {
		if u.Enabled() {
			names = append(names, u.Name)
		}
	}
	return names
}

func unitNames() (names []string) {
	for _, u := range packaging.Units(packaging.Program) {
		names = append(names, u.Name)
	}
	return names
}
