//go:build lab

package surface

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/openclaw"
	lab "github.com/openseawall/seawall/lab/openclaw"
)

// TestSurface: the pinned version is as it is described. Of another one it shows
// what is other.
func TestSurface(t *testing.T) {
	i, err := lab.Install(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	now, err := Read(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	was, err := Pinned()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	Changes(&b, was, now)
	if lab.Version == lab.Pinned && !reflect.DeepEqual(was, now) {
		t.Errorf("go run ./lab changes --write describes it anew:\n%s", b.String())
	}
	t.Log(b.String())
}

// TestTextsAsDescribed: Seawall reads each of the texts as this OpenClaw does.
func TestTextsAsDescribed(t *testing.T) {
	i, err := lab.Install(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	made, err := calls(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	for text, theirs := range made {
		if ours := openclaw.TextCalls(text, nil); len(ours) == 0 && theirs != "" {
			t.Errorf("%q: OpenClaw calls %s, and Seawall reads no call", text, theirs)
		}
	}
}

// TestNotice: this OpenClaw puts the notice in front of texts of others that Seawall
// takes for OpenClaw's own words.
func TestNotice(t *testing.T) {
	i, err := lab.Install(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(i.Package(), "dist", "external-content*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.Contains(string(text), openclaw.Notice) {
			return
		}
	}
	t.Errorf("it stands in none of %v", files)
}
