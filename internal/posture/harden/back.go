package harden

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/openseawall/seawall/internal/posture/change"
)

// ToTakeBack returns the runs that a rollback takes back, newest first: that of
// the number, or the last one, and those after it that still stand.
func ToTakeBack(runs *change.Runs, args []string) ([]*change.Run, error) {
	all, err := runs.All()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r *change.Run) bool { return !r.Standing() && !r.Open() })
	slices.Reverse(all)
	if len(args) == 0 {
		return all[:min(1, len(all))], nil
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return nil, fmt.Errorf("%q is no number of a run", args[0])
	}
	i := slices.IndexFunc(all, func(r *change.Run) bool { return r.N == n })
	if i < 0 {
		return nil, fmt.Errorf("nothing of run %d stands on this machine", n)
	}
	return all[:i+1], nil
}

// ShowTakeBack says what a rollback would do.
func ShowTakeBack(w io.Writer, runs []*change.Run, purge bool) {
	if len(runs) == 0 {
		fmt.Fprintln(w, "Nothing that harden did stands on this machine.")
		return
	}
	for _, r := range runs {
		done, _ := r.Counts()
		fmt.Fprintf(w, "Run %d of %s by %s, %d steps:\n", r.N, r.Time.Local().Format("2 Jan 2006 15:04"), r.By, done)
		for i, s := range r.Plan.Steps {
			p := r.Steps[i]
			switch {
			case !p.Begun || p.Undone:
			case s.Kind == change.KindPackage && !purge:
				fmt.Fprintf(w, "  keep %s (--purge removes it)\n", s.Target)
			default:
				fmt.Fprintf(w, "  back: %s %s\n", s.Kind, s.Target)
			}
		}
	}
	if len(runs) > 1 {
		fmt.Fprintf(w, "Note: run %d was made before the others and they may build on it, so all of these go.\n", runs[len(runs)-1].N)
	}
}

// WhereItStands tells of runs that did not end.
func WhereItStands(w io.Writer, runs []*change.Run) {
	for _, r := range runs {
		done, of := r.Counts()
		switch r.Status {
		case change.Applying:
			fmt.Fprintf(w, "Run %d of %s was interrupted: %d of %d steps were done. What is missing is in the plan below; `seawall harden rollback %[1]d` brings back what stood before.\n\n", r.N, r.Time.Local().Format("2 Jan 15:04"), done, of)
		case change.Waiting:
			fmt.Fprintf(w, "Run %d waits for `seawall harden confirm` from a new connection, until %s; without it sshd and the firewall go back to what they were.\n\n", r.N, r.Deadline.Local().Format("15:04:05"))
		case change.Reverting, change.TakingBack:
			fmt.Fprintf(w, "Run %d was being taken back when that was interrupted: `seawall harden rollback %[1]d` ends it.\n\n", r.N)
		}
	}
}

// Revert is what the watch does: it waits, and takes back what nobody confirmed.
func Revert(ctx context.Context, w *change.Work, number string, after time.Duration) error {
	n, err := strconv.Atoi(number)
	if err != nil {
		return errors.New("revert takes the number of a run")
	}
	if after > 0 {
		select {
		case <-time.After(after):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	run, err := w.Revert(ctx, n)
	if err != nil {
		return err
	}
	if run.Status == change.Reverted {
		fmt.Printf("run %d was not confirmed: sshd and the firewall are as they were\n", n)
	}
	return nil
}
