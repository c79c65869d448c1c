package change

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Event is something that happened while a plan was applied or taken back.
type Event struct {
	N, Of int    // which step, of how many; 0 for none
	Step  *Step  // nil for none
	Said  string // "done", "failed: …", "skipped: …", "kept: …"
	Err   error
}

// Work is what applying and taking back need to know.
type Work struct {
	Machine
	Runs    *Runs
	Watch   Watch
	By      string // who applies
	Version string
	// Confirm is how long a change of risk Lockout stands unconfirmed; 0 says that
	// nobody has to confirm (first boot).
	Confirm time.Duration
	Tell    func(Event)
	// Validate asks OpenClaw whether it takes a config, after that was changed.
	// exec.ErrNotFound says that it cannot be asked.
	Validate func(ctx context.Context, config string) error
}

// boundary is called at every step boundary; a test that kills the process
// replaces it.
var boundary = func(string) {}

// Still makes sure that the machine is the one that a plan was made for.
func (p *Plan) Still(ctx context.Context, m Machine) error {
	for _, s := range p.Steps {
		now, err := kinds[s.Kind].read(ctx, m, s.Target)
		if err != nil {
			return err
		}
		if !now.same(s.Before) && s.Kind != KindRuleset {
			return fmt.Errorf("%s was changed since this plan was made: nothing was done, run the command again", s.Target)
		}
	}
	return nil
}

// Apply does what a plan says. A step that fails is told, and what hangs on it is
// skipped; the rest is done. What could lock out comes last and is taken back
// whole when a part of it fails. The error is about the run as a whole.
func (w *Work) Apply(ctx context.Context, p *Plan) (*Run, error) {
	release, err := w.Runs.Lock()
	if err != nil {
		return nil, err
	}
	defer release()
	if err := p.Still(ctx, w.Machine); err != nil {
		return nil, err
	}
	boundary("before the journal")
	run, err := w.Runs.Begin(p, w.By, w.Version)
	if err != nil {
		return nil, fmt.Errorf("nothing was done, since the journal could not be written: %w", err)
	}
	boundary("after the journal")
	broken := map[string]bool{} // controls of which a step failed
	for i, s := range p.Steps {
		if s.Risk == Lockout {
			break
		}
		if err := ctx.Err(); err != nil {
			return run, err
		}
		_ = w.one(ctx, run, i, broken) // it is told, and in the journal
		if err := w.validate(ctx, run, i, broken); err != nil {
			return run, err
		}
	}
	if err := w.lockout(ctx, run, broken); err != nil {
		return run, err
	}
	if run.Status == Applying {
		run.Status = Applied
	}
	return run, run.save()
}

// one does one step, and tells. A step whose controls all failed in a step before
// it is skipped.
func (w *Work) one(ctx context.Context, run *Run, i int, broken map[string]bool) error {
	s := run.Plan.Steps[i]
	if id := firstOf(s.Controls, broken); id != "" {
		w.tell(run, i, "skipped, since a step before it failed", nil)
		run.Steps[i].Failed = "skipped: a step of " + id + " failed before it"
		return nil
	}
	err := w.do(ctx, run, i)
	if err == nil {
		w.tell(run, i, "done", nil)
		return nil
	}
	for _, id := range s.Controls {
		broken[id] = true
	}
	w.tell(run, i, "failed", err)
	run.Steps[i].Failed = err.Error()
	return err
}

// validate asks OpenClaw about a config once its last file is written. One that it
// would not take goes back as it was.
func (w *Work) validate(ctx context.Context, run *Run, i int, broken map[string]bool) error {
	s := run.Plan.Steps[i]
	mine := func(o *Step) bool { return o.Kind == KindFile && o.Config == s.Config }
	if w.Validate == nil || s.Config == "" || slices.ContainsFunc(run.Plan.Steps[i+1:], mine) {
		return nil
	}
	err := w.Validate(ctx, s.Config)
	if err == nil || errors.Is(err, exec.ErrNotFound) || ctx.Err() != nil {
		return ctx.Err()
	}
	w.tell(run, i, "OpenClaw does not take it, so its config goes back", err)
	for j, o := range run.Plan.Steps {
		if mine(o) {
			run.Steps[j].Failed = "OpenClaw does not take it: " + err.Error()
			for _, id := range o.Controls {
				broken[id] = true
			}
		}
	}
	return w.undo(ctx, run, mine, false)
}

// firstOf is the control of a step all of whose controls are broken.
func firstOf(ids []string, broken map[string]bool) string {
	for _, id := range ids {
		if !broken[id] {
			return ""
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}

// do does one step, with the journal on the disk before it.
func (w *Work) do(ctx context.Context, run *Run, i int) error {
	s, p := run.Plan.Steps[i], &run.Steps[i]
	now, err := kinds[s.Kind].read(ctx, w.Machine, s.Target)
	if err != nil {
		return err
	}
	if s.After.Folder && now.Folder && !s.Before.There {
		p.Done = true // a package made it
		return run.save()
	}
	if !now.same(s.Before) && s.Kind != KindRuleset && s.Kind != KindUnit && s.Kind != KindPackage {
		return fmt.Errorf("%s was changed a moment ago by somebody else: it was left as it is", s.Target)
	}
	if s.Kind == KindPackage {
		if p.Installed, err = installed(ctx, w.Machine); err != nil {
			return err
		}
	}
	p.Begun = true
	if err := run.save(); err != nil {
		p.Begun = false
		return fmt.Errorf("the journal could not be written, so it was not done: %w", err)
	}
	boundary("begun " + s.Target)
	if s.Kind == KindUnit {
		if err := w.reloadUnits(ctx, run); err != nil {
			return err
		}
	}
	if err := kinds[s.Kind].write(ctx, w.Machine, s.Target, now, s.After); err != nil {
		return err
	}
	for _, v := range s.Do {
		if err := again(ctx, w.Machine, s.Target, v); err != nil {
			return err
		}
	}
	boundary("did " + s.Target)
	p.Done = true
	err = run.save()
	boundary("done " + s.Target)
	return err
}

// unitFile reports whether systemd has to read its units again for a step.
func (s *Step) unitFile() bool {
	return s.Kind == KindFile && (strings.HasPrefix(s.Target, "/etc/systemd/") || strings.HasPrefix(s.Target, "/usr/lib/systemd/") || strings.HasPrefix(s.Target, "/lib/systemd/"))
}

// reloadUnits has systemd read its units, where the run changed one.
func (w *Work) reloadUnits(ctx context.Context, run *Run) error {
	if !slices.ContainsFunc(run.Plan.Steps, (*Step).unitFile) {
		return nil
	}
	_, err := w.Run(ctx, nil, "systemctl", "daemon-reload")
	return err
}

// lockout does the part that could keep the operator out. The watch that takes it
// back stands before the first step, and the part is whole or not at all.
func (w *Work) lockout(ctx context.Context, run *Run, broken map[string]bool) error {
	if !slices.ContainsFunc(run.Plan.Steps, func(s *Step) bool { return s.Risk == Lockout && firstOf(s.Controls, broken) == "" }) {
		for i, s := range run.Plan.Steps {
			if s.Risk == Lockout {
				_ = w.one(ctx, run, i, broken) // which skips it
			}
		}
		return nil
	}
	if w.Confirm > 0 {
		run.Status, run.Deadline = Waiting, time.Now().Add(w.Confirm).UTC()
		run.Boot, run.Since = w.boot(), uptime()
		run.Connected = connections()
		if err := run.save(); err != nil {
			return fmt.Errorf("what could lock you out was not begun, since the journal could not be written: %w", err)
		}
		boundary("before the watch")
		if err := w.Watch.Arm(ctx, run.N, w.Confirm); err != nil {
			return fmt.Errorf("what could lock you out was not begun, since nothing would take it back by itself: %w", err)
		}
		boundary("the watch stands")
	}
	for i, s := range run.Plan.Steps {
		if s.Risk != Lockout {
			continue
		}
		err := ctx.Err()
		if err == nil {
			err = w.one(ctx, run, i, broken)
		}
		if err == nil {
			continue
		}
		ctx := context.WithoutCancel(ctx)
		if back := w.revert(ctx, run); back != nil {
			return errors.Join(fmt.Errorf("%s: %w", s.Title(), err), back)
		}
		return fmt.Errorf("%s: %w: all that could lock you out was taken back; the rest stands", s.Title(), err)
	}
	return nil
}

func (w *Work) tell(run *Run, i int, said string, err error) {
	if w.Tell != nil {
		w.Tell(Event{i + 1, len(run.Plan.Steps), run.Plan.Steps[i], said, err})
	}
}
