package change

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// Runs are all that was ever applied to this machine, one folder a run: the plan
// with the exact bytes of before and after, and how far it came.
type Runs struct{ dir *state.Dir }

// Folder is the name of the runs' folder among the journals.
const Folder = "harden"

// OpenRuns opens the runs of a state directory; make makes the folder. Without it
// and without runs the error is fs.ErrNotExist.
func OpenRuns(dir *state.Dir, make bool) (*Runs, error) {
	in, err := dir.JournalFolder(Folder, make)
	if err != nil {
		return nil, fmt.Errorf("opening the journal of harden: %w", err)
	}
	return &Runs{in}, nil
}

// Close releases the folder.
func (r *Runs) Close() error { return r.dir.Close() }

// Lock takes the journal for one process that applies, confirms or takes back.
func (r *Runs) Lock() (release func(), err error) {
	release, err = r.dir.Lock()
	if err != nil {
		return nil, fmt.Errorf("another `seawall harden` is at work on this machine: wait for it, then run this again (%w)", err)
	}
	return release, nil
}

// Status is how far a run came.
type Status string

const (
	Applying   Status = "applying"    // or it was interrupted there
	Waiting    Status = "waiting"     // for a confirmation, until Deadline
	Applied    Status = "applied"     // and confirmed, where that was needed
	Reverting  Status = "reverting"   // its lockout part is being taken back
	Reverted   Status = "reverted"    // its lockout part was taken back, the rest stands
	TakingBack Status = "taking-back" // a rollback began and did not end
	TakenBack  Status = "taken-back"
)

// Run is one application of a plan.
type Run struct {
	N    int
	Plan *Plan
	Progress
	dir *state.Dir
}

// Progress is what of a run is on the disk before each step.
type Progress struct {
	Status  Status    `json:"status"`
	Time    time.Time `json:"time"`
	By      string    `json:"by"` // who applied it
	Seawall string    `json:"seawall"`
	// Deadline is when the lockout part is taken back, unless confirmed before.
	Deadline time.Time `json:"deadline,omitzero"`
	// Boot names the boot of the machine, Since the seconds since then, when the
	// lockout part began. Connected are the connections to sshd of then: a
	// confirmation comes over none of them.
	Boot      string         `json:"boot,omitempty"`
	Since     float64        `json:"since,omitempty"`
	Connected []string       `json:"connected,omitempty"`
	Steps     []StepProgress `json:"steps"`
}

// StepProgress is how far one step came.
type StepProgress struct {
	Begun  bool   `json:"begun,omitempty"`
	Done   bool   `json:"done,omitempty"`
	Undone bool   `json:"undone,omitempty"`
	Failed string `json:"failed,omitempty"`
	// Installed are the packages that were there before, for a step that installs.
	Installed []string `json:"installed,omitempty"`
	// Kept is what of the step was not taken back, since somebody changed it later.
	Kept string `json:"kept,omitempty"`
}

const (
	planFile     = "plan.json"
	progressFile = "progress.json"
)

// Begin enters a run into the journal, before anything is touched.
func (r *Runs) Begin(p *Plan, by, version string) (*Run, error) {
	numbers, err := r.numbers()
	if err != nil {
		return nil, err
	}
	n := 1
	if len(numbers) > 0 {
		n = numbers[len(numbers)-1] + 1
	}
	dir, err := r.dir.Folder(folderName(n))
	if err != nil {
		return nil, err
	}
	run := &Run{N: n, Plan: p, dir: dir, Progress: Progress{Status: Applying, Time: time.Now().UTC(), By: by, Seawall: version, Steps: make([]StepProgress, len(p.Steps))}}
	for _, s := range p.Steps {
		for _, state := range []State{s.Before, s.After} {
			if state.SHA256 == "" {
				continue
			}
			if err := dir.Write(blob(state), state.Content); err != nil {
				return nil, err
			}
		}
	}
	content, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return nil, fmt.Errorf("writing the journal: %w", err)
	}
	if err := dir.Write(planFile, content); err != nil {
		return nil, err
	}
	return run, run.save()
}

func folderName(n int) string { return fmt.Sprintf("%04d", n) }

func blob(s State) string { return "content-" + s.SHA256 }

// save puts the progress onto the disk.
func (r *Run) save() error {
	content, err := json.MarshalIndent(r.Progress, "", " ")
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return r.dir.Write(progressFile, content)
}

func (r *Runs) numbers() ([]int, error) {
	names, err := r.dir.Names()
	if err != nil {
		return nil, err
	}
	var all []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all, nil
}

// All returns the runs in order. One whose journal never came onto the disk
// touched nothing, and is left out.
func (r *Runs) All() ([]*Run, error) {
	numbers, err := r.numbers()
	if err != nil {
		return nil, err
	}
	var all []*Run
	for _, n := range numbers {
		run, err := r.Load(n)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, run)
	}
	return all, nil
}

// Load reads one run.
func (r *Runs) Load(n int) (*Run, error) {
	dir, err := r.dir.Subfolder(folderName(n))
	if err != nil {
		return nil, fmt.Errorf("reading run %d: %w", n, err)
	}
	run := &Run{N: n, Plan: &Plan{}, dir: dir}
	for name, v := range map[string]any{planFile: run.Plan, progressFile: &run.Progress} {
		found, err := dir.Load(name, v, "look into it, and put back by hand what it says")
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("run %d was interrupted before it began: %w", n, fs.ErrNotExist)
		}
	}
	if len(run.Steps) != len(run.Plan.Steps) {
		return nil, fmt.Errorf("%s is damaged: it does not fit the plan beside it", dir.Path(progressFile))
	}
	for _, s := range run.Plan.Steps {
		for _, state := range []*State{&s.Before, &s.After} {
			if state.SHA256 == "" {
				continue
			}
			sha := state.SHA256
			if state.Content, err = dir.Read(blob(*state)); err != nil {
				return nil, err
			}
			if state.sum(); state.SHA256 != sha {
				return nil, fmt.Errorf("%s is damaged: it does not hold what its name says", dir.Path("content-"+sha))
			}
		}
	}
	return run, nil
}

// Standing reports whether something of the run still stands on the machine.
func (r *Run) Standing() bool {
	return slices.ContainsFunc(r.Steps, func(s StepProgress) bool { return s.Begun && !s.Undone })
}

// Open reports whether a run began and neither ended nor was taken back.
func (r *Run) Open() bool {
	return r.Status == Applying || r.Status == Waiting || r.Status == Reverting || r.Status == TakingBack
}

// Counts are how many steps were done, and of how many.
func (r *Run) Counts() (done, all int) {
	for _, s := range r.Steps {
		if s.Done && !s.Undone {
			done++
		}
	}
	return done, len(r.Steps)
}
