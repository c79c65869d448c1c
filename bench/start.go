package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// starts measures the program: how large it is, how soon it speaks, and the
// memory of a whole `seawall up` at rest.
func (s *stage) starts(ctx context.Context) ([]result, error) {
	info, err := os.Stat(s.seawall)
	if err != nil {
		return nil, err
	}
	all := []result{{Group: memoryGroup, What: "the program", Unit: "MB", Value: float64(info.Size()) / 1e6, Wanted: 40}}
	dir, err := s.newState("first")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	up := []string{"up", "--state", dir.String(), "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0"}
	for _, args := range [][]string{up, {"--version"}} {
		var took samples
		for range 20 {
			d, err := s.firstByte(args...)
			if err != nil {
				return nil, err
			}
			took = append(took, d)
		}
		all = append(all, result{Group: memoryGroup, What: "first line of seawall " + args[0], Unit: "ms", Value: took.at(0.5), N: len(took), Wanted: 300})
	}
	rest, err := s.upAtRest(ctx, up)
	return append(all, rest), err
}

// upAtRest is the memory of `seawall up` by a user who is not root: audit, doors
// and page in one process, some seconds after it began to wait.
func (s *stage) upAtRest(ctx context.Context, args []string) (result, error) {
	cmd := s.command(args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return result{}, err
	}
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "/login?") {
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	select {
	case <-ctx.Done():
		return result{}, ctx.Err()
	case <-time.After(5 * time.Second):
	}
	all, own := resident(cmd.Process.Pid)
	if all == 0 {
		return result{}, errors.New("seawall up has ended")
	}
	return result{Group: memoryGroup, What: "seawall up at rest, after its audit", Unit: "MB", Value: all / 1e6, Wanted: 40,
		Note: mb(own) + " of it its own, the rest the program's file"}, nil
}
