package controls

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

func vitalFiles(f *posture.Facts) []host.FileInfo { return f.Vital.Value }

var systemFixes = map[string]fix{
	"system-redirects": wrongSysctls("0", "net.ipv4.conf.all.accept_redirects", "net.ipv4.conf.default.accept_redirects", "net.ipv6.conf.all.accept_redirects", "net.ipv6.conf.default.accept_redirects"),
	"system-source-route": wrongSysctls("0", "net.ipv4.conf.all.accept_source_route", "net.ipv4.conf.default.accept_source_route",
		"net.ipv6.conf.all.accept_source_route", "net.ipv6.conf.default.accept_source_route"),
	"system-broadcast-ping": wrongSysctls("1", "net.ipv4.icmp_echo_ignore_broadcasts", "net.ipv4.icmp_ignore_bogus_error_responses"),
	"system-aslr":           wrongSysctls("2", "kernel.randomize_va_space"),
	"system-links":          wrongSysctls("1", "fs.protected_symlinks", "fs.protected_hardlinks"),
	"system-reverse-path":   wrongSysctls("2", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter"),
	// 2, since 1 cannot be taken back before the next boot.
	"system-unprivileged-bpf": wrongSysctls("2", "kernel.unprivileged_bpf_disabled"),
	"system-kernel-addresses": wrongSysctls("1", "kernel.kptr_restrict", "kernel.dmesg_restrict"),
	"state-ptrace":            wrongSysctls("1", "kernel.yama.ptrace_scope"),
	"state-core-dumps":        wrongSysctls("0", "fs.suid_dumpable"),
	"state-syn-cookies":       wrongSysctls("1", "net.ipv4.tcp_syncookies"),

	"system-shadow-readable": each("keep password hashes and sshd's keys to root", change.Safe,
		perms(vitalFiles, func(i host.FileInfo) bool { return private(i.Path) && i.Mode.Perm()&(othersRead|othersWrite) != 0 }, 0o007, false)),
	"system-vital-writable": each("keep who is who to root", change.Safe,
		perms(vitalFiles, func(i host.FileInfo) bool {
			return !home(i.Path) && !shared(i.Path) && !private(i.Path) && (i.UID != 0 || i.Mode.Perm()&(othersWrite|groupWrite) != 0)
		}, 0o022, true)),
	"system-trusted-writable": each("keep the places that root runs programs from to root", change.Safe,
		perms(func(f *posture.Facts) []host.FileInfo { return f.Trusted.Value }, func(i host.FileInfo) bool { return i.Mode.Perm()&othersWrite != 0 }, 0o002, false)),
	"system-shared-folder": func(f *posture.Facts) (all []change.Change, err error) {
		for _, i := range f.Vital.Value {
			if shared(i.Path) && i.Mode.Perm()&othersWrite != 0 && i.Mode&fs.ModeSticky == 0 {
				all = append(all, changes("keep files in shared folders to their owners", change.Safe, change.Perm{Path: i.Path, Mode: modeWithout(i, 0) | fs.ModeSticky})...)
			}
		}
		return all, nil
	},
	"system-home-open": each("close people's homes to other accounts", change.Safe,
		perms(vitalFiles, func(i host.FileInfo) bool { return home(i.Path) && i.Mode.Perm()&0o007 != 0 }, 0o007, false)),
	"system-crontab-open": func(f *posture.Facts) ([]change.Change, error) {
		if f.Crontab.Value.Allowed {
			return nil, posture.Refuse("/etc/cron.allow names %s already: take the agent's account out of it", strings.Join(f.Crontab.Value.Allow, ", "))
		}
		return changes("name who may schedule jobs, everyone but the agent", change.Safe,
			change.File{Path: "/etc/cron.allow", Content: strings.Join(schedulers(f), "\n") + "\n"}), nil
	},
	"system-no-time-sync": always("keep the clock right", change.Safe,
		change.Package{Names: []string{"systemd-timesyncd"}},
		change.Unit{Name: "systemd-timesyncd.service", Do: []change.Verb{change.Enable, change.Start}}),
	"system-journal-volatile": always("keep the journal over reboots", change.Safe,
		change.File{Path: "/etc/systemd/journald.conf.d/99-seawall.conf", Content: "# Written by seawall harden.\n[Journal]\nStorage=persistent\nSystemMaxUse=500M\n"},
		change.Unit{Name: "systemd-journald.service", Do: []change.Verb{change.RestartIt}}),
	"system-service-login": func(f *posture.Facts) (all []change.Change, err error) {
		for _, u := range f.Users.Value {
			if u.UID != 0 && u.UID < 1000 && u.Password == "set" && loginShell(u.Shell) {
				all = append(all, changes("lock the password of "+u.Name, change.Safe, change.Account{Name: u.Name, Lock: true})...)
			}
		}
		return all, nil
	},
	"state-empty-password": func(f *posture.Facts) (all []change.Change, err error) {
		for _, u := range f.Users.Value {
			if u.Password != "none" {
				continue
			}
			if u.Name == "root" && len(loginNames(f)) == 0 {
				err = posture.Refuse("root has no password and nobody has a key: locking it would lock everyone out; set one with passwd first")
				continue
			}
			all = append(all, changes("lock the account "+u.Name+", which has no password", change.Lockout, change.Account{Name: u.Name, Lock: true})...)
		}
		return all, err
	},

	"state-dir-mode": func(f *posture.Facts) (all []change.Change, err error) {
		for _, in := range f.OpenClaw.Value {
			if in.State.Path != "" && in.State.Mode&fs.ModeSymlink == 0 && in.State.Mode.Perm()&0o077 != 0 {
				all = append(all, changes("keep OpenClaw's state to its account", change.Safe, change.Perm{Path: in.State.Path, Mode: modeWithout(in.State, 0o077)})...)
			}
		}
		return all, nil
	},
	"state-prompt-writable": each("keep what the agent believes from others' hands", change.Safe,
		perms(func(f *posture.Facts) []host.FileInfo { return agentFilesOf(f, "memory", "bootstrap") },
			func(i host.FileInfo) bool { return writable(i) != "" }, 0o022, false)),
	"state-job-writable": each("keep scheduled jobs to their owners", change.Safe, perms(func(f *posture.Facts) (all []host.FileInfo) {
		for _, j := range f.Cron.Value {
			if !slices.ContainsFunc(all, func(i host.FileInfo) bool { return i.Path == j.File.Path }) {
				all = append(all, j.File)
			}
		}
		return all
	}, func(i host.FileInfo) bool { return writable(i) != "" }, 0o022, false)),
	"state-privileges": confineUnits,
	"state-bare":       confineUnits,
}

// schedulers are root, the people of this machine and whoever has a crontab now,
// without the agents.
func schedulers(f *posture.Facts) []string {
	names := []string{"root"}
	agents := agentUsers(f)
	for _, u := range f.Users.Value {
		person := u.UID >= 1000 && u.UID < 65000 && loginShell(u.Shell)
		has := slices.ContainsFunc(f.Cron.Value, func(j host.CronJob) bool { return strings.HasSuffix(j.Source, "/crontabs/"+u.Name) })
		if u.UID != 0 && (person || has) && !slices.Contains(agents, u.Name) && f.Crontab.Value.May(u.Name) {
			names = append(names, u.Name)
		}
	}
	return names
}

// confinement is what Seawall's own unit for an OpenClaw has, too, as far as it
// does not depend on where its files are: it can gain no rights, and a filter
// keeps it from the kernel's modules, clock, log and settings.
const confinement = `# Written by seawall harden.
[Service]
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectClock=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
LockPersonality=yes
`

// confineUnits confines the gateways that are services of the system's.
func confineUnits(f *posture.Facts) (all []change.Change, err error) {
	for _, in := range f.OpenClaw.Value {
		if in.Process == nil || in.Container != "" || confinedUnit(in) {
			continue
		}
		if in.Unit == "" || strings.Contains(in.Unit, "/") || in.Process.UID == 0 {
			err = posture.Refuse("the gateway of %s is no service of the system's under an account of its own: seawall connect --own-user makes it one, confined", in.Owner)
			continue
		}
		all = append(all, changes(fmt.Sprintf("confine the service %s", in.Unit), change.Restart,
			change.File{Path: "/etc/systemd/system/" + in.Unit + ".d/50-seawall.conf", Content: confinement},
			change.Unit{Name: in.Unit, Do: []change.Verb{change.RestartIt}})...)
	}
	return all, err
}

// wrongSysctls sets those of some kernel settings that have another value.
func wrongSysctls(want string, keys ...string) fix {
	return func(f *posture.Facts) (all []change.Change, err error) {
		for _, key := range keys {
			if v := f.Sysctl.Value[key]; v != "" && v != want {
				all = append(all, changes(fmt.Sprintf("set %s to %s", key, want), change.Safe, change.Sysctl{Key: key, Value: want})...)
			}
		}
		return all, nil
	}
}

// agentFilesOf are the files of some kinds of every OpenClaw.
func agentFilesOf(f *posture.Facts, kinds ...string) (all []host.FileInfo) {
	eachFile(func(_ openclaw.Install, file openclaw.File) []posture.Finding {
		if slices.Contains(kinds, file.Kind) {
			all = append(all, file.FileInfo)
		}
		return nil
	})(f)
	return all
}
