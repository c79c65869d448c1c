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
	Previous    = "2026.9.5" // the release before it, which what matters most is tried with, too
	nodeVersion = "26.10.0"
	npmVersion  = "11.19.1"
)

// Version is the OpenClaw that the lab runs: the pinned one, unless
// $SEAWALL_LAB_OPENCLAW names another to try.
var Version = cmp.Or(os.Getenv("SEAWALL_LAB_OPENCLAW"), Pinned)

// Installed is an OpenClaw on disk that is never started from, only run.
type Installed struct {
	Dir     string // holds node_modules
	version string
}

// bin is where its node and openclaw are.
func (i *Installed) bin() string { return filepath.Join(i.Dir, "node_modules", ".bin") }

// Package is the folder of the npm package, with OpenClaw's own documentation.
func (i *Installed) Package() string { return filepath.Join(i.Dir, "node_modules", "openclaw") }

// Install returns the OpenClaw that the lab runs, from its cache or, the first
// time, from npm: about 800 MB and a minute. Progress goes to log.
func Install(ctx context.Context, log io.Writer) (*Installed, error) {
	return InstallVersion(ctx, Version, log)
}

// InstallVersion is Install for any version.
func InstallVersion(ctx context.Context, version string, log io.Writer) (*Installed, error) {
	dir, err := cache.Entry(ctx, "openclaw-"+version, func(dir string) error {
		fmt.Fprintf(log, "installing OpenClaw %s into %s (about 800 MB, once)\n", version, dir)
		return (&Installed{dir, version}).install(ctx, log)
	})
	if err != nil {
		return nil, err
	}
	return &Installed{dir, version}, nil
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
func (i *Installed) install(ctx context.Context, log io.Writer) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New("npm is not installed: apt-get install nodejs npm")
	}
	manifest := `{"name":"seawall-lab","private":true}`
	if err := os.WriteFile(filepath.Join(i.Dir, "package.json"), []byte(manifest), 0o644); err != nil {
		return err
	}
	for _, pkg := range []string{"node@" + nodeVersion, "npm@" + npmVersion, "openclaw@" + i.version} {
		cmd := exec.CommandContext(ctx, "npm", "install", "--save-exact", "--no-audit", "--no-fund", "--loglevel=error", pkg)
		if npm := filepath.Join(i.bin(), "npm"); exists(npm) {
			cmd.Path = npm
		}
		cmd.Dir, cmd.Stdout, cmd.Stderr = i.Dir, log, log
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
	if err != nil || !strings.Contains(string(out), i.version) {
		return fmt.Errorf("openclaw --version did not say %s (%v): %s", i.version, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
