package service

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/keep"
	"github.com/openseawall/seawall/internal/keep/notify"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/state"
)

const (
	// tells is how often it is looked whether there is something to tell.
	tells = 10 * time.Second
	// unready is how long OpenClaw may be away before somebody is told: a start
	// takes half a minute.
	unready = 90 * time.Second
	// So many starts within so long are a loop.
	loopStarts, loopTime = 4, 10 * time.Minute
	// fullDisk is how much of a file system may be used, in per cent.
	fullDisk = 90
)

// telling is what the messages to the operator are made of.
type telling struct {
	*Service
	keeper *keep.Keeper
	// protected reports that there was something to lose since the start.
	protected bool
	gateways  map[string]int         // by config: the process
	starts    map[string][]time.Time // and when it was another
	beat      time.Time              // the audit after which the pulse was sent
	tried     time.Time              // a digest that nobody took
	ending    keep.Condition         // that observing ends
}

// tell tells the operator what cannot wait, and the digest, until the context
// ends.
func (s *Service) tell(ctx context.Context) {
	t := &telling{Service: s, keeper: keep.New(s.dir, keep.Doors, hostname(), s.complaints), gateways: map[string]int{}, starts: map[string][]time.Time{}}
	tick := time.NewTicker(tells)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.look(ctx, time.Now())
		}
	}
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "this machine"
	}
	return name
}

func (t *telling) look(ctx context.Context, now time.Time) {
	audit, err := survey.Last(t.dir)
	if err != nil {
		audit = nil // the digest says that there is none
	}
	watched, err := ReadWatched(t.dir, now)
	if err != nil {
		return // status and page say it
	}
	standing := watched.Stand(audit, len(t.routes.List()), true, now)
	holds := append(t.conditions(audit, watched, standing, now), t.limits()...)
	holds = append(holds, t.observed(ctx, watched.Observing, now)...)
	t.keeper.Look(ctx, holds, now)
	t.digest(ctx, audit, standing, now)
	if audit != nil && audit.Time.After(t.beat) {
		if err := notify.Beat(ctx, t.dir); err == nil {
			t.beat = audit.Time
		}
	}
}

// conditions are what holds now of what cannot wait.
func (t *telling) conditions(a *posture.Audit, w Watched, standing Standing, now time.Time) []keep.Condition {
	all := append(t.disks(), t.agents(w, now)...)
	t.protected = t.protected || standing.Label == protected
	if t.protected && standing.Label != protected && w.Frozen == nil {
		all = append(all, keep.Condition{
			Key: "unprotected", What: "No longer protected. " + standing.Sentence, For: time.Minute, Over: "Protected again.",
		})
	}
	if _, err := os.Stat("/run/reboot-required"); err == nil {
		all = append(all, keep.Condition{
			Key: "reboot", What: "A reboot is due: an update waits for it.", Do: "reboot when no job runs; seawall status shows what does", Old: true,
		})
	}
	if a == nil {
		return all
	}
	for _, r := range a.Results {
		for _, f := range r.Findings {
			if f.Severity == posture.Critical && f.Accepted == nil {
				all = append(all, keep.Condition{Key: "critical:" + r.ID + ":" + f.Object, What: "Critical: " + r.Title + on(f.Object) + ".", Do: r.Advice, Old: true})
			}
		}
	}
	return all
}

func on(object string) string {
	if object == "" {
		return ""
	}
	return " (" + object + ")"
}

// agents are what holds of the agents themselves: one that is away, and one that
// starts again and again.
func (t *telling) agents(w Watched, now time.Time) (all []keep.Condition) {
	if w.Report == nil || w.Frozen != nil {
		return nil
	}
	for _, a := range w.Report.Agents {
		if before := t.gateways[a.Config]; a.Gateway != 0 && a.Gateway != before {
			if before != 0 {
				t.starts[a.Config] = append(t.starts[a.Config], now)
			}
			t.gateways[a.Config] = a.Gateway
		}
		recent := t.starts[a.Config]
		for len(recent) > 0 && now.Sub(recent[0]) > loopTime {
			recent = recent[1:]
		}
		t.starts[a.Config] = recent
		switch {
		case len(recent) >= loopStarts:
			all = append(all, keep.Condition{
				Key: "loop:" + a.Config, Do: "journalctl -u openclaw -n 50, or the log under its state directory",
				What: fmt.Sprintf("OpenClaw starts again and again: %d times in %s (%s).", len(recent), loopTime, a.Config),
			})
		case a.Gateway == 0 && t.gateways[a.Config] != 0:
			all = append(all, keep.Condition{
				Key: "away:" + a.Config, For: unready, Over: "OpenClaw runs again (" + a.Config + ").",
				What: "OpenClaw does not run (" + a.Config + ").", Do: "openclaw gateway status, on the machine",
			})
		}
	}
	return all
}

// disks are the file systems that are nearly full: the machine's and the state's.
func (t *telling) disks() (all []keep.Condition) {
	for _, path := range []string{"/", t.dir.Path("")} {
		var fs unix.Statfs_t
		if unix.Statfs(path, &fs) != nil || fs.Blocks == 0 {
			continue
		}
		// As df counts: what only root may use is not free.
		if used := (fs.Blocks - fs.Bfree) * 100 / (fs.Blocks - fs.Bfree + fs.Bavail); used > fullDisk {
			all = append(all, keep.Condition{
				Key: "disk:" + path, For: time.Minute, Do: "du -xh / | sort -h | tail finds what fills it",
				What: fmt.Sprintf("The disk of %s is %d %% full.", path, used),
			})
			break // the state mostly lies on the same
		}
	}
	return all
}

// digest sends what could wait, once a week.
func (t *telling) digest(ctx context.Context, a *posture.Audit, standing Standing, now time.Time) {
	last, err := keep.Last(t.dir)
	if a == nil || err != nil {
		return
	}
	if last == nil {
		_ = keep.Keep(t.dir, a, now)
		return
	}
	if !keep.Due(last, now) || now.Sub(t.tried) < time.Hour {
		return
	}
	d, err := NewDigest(ctx, t.dir, a, last, standing.Label, now)
	if err != nil {
		return
	}
	if taken, err := notify.Send(ctx, t.dir, d.Message(hostname())); err != nil && taken == 0 {
		t.tried = now
		return
	}
	_ = keep.Keep(t.dir, a, now)
}

// NewDigest makes the digest of now from a state directory. last is the audit of
// the one before, or nil.
func NewDigest(ctx context.Context, dir *state.Dir, a, last *posture.Audit, label string, now time.Time) (keep.Digest, error) {
	from := now.Add(-keep.Weekly)
	if last != nil {
		from = last.Time
	}
	work, err := keep.Worked(ctx, dir, from)
	return keep.Digest{From: from, To: now, Now: a, Before: last, Standing: label, Agent: work}, err
}
