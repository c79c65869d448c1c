package posture

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
)

// The ways an account becomes root that need more than its name: sudo rules,
// Docker's socket, capabilities, and files of its own that root runs.

// sudoFor reports whether a sudoers subject means an account: a name, %group,
// #uid or ALL (sudoers(5), User_List).
func sudoFor(subject string, who identity) bool {
	if group, ok := strings.CutPrefix(subject, "%"); ok {
		if gid, ok := strings.CutPrefix(group, "#"); ok {
			return slices.ContainsFunc(who.gids, func(g uint32) bool { return fmt.Sprint(g) == gid })
		}
		return slices.Contains(who.Groups, group)
	}
	return subject == "ALL" || subject == who.Name || subject == fmt.Sprintf("#%d", who.UID)
}

// rootPrograms are programs that, run as root, do whatever their caller wants:
// shells and interpreters, editors and pagers, package managers and what copies
// or mounts files.
var rootPrograms = []string{
	"sh", "bash", "dash", "zsh", "su", "sudo", "env", "python", "python3", "perl", "ruby", "node", "lua", "awk", "gawk",
	"vi", "vim", "nano", "ed", "less", "more", "man", "find", "xargs", "tar", "zip", "rsync", "git", "ssh",
	"docker", "podman", "lxc", "incus", "nsenter", "chroot", "unshare", "mount", "systemctl", "systemd-run", "journalctl", "crontab", "at",
	"apt", "apt-get", "dpkg", "pip", "pip3", "npm", "snap", "cp", "mv", "tee", "dd", "chmod", "chown", "ln", "install", "sed", "visudo", "passwd", "usermod", "useradd",
}

// rootCommand returns what a rule's commands allow that amounts to root, or "".
func rootCommand(commands string) string {
	rest := strings.TrimSpace(commands)
	if strings.HasPrefix(rest, "(") {
		runas, after, ok := strings.Cut(rest[1:], ")")
		users, _, _ := strings.Cut(runas, ":")
		names := strings.FieldsFunc(users, func(r rune) bool { return r == ',' || r == ' ' })
		if !ok || len(names) > 0 && !slices.Contains(names, "ALL") && !slices.Contains(names, "root") {
			return ""
		}
		rest = after
	}
	for _, command := range strings.Split(rest, ",") {
		for _, word := range strings.Fields(command) {
			for tag, after, ok := strings.Cut(word, ":"); ok && tag == strings.ToUpper(tag); tag, after, ok = strings.Cut(word, ":") {
				word = after // cloud images write NOPASSWD:ALL
			}
			if word == "" {
				continue
			}
			if word == "ALL" {
				return "every command"
			}
			if slices.Contains(rootPrograms, path.Base(word)) {
				return path.Base(word)
			}
			break
		}
	}
	return ""
}

// SudoRoot returns what a sudo rule lets an account run that amounts to root:
// "every command", a program's name, or "". A rule that asks for a password
// gives nothing to an account that has none.
func SudoRoot(r host.SudoRule, who host.User) string {
	if !r.NoPasswd && who.Password == "locked" {
		return ""
	}
	return rootCommand(r.Commands)
}

// dockerSocket judges the Engine's socket: whoever may write to it is root,
// unless the daemon itself is not.
func (b *boundary) dockerSocket(who identity) {
	d := b.facts.Docker
	switch {
	case d.Status == host.Absent:
	case !d.Ok():
		b.unread = append(b.unread, "Docker socket: "+d.Reason)
	case d.Value.Rootless:
	case writable(d.Value.Socket, who):
		b.add(d.Value.Socket.Path, AdviceSocketMode, "%s may write to Docker's socket (%s, owner %d:%d), which is the same as root",
			who.Name, d.Value.Socket.Mode.Perm(), d.Value.Socket.UID, d.Value.Socket.GID)
	}
}

// dockerTCP finds an Engine that listens on TCP and checks no client certificate.
func (b *boundary) dockerTCP() {
	d := b.facts.Docker
	if !d.Ok() || d.Value.Rootless || d.Value.Config["tlsverify"] == true {
		return
	}
	for _, addr := range d.Value.TCP {
		if !strings.HasSuffix(addr, ":2376") {
			b.add(addr, AdviceDockerTCP, "Docker answers on %s without asking who calls: any program here becomes root through it", addr)
		}
	}
}

// writable reports whether an account can change a file: by its mode, or
// because it owns it and may change the mode.
func writable(f host.FileInfo, who identity) bool {
	perm := f.Mode.Perm()
	switch {
	case f.Path == "":
		return false
	case f.UID == who.UID:
		return true
	case slices.Contains(who.gids, f.GID):
		return perm&0o020 != 0
	}
	return perm&0o002 != 0
}

// rootCapabilities are the capabilities that amount to root (capabilities(7)).
var rootCapabilities = []struct {
	bit  uint
	name string
	how  string
}{
	{1, "CAP_DAC_OVERRIDE", "writes every file"},
	{2, "CAP_DAC_READ_SEARCH", "reads every file"},
	{0, "CAP_CHOWN", "makes every file its own"},
	{3, "CAP_FOWNER", "changes the mode of every file"},
	{7, "CAP_SETUID", "becomes any user"},
	{16, "CAP_SYS_MODULE", "loads code into the kernel"},
	{17, "CAP_SYS_RAWIO", "writes to memory and devices"},
	{19, "CAP_SYS_PTRACE", "controls other programs"},
	{21, "CAP_SYS_ADMIN", "mounts and controls what root does"},
}

func (b *boundary) capabilities(object string, effective uint64) {
	for _, c := range rootCapabilities {
		if effective&(1<<c.bit) != 0 {
			b.add(object, "Take its capabilities; CapabilityBoundingSet= and NoNewPrivileges=yes in its unit", "OpenClaw holds %s, which %s", c.name, c.how)
		}
	}
}

// systemDirs are where a unit or job of root's lives, whomever it runs as: who
// may write there may also change that.
var systemDirs = []string{"/etc/", "/usr/", "/lib/"}

// rootRuns finds what root will run and the account can change: files of cron
// and timers, units, the folders of root's PATH, and services of root's whose
// program lies in the account's home.
func (b *boundary) rootRuns(who identity) {
	if c := b.facts.Cron; c.Status == host.Unknown {
		b.unread = append(b.unread, "scheduled jobs: "+c.Reason)
	}
	for _, job := range b.facts.Cron.Value {
		asRoot := job.User == "root" || slices.ContainsFunc(systemDirs, func(d string) bool { return strings.HasPrefix(job.File.Path, d) })
		switch {
		case asRoot && writable(job.File, who):
			b.add(job.File.Path, "chown root and chmod go-w "+job.File.Path, "%s can change %s, which root runs by schedule", who.Name, job.File.Path)
		case job.User == "root":
			if p := within(who.Home, job.Command); p != "" {
				b.add(p, "Move "+p+" to where only root writes", "root runs %s by schedule, and %s can replace it", p, who.Name)
			}
		}
	}
	if t := b.facts.Trusted; t.Status == host.Unknown {
		b.unread = append(b.unread, "folders from which root runs programs: "+t.Reason)
	}
	for _, file := range b.facts.Trusted.Value {
		if writable(file, who) {
			b.add(file.Path, "chown root and chmod go-w "+file.Path, "%s can change %s, from which root runs programs", who.Name, file.Path)
		}
	}
	if u := b.facts.Units; u.Status == host.Unknown {
		b.unread = append(b.unread, "systemd units: "+u.Reason)
	}
	for _, u := range b.facts.Units.Value {
		if u.User != "" && u.User != "root" || strings.Contains(u.Fragment, "/systemd/user/") || u.Active != "active" && u.Enabled != "enabled" {
			continue
		}
		for _, text := range []string{u.Fragment, u.Exec} {
			if p := within(who.Home, text); p != "" {
				b.add(p, "Move "+p+" to where only root writes, or give the service User=", "root's service %s uses %s, and %s can replace it", u.Name, p, who.Name)
				break
			}
		}
	}
}

// within returns the first path below home that a command line names, or "".
func within(home, command string) string {
	home = path.Clean("/" + home)
	if home == "/" || home == "/root" {
		return ""
	}
	words := strings.FieldsFunc(command, func(r rune) bool { return strings.ContainsRune(" \t;=\"'{}&|<>()", r) })
	for _, w := range words {
		w = strings.TrimLeft(w, "-@:+!")
		if strings.HasPrefix(w, "/") && strings.HasPrefix(path.Clean(w), home+"/") {
			return path.Clean(w)
		}
	}
	return ""
}
