package proof

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
)

// process is one process as /proc/PID/stat tells of it.
type process struct {
	pid, parent int
	name        string // cut to fifteen letters by the kernel
	start       uint64 // in ticks since the machine started: with pid, its identity
}

func (p process) id() string { return fmt.Sprint(p.pid, "/", p.start) }

// processes reads the processes below root ("/proc"). Those that were there
// before are taken to be what they were, but for those in watched: to read all
// of them again and again would cost more than all else.
func processes(root string, before map[int]process, watched []process) (map[int]process, error) {
	dir, err := os.Open(root)
	if err != nil {
		return nil, fmt.Errorf("looking at the processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("looking at the processes: %w", err)
	}
	all := make(map[int]process, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		p, known := before[pid]
		if !known || slices.ContainsFunc(watched, func(w process) bool { return w.pid == pid }) {
			stat, err := os.ReadFile(filepath.Join(root, name, "stat"))
			if err != nil {
				continue // it has ended
			}
			if p, known = parseStat(stat); !known {
				continue
			}
		}
		all[pid] = p
	}
	return all, nil
}

// parseStat reads /proc/PID/stat (proc_pid_stat(5)); the name may hold blanks
// and brackets.
func parseStat(stat []byte) (p process, ok bool) {
	open, closed := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || closed < open {
		return p, false
	}
	rest := bytes.Fields(stat[closed+1:])
	if len(rest) < 20 {
		return p, false
	}
	var errs [3]error
	p.name = string(stat[open+1 : closed])
	p.pid, errs[0] = strconv.Atoi(string(bytes.TrimSpace(stat[:open])))
	p.parent, errs[1] = strconv.Atoi(string(rest[1]))
	p.start, errs[2] = strconv.ParseUint(string(rest[19]), 10, 64)
	return p, errors.Join(errs[:]...) == nil
}

// gateway is a running OpenClaw.
type gateway struct {
	process
	env     map[string]string // what it was started with, secrets included: never print it
	foreign string            // why it cannot be spoken with; "" when it can
}

// title is what a gateway calls itself once it runs (process.title).
const title = "openclaw-gatewa"

// findGateway returns the gateway that runs with a config; nil when none does.
// Any process may call itself one: it must belong to the config's owner.
func findGateway(root, config string, all map[int]process) *gateway {
	info, err := os.Stat(config)
	if err != nil {
		return nil
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	for _, p := range all {
		dir := filepath.Join(root, strconv.Itoa(p.pid))
		if !strings.HasPrefix(p.name, title) && !startedAs(dir, p) {
			continue
		}
		who, err := os.Stat(dir)
		if err != nil || who.Sys().(*syscall.Stat_t).Uid != owner {
			continue
		}
		g := &gateway{process: p, env: environment(dir)}
		if !same(g.config(dir), info) {
			continue
		}
		if netns(dir) != netns(filepath.Join(root, "self")) {
			g.foreign = "the gateway is in a network of its own"
		}
		return g
	}
	return nil
}

// startedAs reports whether a Node.js was started as a gateway that keeps its
// name, as that of `openclaw gateway install` does.
func startedAs(dir string, p process) bool {
	if !strings.HasPrefix(p.name, "node") {
		return false
	}
	args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
	return openclaw.IsGateway(host.Process{Name: p.name, Args: strings.Split(strings.TrimRight(string(args), "\x00"), "\x00")})
}

func same(path string, info os.FileInfo) bool {
	other, err := os.Stat(path)
	return path != "" && err == nil && os.SameFile(other, info)
}

func netns(dir string) string {
	ns, _ := os.Readlink(filepath.Join(dir, "ns/net"))
	return ns
}

// environment reads what a process was started with.
func environment(dir string) map[string]string {
	env := map[string]string{}
	text, _ := os.ReadFile(filepath.Join(dir, "environ"))
	for pair := range strings.SplitSeq(string(text), "\x00") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			env[name] = value
		}
	}
	return env
}

// config is the file that a gateway was told to use, or the one beside the
// database that it holds open.
func (g *gateway) config(dir string) string {
	if path := g.env["OPENCLAW_CONFIG_PATH"]; filepath.IsAbs(path) {
		return path
	}
	for _, target := range links(filepath.Join(dir, "fd")) {
		if state, ok := strings.CutSuffix(target, "/state/openclaw.sqlite"); ok {
			return filepath.Join(state, "openclaw.json")
		}
	}
	return ""
}

// links are the targets of the links in a directory.
func links(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	targets := make([]string, 0, len(names))
	for _, name := range names {
		if target, err := os.Readlink(filepath.Join(dir, name)); err == nil {
			targets = append(targets, target)
		}
	}
	return targets
}

// family returns a process and all that descend from it. Those in before that
// still run belong to it also when their parent has ended since.
func family(of process, all map[int]process, before []process) []process {
	children := map[int][]process{}
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
	}
	var members []process
	var add func(process)
	add = func(p process) {
		if slices.Contains(members, p) {
			return
		}
		members = append(members, p)
		for _, child := range children[p.pid] {
			add(child)
		}
	}
	add(of)
	for _, p := range before {
		if now := all[p.pid]; now.start == p.start && now.pid != 0 {
			add(now)
		}
	}
	return members
}
