// Package doctor looks for what is wrong with Seawall itself, and says how it is
// put right. It changes nothing.
//
//	state, record, service, doors, OpenClaw ──checks──▶ findings, the first to be fixed first
//
// Whether the machine is well is the audit's business (internal/posture), and
// whether the agent is guarded that of the status.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/packaging"
)

// Check is one question about Seawall.
type Check struct {
	ID    string
	Title string // what should be so
	Fix   string // the command that puts it right, where a finding has no other
	// Needs are checks that have to find nothing first: what they find would be
	// found here once more.
	Needs []string
	Look  func(ctx context.Context, p *Patient) []Finding
}

// Finding is one thing that is wrong.
type Finding struct {
	Check string `json:"check"`
	What  string `json:"what"` // one sentence, without its full stop
	Fix   string `json:"fix"`  // a command, or what a person does
}

// Patient is the Seawall that is looked at.
type Patient struct {
	Path    string // of its state directory
	Program string // path of this program
	Version string // of this program
	Machine install.Machine
	Host    host.Host
	Now     time.Time
	Statfs  func(path string, disk *unix.Statfs_t) error

	dir     *state.Dir
	info    fs.FileInfo // of the state directory, as it was found
	running *service.Instance
	status  install.Status
	service bool // the service is one on this state directory
}

// This is the Seawall of this machine with its state at a path.
func This(path, version string) *Patient {
	program, _ := os.Executable()
	return &Patient{Path: path, Program: program, Version: version, Machine: install.This(), Host: host.Live(), Now: time.Now(), Statfs: unix.Statfs}
}

// Examine makes all checks. An error says that it could not look.
func Examine(ctx context.Context, p *Patient) ([]Finding, error) {
	p.status = p.Machine.Status(ctx)
	info, err := os.Lstat(p.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p.without()
	case err != nil:
		return nil, fmt.Errorf("looking at the state directory: %w", err)
	}
	p.info = info
	if p.dir, err = state.Existing(p.Path); err != nil {
		return nil, err
	}
	defer p.dir.Close()
	p.service = install.Uses(p.dir) && p.status.Installed
	if p.running, err = service.Find(p.dir); err != nil {
		return []Finding{{"doors", err.Error(), "start the doors again: " + p.start()}}, nil
	}
	return examine(ctx, p, All), ctx.Err()
}

// without is what is said where there is no state.
func (p *Patient) without() ([]Finding, error) {
	_, err := os.Lstat(packaging.State)
	switch {
	case os.Geteuid() != 0 && err == nil:
		return nil, fmt.Errorf("there is no Seawall in %s; this machine's is in %s: sudo seawall doctor", p.Path, packaging.State)
	case p.status.Enabled:
		return []Finding{{"state", fmt.Sprintf("the service is set up, but its state %s is gone, and with it the keys, the policy and the record", p.Path),
			"put a backup in its place, or start anew: sudo seawall setup"}}, nil
	}
	return []Finding{{"state", fmt.Sprintf("Seawall was not set up: there is no %s", p.Path), "sudo seawall setup"}}, nil
}

// examine makes checks in their order.
func examine(ctx context.Context, p *Patient, checks []Check) []Finding {
	all := []Finding{}
	ill := map[string]bool{}
	for _, c := range checks {
		if slices.ContainsFunc(c.Needs, func(id string) bool { return ill[id] }) {
			ill[c.ID] = true // nobody knows
			continue
		}
		for _, f := range c.Look(ctx, p) {
			f.Check, f.Fix = c.ID, cmp.Or(f.Fix, c.Fix)
			all = append(all, f)
			ill[c.ID] = true
		}
	}
	return all
}

// start is the command that opens the doors.
func (p *Patient) start() string {
	if p.service {
		return install.StartCommand()
	}
	return "seawall up"
}

// again is the command that opens the doors anew with the program as it is now.
func (p *Patient) again() string {
	if p.service {
		return "systemctl restart seawall seawall-watch"
	}
	return "end `seawall up` (Ctrl-C in its terminal) and start it again"
}

// found is one finding with its check's own fix; failed is one where an error
// says what is wrong, and none where there is no error.
func found(format string, args ...any) []Finding {
	return []Finding{{What: fmt.Sprintf(format, args...)}}
}

func failed(err error) []Finding {
	if err == nil {
		return nil
	}
	return found("%s", err)
}
