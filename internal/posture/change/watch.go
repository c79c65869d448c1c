package change

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Watch takes the lockout part of a run back when nobody confirms it.
type Watch interface {
	// Arm sets the watch for a run before the first step.
	Arm(ctx context.Context, run int, after time.Duration) error
	// Disarm takes it away; one that is not there is no error.
	Disarm(ctx context.Context, run int) error
}

// Alarm is the watch of a machine: a timer of systemd's, and a unit that takes
// back at the next boot what the power cut from its timer. Without systemd it is
// a process of its own.
type Alarm struct {
	Machine
	Program string // of Seawall, where it stands after a boot too
	State   string // the state directory
}

const (
	bootUnit = "seawall-harden-revert.service"
	bootPath = "/etc/systemd/system/" + bootUnit
)

func timerUnit(run int) string { return fmt.Sprintf("seawall-harden-revert-%d", run) }

func (a Alarm) command(run int) []string {
	return []string{a.Program, "harden", "revert", strconv.Itoa(run), "--state", a.State}
}

// Arm implements [Watch].
func (a Alarm) Arm(ctx context.Context, run int, after time.Duration) error {
	if !a.systemd() {
		return a.detach(run, after)
	}
	command := a.command(run)
	unit := fmt.Sprintf(`# %s
[Unit]
Description=Take back what seawall harden changed and nobody confirmed (run %d)
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target ssh.service sshd.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart=%q harden revert %d --state %q

[Install]
WantedBy=multi-user.target
`, header, run, a.Program, run, a.State)
	next := State{There: true, Content: []byte(unit), Mode: 0o644}
	was, err := a.read(bootPath)
	if err == nil {
		err = a.write(bootPath, was, next)
	}
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"systemctl", "daemon-reload"},
		{"systemctl", "--quiet", "enable", bootUnit},
		append([]string{"systemd-run", "--quiet", "--collect", "--unit=" + timerUnit(run), fmt.Sprintf("--on-active=%d", int(after.Seconds())), "--timer-property=AccuracySec=1s", "--"}, command...),
	} {
		if _, err := a.Run(ctx, nil, args[0], args[1:]...); err != nil {
			return errors.Join(err, a.Disarm(context.WithoutCancel(ctx), run))
		}
	}
	return nil
}

// detach starts a process that outlives the session.
func (a Alarm) detach(run int, after time.Duration) error {
	command := append(a.command(run), "--after", after.String())
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Dir = environment, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting a process that would take it back: %w", err)
	}
	return cmd.Process.Release()
}

// Disarm implements [Watch]. The process without systemd sees by itself that
// there is nothing to take back.
func (a Alarm) Disarm(ctx context.Context, run int) error {
	if !a.systemd() {
		return nil
	}
	// The timer may be what runs this: stopping the timer does not stop its service.
	_, _ = a.Run(ctx, nil, "systemctl", "--quiet", "stop", timerUnit(run)+".timer")
	if _, err := os.Lstat(filepath.Join(a.Root, bootPath)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := a.Run(ctx, nil, "systemctl", "--quiet", "disable", bootUnit)
	was, e := a.read(bootPath)
	if e == nil {
		e = a.write(bootPath, was, State{})
	}
	_, reload := a.Run(ctx, nil, "systemctl", "daemon-reload")
	return errors.Join(err, e, reload)
}
