package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/packaging"
)

// Machine is the machine that is changed: its files, and its commands.
type Machine struct {
	Root string // "/"; a test's is a folder
	FS   fs.FS  // of Root
	// Run runs a command and returns what it printed on standard output.
	Run func(ctx context.Context, name string, args ...string) ([]byte, error)
}

// This is the machine that this program runs on.
func This() Machine { return Machine{"/", os.DirFS("/"), run} }

// run runs a command; an error holds the first of what it complained of.
func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "SYSTEMD_PAGER=")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
		return out.Bytes(), fmt.Errorf("%s %s: %w: %.300s", name, strings.Join(args, " "), err, first)
	}
	return out.Bytes(), nil
}

func (m Machine) at(path string) string { return filepath.Join(m.Root, path) }

func (m Machine) read(path string) ([]byte, error) { return os.ReadFile(m.at(path)) }

func (m Machine) exists(path string) bool {
	_, err := os.Stat(m.at(path))
	return err == nil
}

func (m Machine) systemctl(ctx context.Context, args ...string) error {
	_, err := m.Run(ctx, "systemctl", args...)
	return err
}

// ids are an account's numbers.
type ids struct{ uid, gid int }

// lookup finds an account of this machine.
func (m Machine) lookup(name string) (ids, bool) {
	u, err := user.Lookup(name)
	if err != nil {
		return ids{}, false
	}
	uid, err := strconv.Atoi(u.Uid)
	gid, e := strconv.Atoi(u.Gid)
	return ids{uid, gid}, errors.Join(err, e) == nil
}

// Uses reports whether the service is one on this state directory.
func Uses(dir *state.Dir) bool { return dir.String() == packaging.State }

// Status is how the service stands.
type Status struct {
	Installed bool   // systemd knows seawall.service
	Enabled   bool   // all of its units start with the machine
	Active    bool   // its doors are open
	Said      string // what the doors last said of themselves
}

// Status asks systemd; where that does not run there is no service.
func (m Machine) Status(ctx context.Context) Status {
	if !m.exists("/run/systemd/system") {
		return Status{}
	}
	names := enabled()
	shown, err := m.Run(ctx, "systemctl", append([]string{"show", "-p", "Id,LoadState,UnitFileState,ActiveState,StatusText"}, names...)...)
	if err != nil {
		return Status{}
	}
	s := Status{Enabled: true}
	for block := range strings.SplitSeq(strings.TrimSpace(string(shown)), "\n\n") {
		p := map[string]string{}
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			p[key] = value
		}
		if p["UnitFileState"] != "enabled" {
			s.Enabled = false
		}
		if p["Id"] == "seawall.service" {
			s.Installed, s.Active, s.Said = p["LoadState"] == "loaded", p["ActiveState"] == "active", p["StatusText"]
		}
	}
	return s
}
