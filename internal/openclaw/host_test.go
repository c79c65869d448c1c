package openclaw

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/openseawall/seawall/internal/host"
)

// dirHost is a host whose files are those below a directory.
type dirHost struct {
	root   string
	closed map[string]bool // paths that answer "needs root"
}

func (d dirHost) name(p string) (string, error) {
	if d.closed[p] {
		return "", errors.New("needs root")
	}
	return filepath.Join(d.root, p), nil
}

func absent(p string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%s: %w", p, host.ErrAbsent)
	}
	return err
}

func (d dirHost) ReadFile(_ context.Context, p string) ([]byte, error) {
	name, err := d.name(p)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	return data, absent(p, err)
}

func (d dirHost) Stat(_ context.Context, p string) (host.FileInfo, error) {
	name, err := d.name(p)
	if err != nil {
		return host.FileInfo{}, err
	}
	info, err := os.Lstat(name)
	if err != nil {
		return host.FileInfo{}, absent(p, err)
	}
	target, _ := os.Readlink(name)
	return host.FileInfo{Path: p, Mode: info.Mode(), Size: info.Size(), ModTime: info.ModTime(), Target: target, UID: 1000}, nil
}

func (d dirHost) ReadDir(ctx context.Context, p string) ([]host.FileInfo, error) {
	name, err := d.name(p)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, absent(p, err)
	}
	var list []host.FileInfo
	for _, e := range entries {
		info, err := d.Stat(ctx, filepath.Join(p, e.Name()))
		if err == nil {
			list = append(list, info)
		}
	}
	return list, nil
}

func (d dirHost) Run(context.Context, string, ...string) (host.Output, error) {
	return host.Output{}, host.ErrAbsent
}
func (d dirHost) Docker(context.Context, string) ([]byte, error) { return nil, host.ErrAbsent }
func (d dirHost) Self(context.Context) (host.Self, error)        { return host.Self{}, nil }

// tree writes files below a temporary directory; a name that ends in "->X" is
// a symlink to X.
func tree(t *testing.T, files map[string]string) dirHost {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := cutLink(text); ok {
			err = os.Symlink(target, p)
		} else {
			err = os.WriteFile(p, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dirHost{root: root}
}

func cutLink(text string) (string, bool) {
	if len(text) > 3 && text[:3] == "-> " {
		return text[3:], true
	}
	return "", false
}

func sprint(v any) string { return fmt.Sprint(v) }
