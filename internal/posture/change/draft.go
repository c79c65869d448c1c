package change

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Wish is what one control asks for. It is in the plan whole, or not at all.
type Wish struct {
	Control string
	Changes []Change
}

// Make resolves wishes against a machine and against each other. A wish that
// cannot be resolved, or contradicts one before it, is refused with its reason,
// and the rest goes on.
func Make(ctx context.Context, m Machine, wishes []Wish) *Plan {
	d := &draft{ctx: ctx, m: m, steps: map[key]*Step{}}
	p := &Plan{Steps: []*Step{}, Refused: []Refused{}, Notes: []string{}}
	for _, w := range wishes {
		next := d.clone()
		if err := next.add(w); err != nil {
			p.Refused = append(p.Refused, Refused{w.Control, err.Error()})
			continue
		}
		d = next
	}
	for _, s := range d.order {
		if s.changes() {
			s.Diff = s.diff()
			p.Steps = append(p.Steps, s)
		}
	}
	p.Notes = append(p.Notes, d.notes...)
	p.sort()
	return p
}

// changes reports whether the step does anything.
func (s *Step) changes() bool {
	return !s.Before.same(s.After) || len(s.Do) > 0 || s.Kind == KindRuleset
}

type key struct {
	kind   Kind
	target string
}

// draft is a plan in the making: the machine as it would be after the wishes so
// far.
type draft struct {
	ctx   context.Context
	m     Machine
	steps map[key]*Step
	order []*Step
	notes []string
}

// clone is a draft that can be given up.
func (d *draft) clone() *draft {
	c := &draft{ctx: d.ctx, m: d.m, steps: make(map[key]*Step, len(d.steps)), notes: slices.Clip(d.notes)}
	for _, s := range d.order {
		n := *s
		n.What, n.Controls, n.Close, n.Replaces, n.Do = slices.Clip(s.What), slices.Clip(s.Controls), slices.Clip(s.Close), slices.Clip(s.Replaces), slices.Clip(s.Do)
		n.values = maps.Clone(s.values)
		c.steps[key{s.Kind, s.Target}] = &n
		c.order = append(c.order, &n)
	}
	return c
}

func (d *draft) add(w Wish) error {
	for _, c := range w.Changes {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if c.Edit == nil {
			return errors.New("the change has no edit; please report it")
		}
		if !slices.Contains(c.Controls, w.Control) {
			c.Controls = append(slices.Clip(c.Controls), w.Control)
		}
		if err := c.Edit.wish(d, c); err != nil {
			return err
		}
	}
	return nil
}

// step returns the step of a thing, which is read from the machine when it is
// named first.
func (d *draft) step(kind Kind, target string) (*Step, error) {
	k := key{kind, target}
	if s, ok := d.steps[k]; ok {
		return s, nil
	}
	was, err := kinds[kind].read(d.ctx, d.m, target)
	if err != nil {
		return nil, err
	}
	s := &Step{Kind: kind, Target: target, Before: was, After: was, What: []string{}, Controls: []string{}}
	d.steps[k] = s
	d.order = append(d.order, s)
	return s, nil
}

// enter notes on a step what a change does by it.
func (s *Step) enter(c Change) {
	if !slices.Contains(s.What, c.What) {
		s.What = append(s.What, c.What)
	}
	for _, id := range c.Controls {
		if !slices.Contains(s.Controls, id) {
			s.Controls = append(s.Controls, id)
		}
	}
	for _, p := range c.Close {
		if !slices.Contains(s.Close, p) {
			s.Close = append(s.Close, p)
		}
	}
	s.Risk = max(s.Risk, c.Risk)
}

// claim notes that a change wants a value for a part of the step, and refuses a
// second one that wants another.
func (s *Step) claim(part, value string) error {
	if s.values == nil {
		s.values = map[string]string{}
	}
	if was, ok := s.values[part]; ok && was != value {
		return fmt.Errorf("another fix in this plan sets %s in %s to %q, this one to %q", part, s.Target, was, value)
	}
	s.values[part] = value
	return nil
}

// own reports whether a file is Seawall's by its name.
func own(name string) bool { return strings.Contains(path.Base(name), "seawall") }

// file returns the step of a file with the folder it stands in.
func (d *draft) file(name string, c Change) (*Step, error) {
	if !path.IsAbs(name) || path.Clean(name) != name {
		return nil, fmt.Errorf("%q is no whole path; please report it", name)
	}
	s, err := d.step(KindFile, name)
	if err != nil {
		return nil, err
	}
	if !s.Before.There && !s.After.There {
		if err := d.folders(path.Dir(name), c); err != nil {
			return nil, err
		}
		d.last(s)
	}
	return s, nil
}

// last moves a step behind those that it needs.
func (d *draft) last(s *Step) {
	d.order = append(slices.DeleteFunc(d.order, func(o *Step) bool { return o == s }), s)
}

// folders makes sure that a folder will be there.
func (d *draft) folders(name string, c Change) error {
	if name == "/" {
		return nil
	}
	s, err := d.step(KindFile, name)
	if err != nil || s.After.There {
		return err
	}
	if err := d.folders(path.Dir(name), c); err != nil {
		return err
	}
	d.last(s)
	s.After = State{There: true, Folder: true, Mode: 0o755}
	s.After.UID, s.After.GID = d.m.owner()
	c.What = "make the folder " + name
	s.enter(c)
	return nil
}

// content sets what a file will hold. A new one is root's, 0644.
func (d *draft) content(s *Step, text []byte, c Change) {
	if s.After.There && string(s.After.Content) == string(text) {
		if !s.After.same(s.Before) {
			s.enter(c) // a wish before it was the same
		}
		return
	}
	if !s.After.There {
		s.After = State{There: true, Mode: 0o644}
		s.After.UID, s.After.GID = d.m.owner()
	}
	s.After.Content, s.After.ModTime = text, time.Time{}
	s.After.sum()
	s.enter(c)
}

func (e File) wish(d *draft, c Change) error {
	s, err := d.file(e.Path, c)
	if err != nil {
		return err
	}
	if !own(e.Path) && s.Before.There && string(s.Before.Content) != e.Content {
		return fmt.Errorf("%s is there already, and is not Seawall's: it is not overwritten", e.Path)
	}
	if err := s.claim("all", e.Content); err != nil {
		return fmt.Errorf("two fixes in this plan write %s, each with another content", e.Path)
	}
	d.content(s, []byte(e.Content), c)
	mode := e.Mode
	if mode == 0 {
		mode = 0o644
	}
	owner := e.Owner
	if owner == nil {
		owner = &Owner{}
		owner.UID, owner.GID = d.m.owner()
	}
	return Perm{Path: e.Path, Mode: mode, Owner: owner}.set(s, c)
}

func (e Perm) wish(d *draft, c Change) error {
	kind := KindPerm
	if _, ok := d.steps[key{KindFile, e.Path}]; ok {
		kind = KindFile // the plan makes or edits it
	}
	s, err := d.step(kind, e.Path)
	if err != nil {
		return err
	}
	if !s.After.There {
		return fmt.Errorf("%s is not there", e.Path)
	}
	return e.set(s, c)
}

func (e Perm) set(s *Step, c Change) error {
	was := s.After
	if e.Mode != 0 {
		if err := s.claim("mode", e.Mode.String()); err != nil {
			return err
		}
		s.After.Mode = e.Mode & modeBits
	}
	if e.Owner != nil {
		if err := s.claim("owner", fmt.Sprint(*e.Owner)); err != nil {
			return err
		}
		s.After.UID, s.After.GID = e.Owner.UID, e.Owner.GID
	}
	if !s.After.same(was) {
		s.enter(c)
	}
	return nil
}

func (e Remove) wish(d *draft, c Change) error {
	s, err := d.step(KindFile, e.Path)
	if err != nil || !s.After.There {
		return err
	}
	if err := s.claim("all", "removed"); err != nil {
		return err
	}
	s.After = State{}
	s.enter(c)
	return nil
}

func (e Text) wish(d *draft, c Change) error {
	s, err := d.file(e.Path, c)
	if err != nil {
		return err
	}
	if !s.After.There {
		return fmt.Errorf("%s is not there", e.Path)
	}
	switch text := string(s.After.Content); strings.Count(text, e.Old) {
	case 1:
		d.content(s, []byte(strings.Replace(text, e.Old, e.New, 1)), c)
		return nil
	case 0:
		return fmt.Errorf("%s does not hold the lines that this would replace", e.Path)
	}
	return fmt.Errorf("%s holds the lines that this would replace more than once", e.Path)
}

func (e Package) wish(d *draft, c Change) error {
	names := slices.Sorted(slices.Values(e.Names))
	s, err := d.step(KindPackage, strings.Join(names, " "))
	if err != nil {
		return err
	}
	if s.After.Names = names; !s.Before.same(s.After) {
		s.After.There = true
		s.enter(c)
	}
	return nil
}

func (e Sysctl) wish(d *draft, c Change) error {
	boot := Set{Path: "/etc/sysctl.d/99-seawall.conf", Syntax: Equals, Key: e.Key, Value: e.Value}
	if err := boot.wish(d, c); err != nil {
		return err
	}
	s, err := d.step(KindSysctl, e.Key)
	if err != nil {
		return err
	}
	if !s.Before.There {
		return fmt.Errorf("this kernel has no %s", e.Key)
	}
	if err := s.claim("the value", e.Value); err != nil {
		return err
	}
	s.After.Content = []byte(e.Value)
	s.After.sum()
	if !s.After.same(s.Before) {
		s.enter(c)
	}
	return nil
}

func (e Unit) wish(d *draft, c Change) error {
	if !d.m.systemd() {
		d.note("systemd does not run here: %s %s by whatever starts programs on this machine", joinVerbs(e.Do), e.Name)
		return nil
	}
	s, err := d.step(KindUnit, e.Name)
	if err != nil {
		return err
	}
	for _, v := range e.Do {
		if err := s.verb(v, c); err != nil {
			return err
		}
	}
	return nil
}

// verb enters one verb into the step of a unit.
func (s *Step) verb(v Verb, c Change) error {
	was := s.After
	switch v {
	case Unmask:
		if s.After.Enabled == "masked" {
			s.After.Enabled = "disabled"
		}
	case Enable, Disable, Mask:
		if err := s.claim("the start with the machine", string(v)); err != nil {
			return err
		}
		s.After.Enabled = map[Verb]string{Enable: "enabled", Disable: "disabled", Mask: "masked"}[v]
		if v == Disable && s.Before.Enabled == "" || v == Enable && s.Before.Enabled == "static" {
			s.After.Enabled = was.Enabled
		}
	case Start, Stop:
		s.After.Active = map[Verb]string{Start: "active", Stop: "inactive"}[v]
	case Reload, RestartIt:
		if s.Do = append(s.Do, v); slices.Contains(s.Do, RestartIt) {
			s.Do = []Verb{RestartIt}
		}
		s.Do = slices.Compact(s.Do)
	default:
		return fmt.Errorf("%q is nothing to do with a unit; please report it", v)
	}
	if !was.same(s.After) || v == Reload || v == RestartIt {
		s.enter(c)
	}
	return nil
}

func joinVerbs(do []Verb) string {
	var words []string
	for _, v := range do {
		words = append(words, string(v))
	}
	return strings.Join(words, " and ")
}

func (d *draft) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(d.notes, n) {
		d.notes = append(d.notes, n)
	}
}

func (e Ruleset) wish(d *draft, c Change) error {
	file, err := d.file(e.Path, c)
	if err != nil {
		return err
	}
	if err := file.claim("all", e.Text); err != nil {
		return fmt.Errorf("two fixes in this plan write %s, each with another content", e.Path)
	}
	d.content(file, []byte(e.Text), c)
	tables := tablesOf(e.Text)
	if len(tables) == 0 {
		return fmt.Errorf("the ruleset for %s names no table; please report it", e.Path)
	}
	s, err := d.step(KindRuleset, strings.Join(tables, ", "))
	if err != nil {
		return err
	}
	s.After = State{There: true, Content: []byte(e.Text)}
	s.After.sum()
	s.enter(c)
	return nil
}

func (e Account) wish(d *draft, c Change) error {
	if !e.Lock {
		return errors.New("no account is unlocked by a plan; please report it")
	}
	s, err := d.step(KindFile, "/etc/shadow")
	if err != nil {
		return err
	}
	text, found := lockPassword(string(s.After.Content), e.Name)
	if !found {
		return fmt.Errorf("/etc/shadow has no account %q", e.Name)
	}
	d.content(s, []byte(text), c)
	return nil
}

// lockPassword puts a "!" before the password of an account, as passwd -l does
// (shadow(5)).
func lockPassword(shadow, name string) (string, bool) {
	var out strings.Builder
	found := false
	for line := range strings.Lines(shadow) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			found = true
			if !strings.HasPrefix(rest, "!") && !strings.HasPrefix(rest, "*") {
				line = name + ":!" + rest
			}
		}
		out.WriteString(line)
	}
	return out.String(), found
}
