package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/openseawall/seawall/lab/cache"
	"github.com/openseawall/seawall/lab/openclaw"
)

const auditGroup = "Auditing this machine"

// audits measures Seawall's audit and, once each, the two audits that people
// run today. They look at different things; what is compared is the wait.
func (s *stage) audits(ctx context.Context) ([]result, error) {
	var own samples
	for range 5 {
		start := time.Now()
		cmd := exec.CommandContext(ctx, s.seawall, "audit", "--json", "--state", filepath.Join(s.dir, "audit"))
		if err := ran(cmd, 1); err != nil { // 1: there are findings
			return nil, err
		}
		own = append(own, time.Since(start))
	}
	all := []result{{Group: auditGroup, What: "seawall audit --json", Unit: "ms", Value: own.at(0.5), N: len(own), Wanted: 1000}}
	for _, rival := range []struct {
		what string
		run  func(context.Context) error
	}{
		{"lynis audit system --quick", s.lynis},
		{"openclaw security audit --json", s.openclaw},
	} {
		r := result{Group: auditGroup, What: rival.what, Unit: "ms", Value: own.at(0.5)}
		start := time.Now()
		switch err := rival.run(ctx); {
		case errors.Is(err, fs.ErrNotExist):
			r.Note = "not installed, so not measured"
		case err != nil:
			return nil, fmt.Errorf("running %s: %w", rival.what, err)
		default:
			r.Beside, r.N = ms(time.Since(start)), 1
		}
		all = append(all, r)
	}
	return all, nil
}

// ran runs a command whose output nobody reads; also is an exit code that is no
// failure.
func ran(cmd *exec.Cmd, also int) error {
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == also {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	return nil
}

func (s *stage) lynis(ctx context.Context) error {
	path, err := exec.LookPath("lynis")
	if err != nil {
		return fs.ErrNotExist
	}
	cmd := exec.CommandContext(ctx, path, "audit", "system", "--quick", "--quiet", "--no-log", "--report-file", filepath.Join(s.dir, "lynis.dat"))
	return ran(cmd, 78) // it has warnings
}

func (s *stage) openclaw(ctx context.Context) error {
	i, err := installedOpenClaw()
	if err != nil {
		return err
	}
	home, err := openclaw.NewHome(i, filepath.Join(s.dir, "openclaw"), openclaw.Options{})
	if err != nil {
		return err
	}
	_, err = home.SecurityAudit(ctx, false)
	return err
}

// installedOpenClaw is the one of the lab, or in the folder that
// $SEAWALL_LAB_OPENCLAW names. None is installed for this.
func installedOpenClaw() (*openclaw.Installed, error) {
	dirs := []string{os.Getenv("SEAWALL_LAB_OPENCLAW")}
	if base, err := cache.Dir(); err == nil {
		dirs = append(dirs, filepath.Join(base, "openclaw-"+openclaw.Version), filepath.Join(base, "openclaw-"+openclaw.Pinned))
	}
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		i := &openclaw.Installed{Dir: dir}
		if _, err := os.Stat(filepath.Join(i.Package(), "openclaw.mjs")); err == nil {
			return i, nil
		}
	}
	return nil, fs.ErrNotExist
}
