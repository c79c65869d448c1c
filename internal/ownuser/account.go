package ownuser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/service"
)

// comment marks an account that Seawall made.
const comment = "OpenClaw by Seawall" // without a comma: it ends a name in passwd(5)

// homes is where the homes of system users stand (FHS, /var/lib).
const homes = "/var/lib"

var userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`)

// Machine is this machine's accounts and services.
type Machine struct{}

// account is what exists of a user, and where its home is or will be. A user that
// may do more than a user without rights is refused.
func (m Machine) account(name string) (home string, exists bool, err error) {
	if !userName.MatchString(name) {
		return "", false, fmt.Errorf("--user %s: a user's name is of small letters, digits, _ and -", name)
	}
	u, err := user.Lookup(name)
	if unknown := user.UnknownUserError(""); errors.As(err, &unknown) {
		if _, err := exec.LookPath("useradd"); err != nil {
			return "", false, errors.New("there is no useradd on this machine to make a user with: install it (apt-get install passwd)")
		}
		return filepath.Join(homes, name), false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("looking up the user %q: %w", name, err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return "", false, fmt.Errorf("the groups of %q: %w", name, err)
	}
	groups = slices.DeleteFunc(groups, func(g string) bool { return g == u.Gid })
	switch {
	case u.Uid == "0" || name == service.Account:
		return "", false, fmt.Errorf("--user %s: that account is not for an agent; name another", name)
	case len(groups) > 0:
		return "", false, fmt.Errorf("--user %s: that user is in other groups as well (%s), which may give the agent rights: take it out of them (gpasswd -d %s GROUP), or name a user that does not exist", name, strings.Join(named(groups), ", "), name)
	case u.HomeDir == "" || u.HomeDir == "/" || u.HomeDir == "/nonexistent":
		return "", false, fmt.Errorf("--user %s: that user has no home; name another", name)
	}
	return u.HomeDir, true, nil
}

func named(ids []string) (names []string) {
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			id = g.Name
		}
		names = append(names, id)
	}
	return names
}

// makeAccount makes a system user that cannot log in, with a home of its own.
func (m Machine) makeAccount(ctx context.Context, name, home string) error {
	if _, err := user.Lookup(name); err == nil {
		return nil
	}
	out, err := exec.CommandContext(ctx, "useradd", "--system", "--user-group", "--create-home", "--home-dir", home,
		"--shell", "/usr/sbin/nologin", "--comment", comment, name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("useradd: %w: %.300s", err, out)
	}
	return nil
}

// ids are a user's numbers.
func ids(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, err
	}
	uid, err = strconv.Atoi(u.Uid)
	gid, e := strconv.Atoi(u.Gid)
	if err = errors.Join(err, e); err == nil && uid == 0 {
		err = fmt.Errorf("the user %s is root", name)
	}
	return uid, gid, err
}

// prepareHome makes a home that is the user's alone.
func prepareHome(home string, uid, gid int) error {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(home)
	if err != nil || !info.IsDir() {
		return fmt.Errorf("%s is no folder: %w", home, err)
	}
	if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != uid && owner != 0 {
		return fmt.Errorf("%s belongs to somebody else", home)
	}
	return errors.Join(os.Chown(home, uid, gid), os.Chmod(home, 0o700))
}

// removeAccount removes a user that Seawall made, once nothing runs as it.
func (m Machine) removeAccount(ctx context.Context, name string) error {
	u, err := user.Lookup(name)
	if err != nil || u.Name != comment {
		return nil
	}
	uid, _, err := ids(name)
	if err != nil {
		return err
	}
	if err := endAll(ctx, uid); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "userdel", name).CombinedOutput(); err != nil {
		return fmt.Errorf("userdel: %w: %.300s", err, out)
	}
	return nil
}

// endAll ends what runs as a user: first politely.
func endAll(ctx context.Context, uid int) error {
	for try := range 100 {
		var mine []int
		all, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range all {
			if info, err := os.Stat(dir); err == nil && int(info.Sys().(*syscall.Stat_t).Uid) == uid {
				pid, _ := strconv.Atoi(filepath.Base(dir))
				mine = append(mine, pid)
			}
		}
		if len(mine) == 0 {
			return nil
		}
		for _, pid := range mine {
			signal := unix.SIGKILL
			if try < 50 {
				signal = unix.SIGTERM
			}
			_ = unix.Kill(pid, signal)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("processes of uid %d do not end", uid)
}
