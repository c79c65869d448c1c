package ownuser

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/whole"
)

// Prepare plans to give an OpenClaw the user of a name. node is the program that
// runs it. A move that was interrupted is planned from its journal. The plan is
// empty where OpenClaw has that user already.
func Prepare(ctx context.Context, dir *state.Dir, in openclaw.Install, node, name string) (*install.Plan, error) {
	m := Machine{}
	j, err := readJournal(dir)
	if err != nil {
		return nil, err
	}
	if j != nil {
		return resume(m, dir, j)
	}
	if in.Owner == name {
		return &install.Plan{}, nil
	}
	if err := fits(in, node); err != nil {
		return nil, err
	}
	home, exists, err := m.account(name)
	if err != nil {
		return nil, err
	}
	j = &journal{Phase: copying, User: name, Home: home, Made: !exists, Old: m.launchOf(ctx, in)}
	if j.Trees, err = trees(in, home); err != nil {
		return nil, err
	}
	j.Config = j.paths().of(in.ConfigPath)
	j.New, _ = newLaunch(j, in, node)
	if m.systemd() {
		j.New.Unit, j.New.Path, j.New.Enabled, j.New.Active = UnitName, unitPath, true, true
		if _, err := os.Lstat(unitPath); err == nil && j.Old.Path != unitPath {
			return nil, fmt.Errorf("%s is there already and is not what starts this OpenClaw: delete it first (systemctl disable --now %s)", unitPath, UnitName)
		}
	}
	seen, err := survey(j)
	if err != nil {
		return nil, err
	}
	p := steps(m, dir, j, seen)
	p.Notes = append(p.Notes, notes(j, in, seen)...)
	return p, nil
}

// resume goes on with a move that was interrupted.
func resume(m Machine, dir *state.Dir, j *journal) (*install.Plan, error) {
	switch j.Phase {
	case copying:
		seen, err := survey(j)
		if err != nil {
			return nil, err
		}
		p := steps(m, dir, j, seen)
		p.Notes = append(p.Notes, "an earlier run was interrupted; this one does it all again")
		return p, nil
	case moved:
		p := &install.Plan{}
		for _, t := range j.Trees {
			if _, err := os.Lstat(t.kept()); errors.Is(err, fs.ErrNotExist) {
				p.Steps = append(p.Steps, settleSteps(m, dir, j)...)
				break
			}
		}
		return p, nil
	}
	return nil, errors.New("OpenClaw is being moved back to its old user, and that was interrupted: seawall disconnect first")
}

// fits says why an installation cannot be moved.
func fits(in openclaw.Install, node string) error {
	switch {
	case in.Container != "":
		return fmt.Errorf("OpenClaw runs in the container %s, and so has a user of its own there", in.Container)
	case in.Config == nil:
		return fmt.Errorf("OpenClaw's config cannot be read: %s", in.ConfigError)
	case !within(in.ConfigPath, in.StateDir):
		return fmt.Errorf("the config %s stands outside the state directory %s: move it there first (and OPENCLAW_CONFIG_PATH)", in.ConfigPath, in.StateDir)
	case in.PackageDir == "":
		return errors.New("OpenClaw's package was not found, so nothing can be started as another user: start the gateway, then run this again")
	}
	for _, program := range []string{node, in.PackageDir} {
		if at := closed(program); at != "" {
			return fmt.Errorf("another user cannot run OpenClaw as it is installed (%s): %s is closed to others. Install Node.js and it for all users first, for example by the packages of nodesource.com and then npm install -g openclaw%s; then start the gateway with that one and run this again",
				program, at, version(in))
		}
	}
	return nil
}

func version(in openclaw.Install) string {
	if in.Version == "" {
		return ""
	}
	return "@" + in.Version
}

// closed is the first part of a path that others may not enter or read, or "".
func closed(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	for at := real; at != "/"; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil || info.Mode().Perm()&0o001 == 0 && (info.IsDir() || at == real) || info.Mode().Perm()&0o004 == 0 && at == real {
			return at
		}
	}
	return ""
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// trees are the state directory and the workspaces outside it, and where they go.
func trees(in openclaw.Install, home string) ([]tree, error) {
	old := filepath.Dir(in.StateDir)
	all := []tree{{From: in.StateDir, To: filepath.Join(home, ".openclaw")}}
	for _, w := range in.Workspaces {
		if slices.ContainsFunc(all, func(t tree) bool { return within(w, t.From) }) {
			continue
		}
		real, err := filepath.EvalSymlinks(w)
		if err != nil {
			return nil, fmt.Errorf("the workspace %s: %w", w, err)
		}
		if real != w {
			return nil, fmt.Errorf("the workspace %s is a link or behind one (%s): name that place in openclaw.json (agents.defaults.workspace) first", w, real)
		}
		if within(in.StateDir, w) || w == "/" || slices.Contains([]string{"/etc", "/usr", "/var", "/home", "/opt", "/srv", "/tmp"}, w) {
			return nil, fmt.Errorf("the workspace %s holds more than a workspace: give OpenClaw a folder of its own (agents.defaults.workspace) first", w)
		}
		to := filepath.Join(home, filepath.Base(w))
		if within(w, old) {
			to = filepath.Join(home, strings.TrimPrefix(w, old)) // ~ in a config stays right
		}
		all = append(all, tree{From: w, To: to})
	}
	for i, t := range all {
		if _, err := os.Lstat(t.To); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is there already, so %s cannot move there: name another user with --user, or move it away", t.To, t.From)
		}
		if slices.ContainsFunc(all[:i], func(o tree) bool { return within(t.To, o.To) || within(o.To, t.To) }) {
			return nil, fmt.Errorf("two workspaces would both move to %s: rename %s first", t.To, t.From)
		}
	}
	return all, nil
}

// seen is what a look at the trees found.
type seen struct {
	files, bytes int64
	closed       []string // links to what the new user could not read
}

func survey(j *journal) (s seen, err error) {
	paths := j.paths()
	for _, t := range j.Trees {
		err = filepath.WalkDir(t.From, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			s.files++
			s.bytes += info.Size()
			if d.Type()&fs.ModeSymlink != 0 {
				target, err := os.Readlink(path)
				if err == nil && filepath.IsAbs(target) && paths.of(target) == target && closed(target) != "" {
					s.closed = append(s.closed, path)
				}
			}
			return nil
		})
		if err != nil {
			return s, fmt.Errorf("reading %s: %w", t.From, err)
		}
	}
	above := filepath.Dir(j.Home)
	var fs unix.Statfs_t
	if err := unix.Statfs(above, &fs); err != nil {
		return s, fmt.Errorf("%s: %w", above, err)
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < s.bytes+s.bytes/4+(64<<20) {
		return s, fmt.Errorf("%s has %d MB left, and the copy takes %d MB: make room first", above, free>>20, s.bytes>>20)
	}
	return s, nil
}

func notes(j *journal, in openclaw.Install, s seen) (notes []string) {
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	add("until it is moved the agent does not answer; what is there now stays in %s, which only its old owner may enter, until `seawall disconnect` or you delete it", j.Trees[0].kept())
	add("from then on OpenClaw's commands are run as its user: sudo -H -u %s openclaw …", j.User)
	for i, link := range s.closed {
		if i == 5 {
			add("and %d links more", len(s.closed)-5)
			break
		}
		add("%s is a link to something that the new user may not read", link)
	}
	if in.Process != nil && j.Old.Unit == "" && len(in.Process.SecretEnv) > 0 {
		add("the environment it was started with has %s, which do not move along: put those that it needs into %s", strings.Join(in.Process.SecretEnv, ", "), filepath.Join(j.Trees[0].To, ".env"))
	}
	if j.Old.Path != "" {
		if over, _ := filepath.Glob(j.Old.Path + ".d/*.conf"); len(over) > 0 {
			add("%s does not move along", strings.Join(over, ", "))
		}
	}
	if j.New.Unit == "" {
		add("systemd does not run here, so nothing starts OpenClaw with the machine. To start it: %s", j.New.line(j))
	}
	return notes
}

// steps are all of a move.
func steps(m Machine, dir *state.Dir, j *journal, s seen) *install.Plan {
	p := &install.Plan{}
	add := func(what string, do func(context.Context) error) {
		p.Steps = append(p.Steps, install.NewStep(what, do))
	}
	who := fmt.Sprintf("use the user %q", j.User)
	if j.Made {
		who = fmt.Sprintf("make the system user %q, with the home %s, no login and no other group", j.User, j.Home)
	}
	add(who, func(ctx context.Context) error {
		if err := j.write(dir); err != nil {
			return err
		}
		if err := m.makeAccount(ctx, j.User, j.Home); err != nil {
			return err
		}
		uid, gid, err := ids(j.User)
		if err != nil {
			return err
		}
		j.New.UID, j.New.GID = uid, gid
		return prepareHome(j.Home, uid, gid)
	})
	stop := "ask OpenClaw to end, and wait for it"
	if j.Old.Unit != "" {
		stop = fmt.Sprintf("stop and disable %s", j.Old.Unit)
	}
	add(stop, func(ctx context.Context) error { return m.stop(ctx, j.Old, j.froms()) })
	for i := range j.Trees {
		t := &j.Trees[i]
		size := ""
		if i == 0 {
			size = fmt.Sprintf(" (in all %d files, %d MB)", s.files, s.bytes>>20)
		}
		add(fmt.Sprintf("copy %s to %s%s, with its paths changed", t.From, t.To, size), func(ctx context.Context) error { return j.copy(ctx, dir, t) })
	}
	p.Steps = append(p.Steps, settleSteps(m, dir, j)...)
	return p
}

// froms and tos are the old and the new folders.
func (j *journal) froms() (all []string) {
	for _, t := range j.Trees {
		all = append(all, t.From)
	}
	return all
}

func (j *journal) tos() (all []string) {
	for _, t := range j.Trees {
		all = append(all, t.To)
	}
	return all
}

// copy makes the new place of a tree, from nothing.
func (j *journal) copy(ctx context.Context, dir *state.Dir, t *tree) error {
	if err := clear(t.To); err != nil {
		return err
	}
	info, err := os.Lstat(t.From)
	if err != nil {
		return err
	}
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	if owner == 0 {
		owner = -1
	}
	c := &copier{paths: j.paths(), uid: j.New.UID, gid: j.New.GID, owner: owner}
	if err := c.tree(ctx, t.From, t.To); err != nil {
		return err
	}
	t.Left = c.names
	found, err := databases(t.To)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(t.To)
	if err != nil {
		return err
	}
	defer root.Close()
	if j.Databases == nil {
		j.Databases = map[string]string{}
	}
	for _, db := range found {
		if err := j.paths().inDatabase(ctx, db); err != nil {
			return fmt.Errorf("changing the paths in %s: %w", db, err)
		}
		rel, err := filepath.Rel(t.To, db)
		if err != nil {
			return err
		}
		if j.Databases[db], err = sum(root, rel); err != nil {
			return err
		}
	}
	if err := syncTree(root); err != nil {
		return err
	}
	return j.write(dir)
}

// clear removes a folder with all that is in it, and nothing behind a link.
func clear(path string) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return root.RemoveAll(filepath.Base(path))
}

// settleSteps make the new place the one that counts, and start OpenClaw there.
func settleSteps(m Machine, dir *state.Dir, j *journal) (all []install.Step) {
	add := func(what string, do func(context.Context) error) { all = append(all, install.NewStep(what, do)) }
	add(fmt.Sprintf("put %s aside as %s", strings.Join(j.froms(), ", "), j.Trees[0].kept()), func(context.Context) error {
		j.Phase = moved
		if err := j.write(dir); err != nil {
			return err
		}
		for _, t := range j.Trees {
			if err := rename(t.From, t.kept()); err != nil {
				return err
			}
		}
		return nil
	})
	if j.New.Unit != "" {
		add("write "+j.New.Path, func(context.Context) error { return j.writeUnit() })
	}
	add("have openclaw doctor --fix bring its records in line, as "+j.User, func(ctx context.Context) error { return m.doctor(ctx, j) })
	add("start OpenClaw as "+j.User+", and wait until it answers", func(ctx context.Context) error { return m.start(ctx, j) })
	return all
}

// rename moves a folder for good, once.
func rename(from, to string) error {
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(to); err == nil {
			return nil // done already
		}
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s is there already: move it away", to)
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	root, err := os.OpenRoot(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer root.Close()
	return whole.Sync(root)
}

// writeUnit writes the unit, and the secrets that its predecessor had in it
// where only OpenClaw reads them.
func (j *journal) writeUnit() error {
	uid, gid, err := ids(j.User)
	if err != nil {
		return err
	}
	if _, secret := newLaunch(j, openclaw.Install{}, ""); len(secret) > 0 {
		home, err := os.OpenRoot(j.Home)
		if err != nil {
			return err
		}
		defer home.Close()
		folder, _ := filepath.Rel(j.Home, filepath.Dir(secretsFile(j)))
		if err := home.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		for at := folder; at != "."; at = filepath.Dir(at) {
			if err := home.Lchown(at, uid, gid); err != nil {
				return err
			}
		}
		name := filepath.Join(folder, filepath.Base(secretsFile(j)))
		if err := whole.Write(home, name, name+".new", []byte(strings.Join(secret, "\n")+"\n"), 0o600, uid, gid); err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(filepath.Dir(j.New.Path))
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(j.New.Path)
	return whole.Write(root, name, "."+name+".new", []byte(unitText(j, j.New)), 0o644, 0, 0)
}
