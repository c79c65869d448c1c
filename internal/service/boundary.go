package service

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/openseawall/seawall/internal/guard/boundary"
	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/packaging"
)

// TryBoundary has the users of OpenClaw try to reach this Seawall, and keeps what
// came of it in the state.
func TryBoundary(ctx context.Context, dir *state.Dir, installs []openclaw.Install) (*boundary.Report, error) {
	uid, _ := dir.Owner()
	t := boundary.Target{State: dir.String(), Owner: uid}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	t.Program = program
	running, err := Find(dir)
	if err != nil {
		return nil, err
	}
	t.PIDs = []int{os.Getpid()} // `seawall up`, with which the doors end
	if running != nil {
		t.PIDs, t.Page = append(t.PIDs, running.PID), running.Page
	}
	if agents, err := hook.LoadAgents(dir); err == nil && len(agents) > 0 {
		t.Plugin = agents[0].Plugin
	}
	for _, u := range packaging.Units(packaging.Program) {
		for _, folder := range []string{"/etc/systemd/system", "/usr/lib/systemd/system"} {
			if path := filepath.Join(folder, u.Name); exists(path) {
				t.Units = append(t.Units, path)
			}
		}
	}
	return boundary.Try(ctx, dir, t, installs)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// proven is a good standing that nobody has to take on trust.
func (s Standing) proven(r *boundary.Report, now time.Time) Standing {
	if s.Label != protected {
		return s
	}
	if why, fix := r.Doubt(now); why != "" {
		return Standing{Label: "watching, not protecting", Sentence: why + ". To change that: " + fix}
	}
	return s
}
