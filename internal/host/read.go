package host

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// readers bounds how many families are read at once: they wait for commands
// rather than for the processor.
const readers = 16

// reader is one reading of a machine. Families that others need are read
// once, by whoever comes first.
type reader struct {
	options
	ctx  context.Context
	h    Host
	self Self

	processes  func() Fact[[]Process]
	sockets    func() Fact[[]Socket]
	users      func() Fact[[]User]
	units      func() Fact[[]Unit]
	packages   func() Fact[map[string]string]
	sshd       func() Fact[SSHD]
	containers func() Fact[[]Container]
}

// Read asks a machine for everything in [Facts]. It never fails as a whole:
// what could not be read is [Unknown] with its reason. A list that could be
// read only in part is Unknown too, and its Value holds that part.
func Read(ctx context.Context, h Host, opts ...Option) *Facts {
	r, f := newReader(ctx, h, opts)
	var g errgroup.Group
	g.SetLimit(readers)
	for _, family := range []func(){
		func() { f.SSHD = r.sshd() },
		func() { f.Fail2ban = r.readFail2ban() },
		func() { f.Updates = r.readUpdates() },
		func() { f.Firewall = r.readFirewall() },
		func() { f.Containers = r.containers() },
		func() { f.Docker = r.readDocker() },
		func() { f.Units = r.units() },
		func() { f.Packages = r.packages() },
		func() { f.Processes = r.processes() },
		func() { f.Sockets = r.sockets() },
		func() { f.OS = r.readOS() },
		func() { f.Users = r.users() },
		func() { f.AuthorizedKey = r.readAuthorizedKeys() },
		func() { f.Logins = r.readLogins() },
		func() { f.Interfaces = ask[[]Interface](r, askInterfaces) },
		func() { f.Disks = ask[[]Disk](r, askDisks) },
		func() { f.Sysctl = r.readSysctl() },
		func() { f.Compose = r.readCompose() },
		func() { f.Cron = r.readCron() },
		func() { f.Proxy = r.readProxy() },
		func() { f.Sudo = r.readSudo() },
		func() { f.Trusted = r.readTrusted() },
		func() { f.Vital = r.readVital() },
		func() { f.Journal = r.readJournal() },
		func() { f.Crontab = r.readCrontab() },
		func() { f.Memory = r.readMemory() },
		func() { f.Tailnet = r.readTailnet() },
	} {
		g.Go(func() error { family(); return nil })
	}
	_ = g.Wait()
	return f
}

// ReadRunning reads only what runs and as whom: processes, accounts and who
// asks. It starts no program, so that it can be done again and again.
func ReadRunning(ctx context.Context, h Host, opts ...Option) *Facts {
	r, f := newReader(ctx, h, opts)
	f.Processes, f.Users = r.processes(), r.users()
	return f
}

func newReader(ctx context.Context, h Host, opts []Option) (*reader, *Facts) {
	r := &reader{options: withDefaults(opts), ctx: ctx, h: h}
	r.processes = sync.OnceValue(func() Fact[[]Process] { return ask[[]Process](r, askProcesses) })
	r.sockets = sync.OnceValue(func() Fact[[]Socket] { return ask[[]Socket](r, askSockets) })
	r.users = sync.OnceValue(r.readUsers)
	r.units = sync.OnceValue(r.readUnits)
	r.packages = sync.OnceValue(r.readPackages)
	r.sshd = sync.OnceValue(r.readSSHD)
	r.containers = sync.OnceValue(r.readContainers)

	// Who asks decides how a refusal is explained, so it comes first.
	r.self, _ = h.Self(ctx)
	return r, &Facts{Self: r.self}
}

// ask reads the JSON answer to one of the reader's own questions.
func ask[T any](r *reader, question string) Fact[T] {
	out, err := r.h.Run(r.ctx, question)
	if err != nil {
		return NotRead[T]("%s", err)
	}
	var v T
	if err := stdjson.Unmarshal(out.Stdout, &v); err != nil {
		return NotRead[T]("%s gave an answer that is not what was asked for: %s", question, err)
	}
	return Is(v)
}

// command runs a command that has to succeed.
func (r *reader) command(name string, args ...string) ([]byte, error) {
	out, err := r.h.Run(r.ctx, name, args...)
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 {
		return nil, r.failed(name, out)
	}
	return out.Stdout, nil
}

// failed says why a command failed: in its own words, or that it needs root.
func (r *reader) failed(name string, out Output) error {
	said := firstLine(out.Stderr)
	if said == "" {
		said = firstLine(out.Stdout)
	}
	if r.self.UID != 0 && refused(said) {
		return fmt.Errorf("%s: needs root", name)
	}
	if said == "" {
		said = fmt.Sprintf("it failed with exit code %d and no reason", out.Exit)
	}
	return fmt.Errorf("%s: %s", name, said)
}

func refused(said string) bool {
	said = strings.ToLower(said)
	for _, words := range []string{"permission denied", "operation not permitted", "must be root", "are you root", "no hostkeys available", "unable to load host key"} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

// exists tells whether a path is there; an error means that nobody knows.
func (r *reader) exists(path string) (bool, error) {
	_, err := r.h.Stat(r.ctx, path)
	if errors.Is(err, ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// fromError is a fact that was not read; absent says what it means that the
// thing is not there.
func fromError[T any](err error, absent string) Fact[T] {
	if errors.Is(err, ErrAbsent) {
		return None[T](absent)
	}
	return NotRead[T]("%s", err)
}

// partial is a list of which some places could not be read: unknown, though
// what was read is in it.
func partial[T any](list []T, failures []error) Fact[[]T] {
	if len(failures) == 0 {
		return Is(list)
	}
	f := NotRead[[]T]("%s", failures[0])
	if n := len(failures) - 1; n > 0 {
		f.Reason += fmt.Sprintf(" (and %d more)", n)
	}
	f.Value = list
	return f
}

// lines are the lines of a text without space around them.
func lines(b []byte) []string {
	var list []string
	for line := range bytes.Lines(b) {
		list = append(list, strings.TrimSpace(string(line)))
	}
	return list
}
