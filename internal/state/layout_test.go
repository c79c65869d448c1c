package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnOlderLayoutIsCopiedBeforeItIsChanged(t *testing.T) {
	d := open(t)
	for name, content := range map[string]string{Policy: "old policy", Keys: `{"a":"b"}`, Ledger: "rows"} {
		if err := d.Write(name, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.upgrade(1, "v1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Path("layout-1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a layout that is today's was copied: %v", err)
	}
	if err := os.Mkdir(d.Path("layout-1"), 0o700); err != nil { // of a copy that was interrupted
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path("layout-1"), Keys), []byte(`{`), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := d.upgrade(2, "v2"); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(Policy, []byte("new policy")); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{Policy: "old policy", Keys: `{"a":"b"}`} {
		got, err := os.ReadFile(filepath.Join(d.Path("layout-1"), name))
		if err != nil || string(got) != want {
			t.Errorf("the copy of %s is %q, %v", name, got, err)
		}
		if info, err := os.Stat(filepath.Join(d.Path("layout-1"), name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy of %s is open to others: %v", name, info.Mode())
		}
	}
	if _, err := os.Stat(filepath.Join(d.Path("layout-1"), Ledger)); err == nil {
		t.Error("the record, which keeps its own copy, was copied")
	}
	err := d.upgrade(1, "v1")
	if err == nil || !strings.Contains(err.Error(), "newer Seawall (v2, layout 2)") || !strings.Contains(err.Error(), "layout-1") {
		t.Errorf("an older Seawall says %v", err)
	}
}

func TestADamagedLayoutIsNotGuessed(t *testing.T) {
	for _, content := range []string{"", "{", `{"layout":0}`, `{"layout":"2"}`} {
		d := open(t)
		if err := d.Write(Layout, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if err := d.Upgrade("v1"); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Errorf("%q: %v", content, err)
		}
	}
}
