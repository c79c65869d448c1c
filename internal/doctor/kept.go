package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/ownuser"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

// What is kept in the state directory.

// scarceBelow is the share of the disk that should be free.
const scarceBelow = 0.10

func disk(_ context.Context, p *Patient) []Finding {
	var disk unix.Statfs_t
	if err := p.Statfs(p.Path, &disk); err != nil {
		return failed(fmt.Errorf("looking how full the disk of %s is: %w", p.Path, err))
	}
	switch free := float64(disk.Bavail) / float64(disk.Blocks); {
	case disk.Flags&unix.ST_RDONLY != 0:
		return []Finding{{What: fmt.Sprintf("the disk of %s is read-only, so the record cannot be kept and nothing that the agent wants is allowed", p.Path), Fix: "dmesg | tail says why; mount -o remount,rw once it is whole"}}
	case disk.Blocks > 0 && free < scarceBelow:
		return found("%.1f %% of the disk of %s are free; once it is full, nothing that the agent wants is allowed", free*100, p.Path)
	}
	return nil
}

// files looks at modes and owners, as they were found: whoever opens the
// directory closes it to others.
func files(_ context.Context, p *Patient) (all []Finding) {
	owner := p.info.Sys().(*syscall.Stat_t).Uid
	if p.info.Mode().Perm()&0o077 != 0 {
		all = append(all, Finding{What: fmt.Sprintf("%s was open to other users (mode %04o) until this command closed it; the keys in it may be known", p.Path, p.info.Mode().Perm()), Fix: "get new keys from your providers if others use this machine"})
	}
	var open, others []string
	err := filepath.WalkDir(p.Path, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == p.Path {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a file that was replaced just now
		}
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && info.Mode()&fs.ModeSymlink == 0 {
			open = append(open, path)
		}
		if info.Sys().(*syscall.Stat_t).Uid != owner {
			others = append(others, path)
		}
		return nil
	})
	if err != nil {
		return append(all, Finding{What: err.Error(), Fix: "ls -la " + p.Path + " shows who may read it"})
	}
	if len(open) > 0 {
		all = append(all, Finding{What: "others could read " + some(open) + " if the directory were open", Fix: "chmod -R go= " + p.Path})
	}
	if len(others) > 0 {
		all = append(all, Finding{What: fmt.Sprintf("%s is not %s's, who owns the directory and may run the doors", some(others), name(owner)), Fix: fmt.Sprintf("chown -R %s: %s", name(owner), p.Path)})
	}
	return all
}

// some names a few of many.
func some(paths []string) string {
	slices.Sort(paths)
	if n := len(paths) - 3; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(paths[:3], ", "), n)
	}
	return strings.Join(paths, ", ")
}

func name(uid uint32) string {
	id := strconv.Itoa(int(uid))
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

func layout(_ context.Context, p *Patient) []Finding { return failed(p.dir.Fits(p.Version)) }

func keys(_ context.Context, p *Patient) (all []Finding) {
	held, err := vault.Open(p.dir)
	if err != nil {
		return failed(err)
	}
	routes, err := model.LoadRoutes(p.dir)
	if err != nil {
		return failed(err)
	}
	for _, r := range routes {
		if _, ok := held.Get(r.Key); r.Key != "" && !ok {
			all = append(all, found("the key of %s for %s is not in %s: the two are from different days", r.Provider, r.Agent, p.dir.Path(state.Keys))...)
		}
	}
	if _, err := hook.LoadAgents(p.dir); err != nil {
		all = append(all, failed(err)...)
	}
	if _, err := connect.Connected(p.dir); err != nil {
		all = append(all, Finding{What: err.Error(), Fix: "docs/without-seawall.md has the steps by hand"})
	}
	return all
}

func rules(_ context.Context, p *Patient) []Finding {
	_, err := policy.Check(p.dir.Path(state.Policy))
	switch {
	case err == nil:
		return lacking(p.dir.Path(state.Policy))
	case errors.Is(err, fs.ErrNotExist) && p.running == nil:
		return nil // the doors write the shipped one when they open
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{{What: fmt.Sprintf("%s is gone; the one that was read before is in force", p.dir.Path(state.Policy)), Fix: "put it back, or write the shipped one: " + p.again()}}
	case p.running != nil:
		return found("the policy as it is on the disk is refused, and the last good one is in force until the doors open anew: %s", oneLine(err))
	}
	return found("the policy cannot be used, so the doors do not open: %s", oneLine(err))
}

// lacking are the rules of this version that an edited policy does not have.
func lacking(path string) []Finding {
	d, err := policy.Differs(path)
	if err != nil || len(d.Missing) == 0 {
		return nil
	}
	return []Finding{{
		What: fmt.Sprintf("%s was edited and lacks rules that this version ships: %s", path, strings.Join(d.Missing, ", ")),
		Fix:  "seawall policy diff shows them; copy those that you want, or move the file away and open the doors again",
	}}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// record opens the record; nil where there is none yet.
func (p *Patient) record() (*ledger.Reader, error) {
	if _, err := os.Stat(p.dir.Path(state.Ledger)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return ledger.OpenReader(p.dir)
}

func record(ctx context.Context, p *Patient) []Finding {
	r, err := p.record()
	if r == nil || err != nil {
		return failed(err)
	}
	defer r.Close()
	if err := r.VerifyTail(ctx); err != nil {
		return failed(err)
	}
	o, err := ledger.LoadOutside(p.dir)
	if err != nil {
		return nil // which is outside's to say
	}
	older, err := r.Behind(ctx, o)
	if err == nil && older != "" {
		return found("%s", older)
	}
	return nil
}

// jump is how far ahead of the clock a row may be.
const jump = 2 * time.Minute

func clock(ctx context.Context, p *Patient) []Finding {
	newest, err := p.newest(ctx)
	if err != nil || newest == nil || newest.Time.Sub(p.Now) < jump {
		return failed(err)
	}
	return found("the newest row of the record is of %s, and the clock says %s: it went back, or it was wrong before",
		newest.Time.Local().Format(time.DateTime), p.Now.Local().Format(time.DateTime))
}

func (p *Patient) newest(ctx context.Context) (*ledger.Row, error) {
	r, err := p.record()
	if r == nil || err != nil {
		return nil, err
	}
	defer r.Close()
	for row, err := range r.Rows(ctx, ledger.Filter{Last: 1}) {
		return &row, err
	}
	return nil, nil
}

const (
	// late is how long after a row its checkpoint should have left: it goes out
	// once a minute.
	late = 3 * time.Minute
	// dialTimeout is how long the host of a URL may take to answer.
	dialTimeout = 5 * time.Second
)

func outside(ctx context.Context, p *Patient) []Finding {
	o, err := ledger.LoadOutside(p.dir)
	switch {
	case err != nil:
		return failed(err)
	case o.URL != "" && p.running != nil:
		if why, since := ledger.Failing(p.dir); why != "" {
			return found("%s, since %s", why, since.Local().Format("2006-01-02 15:04"))
		}
		return reach(ctx, o.URL)
	case o.URL != "":
		return reach(ctx, o.URL)
	case o.File == "" || p.running == nil:
		return nil
	}
	return arrived(ctx, p, o)
}

// reach looks whether anybody listens where checkpoints are sent.
func reach(ctx context.Context, to string) []Finding {
	u, err := url.Parse(to)
	if err != nil {
		return found("the URL to which checkpoints are sent is none")
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return found("checkpoints cannot be sent to %s: %v", u.Hostname(), err)
	}
	return failed(conn.Close())
}

// arrived looks whether the newest rows are under a checkpoint in the file.
func arrived(ctx context.Context, p *Patient, o ledger.Outside) []Finding {
	r, err := p.record()
	if r == nil || err != nil {
		return failed(err)
	}
	defer r.Close()
	reached, err := r.Reached(o)
	if err != nil {
		return failed(err)
	}
	for row, err := range r.Rows(ctx, ledger.Filter{After: reached}) {
		if err != nil {
			return failed(err)
		}
		if p.Now.Sub(row.Time) < late {
			return nil
		}
		fix := fmt.Sprintf("see that %s can append to it", p.owner())
		if p.service {
			fix = fmt.Sprintf("seawall log checkpoint --to %s, as root, lets the service write there", o.File)
		}
		return []Finding{{What: fmt.Sprintf("no checkpoint has reached %s since row %d, although row %d is of %s", o.File, reached, row.ID, row.Time.Local().Format("2006-01-02 15:04")), Fix: fix}}
	}
	return nil
}

func (p *Patient) owner() string {
	uid, _ := p.dir.Owner()
	return name(uint32(uid))
}

// settled is how old a half-written file is that nobody writes any more.
const settled = time.Minute

// leftovers looks for what an interrupted connect or disconnect has left.
func leftovers(_ context.Context, p *Patient) (all []Finding) {
	routes, err := model.LoadRoutes(p.dir)
	if err != nil {
		return failed(err)
	}
	connected, err := connect.Connected(p.dir)
	if err != nil {
		return failed(err)
	}
	if user, _, err := ownuser.Moved(p.dir); err != nil {
		all = append(all, failed(err)...)
	} else if user == "" && ownuser.Begun(p.dir) {
		all = append(all, Finding{What: "OpenClaw was being moved to a user of its own, or back, and that was interrupted", Fix: "seawall connect --own-user to go on, or seawall disconnect to go back"})
	}
	used := map[string]bool{}
	for _, r := range routes {
		if used[r.Key] = true; !slices.Contains(connected, r.Agent) {
			all = append(all, Finding{What: fmt.Sprintf("the route %s of %s is left, which is not connected", r.ID, r.Agent), Fix: "seawall connect, then seawall disconnect"})
		}
	}
	held, err := vault.Open(p.dir)
	if err != nil {
		return append(all, failed(err)...)
	}
	for _, key := range held.Names() {
		if !used[key] {
			all = append(all, Finding{What: fmt.Sprintf("the key %q is held and used by no route", key), Fix: "if OpenClaw has it back, take it out of " + p.dir.Path(state.Keys)})
		}
	}
	half, _ := filepath.Glob(p.dir.Path("*.new"))
	for _, path := range half {
		if info, err := os.Lstat(path); err == nil && p.Now.Sub(info.ModTime()) > settled {
			all = append(all, Finding{What: path + " was being written when something was killed; the old file is whole", Fix: "rm " + path})
		}
	}
	if folder := p.dir.String() + "-plugin"; len(connected) == 0 {
		if _, err := os.Lstat(folder); err == nil {
			all = append(all, Finding{What: folder + " holds the plugin, but no OpenClaw is connected", Fix: "rm -r " + folder})
		}
	}
	return all
}
