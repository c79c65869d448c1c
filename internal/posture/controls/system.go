package controls

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
)

// smallMemory is below which an idle gateway of 1 GB leaves no room for a turn
// without swap.
const smallMemory = int64(39) << 30 / 10 // 4 GB as sold, less what the kernel keeps

// The system controls look at what the agent stands on: what any account of
// this machine may do to the others, and to the evidence.
var systemControls = slices.Concat([]posture.Control{
	{
		ID: "system-shadow-readable", Title: "Others may read the password hashes or the machine's own keys", Family: posture.System, Severity: posture.Critical,
		Why:    "Hashes are guessed at leisure elsewhere, and with sshd's key anyone is this machine.",
		Advice: "chown root:shadow and chmod 640 the shadow files; chmod 600 the host keys",
		Source: "CIS Debian 12, 5.1.2, 7.1.5 to 7.1.8",
		Needs:  []posture.Need{posture.Vital},
		Check: eachVital(func(info host.FileInfo) string {
			if private(info.Path) && info.Mode.Perm()&(othersRead|othersWrite) != 0 {
				return fmt.Sprintf("its mode is %v", info.Mode.Perm())
			}
			return ""
		}),
	},
	{
		ID: "system-vital-writable", Title: "Others may write who is who on this machine", Family: posture.System, Severity: posture.Critical,
		Why:    "A line in passwd, sudoers or sshd_config is root.",
		Advice: "chown root:root and chmod go-w it",
		Source: "CIS Debian 12, 2.4.1, 5.1.1, 7.1.1 to 7.1.4",
		Needs:  []posture.Need{posture.Vital},
		Check: eachVital(func(info host.FileInfo) string {
			switch {
			case home(info.Path) || shared(info.Path) || private(info.Path):
				return ""
			case info.UID != 0:
				return fmt.Sprintf("it belongs to uid %d", info.UID)
			case info.Mode.Perm()&othersWrite != 0 || info.Mode.Perm()&groupWrite != 0 && info.GID != 0:
				return fmt.Sprintf("its mode is %v, its group %d", info.Mode.Perm(), info.GID)
			}
			return ""
		}),
	},
	{
		ID: "system-trusted-writable", Title: "Others may write where root runs programs from", Family: posture.System, Severity: posture.Critical,
		Why:    "A program put there runs as root at the next command, job or boot.",
		Advice: "chown root:root and chmod go-w it",
		Source: "CIS Debian 12, 2.4.1, 5.4.2.5",
		Needs:  []posture.Need{posture.Trusted},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, info := range f.Trusted.Value {
				// Debian's /usr/local belongs to the group staff, which has no member.
				if info.Mode.Perm()&othersWrite != 0 {
					found = append(found, posture.On(info.Path, "its mode is %v", info.Mode.Perm()))
				}
			}
			return found
		},
	},
	{
		ID: "system-shared-folder", Title: "Anyone may remove others' files in a shared folder", Family: posture.System, Severity: posture.High,
		Why:    "OpenClaw's logs and many sockets lie below /tmp. Without the sticky bit one account swaps another's files.",
		Advice: "chmod 1777 the folder",
		Source: "CIS Debian 12, 7.1.11",
		Needs:  []posture.Need{posture.Vital},
		Check: eachVital(func(info host.FileInfo) string {
			if shared(info.Path) && info.Mode.Perm()&othersWrite != 0 && info.Mode&fs.ModeSticky == 0 {
				return "it has no sticky bit"
			}
			return ""
		}),
	},
	{
		ID: "system-home-open", Title: "Others may look into a person's home", Family: posture.System, Severity: posture.Medium,
		Why:    "The agent's account is one of the others: shell history, notes and project files of the operator are then a cat away.",
		Advice: "chmod o-rwx the home",
		Source: "CIS Debian 12, 7.2.9; " + baseline + ", blast radius",
		Needs:  []posture.Need{posture.Vital},
		Check: eachVital(func(info host.FileInfo) string {
			if home(info.Path) && info.Mode.Perm()&0o007 != 0 {
				return fmt.Sprintf("its mode is %v", info.Mode.Perm())
			}
			return ""
		}),
	},
	{
		ID: "system-crontab-open", Title: "The agent's account may schedule jobs behind OpenClaw's back", Family: posture.System, Severity: posture.Medium,
		Why:    "crontab -e needs no root. A job put there runs without the gateway, without approvals and without the record, and survives the agent's removal.",
		Advice: "Write root into /etc/cron.allow: only who is named there may have a crontab",
		Source: "CIS Debian 12, 2.4.1.8; MITRE ATT&CK T1053.003",
		Needs:  []posture.Need{posture.Crontab, posture.Agent},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, name := range agentUsers(f) {
				if name != "root" && f.Crontab.Value.May(name) {
					found = append(found, posture.On(name, "%s may have a crontab", name))
				}
			}
			return found
		},
	},
	{
		ID: "system-no-time-sync", Title: "Nothing keeps the clock right", Family: posture.System, Severity: posture.Medium,
		Why:    "Certificates, tokens, bans, approvals that expire, and every log rest on it.",
		Advice: "apt-get install systemd-timesyncd && systemctl enable --now systemd-timesyncd",
		Source: "CIS Debian 12, 2.3.1.1; Lynis TIME-3104",
		Needs:  []posture.Need{posture.Units, ownClock},
		Check: func(f *posture.Facts) []posture.Finding {
			for _, u := range f.Units.Value {
				name, _, _ := strings.Cut(u.Name, ".")
				if slices.Contains([]string{"systemd-timesyncd", "chrony", "chronyd", "ntp", "ntpd", "ntpsec", "openntpd"}, name) && u.Active == "active" {
					return nil
				}
			}
			return posture.Found("neither systemd-timesyncd nor chrony nor an ntp daemon runs")
		},
	},
	{
		ID: "system-journal-volatile", Title: "The machine forgets its log at every reboot", Family: posture.System, Severity: posture.Medium,
		Why:    "Who logged in, what was banned and what the agent's commands did are gone with the reboot that an attacker, or an update, brings.",
		Advice: "Set Storage=persistent in a drop-in of journald.conf, then systemctl restart systemd-journald",
		Source: "CIS Debian 12, 6.2.1.1.4; " + guide + ", maintenance",
		Needs:  []posture.Need{posture.Journal, posture.Packages},
		Check: func(f *posture.Facts) []posture.Finding {
			for _, p := range []string{"rsyslog", "syslog-ng", "auditd"} {
				if f.Packages.Value[p] != "" {
					return nil
				}
			}
			if j := f.Journal.Value; !j.Persistent {
				if j.Storage == "auto" {
					return posture.Found("Storage is auto and there is no /var/log/journal")
				}
				return posture.Found("Storage is %s", j.Storage)
			}
			return nil
		},
	},
	{
		ID: "system-sudo-unasked", Title: "A person's account is root without being asked", Family: posture.System, Severity: posture.Low,
		Why:    "Cloud images ship it. Whatever runs as that person, a stolen session or a tool of the agent's, is root at once.",
		Advice: "Give the account a password and remove NOPASSWD, or keep nothing else running as that account",
		Source: "CIS Debian 12, 5.2.4",
		Needs:  []posture.Need{posture.Sudo, posture.Users},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			owners := agentUsers(f)
			for _, r := range f.Sudo.Value {
				u, person := account(f, r.Who)
				if r.NoPasswd && !slices.Contains(owners, r.Who) && (person && u.UID != 0 || strings.HasPrefix(r.Who, "%") || r.Who == "ALL") && posture.SudoRoot(r, u) != "" {
					found = append(found, posture.On(r.File, "%s may run %s without a password", r.Who, r.Commands))
				}
			}
			return found
		},
	},
	{
		ID: "system-service-login", Title: "A service's account may log in with a password", Family: posture.System, Severity: posture.High,
		Why:    "Accounts that no person uses are guessed first and missed last.",
		Advice: "usermod -L -s /usr/sbin/nologin NAME",
		Source: "CIS Debian 12, 5.4.2.7, 5.4.2.8",
		Needs:  []posture.Need{passwords},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, u := range f.Users.Value {
				if u.UID != 0 && u.UID < 1000 && u.Password == "set" && loginShell(u.Shell) {
					found = append(found, posture.On(u.Name, "%s has a password and the shell %s", u.Name, u.Shell))
				}
			}
			return found
		},
	},
	{
		ID: "system-old-services", Title: "A service that sends passwords in the clear is installed", Family: posture.System, Severity: posture.Medium,
		Why:    "Telnet, rsh, FTP, NIS and TFTP belong to networks without strangers; each is a way in that nobody watches.",
		Advice: "apt-get purge it; SSH does what it did",
		Source: "CIS Debian 12, 2.1, 2.2; Lynis INSE-8300, PKGS-7346",
		Needs:  []posture.Need{posture.Packages},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, p := range oldServices {
				if v := f.Packages.Value[p]; v != "" {
					found = append(found, posture.On(p, "%s %s is installed", p, v))
				}
			}
			return found
		},
	},
	{
		ID: "system-no-swap", Title: "A small machine has no room when memory runs out", Family: posture.System, Severity: posture.Low,
		Why:    "An idle gateway holds 1 GB. One large turn more and the kernel kills a process, sshd or the database as well as the agent.",
		Advice: "Make a swap file of 2 GB, or take a machine with 4 GB",
		Source: errata + " (OpenClaw 2026.9.6, memory when idle)",
		Needs:  []posture.Need{posture.Memory, posture.Agent},
		Check: func(f *posture.Facts) []posture.Finding {
			if m := f.Memory.Value; m.Swap == 0 && m.Total < smallMemory {
				return posture.Found("%d MB of memory and no swap", m.Total>>20)
			}
			return nil
		},
	},
}, kernelControls)

// kernelControls look at settings of the running kernel. A setting that this
// kernel has not got is not judged.
var kernelControls = []posture.Control{
	kernel("system-redirects", "The kernel believes strangers about routes", posture.Medium,
		"One ICMP redirect from a neighbour sends this machine's traffic, keys included, by way of the neighbour.",
		"CIS Debian 12, 3.3.2, 3.3.5, 3.3.6; Lynis KRNL-6000", "0",
		"net.ipv4.conf.all.accept_redirects", "net.ipv4.conf.default.accept_redirects", "net.ipv6.conf.all.accept_redirects", "net.ipv6.conf.default.accept_redirects"),
	kernel("system-source-route", "The kernel lets a packet choose its own way", posture.Medium,
		"A sender that picks the route steps around the firewall before this machine.",
		"CIS Debian 12, 3.3.8; Lynis KRNL-6000", "0",
		"net.ipv4.conf.all.accept_source_route", "net.ipv4.conf.default.accept_source_route", "net.ipv6.conf.all.accept_source_route", "net.ipv6.conf.default.accept_source_route"),
	kernel("system-broadcast-ping", "The machine answers pings that were meant for a whole network", posture.Low,
		"That is an amplifier for somebody else's flood.",
		"CIS Debian 12, 3.3.3, 3.3.4", "1",
		"net.ipv4.icmp_echo_ignore_broadcasts", "net.ipv4.icmp_ignore_bogus_error_responses"),
	kernel("system-aslr", "Programs lie in memory where an exploit expects them", posture.High,
		"Random addresses are what turns a memory hole from a shell into a crash.",
		"CIS Debian 12, 1.5.1; Lynis KRNL-6000", "2", "kernel.randomize_va_space"),
	kernel("system-links", "One account may trap another with links in shared folders", posture.Medium,
		"The agent writes below /tmp; a link laid there makes root write where the agent wants.",
		"Linux docs, sysctl/fs; Lynis KRNL-6000", "1", "fs.protected_symlinks", "fs.protected_hardlinks"),
	{
		ID: "system-reverse-path", Title: "Packets with forged local addresses are taken", Family: posture.System, Severity: posture.Low,
		Why:    "A packet that says to come from 10.0.0.5 passes rules that were made for the private network.",
		Advice: "sysctl net.ipv4.conf.all.rp_filter=2 and net.ipv4.conf.default.rp_filter=2: strict (1) breaks machines with two ways out",
		Source: "CIS Debian 12, 3.3.7; RFC 3704; Lynis KRNL-6000",
		Needs:  []posture.Need{posture.Sysctl},
		Check: func(f *posture.Facts) []posture.Finding {
			if f.Sysctl.Value["net.ipv4.conf.all.rp_filter"] == "0" && f.Sysctl.Value["net.ipv4.conf.default.rp_filter"] == "0" {
				return posture.Found("net.ipv4.conf.all.rp_filter and default.rp_filter are 0")
			}
			return nil
		},
	},
	{
		ID: "system-unprivileged-bpf", Title: "Any account may load programs into the kernel", Family: posture.System, Severity: posture.Medium,
		Why:    "Unprivileged BPF has been the way from an account to root again and again (CVE-2021-3490, CVE-2022-23222).",
		Advice: "sysctl kernel.unprivileged_bpf_disabled=1",
		Source: "Linux docs, sysctl/kernel; Lynis KRNL-6000; CVE-2021-3490, CVE-2022-23222",
		Needs:  []posture.Need{posture.Sysctl},
		Check: func(f *posture.Facts) []posture.Finding {
			if f.Sysctl.Value["kernel.unprivileged_bpf_disabled"] == "0" {
				return posture.Found("kernel.unprivileged_bpf_disabled is 0")
			}
			return nil
		},
	},
	{
		ID: "system-kernel-addresses", Title: "Any account reads the kernel's addresses", Family: posture.System, Severity: posture.Low,
		Why:    "They are the half of a kernel exploit that an attacker would have to guess.",
		Advice: "sysctl kernel.kptr_restrict=1 and kernel.dmesg_restrict=1",
		Source: "Linux docs, sysctl/kernel; Lynis KRNL-6000",
		Needs:  []posture.Need{posture.Sysctl},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, key := range []string{"kernel.kptr_restrict", "kernel.dmesg_restrict"} {
				if f.Sysctl.Value[key] == "0" {
					found = append(found, posture.On(key, "%s is 0", key))
				}
			}
			return found
		},
	},
}

// kernel makes a control about settings that should all have one value.
func kernel(id, title string, severity posture.Severity, why, source, want string, keys ...string) posture.Control {
	return posture.Control{
		ID: id, Title: title, Family: posture.System, Severity: severity, Why: why,
		Advice: fmt.Sprintf("Set %s to %s in a file below /etc/sysctl.d", strings.Join(keys, ", "), want),
		Source: source, Needs: []posture.Need{posture.Sysctl},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, key := range keys {
				if v := f.Sysctl.Value[key]; v != "" && v != want {
					found = append(found, posture.On(key, "%s is %s", key, v))
				}
			}
			return found
		},
	}
}

// ownClock does not apply in a container, whose clock is its host's.
var ownClock = posture.Need{Name: "the machine's own clock", Of: func(f *posture.Facts) (host.Status, string) {
	if f.OS.Value.Container != "" {
		return host.Absent, "the clock is the host's: this machine is a container (" + f.OS.Value.Container + ")"
	}
	return f.OS.State()
}}

// oldServices are packages of servers that CIS and Lynis want gone, and that a
// machine for an agent has no use for.
var oldServices = []string{
	"telnetd", "inetutils-telnetd", "rsh-server", "rsh-redone-server", "nis", "ypserv", "tftpd", "tftpd-hpa", "atftpd",
	"vsftpd", "proftpd-basic", "proftpd-core", "pure-ftpd", "inetutils-inetd", "openbsd-inetd", "xinetd", "rpcbind", "talkd",
}

// eachVital judges the files that say who is who; judge says what is wrong.
func eachVital(judge func(host.FileInfo) string) func(*posture.Facts) []posture.Finding {
	return func(f *posture.Facts) (found []posture.Finding) {
		for _, info := range f.Vital.Value {
			if wrong := judge(info); wrong != "" {
				found = append(found, posture.On(info.Path, "%s", wrong))
			}
		}
		return found
	}
}

// private reports whether a vital file is for root's eyes.
func private(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, "shadow") || strings.HasPrefix(base, "gshadow") || strings.HasPrefix(base, "ssh_host_")
}

func shared(name string) bool {
	return name == "/tmp" || name == "/var/tmp" || name == "/dev/shm"
}

// home reports whether a vital path is a home: all others are below /etc.
func home(name string) bool { return !shared(name) && !strings.HasPrefix(name, "/etc/") }

func loginShell(shell string) bool {
	return shell == "" || !strings.HasSuffix(shell, "nologin") && !strings.HasSuffix(shell, "/false") && !strings.HasSuffix(shell, "/sync")
}
