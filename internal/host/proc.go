package host

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	processLimit = 1 << 15
	argsLimit    = 64 << 10
	environLimit = 256 << 10
)

// readProcesses reads every process below root ("/proc") except the kernel's
// own threads and those that the reader itself has just started, which ours
// tells. One that ends meanwhile is left out.
func readProcesses(root string, secret func(name, value string) bool, ours func(pid int) bool) ([]Process, error) {
	pids, err := processIDs(root)
	if err != nil {
		return nil, err
	}
	list := make([]Process, 0, len(pids))
	for _, pid := range pids {
		p, err := readProcess(filepath.Join(root, strconv.Itoa(pid)), secret)
		// A thread of the kernel, and a zombie, has neither arguments nor memory.
		if err != nil || len(p.Args) == 0 && p.RSS == 0 || ours(p.PID) || ours(p.PPID) {
			continue
		}
		list = append(list, p)
	}
	if !slices.Contains(pids, 1) {
		return nil, fmt.Errorf("%s hides the processes of others (hidepid): needs root", root)
	}
	return list, nil
}

func processIDs(root string) ([]int, error) {
	d, err := os.Open(root)
	if err != nil {
		return nil, explain("listing", root, err)
	}
	defer d.Close()
	names, err := d.Readdirnames(dirLimit)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, explain("listing", root, err)
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && len(pids) < processLimit {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func readProcess(dir string, secret func(name, value string) bool) (Process, error) {
	status, err := readBounded(filepath.Join(dir, "status"), argsLimit)
	if err != nil {
		return Process{}, err
	}
	p := parseStatus(status)
	if args, err := readBounded(filepath.Join(dir, "cmdline"), argsLimit); err == nil && len(args) > 0 {
		p.Args = strings.Split(strings.TrimRight(string(args), "\x00"), "\x00")
	}
	p.Exe, _ = os.Readlink(filepath.Join(dir, "exe"))
	p.CWD, _ = os.Readlink(filepath.Join(dir, "cwd"))
	if ns, err := os.Readlink(filepath.Join(dir, "ns/net")); err == nil {
		p.NetNS = strings.TrimSuffix(strings.TrimPrefix(ns, "net:["), "]")
	}
	if cgroup, err := readBounded(filepath.Join(dir, "cgroup"), argsLimit); err == nil {
		p.Cgroup = cgroupPath(cgroup)
	}
	env, err := readBounded(filepath.Join(dir, "environ"), environLimit)
	if err == nil {
		p.EnvStatus = Known
		list := strings.Split(string(env), "\x00")
		p.Env, p.SecretEnv = splitEnv(list, secret)
		p.Places = places(list)
	}
	return p, nil
}

// placeVariables name the directories and files of OpenClaw's.
var placeVariables = []string{"HOME", "OPENCLAW_HOME", "OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH", "OPENCLAW_INCLUDE_ROOTS"}

// places keeps the values of placeVariables.
func places(env []string) map[string]string {
	var out map[string]string
	for _, name := range placeVariables {
		for _, entry := range env {
			if value, ok := strings.CutPrefix(entry, name+"="); ok && value != "" && len(value) < 4096 {
				if out == nil {
					out = map[string]string{}
				}
				out[name] = value
				break
			}
		}
	}
	return out
}

// parseStatus reads /proc/PID/status (proc_pid_status(5)). The second number
// of Uid and Gid is the effective one.
func parseStatus(b []byte) Process {
	var p Process
	for line := range bytes.Lines(b) {
		key, value, ok := strings.Cut(string(line), ":")
		if !ok {
			continue
		}
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		switch key {
		case "Name":
			p.Name = strings.TrimSpace(value)
		case "Pid":
			p.PID, _ = strconv.Atoi(fields[0])
		case "PPid":
			p.PPID, _ = strconv.Atoi(fields[0])
		case "Uid":
			p.UID = effective(fields)
		case "Gid":
			p.GID = effective(fields)
		case "Groups":
			for _, f := range fields {
				if id, err := strconv.ParseUint(f, 10, 32); err == nil {
					p.Groups = append(p.Groups, uint32(id))
				}
			}
		case "CapEff":
			p.CapEff, _ = strconv.ParseUint(fields[0], 16, 64)
		case "NoNewPrivs":
			p.NoNewPrivs = fields[0] == "1"
		case "Seccomp":
			p.Seccomp, _ = strconv.Atoi(fields[0])
		case "VmRSS":
			kb, _ := strconv.ParseInt(fields[0], 10, 64)
			p.RSS = kb << 10
		}
	}
	return p
}

func effective(ids []string) uint32 {
	if len(ids) < 2 {
		return 0
	}
	id, _ := strconv.ParseUint(ids[1], 10, 32)
	return uint32(id)
}

// cgroupPath picks the path that names the unit or container: that of the
// unified hierarchy, else systemd's own, else the longest.
func cgroupPath(b []byte) string {
	var longest string
	for line := range bytes.Lines(b) {
		parts := strings.SplitN(strings.TrimSpace(string(line)), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if (parts[0] == "0" || parts[1] == "name=systemd") && parts[2] != "/" {
			return parts[2]
		}
		if len(parts[2]) > len(longest) {
			longest = parts[2]
		}
	}
	return longest
}

// readBounded reads at most limit bytes of a file of /proc.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// holder is a process that holds a socket.
type holder struct {
	pid  int
	name string
}

// socketHolders finds which process holds each socket inode. Of several (a
// master and its workers) the first, the oldest as a rule, stands for all.
// hidden tells that some processes did not show their files.
func socketHolders(root string) (held map[uint64]holder, hidden bool) {
	held = map[uint64]holder{}
	pids, err := processIDs(root)
	if err != nil {
		return held, true
	}
	for _, pid := range pids {
		dir := filepath.Join(root, strconv.Itoa(pid))
		fds, err := os.ReadDir(filepath.Join(dir, "fd"))
		if err != nil {
			hidden = hidden || errors.Is(err, fs.ErrPermission)
			continue
		}
		var name string
		for _, fd := range fds {
			link, err := os.Readlink(filepath.Join(dir, "fd", fd.Name()))
			if err != nil || !strings.HasPrefix(link, "socket:[") {
				continue
			}
			inode, err := strconv.ParseUint(link[len("socket:["):len(link)-1], 10, 64)
			if err != nil {
				continue
			}
			if name == "" {
				comm, _ := readBounded(filepath.Join(dir, "comm"), 64)
				name = strings.TrimSpace(string(comm))
			}
			if h, ok := held[inode]; !ok || pid < h.pid {
				held[inode] = holder{pid, name}
			}
		}
	}
	return held, hidden
}
