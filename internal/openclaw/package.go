package openclaw

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/openseawall/seawall/internal/host"
)

// Package is OpenClaw's program as it lies on the disk.
type Package struct {
	Dir     string // node_modules/openclaw
	Version string // of its package.json
	// Half says why it is not one whole version, as after an update that was
	// interrupted; "" when nothing speaks against it.
	Half string
}

// maxInventory bounds how many of its files are looked for.
const maxInventory = 20_000

// ReadPackage looks at the package in a folder: whether its package.json, what was
// built (dist/build-info.json) and the list of its files
// (dist/postinstall-inventory.json) belong together. It runs nothing of it.
func ReadPackage(ctx context.Context, h host.Host, dir string) Package {
	p := Package{Dir: dir}
	var manifest struct{ Name, Version string }
	switch err := readJSON(ctx, h, path.Join(dir, "package.json"), &manifest); {
	case errors.Is(err, host.ErrAbsent):
		p.Half = "its package is gone from " + dir
		return p
	case err != nil:
		p.Half = fmt.Sprintf("its package.json in %s cannot be read", dir)
		return p
	}
	p.Version = manifest.Version
	var built struct{ Version string }
	switch err := readJSON(ctx, h, path.Join(dir, "dist/build-info.json"), &built); {
	case err != nil && !errors.Is(err, host.ErrAbsent):
		p.Half = fmt.Sprintf("its program in %s/dist cannot be read", dir)
	case built.Version != "" && built.Version != p.Version:
		p.Half = fmt.Sprintf("its package.json says %s and its program is %s (%s)", p.Version, built.Version, dir)
	default:
		p.Half = missing(ctx, h, dir)
	}
	return p
}

// missing says which of a package's files are not there; "" when all are.
func missing(ctx context.Context, h host.Host, dir string) string {
	entry := false
	for _, name := range []string{"dist/entry.js", "dist/entry.mjs"} {
		_, err := h.Stat(ctx, path.Join(dir, name))
		entry = entry || err == nil
	}
	if !entry {
		return fmt.Sprintf("its program is missing: there is no %s/dist/entry.js", dir)
	}
	var files []string
	if readJSON(ctx, h, path.Join(dir, "dist/postinstall-inventory.json"), &files) != nil {
		return "" // versions before it have none
	}
	gone, first := 0, ""
	for _, name := range files[:min(len(files), maxInventory)] {
		if !strings.HasPrefix(name, "dist/") || path.Clean(name) != name {
			continue
		}
		if _, err := h.Stat(ctx, path.Join(dir, name)); errors.Is(err, host.ErrAbsent) {
			gone, first = gone+1, cmp.Or(first, name)
		}
	}
	if gone == 0 {
		return ""
	}
	return fmt.Sprintf("%d of its %d files are missing, as %s/%s", gone, len(files), dir, first)
}

func readJSON(ctx context.Context, h host.Host, file string, v any) error {
	text, err := h.ReadFile(ctx, file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// Back is the command that leads back to another version of an OpenClaw that is
// installed like this one (docs/install/updating/rollback-and-recovery.md of
// OpenClaw): its own updater, which checks and migrates, or npm where the updater
// may not run.
func (p Package) Back(container, version string) string {
	switch {
	case container != "":
		return "docker pull ghcr.io/openclaw/openclaw:" + version
	case p.Half == "" && p.Dir != "":
		return "openclaw update --tag " + version
	}
	return "npm i -g openclaw@" + version
}
