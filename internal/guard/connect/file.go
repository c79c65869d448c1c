package connect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/whole"
)

// errNoConfig says that the config file does not exist.
var errNoConfig = errors.New("there is no such config")

func loadConfig(ctx context.Context, path string, roots []string) (*openclaw.Config, error) {
	c, err := openclaw.LoadConfig(ctx, host.Live(), path, roots...)
	if errors.Is(err, host.ErrAbsent) {
		return nil, fmt.Errorf("reading %s: %w", path, errNoConfig)
	}
	return c, err
}

// file is one file of OpenClaw's that a plan changes.
type file struct {
	path     string
	old, new []byte
}

func readFiles(texts map[string][]byte) ([]file, error) {
	var files []file
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		old, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading OpenClaw's config: %w", err)
		}
		files = append(files, file{path, old, texts[path]})
	}
	return files, nil
}

func diffs(files []file) string {
	var all strings.Builder
	for _, f := range files {
		all.WriteString(openclaw.Diff(f.path, f.old, f.new))
	}
	return all.String()
}

// unchanged makes sure that every file is still what the plan was made for.
func unchanged(files []file) error {
	for _, f := range files {
		now, err := os.ReadFile(f.path)
		if err != nil {
			return fmt.Errorf("reading OpenClaw's config: %w", err)
		}
		if !bytes.Equal(now, f.old) {
			return fmt.Errorf("%s was changed a moment ago by somebody else: nothing was done, run the command again", f.path)
		}
	}
	return nil
}

func writeFiles(files []file) error {
	for _, f := range files {
		if bytes.Equal(f.old, f.new) {
			continue
		}
		if err := replace(f.path, f.new); err != nil {
			return fmt.Errorf("writing OpenClaw's config %s: %w", f.path, err)
		}
	}
	return nil
}

// replace exchanges a file's content as a whole and keeps its mode and owner.
// The directory is the agent's, who could put a link there to make root write
// elsewhere: nothing is followed, and all happens below one open directory.
func replace(path string, content []byte) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(path)
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is a link or no plain file: name the real file in OPENCLAW_CONFIG_PATH")
	}
	owner := info.Sys().(*syscall.Stat_t)
	mode := info.Mode() & (fs.ModePerm | fs.ModeSetgid | fs.ModeSetuid)
	return whole.Write(root, name, "."+name+".seawall", content, mode, int(owner.Uid), int(owner.Gid))
}
