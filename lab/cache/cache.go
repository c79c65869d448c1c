// Package cache keeps what the lab installs once and uses in every run.
//
// An entry is a directory. Its marker file is written after the entry was made
// and found to work, so that an installation that was interrupted is made
// again; a lock beside it lets one process make it while others wait.
package cache

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// marker says that an entry is whole.
const marker = ".complete"

// Dir is the lab's cache: $SEAWALL_LAB_CACHE, or seawall-lab below the user's
// cache folder. Root's is below /var/cache, where the users that a test runs
// things as can read it.
func Dir() (string, error) {
	if dir := os.Getenv("SEAWALL_LAB_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	if os.Geteuid() == 0 && os.Getenv("XDG_CACHE_HOME") == "" {
		return "/var/cache/seawall-lab", nil
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for the lab's cache: set SEAWALL_LAB_CACHE to a folder: %w", err)
	}
	return filepath.Join(base, "seawall-lab"), nil
}

// Shared returns a folder of the cache that every user may add files to.
func Shared(name string) (string, error) {
	base, err := Dir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o777|os.ModeSticky)
}

// Entry returns the directory of the named entry, which make fills when it is
// not whole yet. make gets an empty directory.
func Entry(ctx context.Context, name string, make func(dir string) error) (string, error) {
	base, err := Dir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(base, name+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()

	dir := filepath.Join(base, name)
	if _, err := os.Stat(filepath.Join(dir, marker)); err == nil {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := make(dir); err != nil {
		return "", fmt.Errorf("making %s in the lab's cache: %w", name, err)
	}
	return dir, os.WriteFile(filepath.Join(dir, marker), nil, 0o644)
}

// lock waits for the lock file. It asks again instead of blocking, so that the
// context counts.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, err
	}
	for unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("another process holds %s: %w", path, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
	return func() { _ = f.Close() }, nil
}
