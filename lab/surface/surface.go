package surface

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/openseawall/seawall/lab/openclaw"
)

// Surface is what an OpenClaw shows. Every list is sorted.
type Surface struct {
	Version  string   `json:"version"`
	Tools    []string `json:"tools"`    // of its catalogue
	APIs     []string `json:"apis"`     // the formats that it speaks with models
	Hooks    []string `json:"hooks"`    // that a plugin may register
	Methods  []string `json:"methods"`  // of its gateway
	Checks   []string `json:"checks"`   // of openclaw security audit, as documented
	Settings []string `json:"settings"` // of openclaw.json, down to the third name, without channels
	// Calls are the calls that it makes of each of some texts; "" is none.
	Calls map[string]string `json:"calls"`
}

//go:embed pinned.json
var pinned []byte

// Pinned is the description of the pinned version.
func Pinned() (s Surface, err error) { return s, json.Unmarshal(pinned, &s) }

// list is where a list stands in the package: in the files of a pattern, between
// two texts.
type list struct {
	files, begins, ends string
	item                *regexp.Regexp
}

var (
	quotedItem = regexp.MustCompile(`"([^"]+)"`)
	tools      = list{"dist/tool-catalog-*.mjs", "const CORE_TOOL_DEFINITIONS = [", "\n];", regexp.MustCompile(`\n\t\tid: "([^"]+)"`)}
	apis       = list{"dist/*.d.ts", "declare const MODEL_APIS: readonly [", "];", quotedItem}
	hooks      = list{"dist/hooks-*.mjs", "const pluginHookNameSet = ", "]);", quotedItem}
	methods    = list{"dist/method-scopes-*.mjs", "const CORE_GATEWAY_METHOD_SPECS = [", "\n];", regexp.MustCompile(`\n\t\[\s*"([^"]+)"`)}
	checks     = list{"docs/gateway/security/audit-checks.md", "", "", regexp.MustCompile("(?m)^\\| `([a-zA-Z_.<>]+)` +\\|")}
)

// Read describes an installed OpenClaw.
func Read(ctx context.Context, i *openclaw.Installed) (s Surface, err error) {
	s.Version = openclaw.Version
	for _, l := range []struct {
		name string
		list
		to *[]string
	}{{"tools", tools, &s.Tools}, {"formats", apis, &s.APIs}, {"hooks", hooks, &s.Hooks}, {"gateway methods", methods, &s.Methods}, {"checks", checks, &s.Checks}} {
		if *l.to, err = l.read(i.Package()); err != nil {
			return s, fmt.Errorf("OpenClaw's %s: %w", l.name, err)
		}
	}
	if s.Settings, err = settings(ctx, i); err != nil {
		return s, fmt.Errorf("OpenClaw's settings: %w", err)
	}
	s.Calls, err = calls(ctx, i)
	return s, err
}

func (l list) read(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, l.files))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		_, rest, found := strings.Cut(string(text), l.begins)
		if !found {
			continue
		}
		if l.ends != "" {
			rest, _, _ = strings.Cut(rest, l.ends)
		}
		var all []string
		for _, m := range l.item.FindAllStringSubmatch(rest, -1) {
			all = append(all, m[1])
		}
		slices.Sort(all)
		return slices.Compact(all), nil
	}
	return nil, fmt.Errorf("no %s says %q: this version keeps them elsewhere", l.files, l.begins)
}

// depth is how many names of a setting are told apart: what is below changes with
// each version and decides nothing that Seawall reads.
const depth = 3

type schema struct {
	Properties map[string]schema
	Additional json.RawMessage `json:"additionalProperties"`
	AnyOf      []schema
	OneOf      []schema
	AllOf      []schema
}

// settings are the names that `openclaw config schema` lists.
func settings(ctx context.Context, i *openclaw.Installed) ([]string, error) {
	dir, err := os.MkdirTemp("", "swlab-surface-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	h, err := openclaw.NewHome(i, dir, openclaw.Options{})
	if err != nil {
		return nil, err
	}
	out, err := h.Run(ctx, "config", "schema")
	if err != nil {
		return nil, err
	}
	var root schema
	if err := json.Unmarshal(out.Stdout, &root); err != nil {
		return nil, fmt.Errorf("openclaw config schema: %w: %s", err, out.Stderr)
	}
	names := map[string]bool{}
	root.walk(nil, names)
	return slices.Sorted(maps.Keys(names)), nil
}

func (s schema) walk(path []string, names map[string]bool) {
	for _, other := range slices.Concat(s.AnyOf, s.OneOf, s.AllOf) {
		other.walk(path, names)
	}
	if len(path) >= depth || len(path) > 0 && path[0] == "channels" {
		return
	}
	for name, below := range s.Properties {
		at := append(slices.Clone(path), name)
		names[strings.Join(at, ".")] = true
		below.walk(at, names)
	}
	var more schema
	if json.Unmarshal(s.Additional, &more) == nil {
		more.walk(append(slices.Clone(path), "*"), names)
	}
}

// Changes writes what is other in one version than in another.
func Changes(w io.Writer, from, to Surface) {
	fmt.Fprintf(w, "OpenClaw %s against %s:\n", to.Version, from.Version)
	for _, l := range []struct {
		name   string
		before []string
		now    []string
	}{
		{"tools", from.Tools, to.Tools}, {"formats of models", from.APIs, to.APIs}, {"hooks", from.Hooks, to.Hooks},
		{"gateway methods", from.Methods, to.Methods}, {"checks", from.Checks, to.Checks}, {"settings", from.Settings, to.Settings},
	} {
		added, gone := without(l.now, l.before), without(l.before, l.now)
		if len(added)+len(gone) == 0 {
			fmt.Fprintf(w, "  %-18s the same %d\n", l.name, len(l.now))
			continue
		}
		fmt.Fprintf(w, "  %-18s %d new, %d gone\n", l.name, len(added), len(gone))
		for _, name := range added {
			fmt.Fprintln(w, "    +", name)
		}
		for _, name := range gone {
			fmt.Fprintln(w, "    -", name)
		}
	}
	other := 0
	for _, text := range slices.Sorted(maps.Keys(to.Calls)) {
		if before := from.Calls[text]; before != to.Calls[text] {
			other++
			fmt.Fprintf(w, "    %q\n      %s: %s\n      %s: %s\n", text, from.Version, cmp.Or(before, "no call"), to.Version, cmp.Or(to.Calls[text], "no call"))
		}
	}
	fmt.Fprintf(w, "  %-18s %d of %d read otherwise\n", "calls in text", other, len(to.Calls))
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}
