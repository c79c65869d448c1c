package proof

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// shellMark is the variable in which OpenClaw marks what its exec tool starts.
const shellMark = "OPENCLAW_SHELL"

// EndPrograms ends those programs of the agent's that still run and descend from
// its gateway: politely, and after a moment not. One that has left its parent may
// be anybody's by now, and stays.
func (o *Aborted) EndPrograms(ctx context.Context) {
	if o.Gateway == 0 {
		return
	}
	o.Running, o.Ended = endAll(ctx, "/proc", o.Running)
}

func endAll(ctx context.Context, proc string, programs []Program) (left, ended []Program) {
	signal := func(s unix.Signal) {
		for _, p := range programs {
			if p.child {
				p.signal(proc, s)
			}
		}
	}
	gone := func() bool {
		left, ended = []Program{}, nil
		for _, p := range programs {
			if p.runs(proc) {
				left = append(left, p)
			} else {
				ended = append(ended, p)
			}
		}
		return len(left) == 0
	}
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		signal(s)
		for until := time.Now().Add(dying); !gone() && time.Now().Before(until) && ctx.Err() == nil; {
			time.Sleep(50 * time.Millisecond)
		}
		if len(left) == 0 {
			break
		}
	}
	return left, ended
}

// runs reports whether it is still that process, and one of exec's.
func (p Program) runs(proc string) bool {
	dir := filepath.Join(proc, strconv.Itoa(p.PID))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return false
	}
	now, ok := parseStat(stat)
	// Of one that has ended and that nobody has asked for yet, no environment is left.
	return ok && now.start == p.start && environment(dir)[shellMark] != ""
}

// signal reaches that process and no other which has its number by then: it is
// held before it is looked at (pidfd_open(2)).
func (p Program) signal(proc string, s unix.Signal) {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if p.runs(proc) {
		_ = unix.PidfdSendSignal(fd, s, nil, 0)
	}
}
