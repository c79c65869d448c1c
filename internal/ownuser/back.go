package ownuser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/whole"
)

// restored is the phase in which the old place counts again, and only the new
// one is still to be cleared away.
const restored = "restored"

// Undo plans to bring OpenClaw back to where it was: the old files, and what the
// agent wrote since. OpenClaw has to be off the doors by then. The plan is empty
// when nothing was moved.
func Undo(_ context.Context, dir *state.Dir) (*install.Plan, error) {
	p := &install.Plan{}
	j, err := readJournal(dir)
	if err != nil || j == nil {
		return p, err
	}
	m := Machine{}
	add := func(what string, do func(context.Context) error) {
		p.Steps = append(p.Steps, install.NewStep(what, do))
	}
	add("stop OpenClaw as "+j.User, func(ctx context.Context) error { return m.stop(ctx, j.New, append(j.tos(), j.keptOnes()...)) })
	if j.Phase == moved || j.Phase == back {
		for _, t := range j.Trees {
			if _, err := os.Lstat(t.To); errors.Is(err, fs.ErrNotExist) {
				p.Notes = append(p.Notes, fmt.Sprintf("%s is gone, so %s comes back as it was before the move", t.To, t.From))
				continue
			}
			add(fmt.Sprintf("bring what was written in %s since back to %s", t.To, t.From), func(ctx context.Context) error {
				j.Phase = back
				if err := j.write(dir); err != nil {
					return err
				}
				left, err := j.giveBack(ctx, t)
				for _, l := range left {
					fmt.Fprintf(os.Stderr, "seawall: left out: %s/%s\n", t.To, l)
				}
				return err
			})
		}
	}
	add("put "+strings.Join(j.froms(), ", ")+" back in its place", func(context.Context) error { return j.restore(dir) })
	if j.New.Unit != "" {
		add("delete "+j.New.Path, func(ctx context.Context) error { return m.oldUnit(ctx, j) })
	}
	add("delete "+strings.Join(j.tos(), ", "), func(ctx context.Context) error { return m.clearAway(ctx, j) })
	switch {
	case j.Old.Unit != "" && (j.Old.Enabled || j.Old.Active):
		add("start "+j.Old.Unit+" as before", func(ctx context.Context) error { return m.startOld(ctx, j.Old) })
	default:
		p.Notes = append(p.Notes, "OpenClaw was not started by systemd before: start it the way you did (openclaw gateway run)")
	}
	add("forget the move", func(context.Context) error { return dir.RemoveJournal(state.OwnUser) })
	if j.Made {
		p.Notes = append(p.Notes, fmt.Sprintf("the user %q goes; what else the agent kept in %s stays there", j.User, j.Home))
	}
	return p, nil
}

func (j *journal) keptOnes() (all []string) {
	for _, t := range j.Trees {
		all = append(all, t.kept())
	}
	return all
}

// restore makes the old place the one that counts.
func (j *journal) restore(dir *state.Dir) error {
	if j.Phase != copying {
		j.Phase = restored
		if err := j.write(dir); err != nil {
			return err
		}
	}
	for _, t := range j.Trees {
		if _, err := os.Lstat(t.kept()); err == nil {
			if err := rename(t.kept(), t.From); err != nil {
				return err
			}
		}
	}
	return nil
}

// oldUnit takes the unit away, or puts the one that stood there back.
func (m Machine) oldUnit(ctx context.Context, j *journal) error {
	root, err := os.OpenRoot(filepath.Dir(j.New.Path))
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(j.New.Path)
	if j.Old.Path == j.New.Path {
		err = whole.Write(root, name, "."+name+".new", []byte(j.Old.Text), 0o644, 0, 0)
	} else if err = root.Remove(name); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	_, err = m.systemctl(ctx, j.New, "daemon-reload")
	return err
}

func (m Machine) startOld(ctx context.Context, l launch) error {
	if _, err := m.systemctl(ctx, l, "daemon-reload"); err != nil {
		return err
	}
	if l.Enabled {
		if _, err := m.systemctl(ctx, l, "enable", l.Unit); err != nil {
			return err
		}
	}
	if !l.Active {
		return nil
	}
	_, err := m.systemctl(ctx, l, "start", l.Unit)
	return err
}

// ownThings are what a home has of OpenClaw, npm and useradd beside the trees.
var ownThings = []string{".npm", ".cache", ".config/openclaw", ".config/systemd", "gateway.log", ".bashrc", ".bash_logout", ".profile"}

// clearAway deletes the copies, and the user that was made for them with a home
// in which nothing else is.
func (m Machine) clearAway(ctx context.Context, j *journal) error {
	for _, t := range j.Trees {
		if err := clear(t.To); err != nil {
			return err
		}
	}
	if !j.Made {
		return nil
	}
	if err := m.removeAccount(ctx, j.User); err != nil {
		return err
	}
	root, err := os.OpenRoot(j.Home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range ownThings {
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	_ = root.Remove(".config") // unless something else is in it
	if err := os.Remove(j.Home); err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return os.Lchown(j.Home, 0, 0)
}

// giver brings what was written in a new place back to the old one. The new
// place is the agent's, who may wish no good: what is read is the agent's own
// plain files and nothing behind a link.
type giver struct {
	copier
	j        *journal
	tree     tree
	src, dst *os.Root // new place, old place
	changed  []string // databases
}

func (j *journal) giveBack(ctx context.Context, t tree) (left []string, err error) {
	base := t.kept()
	if _, err := os.Lstat(base); errors.Is(err, fs.ErrNotExist) {
		base = t.From // it was not put aside yet
	}
	info, err := os.Lstat(base)
	if err != nil {
		return nil, err
	}
	agent, err := os.Lstat(t.To)
	if err != nil {
		return nil, err
	}
	old := info.Sys().(*syscall.Stat_t)
	g := &giver{copier: copier{paths: j.paths().back(), uid: int(old.Uid), gid: int(old.Gid), owner: int(agent.Sys().(*syscall.Stat_t).Uid)}, j: j, tree: t}
	if g.src, err = os.OpenRoot(t.To); err != nil {
		return nil, err
	}
	defer g.src.Close()
	if g.dst, err = os.OpenRoot(base); err != nil {
		return nil, err
	}
	defer g.dst.Close()
	if err := room(g.src, g.dst); err != nil {
		return nil, err
	}
	if err := fs.WalkDir(g.src.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || name == "." {
			return err
		}
		if g.n++; g.n > maxFiles {
			return fmt.Errorf("%s holds more than %d files", t.To, maxFiles)
		}
		return g.one(name, d)
	}); err != nil {
		return nil, err
	}
	if err := g.remove(); err != nil {
		return nil, err
	}
	for _, db := range g.changed {
		if err := g.paths.inDatabase(ctx, filepath.Join(base, db)); err != nil {
			return nil, fmt.Errorf("changing the paths in %s: %w", db, err)
		}
		if err := g.dst.Lchown(db, g.uid, g.gid); err != nil {
			return nil, err
		}
	}
	return g.left, syncTree(g.dst)
}

// room refuses a new place that would not fit beside the old one.
func room(src, dst *os.Root) error {
	var need int64
	_ = fs.WalkDir(src.FS(), ".", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				need += info.Size()
			}
		}
		return nil
	})
	f, err := dst.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	var at unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &at); err != nil {
		return err
	}
	if free := int64(at.Bavail) * at.Bsize; free < need {
		return fmt.Errorf("%s has %d MB left, and what may have to go back there is %d MB: make room first", dst.Name(), free>>20, need>>20)
	}
	return nil
}

// one brings one entry back when it differs from what was put there.
func (g *giver) one(name string, d fs.DirEntry) error {
	info, err := g.src.Lstat(name)
	if err != nil {
		return err
	}
	before, err := g.dst.Lstat(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	there := err == nil
	if there && before.Mode().Type() != info.Mode().Type() {
		if err := g.dst.RemoveAll(name); err != nil {
			return err
		}
		there = false
	}
	switch {
	case d.IsDir():
		if there {
			return nil
		}
		return g.folder(g.src, g.dst, name)
	case d.Type()&fs.ModeSymlink != 0:
		return g.linkBack(name, there)
	case !d.Type().IsRegular():
		return g.entry(g.src, g.dst, name) // which leaves it, and says so
	}
	same, err := g.same(name, there)
	if err != nil || same {
		return err
	}
	return g.entry(g.src, g.dst, name)
}

func (g *giver) linkBack(name string, there bool) error {
	now, err := g.src.Readlink(name)
	if err != nil {
		return err
	}
	if there {
		if was, err := g.dst.Readlink(name); err == nil && g.j.paths().of(was) == now {
			return nil
		}
	}
	if g.paths.of(now) == now && outside(name, now) {
		g.leave(name, "it is a link that leads out of its folder (%s)", now)
		return nil
	}
	return g.entry(g.src, g.dst, name)
}

// same reports whether a file is as it was put there.
func (g *giver) same(name string, there bool) (bool, error) {
	base, isLog := strings.CutSuffix(name, "-wal")
	if isLog && g.known(base) {
		return !slices.Contains(g.changed, base), nil // its database came before it
	}
	if g.known(name) {
		hash, err := sum(g.src, name)
		if err != nil {
			return false, err
		}
		log, err := g.src.Lstat(name + "-wal")
		if hash == g.j.Databases[filepath.Join(g.tree.To, name)] && (err != nil || log.Size() == 0) && there {
			return true, nil
		}
		g.changed = append(g.changed, name)
		for _, of := range []string{"-wal", "-shm", "-journal"} {
			if err := g.dst.RemoveAll(name + of); err != nil {
				return false, err
			}
		}
		return false, nil
	}
	if !there {
		if isSQLite(g.src, name) {
			g.changed = append(g.changed, name)
		}
		return false, nil
	}
	return g.equal(name)
}

func (g *giver) known(name string) bool {
	_, ok := g.j.Databases[filepath.Join(g.tree.To, name)]
	return ok
}

func isSQLite(root *os.Root, name string) bool {
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	header := make([]byte, len(sqliteHeader))
	_, err = io.ReadFull(f, header)
	return err == nil && string(header) == sqliteHeader
}

// equal compares a file with what would be put there for the old one.
func (g *giver) equal(name string) (bool, error) {
	now, err := g.src.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false, err
	}
	defer now.Close()
	was, err := g.dst.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false, err
	}
	defer was.Close()
	a, err := now.Stat()
	if err != nil || !a.Mode().IsRegular() {
		return false, err
	}
	b, err := was.Stat()
	if err != nil || a.Mode().Perm() != b.Mode().Perm() {
		return false, err
	}
	if b.Size() <= maxText {
		old, err := io.ReadAll(io.LimitReader(was, maxText+1))
		if err != nil {
			return false, err
		}
		there := copier{paths: g.j.paths()}
		return equalContent(now, bytes.NewReader(there.moved(old)))
	}
	return equalContent(now, was)
}

func equalContent(a, b io.Reader) (bool, error) {
	one, two := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(a, one)
		m, e := io.ReadFull(b, two)
		if !bytes.Equal(one[:n], two[:m]) {
			return false, nil
		}
		if err != nil || e != nil {
			end := func(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
			if !end(err) || !end(e) {
				return false, errors.Join(err, e)
			}
			return true, nil
		}
	}
}

// remove deletes in the old place what the agent deleted in the new one.
func (g *giver) remove() error {
	var folders []string
	err := fs.WalkDir(g.dst.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if _, err := g.src.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		switch {
		case d.IsDir():
			folders = append(folders, name)
			return nil
		case slices.Contains(g.tree.Left, name), strings.HasSuffix(name, "-wal"), strings.HasSuffix(name, "-shm"):
			return nil
		}
		return g.dst.Remove(name)
	})
	for _, name := range slices.Backward(folders) {
		_ = g.dst.Remove(name) // unless something was left in it
	}
	return err
}
