package openclaw

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/openseawall/seawall/lab/cache"
)

// Copy is a copy of the lab's OpenClaw that a test may edit, gone when it ends.
// Files that are not edited are links to those of the cache.
func Copy(t testing.TB) *Installed {
	t.Helper()
	base, err := cache.Dir()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(base, "copy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "cp", "-al", Dir(t)+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("copying OpenClaw: %v: %s", err, out)
	}
	return &Installed{dir, Version}
}

// Edit replaces a text in those files of the package that a pattern names and that
// have it; there must be one.
func (i *Installed) Edit(pattern, old, with string) error {
	files, err := filepath.Glob(filepath.Join(i.Package(), pattern))
	if err != nil {
		return err
	}
	edited := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte(old)) {
			continue
		}
		// The cache's file is another name of this one.
		if err := os.WriteFile(name+".new", bytes.ReplaceAll(text, []byte(old), []byte(with)), 0o644); err != nil {
			return err
		}
		if err := os.Rename(name+".new", name); err != nil {
			return err
		}
		edited++
	}
	if edited == 0 {
		return fmt.Errorf("no file %s of OpenClaw's says %q", pattern, old)
	}
	return nil
}
