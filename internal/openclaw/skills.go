package openclaw

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/lazyregexp"
)

const (
	maxSkillDepth = 6 // OpenClaw looks for SKILL.md this deep below a root
	maxSkills     = 2_000
	maxSkillFiles = 500 // counted per skill
	maxSkillText  = 256 << 10
)

// skillRoot is a directory that OpenClaw loads skills from.
type skillRoot struct{ name, dir string }

// skills lists the skills of an installation. The order of the roots is that
// of docs/tools/skills.md, the strongest first: of two skills with one name
// the first is loaded. Bundled skills are listed only when one of them is
// hidden, because there are half a hundred and nobody installed them.
func (d *discovery) skills(c *candidate) []Skill {
	var all []Skill
	bundled := map[string]bool{}
	if c.PackageDir != "" {
		for _, name := range d.skillNames(c, path.Join(c.PackageDir, "skills")) {
			bundled[name] = true
		}
	}
	for _, root := range d.skillRoots(c) {
		for _, dir := range d.skillDirs(c, root.dir) {
			if len(all) == maxSkills {
				c.note("more than %d skills; the rest was not listed", maxSkills)
				return all
			}
			s := d.skill(c, root, dir)
			s.Shadows = bundled[s.Name] && root.name != "extra"
			all = append(all, s)
		}
	}
	return all
}

func (d *discovery) skillRoots(c *candidate) []skillRoot {
	var roots []skillRoot
	for _, w := range c.Workspaces {
		roots = append(roots, skillRoot{"workspace", path.Join(w, "skills")})
	}
	for _, w := range c.Workspaces {
		roots = append(roots, skillRoot{"agents", path.Join(w, ".agents/skills")})
	}
	// Skills of the home count for the default state directory alone.
	if c.home != "" && path.Base(c.StateDir) == stateDirName {
		if dir := d.quietHostPath(c, path.Join(c.home, ".agents/skills")); dir != "" {
			roots = append(roots, skillRoot{"agents", dir})
		}
	}
	roots = append(roots, skillRoot{"managed", path.Join(c.StateDir, "skills")})
	if agents, err := d.h.ReadDir(d.ctx, path.Join(c.StateDir, "agents")); err == nil {
		for _, a := range agents {
			roots = append(roots, skillRoot{"managed", path.Join(a.Path, "agent/workshop-skills")})
		}
	}
	extra, _ := c.Config.Strings("skills.load.extraDirs")
	for _, dir := range extra {
		if dir = d.hostPath(c, dir); dir != "" {
			roots = append(roots, skillRoot{"extra", dir})
		}
	}
	return roots
}

// quietHostPath is hostPath for a place that need not exist.
func (d *discovery) quietHostPath(c *candidate, p string) string {
	if c.Container != "" {
		return outside(c.mounts, p)
	}
	return p
}

func (d *discovery) skillNames(c *candidate, root string) []string {
	var names []string
	list, err := d.h.ReadDir(d.ctx, root)
	if err != nil {
		return nil
	}
	for _, e := range list {
		if e.Mode.IsDir() {
			names = append(names, path.Base(e.Path))
		}
	}
	return names
}

// skillDirs finds the directories with a SKILL.md below a root. Traversal
// ends at a skill.
func (d *discovery) skillDirs(c *candidate, root string) []string {
	type dir struct {
		path  string
		depth int
	}
	var found []string
	queue, entries := []dir{{root, 0}}, 0
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		list, err := d.h.ReadDir(d.ctx, at.path)
		if err != nil {
			if !errors.Is(err, host.ErrAbsent) {
				c.note("%s: %v", at.path, err)
			}
			continue
		}
		if has(list, "SKILL.md") {
			found = append(found, at.path)
			continue
		}
		for _, e := range list {
			if entries++; entries > maxWalkEntries {
				c.note("%s holds more than %d entries; not all skills were listed", root, maxWalkEntries)
				return found
			}
			base := path.Base(e.Path)
			if (e.Mode.IsDir() || e.Target != "") && at.depth < maxSkillDepth && base != "node_modules" && base != ".git" {
				queue = append(queue, dir{e.Path, at.depth + 1})
			}
		}
	}
	return found
}

func has(list []host.FileInfo, name string) bool {
	for _, e := range list {
		if path.Base(e.Path) == name {
			return true
		}
	}
	return false
}

func (d *discovery) skill(c *candidate, root skillRoot, dir string) Skill {
	s := Skill{Name: path.Base(dir), Path: dir, Root: root.name}
	if text, err := d.h.ReadFile(d.ctx, path.Join(dir, "SKILL.md")); err == nil {
		if name := frontmatterName(text); name != "" {
			s.Name = name
		}
	} else {
		c.note("%s: %v", path.Join(dir, "SKILL.md"), err)
	}
	if info, err := d.h.Stat(d.ctx, dir); err == nil {
		s.Writable = info.Mode.Perm()&0o022 != 0
	}
	d.walk(c, dir, 4, func(rel string, info host.FileInfo) {
		if s.Files++; s.Files > maxSkillFiles {
			return
		}
		if info.Mode.IsRegular() && info.Mode.Perm()&0o022 != 0 {
			s.Writable = true
		}
		if info.ModTime.After(s.Modified) {
			s.Modified = info.ModTime
		}
		if d.findings != nil && info.Mode.IsRegular() && info.Size <= maxSkillText {
			if text, err := d.h.ReadFile(d.ctx, info.Path); err == nil && bytes.IndexByte(text, 0) < 0 {
				s.Findings = append(s.Findings, d.findings(rel, string(text))...)
			}
		}
	})
	s.Source, s.Pinned = d.provenance(root.dir, dir)
	return s
}

// nameLine is the name in SKILL.md's YAML frontmatter. OpenClaw takes the name
// of the directory when there is none.
var nameLine = lazyregexp.New(`(?m)^name:[ \t]*["']?([^"'\r\n#]+?)["']?[ \t]*(?:#.*)?\r?$`)

func frontmatterName(text []byte) string {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	rest, ok := bytes.CutPrefix(text, []byte("---"))
	if !ok {
		return ""
	}
	if head, _, ok := bytes.Cut(rest, []byte("\n---")); ok {
		if m := nameLine.FindSubmatch(head); m != nil {
			return strings.TrimSpace(string(m[1]))
		}
	}
	return ""
}

// provenance reads where a skill came from: .clawhub/origin.json in a skill
// from ClawHub, .openclaw/source-origin.json in one from git or a directory,
// else .clawhub/lock.json beside the root.
func (d *discovery) provenance(root, dir string) (source, pinned string) {
	if m := d.readJSON(path.Join(dir, ".clawhub/origin.json")); m != nil {
		return "clawhub", stringIn(m, "installedVersion", "version", "digest")
	}
	if m := d.readJSON(path.Join(dir, ".openclaw/source-origin.json")); m != nil {
		source = stringIn(m, "kind", "type", "source")
		pinned = stringIn(m, "commit", "resolvedCommit", "revision", "version", "ref")
		switch {
		case strings.Contains(source, "git"):
			source = "git"
		case strings.Contains(source, "clawhub"):
			source = "clawhub"
		default:
			source = "local"
		}
		return source, pinned
	}
	lock := d.readJSON(path.Join(path.Dir(root), ".clawhub/lock.json"))
	if skills, ok := lock["skills"].(map[string]any); ok {
		if entry, ok := skills[path.Base(dir)].(map[string]any); ok {
			return "clawhub", stringIn(entry, "version", "digest")
		}
	}
	return "", ""
}

func (d *discovery) readJSON(file string) map[string]any {
	data, err := d.h.ReadFile(d.ctx, file)
	if err != nil {
		return nil
	}
	var m map[string]any
	if json.Unmarshal(data, &m) != nil {
		return nil
	}
	return m
}

// stringIn returns the first of some keys that holds a string, also one level
// down.
func stringIn(m map[string]any, keys ...string) string {
	for _, k := range keys {
		if s, ok := m[k].(string); ok && s != "" {
			return s
		}
	}
	for _, below := range sortedKeys(m) {
		if inner, ok := m[below].(map[string]any); ok {
			for _, k := range keys {
				if s, ok := inner[k].(string); ok && s != "" {
					return s
				}
			}
		}
	}
	return ""
}
