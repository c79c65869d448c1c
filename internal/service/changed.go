package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/keep"
	"github.com/openseawall/seawall/internal/state"
)

// ChangedFile is written when something on the machine is other than at the last
// audit: seawall-audit.path waits for it.
const ChangedFile = "changed"

const (
	// glances is how often it is looked for what changed.
	glances = 30 * time.Second
	// closed is how long the doors may be closed before somebody is told: an update
	// takes seconds.
	closed = time.Minute
	// mostEntries bounds what one look takes in: a workspace may hold anything.
	mostEntries = 4096
)

// LookAround has the machine read again when something on it changed, and tells
// when the doors are closed, until the context ends. changed is called with the
// first of several changes in a row, and not again within two looks.
func LookAround(ctx context.Context, dir *state.Dir, changed func()) {
	k := keep.New(dir, keep.Watch, hostname(), os.Stderr)
	last, quiet := stampOf(dir, "/proc"), 0
	tick := time.NewTicker(glances)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		k.Look(ctx, doors(dir), time.Now())
		if now := stampOf(dir, "/proc"); now != last && quiet == 0 {
			last, quiet = now, 2
			changed()
		}
		quiet = max(quiet-1, 0)
	}
}

// doors is what is wrong with the doors, as the other process sees it.
func doors(dir *state.Dir) []keep.Condition {
	routes, err := model.LoadRoutes(dir)
	if err != nil || len(routes) == 0 || dir.Locked() {
		return nil
	}
	return []keep.Condition{{
		Key: "doors", For: closed, Over: "The doors are open again.",
		What: "Seawall's doors are closed, so the agent cannot reach its model.", Do: "seawall status, on the machine",
	}}
}

// stampOf names how the parts of the machine stand that change by themselves:
// what listens, which containers there are, OpenClaw's settings and its skills.
func stampOf(dir *state.Dir, proc string) string {
	h := sha256.New()
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		for _, s := range listening(filepath.Join(proc, "net", table)) {
			fmt.Fprintln(h, table, s)
		}
	}
	// A container that is made or removed is an entry here.
	paths := []string{"/var/lib/docker/containers"}
	routes, _ := model.LoadRoutes(dir)
	for _, r := range routes {
		home := filepath.Dir(r.Agent)
		paths = append(paths, r.Agent, filepath.Join(home, "skills"), filepath.Join(home, "workspace", "skills"),
			filepath.Join(home, "extensions"), filepath.Join(home, "cron"), filepath.Join(home, "exec-approvals.json"))
	}
	slices.Sort(paths)
	left := mostEntries
	for _, p := range slices.Compact(paths) {
		left = stampTree(h, p, left)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// stampTree takes in a file, or a folder with the folders and files in it two
// levels deep, as far as left reaches.
func stampTree(h interface{ Write([]byte) (int, error) }, root string, left int) int {
	depth := strings.Count(root, string(filepath.Separator)) + 2
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || left == 0 {
			return fs.SkipDir
		}
		left--
		if info, err := d.Info(); err == nil {
			fmt.Fprintln(h, path, info.Mode(), info.ModTime().UnixNano(), info.Size())
		}
		if d.IsDir() && strings.Count(path, string(filepath.Separator)) >= depth {
			return fs.SkipDir
		}
		return nil
	})
	return left
}

// passing reports whether a port is one that programs are given for a moment
// (net.ipv4.ip_local_port_range begins at 32768).
func passing(address string) bool {
	_, port, _ := strings.Cut(address, ":")
	n, err := strconv.ParseUint(port, 16, 16)
	return err != nil || n >= 32768
}

// listening returns the local addresses of a table of /proc/net that wait for
// others.
func listening(table string) (all []string) {
	content, err := os.ReadFile(table)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(content)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		const tcpListen, nobody = "0A", ":0000"
		if strings.HasPrefix(filepath.Base(table), "udp") {
			if strings.HasSuffix(f[2], nobody) && !passing(f[1]) {
				all = append(all, f[1])
			}
		} else if f[3] == tcpListen {
			all = append(all, f[1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
