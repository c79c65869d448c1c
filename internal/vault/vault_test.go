package vault

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/state"
)

func TestKeysSurvive(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Set(map[string]string{"openai": "one", "anthropic": "two"}); err != nil {
		t.Fatal(err)
	}
	if err := v.Delete("openai", "never-there"); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := again.Get("anthropic"); got != "two" || !ok {
		t.Errorf("anthropic is %q, %v", got, ok)
	}
	if names := again.Names(); !slices.Equal(names, []string{"anthropic"}) {
		t.Errorf("names are %v", names)
	}
	info, err := os.Stat(dir.Path(state.Keys))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
}

func TestDamagedFileIsNotQuoted(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Write(state.Keys, []byte(`{"openai": hunter2hunter2}`)); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "'h'") {
		t.Errorf("Open says %v", err)
	}
}
