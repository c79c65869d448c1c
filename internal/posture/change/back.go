package change

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Revert takes the lockout part of a run back whose time is over, or whose
// confirmation cannot come any more. It does nothing with a run that does not
// wait.
func (w *Work) Revert(ctx context.Context, n int) (*Run, error) {
	release, err := w.Runs.Lock()
	if err != nil {
		return nil, err
	}
	defer release()
	run, err := w.Runs.Load(n)
	if err != nil || run.Status != Waiting && run.Status != Reverting {
		return run, err
	}
	return run, w.revert(ctx, run)
}

func (w *Work) revert(ctx context.Context, run *Run) error {
	run.Status = Reverting
	if err := run.save(); err != nil {
		return err
	}
	if err := w.undo(ctx, run, func(s *Step) bool { return s.Risk == Lockout }, false); err != nil {
		return err
	}
	run.Status = Reverted
	if err := run.save(); err != nil {
		return err
	}
	return w.Watch.Disarm(ctx, run.N)
}

// Rollback takes a run back. purge removes the packages that it installed, too.
func (w *Work) Rollback(ctx context.Context, n int, purge bool) (*Run, error) {
	release, err := w.Runs.Lock()
	if err != nil {
		return nil, err
	}
	defer release()
	run, err := w.Runs.Load(n)
	if err != nil {
		return nil, err
	}
	run.Status = TakingBack
	if err := run.save(); err != nil {
		return run, err
	}
	boundary("before taking back")
	if err := w.undo(ctx, run, func(*Step) bool { return true }, purge); err != nil {
		return run, err
	}
	run.Status = TakenBack
	if err := run.save(); err != nil {
		return run, err
	}
	return run, w.Watch.Disarm(ctx, run.N)
}

// undo takes steps back in three turns: units that have to stop before their
// files go; then files, parameters, rulesets, newest first; then units that have
// to start again, or to read their old files.
func (w *Work) undo(ctx context.Context, run *Run, which func(*Step) bool, purge bool) error {
	var failed []error
	turn := func(mine func(i int, s *Step) bool, back func(ctx context.Context, run *Run, i int) error) {
		for i, s := range slices.Backward(run.Plan.Steps) {
			if p := run.Steps[i]; !p.Begun || p.Undone || !which(s) || !mine(i, s) {
				continue
			}
			boundary("taking back " + s.Target)
			if err := back(ctx, run, i); err != nil {
				failed = append(failed, err)
				w.tell(run, i, "not taken back", err)
			}
		}
	}
	unit := func(_ int, s *Step) bool { return s.Kind == KindUnit }
	turn(unit, w.quiet)
	turn(func(_ int, s *Step) bool { return s.Kind != KindUnit && s.Kind != KindPackage }, w.back)
	if w.systemd() {
		if err := w.reloadUnits(ctx, run); err != nil {
			failed = append(failed, err)
		}
	}
	turn(unit, w.wake)
	turn(func(_ int, s *Step) bool { return s.Kind == KindPackage }, func(ctx context.Context, run *Run, i int) error {
		switch {
		case purge:
		case run.Steps[i].Failed != "":
			return w.undone(run, i, "")
		default:
			return w.undone(run, i, "the packages stay; --purge takes them away")
		}
		return w.purge(ctx, run, i)
	})
	if len(failed) > 0 {
		return fmt.Errorf("not all of run %d could be taken back; mend this, then run it again: %w", run.N, errors.Join(failed...))
	}
	return nil
}

// undone notes that a step was taken back, but for what is kept.
func (w *Work) undone(run *Run, i int, kept string) error {
	run.Steps[i].Undone, run.Steps[i].Kept = true, kept
	if err := run.save(); err != nil {
		run.Steps[i].Undone = false
		return err
	}
	said := "taken back"
	if kept != "" {
		said = "kept: " + kept
	}
	w.tell(run, i, said, nil)
	boundary("took back " + run.Plan.Steps[i].Target)
	return nil
}

// quiet stops and disables what the run started and enabled.
func (w *Work) quiet(ctx context.Context, run *Run, i int) error {
	s := run.Plan.Steps[i]
	now, err := readUnit(ctx, w.Machine, s.Target)
	if err != nil {
		return err
	}
	next := now
	if s.Before.Enabled != "enabled" && s.After.Enabled == "enabled" && now.Enabled == "enabled" {
		next.Enabled = "disabled"
	}
	if s.Before.Active != "active" && s.After.Active == "active" {
		next.Active = "inactive"
	}
	return writeUnit(ctx, w.Machine, s.Target, now, next)
}

// wake brings a unit to where it was, and has one that ran read its old files.
func (w *Work) wake(ctx context.Context, run *Run, i int) error {
	s := run.Plan.Steps[i]
	now, err := readUnit(ctx, w.Machine, s.Target)
	if err != nil {
		return err
	}
	if !now.There && !s.Before.There {
		return w.undone(run, i, "") // it went with its file
	}
	next := now
	if now.Enabled == s.After.Enabled {
		next.Enabled = s.Before.Enabled
	}
	if now.Active == s.After.Active {
		next.Active = s.Before.Active
	}
	if err := writeUnit(ctx, w.Machine, s.Target, now, next); err != nil {
		return err
	}
	for _, v := range s.Do {
		if err := again(ctx, w.Machine, s.Target, v); err != nil {
			return err
		}
	}
	return w.undone(run, i, "")
}

// purge takes away what the run's apt brought.
func (w *Work) purge(ctx context.Context, run *Run, i int) error {
	if _, err := w.Run(ctx, nil, "dpkg", "--configure", "-a"); err != nil {
		return err // apt was interrupted, and goes on from there
	}
	now, err := installed(ctx, w.Machine)
	if err != nil {
		return err
	}
	var added []string
	for _, name := range run.Plan.Steps[i].After.Names {
		if slices.Contains(now, name) && !slices.Contains(run.Steps[i].Installed, name) {
			added = append(added, name)
		}
	}
	along, err := orphans(ctx, w.Machine, added)
	if err != nil {
		return w.undone(run, i, err.Error())
	}
	for _, name := range along {
		if !slices.Contains(run.Steps[i].Installed, name) {
			added = append(added, name)
		}
	}
	if err := purge(ctx, w.Machine, added); err != nil {
		return w.undone(run, i, err.Error())
	}
	return w.undone(run, i, "")
}

// back takes one step back as far as nobody changed the thing since.
func (w *Work) back(ctx context.Context, run *Run, i int) error {
	s := run.Plan.Steps[i]
	now, err := kinds[s.Kind].read(ctx, w.Machine, s.Target)
	if err != nil {
		return err
	}
	if s.Kind == KindFile {
		w.sweep(s.Target)
	}
	next, kept := s.Before, ""
	switch {
	case s.Kind == KindRuleset:
	case now.same(s.Before):
		if err := w.retime(s, now); err != nil {
			return err
		}
		return w.undone(run, i, "")
	case s.After.Folder && !s.Before.There && now.Folder: // whatever mode it got by then
		if w.inhabited(s.Target) {
			return w.undone(run, i, "other things are in it")
		}
	case !now.same(s.After):
		if next, kept, err = w.threeWay(ctx, s, now); err != nil {
			return err
		}
	}
	if !next.same(now) || s.Kind == KindRuleset {
		if err := kinds[s.Kind].write(ctx, w.Machine, s.Target, now, next); err != nil {
			return err
		}
	}
	return w.undone(run, i, kept)
}

// retime gives a file that is as it was its time, too: taking it back may have been
// interrupted before that.
func (w *Work) retime(s *Step, now State) error {
	if s.Kind != KindFile || s.Before.Folder || !now.There || now.ModTime.Equal(s.Before.ModTime) {
		return nil
	}
	root, base, err := w.folder(s.Target)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Chtimes(base, time.Time{}, s.Before.ModTime)
}

// sweep removes what an interrupted write left beside a file.
func (w *Work) sweep(target string) {
	root, base, err := w.folder(target)
	if err != nil {
		return
	}
	defer root.Close()
	_ = root.Remove("." + base + ".seawall")
}

func (w *Work) inhabited(folder string) bool {
	entries, err := os.ReadDir(filepath.Join(w.Root, folder))
	return err == nil && len(entries) > 0
}

// threeWay takes a step's own edit out of what somebody changed since. What
// cannot be told apart stays as it is now, and kept says so.
func (w *Work) threeWay(ctx context.Context, s *Step, now State) (next State, kept string, err error) {
	if s.Kind == KindPerm {
		if !now.There {
			return now, "it was deleted since", nil
		}
		if next = s.permsBack(now); !next.same(s.Before) {
			kept = "its mode or owner was changed since"
		}
		return next, kept, nil
	}
	if s.Kind != KindFile {
		return now, fmt.Sprintf("it was set to %q since", now.Content), nil
	}
	next = s.permsBack(now)
	switch {
	case !now.There || now.Folder:
		return now, "it was deleted since", nil
	case bytes.Equal(now.Content, s.After.Content):
		next.Content = s.Before.Content
		if !s.Before.There {
			next = State{}
		}
		return next, "", nil
	case bytes.Equal(now.Content, s.Before.Content):
		return next, "", nil
	case !s.Before.There:
		return now, "it was changed since", nil
	case !s.After.There:
		return now, "it was made anew since", nil
	}
	merged, ok, err := w.merge(ctx, now.Content, s.After.Content, s.Before.Content)
	if err != nil {
		return now, "", err
	}
	if !ok {
		next.Content = now.Content
		return next, "the lines around were changed since; by hand: \n" + reverse(s), nil
	}
	next.Content, kept = merged, "what was changed since stays"
	return next, kept, nil
}

// permsBack takes back of mode and owner what is still as the step left it.
func (s *Step) permsBack(now State) State {
	next := now
	if now.Mode == s.After.Mode {
		next.Mode = s.Before.Mode
	}
	if now.UID == s.After.UID && now.GID == s.After.GID {
		next.UID, next.GID = s.Before.UID, s.Before.GID
	}
	return next
}

// reverse is the step's diff, the other way round.
func reverse(s *Step) string {
	r := *s
	r.Before, r.After = s.After, s.Before
	return r.diff()
}

// merge takes the way from old to next on now, by diff3, which is part of every
// Debian. ok is false where both changed the same lines.
func (w *Work) merge(ctx context.Context, now, old, next []byte) (merged []byte, ok bool, err error) {
	dir, err := os.MkdirTemp("", "seawall-merge-")
	if err != nil {
		return nil, false, err
	}
	defer os.RemoveAll(dir)
	names := []string{}
	for name, text := range map[string][]byte{"1-now": now, "2-old": old, "3-next": next} {
		file := path.Join(dir, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return nil, false, err
		}
		names = append(names, file)
	}
	slices.Sort(names)
	merged, err = w.Run(ctx, nil, "diff3", append([]string{"-m"}, names...)...)
	if err != nil {
		// Exit status 1 is a conflict; anything else, or no diff3, is none the wiser.
		return nil, false, nil
	}
	return merged, !strings.Contains(string(merged), "<<<<<<<"), nil
}
