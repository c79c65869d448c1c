package cache

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestEntry(t *testing.T) {
	t.Setenv("SEAWALL_LAB_CACHE", t.TempDir())

	// Interrupted: a half-made entry is not kept.
	_, err := Entry(t.Context(), "thing", func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o644), errors.New("interrupted"))
	})
	if err == nil {
		t.Fatal("an entry that could not be made is there")
	}

	// Many at once: one makes it, all have it.
	var made atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			dir, err := Entry(t.Context(), "thing", func(dir string) error {
				made.Add(1)
				return os.WriteFile(filepath.Join(dir, "whole"), nil, 0o644)
			})
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "whole")); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "half")); err == nil {
				t.Error("what the interrupted attempt left is still there")
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("it was made %d times", made.Load())
	}
}
