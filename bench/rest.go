package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/openseawall/seawall/internal/guard/door/model"
)

// settling is how long a service may have to do with its start, and resting how
// long it is looked at then: /proc counts processor time in hundredths of a second.
const (
	settling = 15 * time.Second
	resting  = 2 * time.Minute
)

// rest measures what the two processes of the service use while nobody asks: the
// doors, and the watch over an OpenClaw that is connected.
func (s *stage) rest(ctx context.Context) ([]result, error) {
	config := filepath.Join(s.dir, "openclaw.json")
	if err := os.WriteFile(config, []byte(`{models: {providers: {}}}`), 0o644); err != nil {
		return nil, err
	}
	routes, err := model.LoadRoutes(s.state)
	if err != nil {
		return nil, err
	}
	before := routes[0].Agent
	routes[0].Agent = config
	if err := model.SaveRoutes(s.state, routes); err != nil {
		return nil, err
	}
	defer func() {
		routes[0].Agent = before
		_ = model.SaveRoutes(s.state, routes)
	}()
	if err := s.startDoor(); err != nil {
		return nil, err
	}
	watch := s.command("watch", "--state", s.state.String())
	if err := watch.Start(); err != nil {
		return nil, err
	}
	defer func() {
		_ = watch.Process.Signal(syscall.SIGTERM)
		_ = watch.Wait()
	}()
	if err := pause(ctx, settling); err != nil {
		return nil, err
	}
	parts := []struct {
		name string
		pid  int
		used time.Duration
	}{{"the doors", s.pid, processorOf(s.pid)}, {"the watch", watch.Process.Pid, processorOf(watch.Process.Pid)}}
	begun := time.Now()
	if err := pause(ctx, resting); err != nil {
		return nil, err
	}
	var all []result
	for _, p := range parts {
		took := time.Since(begun)
		rss, own := resident(p.pid)
		if rss == 0 {
			return nil, errors.New(p.name + " have ended")
		}
		all = append(all,
			result{Group: memoryGroup, What: p.name + " at rest, of a core", Unit: "%", Value: 100 * float64(processorOf(p.pid)-p.used) / float64(took), Wanted: 0.1,
				Note: fmt.Sprintf("over %s", took.Round(time.Second))},
			result{Group: memoryGroup, What: p.name + " at rest", Unit: "MB", Value: rss / 1e6, Wanted: 40, Note: mb(own) + " of it its own, the rest the program's file"})
	}
	return all, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
