package openclaw

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/cache"
)

// What the lab installs. OpenClaw needs a newer Node.js than Debian has; under
// an older one npm would silently install OpenClaw's empty placeholder package.
const (
	Pinned      = "2026.9.6"
	nodeVersion = "26.10.0"
	npmVersion  = "11.19.1"
)

// Version is the OpenClaw that the lab runs: the pinned one, unless
// $SEAWALL_LAB_OPENCLAW names another to try.
var Version = cmp.Or(os.Getenv("SEAWALL_LAB_OPENCLAW"), Pinned)

// Installed is an OpenClaw on disk that is never started from, only run.
type Installed struct {
	Dir string // holds node_modules
}

// bin is where its node and openclaw are.
func (i *Installed) bin() string { return filepath.Join(i.Dir, "node_modules", ".bin") }

// Package is the folder of the npm package, with OpenClaw's own documentation.
func (i *Installed) Package() string { return filepath.Join(i.Dir, "node_modules", "openclaw") }

// Install returns the pinned OpenClaw, from the lab's cache or, the first time,
// from npm: about 800 MB and a minute. Progress goes to log.
func Install(ctx context.Context, log io.Writer) (*Installed, error) {
	dir, err := cache.Entry(ctx, "openclaw-"+Version, func(dir string) error {
		fmt.Fprintf(log, "installing OpenClaw %s into %s (about 800 MB, once)\n", Version, dir)
		return install(ctx, dir, log)
	})
	if err != nil {
		return nil, err
	}
	return &Installed{Dir: dir}, nil
}

// Dir is the folder of the lab's OpenClaw, for a test that needs its files and
// programs but no gateway.
func Dir(t testing.TB) string {
	t.Helper()
	i, err := Install(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return i.Dir
}

// install brings Node.js first, then a current npm, then, run by that Node.js,
// OpenClaw.
func install(ctx context.Context, dir string, log io.Writer) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New("npm is not installed: apt-get install nodejs npm")
	}
	manifest := `{"name":"seawall-lab","private":true}`
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(manifest), 0o644); err != nil {
		return err
	}
	i := &Installed{Dir: dir}
	for _, pkg := range []string{"node@" + nodeVersion, "npm@" + npmVersion, "openclaw@" + Version} {
		cmd := exec.CommandContext(ctx, "npm", "install", "--save-exact", "--no-audit", "--no-fund", "--loglevel=error", pkg)
		if npm := filepath.Join(i.bin(), "npm"); exists(npm) {
			cmd.Path = npm
		}
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
		cmd.Env = append(os.Environ(), "PATH="+i.bin()+":"+os.Getenv("PATH"))
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("npm install %s: %w", pkg, err)
		}
	}
	return i.check(ctx)
}

// check asks the installation for its version: the placeholder package and a
// half-written one do not have it.
func (i *Installed) check(ctx context.Context) error {
	home, err := os.MkdirTemp("", "swlab")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(home) }()
	cmd := exec.CommandContext(ctx, filepath.Join(i.bin(), "openclaw"), "--version")
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "PATH=" + i.bin() + ":" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), Version) {
		return fmt.Errorf("openclaw --version did not say %s (%v): %s", Version, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
