package host

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// vital are the paths that decide who is who on a machine, what starts on it
// and whose the shared folders are (CIS Debian Linux 12, 2.4.1, 5.1, 7.1).
var vital = []string{
	"/etc/passwd", "/etc/passwd-", "/etc/shadow", "/etc/shadow-",
	"/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-",
	"/etc/sudoers", "/etc/sudoers.d", "/etc/crontab", "/etc/cron.allow",
	"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d", "/etc/ld.so.preload",
	"/etc/profile", "/etc/bash.bashrc", "/etc/environment", "/etc/sysctl.d",
	"/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d",
	"/etc/docker", "/etc/docker/daemon.json", "/etc/systemd/system/docker.service.d",
	"/tmp", "/var/tmp", "/dev/shm",
}

// readVital describes what of the vital paths is there, sshd's own keys, and
// the homes of people.
func (r *reader) readVital() Fact[[]FileInfo] {
	paths := slices.Clone(vital)
	keys, err := r.h.ReadDir(r.ctx, "/etc/ssh")
	var failures []error
	if err != nil && !errors.Is(err, ErrAbsent) {
		failures = append(failures, err)
	}
	for _, k := range keys {
		if base := path.Base(k.Path); strings.HasPrefix(base, "ssh_host_") && strings.HasSuffix(base, "_key") {
			paths = append(paths, k.Path)
		}
	}
	var found []FileInfo
	for _, p := range append(paths, r.homes()...) {
		info, err := r.h.Stat(r.ctx, p)
		switch {
		case err == nil && info.Mode&fs.ModeSymlink == 0:
			found = append(found, info)
		case err != nil && !errors.Is(err, ErrAbsent):
			failures = append(failures, err)
		}
	}
	return partial(found, failures)
}

// Journal says whether what this machine writes down survives a reboot.
type Journal struct {
	Storage    string // journald.conf: auto, persistent, volatile, none
	Folder     bool   // /var/log/journal is there, which auto needs
	Persistent bool
}

// readJournal reads journald.conf(5) and its drop-ins: the last value wins.
func (r *reader) readJournal() Fact[Journal] {
	if there, err := r.exists(systemdRuns); err == nil && !there {
		return None[Journal]("systemd does not run here")
	}
	j := Journal{Storage: "auto"}
	files := []string{"/etc/systemd/journald.conf"}
	drops, err := r.h.ReadDir(r.ctx, "/etc/systemd/journald.conf.d")
	if err != nil && !errors.Is(err, ErrAbsent) {
		return NotRead[Journal]("%s", err)
	}
	for _, d := range drops {
		if strings.HasSuffix(d.Path, ".conf") {
			files = append(files, d.Path)
		}
	}
	for _, file := range files {
		text, err := r.h.ReadFile(r.ctx, file)
		if err != nil && !errors.Is(err, ErrAbsent) {
			return NotRead[Journal]("%s", err)
		}
		for _, line := range lines(text) {
			if key, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(key) == "Storage" {
				j.Storage = strings.ToLower(strings.TrimSpace(value))
			}
		}
	}
	if j.Folder, err = r.exists("/var/log/journal"); err != nil {
		return NotRead[Journal]("%s", err)
	}
	j.Persistent = j.Storage == "persistent" || j.Storage == "auto" && j.Folder
	return Is(j)
}

// Crontab says which accounts may schedule jobs of their own (crontab(1)).
type Crontab struct {
	Allow   []string // names in /etc/cron.allow
	Allowed bool     // the file is there: nobody else may
	Deny    []string // names in /etc/cron.deny
}

// May reports whether an account may have a crontab. Root always may.
func (c Crontab) May(user string) bool {
	if user == "root" {
		return true
	}
	if c.Allowed {
		return slices.Contains(c.Allow, user)
	}
	return !slices.Contains(c.Deny, user)
}

func (r *reader) readCrontab() Fact[Crontab] {
	there, err := r.exists("/usr/bin/crontab")
	switch {
	case err != nil:
		return NotRead[Crontab]("%s", err)
	case !there:
		return None[Crontab]("cron is not installed")
	}
	var c Crontab
	for file, list := range map[string]*[]string{"/etc/cron.allow": &c.Allow, "/etc/cron.deny": &c.Deny} {
		text, err := r.h.ReadFile(r.ctx, file)
		switch {
		case errors.Is(err, ErrAbsent):
			continue
		case err != nil:
			return NotRead[Crontab]("%s", err)
		}
		*list = strings.Fields(string(text))
		c.Allowed = c.Allowed || file == "/etc/cron.allow"
	}
	return Is(c)
}

// Memory is the machine's memory, in bytes.
type Memory struct{ Total, Swap int64 }

// readMemory reads /proc/meminfo (proc_meminfo(5)).
func (r *reader) readMemory() Fact[Memory] {
	text, err := r.h.ReadFile(r.ctx, "/proc/meminfo")
	if err != nil {
		return NotRead[Memory]("%s", err)
	}
	var m Memory
	for _, line := range lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "MemTotal:":
			m.Total = n << 10
		case "SwapTotal:":
			m.Swap = n << 10
		}
	}
	if m.Total == 0 {
		return NotRead[Memory]("/proc/meminfo does not say how much memory there is")
	}
	return Is(m)
}

// Tailnet is what Tailscale publishes of this machine.
type Tailnet struct {
	Serve  []string // "host:443" to the tailnet
	Funnel []string // "host:443" to everyone
}

// readTailnet asks Tailscale what it serves.
func (r *reader) readTailnet() Fact[Tailnet] {
	out, err := r.command("tailscale", "serve", "status", "--json")
	if p := r.processes(); err != nil && p.Ok() && !slices.ContainsFunc(p.Value, func(p Process) bool { return p.Name == "tailscaled" }) {
		return None[Tailnet]("Tailscale does not run")
	}
	if err != nil {
		return fromError[Tailnet](err, "Tailscale is not installed")
	}
	var status struct {
		Web         map[string]json.RawMessage
		TCP         map[string]json.RawMessage
		AllowFunnel map[string]bool
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return NotRead[Tailnet]("tailscale serve status: it is not JSON")
	}
	var t Tailnet
	for at := range status.Web {
		if !status.AllowFunnel[at] {
			t.Serve = append(t.Serve, at)
		}
	}
	for at, on := range status.AllowFunnel {
		if on {
			t.Funnel = append(t.Funnel, at)
		}
	}
	slices.Sort(t.Serve)
	slices.Sort(t.Funnel)
	return Is(t)
}
