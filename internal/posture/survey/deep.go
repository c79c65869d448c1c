package survey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/posture"
)

// deepTimeout bounds OpenClaw's own audit, which takes half a minute.
const deepTimeout = 3 * time.Minute

// Deep runs `openclaw security audit --deep --json` of every OpenClaw on this
// machine, as the user it belongs to, and merges what it finds. The error says
// which could not be run; what the others found is merged all the same.
func Deep(ctx context.Context, a *posture.Audit, opts ...openclaw.Option) error {
	h := host.Live()
	installs := openclaw.Discover(ctx, h, host.Read(ctx, h), opts...)
	if !installs.Ok() || len(installs.Value) == 0 {
		return errors.New("OpenClaw's own audit was not run: there is no OpenClaw on this machine")
	}
	var failed error
	for _, i := range installs.Value {
		out, err := ownAudit(ctx, i)
		if err == nil {
			err = posture.MergeDeep(a, out)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("OpenClaw's own audit of %s: %w", i.StateDir, err))
		}
	}
	return failed
}

func ownAudit(ctx context.Context, i openclaw.Install) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, deepTimeout)
	defer cancel()
	cmd, err := ownCommand(ctx, i, "security", "audit", "--deep", "--json")
	if err != nil {
		return nil, err
	}
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	if out.Len() == 0 {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("it gave no answer within %s", deepTimeout)
		}
		last := strings.TrimSpace(complaint.String())
		if n := strings.LastIndexByte(last, '\n'); n >= 0 {
			last = last[n+1:]
		}
		return nil, fmt.Errorf("it did not run (%v): %.200s", err, last)
	}
	return out.Bytes(), nil
}

// validateTimeout bounds `openclaw config validate`, which takes two seconds.
const validateTimeout = time.Minute

// Validate asks OpenClaw, as the user whose it is, whether it takes its config as
// that stands. exec.ErrNotFound says that it cannot be asked.
func Validate(ctx context.Context, i openclaw.Install) error {
	ctx, cancel := context.WithTimeout(ctx, validateTimeout)
	defer cancel()
	cmd, err := ownCommand(ctx, i, "config", "validate")
	if err != nil {
		return fmt.Errorf("%w: %w", exec.ErrNotFound, err)
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) || exit.ExitCode() < 0 {
		return nil // it took it, or gave no answer
	}
	return fmt.Errorf("openclaw config validate: %.300s", strings.TrimSpace(plain.Line(string(out))))
}

// ownCommand runs OpenClaw's command line as the user whose OpenClaw it is.
func ownCommand(ctx context.Context, i openclaw.Install, args ...string) (*exec.Cmd, error) {
	if i.Container != "" {
		return exec.CommandContext(ctx, "docker", append([]string{"exec", i.Container, "openclaw"}, args...)...), nil
	}
	entry := filepath.Join(i.PackageDir, "openclaw.mjs")
	if i.PackageDir == "" {
		return nil, errors.New("its package was not found, so there is nothing to run")
	}
	node, err := NodeOf(i)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, node, append([]string{entry}, args...)...)
	cmd.Env = []string{
		"PATH=" + filepath.Dir(node) + ":/usr/local/bin:/usr/bin:/bin",
		"HOME=" + filepath.Dir(i.StateDir), "OPENCLAW_STATE_DIR=" + i.StateDir, "OPENCLAW_CONFIG_PATH=" + i.ConfigPath, "LC_ALL=C.UTF-8",
	}
	if os.Geteuid() == 0 && i.State.UID != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: i.State.UID, Gid: i.State.GID}}
		cmd.Dir = i.StateDir
	}
	return cmd, nil
}

// NodeOf finds the Node.js that runs an installation: the gateway's own, the
// one installed beside the package, or the first in PATH.
func NodeOf(i openclaw.Install) (string, error) {
	if i.Process != nil && strings.HasPrefix(filepath.Base(i.Process.Exe), "node") {
		return i.Process.Exe, nil
	}
	beside := filepath.Join(filepath.Dir(i.PackageDir), ".bin", "node")
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("looking for its Node.js: %w", err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return "", errors.New("no Node.js was found to run it with")
	}
	return node, nil
}
