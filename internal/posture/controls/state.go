package controls

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

var stateControls = []posture.Control{
	posture.BoundaryControl,
	{
		ID: "state-dir-mode", Title: "Others may enter OpenClaw's state directory", Family: posture.State, Severity: posture.High,
		Why:    "Sessions, approvals, devices and credentials of the agent; who writes here commands it.",
		Advice: "chmod 700 the directory", Source: docs + "gateway/security/secrets-and-storage",
		CheckIDs: []string{"fs.state_dir.perms_world_writable", "fs.state_dir.perms_group_writable", "fs.state_dir.perms_readable"},
		Needs:    []posture.Need{agentFiles},
		Check: eachInstall(func(in openclaw.Install) []posture.Finding {
			who := opened(in.State)
			if in.State.Path == "" || who == "" && in.State.Mode.Perm()&0o011 == 0 {
				return nil
			}
			if who == "" {
				who = "others may enter it"
			}
			finding := posture.On(in.StateDir, "%s (mode %v)", who, in.State.Mode.Perm())
			if in.State.Mode.Perm()&othersWrite != 0 {
				finding = finding.At(posture.Critical)
			}
			return []posture.Finding{finding}
		}),
	},
	{
		ID: "state-unreadable", Title: "Part of OpenClaw could not be looked at", Family: posture.State, Severity: posture.Info,
		Why:    "What is not read is not judged: a weakness in there would not be in this report.",
		Advice: "Run the audit as root", Source: "Seawall, unknown is never a pass",
		Needs: []posture.Need{posture.Agent},
		Check: eachInstall(func(in openclaw.Install) (found []posture.Finding) {
			for _, note := range in.Unreadable {
				found = append(found, posture.On(in.StateDir, "%s", note))
			}
			return found
		}),
	},
	{
		ID: "state-dir-link", Title: "OpenClaw's state or config is a symbolic link", Family: posture.State, Severity: posture.Low,
		Why:    "Its target is a second place with its own owner and mode, which nobody looks at.",
		Advice: "Use a real directory, and OPENCLAW_STATE_DIR for another place", Source: docs + "gateway/security/audit-checks",
		CheckIDs: []string{"fs.state_dir.symlink", "fs.config.symlink"},
		Needs:    []posture.Need{posture.Agent},
		Check: eachInstall(func(in openclaw.Install) (found []posture.Finding) {
			for _, info := range []host.FileInfo{in.State, in.ConfigInfo} {
				if info.Mode&fs.ModeSymlink != 0 {
					found = append(found, posture.On(info.Path, "it leads to %s", info.Target))
				}
			}
			return found
		}),
	},
	{
		ID: "state-synced", Title: "OpenClaw's state lies in a folder that is copied elsewhere", Family: posture.State, Severity: posture.Medium,
		Why:    "Tokens and conversations go to every device and to the provider of the folder.",
		Advice: "Move it out of the synchronised folder", Source: docs + "gateway/security/audit-checks",
		CheckIDs: []string{"fs.synced_dir"},
		Needs:    []posture.Need{posture.Agent},
		Check: eachInstall(func(in openclaw.Install) []posture.Finding {
			for _, dir := range append([]string{in.StateDir, in.ConfigPath}, in.Workspaces...) {
				for _, mark := range []string{"/Dropbox/", "/OneDrive/", "/Google Drive/", "/GoogleDrive/", "/Nextcloud/", "/iCloud/", "/Syncthing/", "/Sync/"} {
					if strings.Contains(dir+"/", mark) {
						return []posture.Finding{posture.On(dir, "it lies in %s", strings.Trim(mark, "/"))}
					}
				}
			}
			return nil
		}),
	},
	{
		ID: "state-prompt-writable", Title: "Others may write what the agent believes", Family: posture.State, Severity: posture.High,
		Why:    "Memory and the Markdown files of a workspace go into every prompt: assume that whatever the agent reads shapes what it does.",
		Advice: "chmod go-w the files and the workspace", Source: baseline + ", memory; " + docs + "concepts/agent-workspace",
		Needs: []posture.Need{agentFiles},
		Check: eachFile(func(_ openclaw.Install, file openclaw.File) []posture.Finding {
			if who := writable(file.FileInfo); who != "" && (file.Kind == "memory" || file.Kind == "bootstrap") {
				return posture.Found("%s (mode %v)", who, file.Mode.Perm())
			}
			return nil
		}),
	},
	{
		ID: "state-wide-workspace", Title: "The agent's workspace is more than a workspace", Family: posture.State, Severity: posture.High,
		Why:    "The gateway with more file access than the work needs is the commonest failure there is. One workspace directory is the healthy answer.",
		Advice: "Set agents.defaults.workspace to a directory made for it", Source: baseline + ", blast radius",
		Settings: map[string]string{"agents.defaults.workspace": `"/srv/agent"`},
		Needs:    []posture.Need{posture.Agent},
		Check: eachInstall(func(in openclaw.Install) (found []posture.Finding) {
			for _, w := range in.Workspaces {
				switch {
				case tooWide(w) != "":
					found = append(found, posture.On(w, "the workspace is %s", tooWide(w)))
				case w == in.StateDir || strings.HasPrefix(in.StateDir, w+"/"):
					found = append(found, posture.On(w, "OpenClaw's own state, with its config, is in the workspace"))
				}
			}
			return found
		}),
	},
	{
		ID: "state-persons-account", Title: "The agent runs as a person's account", Family: posture.State, Severity: posture.Medium,
		Why:    "It then has that person's keys, shell history, browser and mail; an account of its own has a workspace.",
		Advice: "Make a system user for it without password and login shell, and move the state there",
		Source: baseline + ", treat the agent like software with privileges; " + docs + "gateway/security/secrets-and-storage",
		Needs:  []posture.Need{posture.Agent, passwords, posture.AuthorizedKey},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, in := range f.OpenClaw.Value {
				u, ok := account(f, in.Owner)
				if !ok || in.Container != "" || u.UID == 0 {
					continue
				}
				keys := slices.ContainsFunc(f.AuthorizedKey.Value, func(k host.AuthorizedKey) bool { return k.User == u.Name })
				switch {
				case keys:
					found = append(found, posture.On(u.Name, "people log in as %s with a key", u.Name))
				case u.Password == "set":
					found = append(found, posture.On(u.Name, "%s has a password", u.Name))
				}
			}
			return found
		},
	},
	{
		ID: "state-bare", Title: "OpenClaw runs on the host without a container or sandbox", Family: posture.State, Severity: posture.Medium,
		Why:      "Run it containerised unless there is a specific reason: it changes what the agent reaches by default.",
		Advice:   "Use OpenClaw's container image, or set agents.defaults.sandbox.mode to all",
		Source:   baseline + ", checklist 2; " + docs + "gateway/sandboxing",
		Settings: map[string]string{"agents.defaults.sandbox.mode": `"all"`},
		Needs:    []posture.Need{posture.Agent, agentConfig},
		Check: func(f *posture.Facts) []posture.Finding {
			return eachConfig(func(s settings) []posture.Finding {
				if s.in.Container != "" || s.in.Process == nil || s.containedEverywhere() || confinedUnit(s.in) {
					return nil
				}
				return []posture.Finding{posture.On(fmt.Sprintf("process %d", s.in.Process.PID), "the gateway of %s runs bare, and its tools are not sandboxed", s.in.Owner)}
			})(f)
		},
	},
	{
		ID: "state-privileges", Title: "The gateway holds, or may gain, rights of root", Family: posture.State, Severity: posture.Medium,
		Why:    "Without no-new-privileges every setuid program is a ladder; a capability is one rung already.",
		Advice: "Set NoNewPrivileges=yes and CapabilityBoundingSet= in the unit", Source: "systemd.exec(5); capabilities(7)",
		Needs: []posture.Need{posture.Agent},
		Check: eachInstall(func(in openclaw.Install) (found []posture.Finding) {
			if in.Process == nil || in.Container != "" || in.Process.UID == 0 {
				return nil
			}
			object := fmt.Sprintf("process %d", in.Process.PID)
			if in.Process.CapEff != 0 {
				found = append(found, posture.On(object, "it has capabilities %#x", in.Process.CapEff).At(posture.High))
			}
			if !in.Process.NoNewPrivs {
				found = append(found, posture.On(object, "no-new-privileges is not set"))
			}
			return found
		}),
	},
	{
		ID: "state-sudo", Title: "The agent's account may run programs as root", Family: posture.State, Severity: posture.Medium,
		Why:    "Whatever those programs can be talked into, the agent can be talked into as root. A rule that amounts to root itself is the boundary's question.",
		Advice: "Remove its sudo rule and its membership in sudo", Source: baseline + ", blast radius; CIS Debian 12, 5.2",
		Needs: []posture.Need{posture.Agent, posture.Users, posture.Sudo},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, name := range agentUsers(f) {
				u, ok := account(f, name)
				if !ok || u.UID == 0 {
					continue
				}
				for _, r := range f.Sudo.Value {
					group, isGroup := strings.CutPrefix(r.Who, "%")
					applies := r.Who == "ALL" || r.Who == u.Name || isGroup && slices.Contains(u.Groups, group)
					if applies && posture.SudoRoot(r, u) == "" && (r.NoPasswd || u.Password != "locked") {
						found = append(found, posture.On(u.Name, "%s may run %s (%s)", u.Name, r.Commands, r.File))
					}
				}
			}
			return found
		},
	},
	{
		ID: "state-empty-password", Title: "An account has no password", Family: posture.State, Severity: posture.Critical,
		Why:    "Anyone who gets a prompt, the agent too, is that account.",
		Advice: "passwd -l NAME", Source: "CIS Debian 12, 7.2.2",
		Needs: []posture.Need{passwords},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, u := range f.Users.Value {
				if u.Password == "none" {
					found = append(found, posture.On(u.Name, "the password of %s is empty", u.Name))
				}
			}
			return found
		},
	},
	{
		ID: "state-second-root", Title: "A second account is root", Family: posture.State, Severity: posture.Critical,
		Why:    "Uid 0 under another name is the classic back door.",
		Advice: "Find out who made it; then userdel, or give it another uid", Source: "CIS Debian 12, 5.4.2.1",
		Needs: []posture.Need{posture.Users},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, u := range f.Users.Value {
				if u.UID == 0 && u.Name != "root" {
					found = append(found, posture.On(u.Name, "%s has uid 0", u.Name))
				}
			}
			return found
		},
	},
	{
		ID: "state-disk-full", Title: "A disk is nearly full", Family: posture.State, Severity: posture.High,
		Why:    "Then databases break, logs stop and updates fail, in the middle of the agent's work.",
		Advice: "Find what fills it (du -xh / | sort -h), limit logs, prune old images and sessions", Source: guide + ", log rotation",
		Needs: []posture.Need{posture.Disks},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, d := range f.Disks.Value {
				if d.Size > 0 && d.Avail < d.Size/10 {
					found = append(found, posture.On(d.Mount, "%d of %d MB are free", d.Avail>>20, d.Size>>20))
				}
			}
			return found
		},
	},
	{
		ID: "state-no-backup", Title: "Nothing backs OpenClaw up", Family: posture.State, Severity: posture.Low,
		Why:    "Recovery is part of the design: config, sessions, approvals and memory are one directory that nobody can write again.",
		Advice: "Schedule openclaw backup create --verify with encryption, to another machine", Source: baseline + ", checklist 9; " + docs + "cli/backup",
		Needs: []posture.Need{posture.Agent, posture.CronJobs},
		Check: func(f *posture.Facts) []posture.Finding {
			for _, j := range f.Cron.Value {
				if slices.ContainsFunc([]string{"backup", "restic", "borg", "rsnapshot", "duplicity", "rclone", "rsync", "kopia", "seawall"}, func(w string) bool {
					return strings.Contains(strings.ToLower(j.Command), w) && !strings.Contains(j.Command, "dpkg")
				}) {
					return nil
				}
			}
			return posture.Found("no scheduled job looks like a backup")
		},
	},
	{
		ID: "state-job-writable", Title: "Others may change a scheduled job", Family: posture.State, Severity: posture.High,
		Why:    "What they write runs by itself, as the job's user.",
		Advice: "chmod go-w the file", Source: "CIS Debian 12, 2.4.1; " + baseline + ", scheduled jobs",
		Needs: []posture.Need{posture.CronJobs},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			seen := map[string]bool{}
			for _, j := range f.Cron.Value {
				if j.File.Mode&fs.ModeSymlink != 0 || seen[j.File.Path] {
					continue
				}
				if who := writable(j.File); who != "" {
					seen[j.File.Path] = true
					found = append(found, posture.On(j.File.Path, "%s (mode %v); it runs as %s", who, j.File.Mode.Perm(), j.User))
				}
			}
			return found
		},
	},
	{
		ID: "state-agent-job", Title: "A job outside OpenClaw runs as the agent's account", Family: posture.State, Severity: posture.Low,
		Why:    "A quick cron task inherits what the account may do, and the agent can have written it itself. Every scheduled job should have a known purpose.",
		Advice: "Read it; move it to an account of its own, or remove it", Source: baseline + ", secrets sprawl, scheduled jobs with known purpose",
		Needs: []posture.Need{posture.Agent, posture.CronJobs},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			owners := agentUsers(f)
			for _, j := range f.Cron.Value {
				if slices.Contains(owners, j.User) && j.User != "root" && !strings.Contains(j.Command, "openclaw") {
					found = append(found, posture.On(j.Source, "%s runs %q at %s", j.User, clip(j.Command), j.Schedule))
				}
			}
			return found
		},
	},
	{
		ID: "state-unsupervised", Title: "Nobody starts OpenClaw again when it dies", Family: posture.State, Severity: posture.Low,
		Why:    "A gateway that was started by hand ends with the session or the next reboot, and nobody is told.",
		Advice: "openclaw gateway install (a systemd unit)", Source: guide + ", health check; " + docs + "cli/gateway",
		Needs: []posture.Need{posture.Agent, posture.Units},
		Check: eachInstall(func(in openclaw.Install) []posture.Finding {
			if in.Process != nil && in.Container == "" && in.Unit == "" {
				return []posture.Finding{posture.On(fmt.Sprintf("process %d", in.Process.PID), "the gateway belongs to no systemd unit")}
			}
			return nil
		}),
	},
	{
		ID: "state-ptrace", Title: "Programs of one account may read each other's memory", Family: posture.State, Severity: posture.Low,
		Why:    "A command of the agent can then take the gateway's keys out of its memory, whatever the config hides.",
		Advice: "sysctl kernel.yama.ptrace_scope=1, in a file below /etc/sysctl.d", Source: "CIS Debian 12, 1.5.2; Linux docs, Yama",
		Needs: []posture.Need{posture.Sysctl, posture.Agent},
		Check: func(f *posture.Facts) []posture.Finding {
			if v := f.Sysctl.Value["kernel.yama.ptrace_scope"]; v == "0" {
				return posture.Found("kernel.yama.ptrace_scope is 0")
			}
			return nil
		},
	},
	{
		ID: "state-core-dumps", Title: "A crash of a privileged program writes its memory to disk", Family: posture.State, Severity: posture.Low,
		Why:    "The keys it held are then in a file.",
		Advice: "sysctl fs.suid_dumpable=0", Source: "CIS Debian 12, 1.5.3",
		Needs: []posture.Need{posture.Sysctl},
		Check: func(f *posture.Facts) []posture.Finding {
			if v := f.Sysctl.Value["fs.suid_dumpable"]; v != "" && v != "0" {
				return posture.Found("fs.suid_dumpable is %s", v)
			}
			return nil
		},
	},
	{
		ID: "state-syn-cookies", Title: "The kernel does not answer a SYN flood with cookies", Family: posture.State, Severity: posture.Medium,
		Why:    "This is the flood protection that works for every open port, without a rule that opens others.",
		Advice: "sysctl net.ipv4.tcp_syncookies=1", Source: "CIS Debian 12, 3.3.10; " + guide + ", SYN flood protection; " + errata,
		Needs: []posture.Need{posture.Sysctl},
		Check: func(f *posture.Facts) []posture.Finding {
			if f.Sysctl.Value["net.ipv4.tcp_syncookies"] == "0" {
				return posture.Found("net.ipv4.tcp_syncookies is 0")
			}
			return nil
		},
	},
}

// passwords needs /etc/shadow, which only root reads: accounts whose password
// nobody saw are not accounts with a password.
var passwords = posture.Need{Name: "passwords", Of: func(f *posture.Facts) (host.Status, string) {
	status, reason := f.Users.State()
	if status == host.Known && !slices.ContainsFunc(f.Users.Value, func(u host.User) bool { return u.Password != "" }) {
		return host.Unknown, "/etc/shadow could not be read; it needs root"
	}
	return status, reason
}}

// agentFiles needs a state directory that could be listed.
var agentFiles = posture.Need{Name: "OpenClaw's files", Of: func(f *posture.Facts) (host.Status, string) {
	status, reason := f.OpenClaw.State()
	if status != host.Known {
		return status, reason
	}
	for _, in := range f.OpenClaw.Value {
		if in.State.Path != "" && closedTo(in) == "" {
			return host.Known, ""
		}
		if why := closedTo(in); why != "" {
			reason = why
		}
	}
	if reason != "" {
		return host.Unknown, reason
	}
	return host.Absent, "OpenClaw has no state directory here"
}}

// closedTo says why an installation's state directory could not be listed, or "".
func closedTo(in openclaw.Install) string {
	for _, note := range in.Unreadable {
		if strings.HasPrefix(note, in.StateDir+": ") && in.StateDir != "" || strings.Contains(note, "is on no mount") {
			return note
		}
	}
	return ""
}

// gatewayEnvironment needs the environment of every gateway that runs here,
// which only root and its own account read.
var gatewayEnvironment = posture.Need{Name: "the gateway's environment", Of: func(f *posture.Facts) (host.Status, string) {
	status, reason := f.OpenClaw.State()
	for _, in := range f.OpenClaw.Value {
		if in.Process != nil && in.Process.EnvStatus != host.Known {
			return host.Unknown, fmt.Sprintf("the environment of process %d could not be read; it needs root", in.Process.PID)
		}
	}
	return status, reason
}}

func eachInstall(judge func(openclaw.Install) []posture.Finding) func(*posture.Facts) []posture.Finding {
	return func(f *posture.Facts) (found []posture.Finding) {
		for _, in := range f.OpenClaw.Value {
			found = append(found, judge(in)...)
		}
		return found
	}
}

// agentUsers names the accounts that agents run as on the host itself.
func agentUsers(f *posture.Facts) (names []string) {
	for _, in := range f.OpenClaw.Value {
		if in.Container == "" && in.Owner != "" && !slices.Contains(names, in.Owner) {
			names = append(names, in.Owner)
		}
	}
	return names
}

func account(f *posture.Facts, name string) (host.User, bool) {
	i := slices.IndexFunc(f.Users.Value, func(u host.User) bool { return u.Name == name })
	if i < 0 {
		return host.User{}, false
	}
	return f.Users.Value[i], true
}

// confinedUnit reports whether the gateway's process shows a seccomp filter
// and no way to more privileges: a unit that was hardened on purpose.
func confinedUnit(in openclaw.Install) bool {
	return in.Unit != "" && in.Process.NoNewPrivs && in.Process.Seccomp == 2 && in.Process.CapEff == 0
}

// clip shortens a command for a report.
func clip(s string) string {
	if len(s) <= 60 {
		return s
	}
	return s[:57] + "..."
}
