package openclaw

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/host"
)

func TestReadPackage(t *testing.T) {
	whole := map[string]string{
		"package.json":                    `{"name":"openclaw","version":"2026.9.6"}`,
		"dist/build-info.json":            `{"version":"2026.9.6"}`,
		"dist/entry.js":                   "//",
		"dist/a.mjs":                      "//",
		"dist/postinstall-inventory.json": `["dist/entry.js","dist/a.mjs","../../etc/none","/none"]`,
	}
	for _, c := range []struct {
		name          string
		change        map[string]string // "" removes
		version, half string
	}{
		{"whole", nil, "2026.9.6", ""},
		{"an old one, without a list", map[string]string{"dist/postinstall-inventory.json": "", "dist/build-info.json": ""}, "2026.9.6", ""},
		{"a new package.json over an old program", map[string]string{"package.json": `{"name":"openclaw","version":"2026.99.1"}`}, "2026.99.1", "its package.json says 2026.99.1 and its program is 2026.9.6"},
		{"a new program under an old package.json", map[string]string{"dist/build-info.json": `{"version":"2026.99.1"}`}, "2026.9.6", "its package.json says 2026.9.6 and its program is 2026.99.1"},
		{"no program", map[string]string{"dist/entry.js": ""}, "2026.9.6", "its program is missing"},
		{"a file is missing", map[string]string{"dist/a.mjs": ""}, "2026.9.6", "1 of its 4 files are missing, as "},
		{"half a package.json", map[string]string{"package.json": `{"name":"openc`}, "", "cannot be read"},
		{"half a description", map[string]string{"dist/build-info.json": `{"vers`}, "2026.9.6", "cannot be read"},
		{"gone", map[string]string{"package.json": ""}, "", "its package is gone from "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range whole {
				if other, is := c.change[name]; is {
					text = other
				}
				if text == "" {
					continue
				}
				if err := os.MkdirAll(filepath.Join(dir, "dist"), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			p := ReadPackage(t.Context(), host.Live(), dir)
			if p.Version != c.version || !strings.Contains(p.Half, c.half) || (p.Half == "") != (c.half == "") {
				t.Errorf("it is %q, %q", p.Version, p.Half)
			}
		})
	}
}

func TestBack(t *testing.T) {
	for want, got := range map[string]string{
		"openclaw update --tag 2026.9.6":                 Package{Dir: "/usr/lib/node_modules/openclaw", Version: "2026.99.1"}.Back("", "2026.9.6"),
		"npm i -g openclaw@2026.9.6":                     Package{Dir: "/usr/lib/node_modules/openclaw", Half: "half"}.Back("", "2026.9.6"),
		"docker pull ghcr.io/openclaw/openclaw:2026.9.6": Package{}.Back("claw", "2026.9.6"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
