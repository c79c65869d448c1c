package host

import (
	"errors"
	"strings"
)

func (r *reader) readOS() Fact[OS] {
	release, err := r.h.ReadFile(r.ctx, "/etc/os-release")
	if errors.Is(err, ErrAbsent) {
		release, err = r.h.ReadFile(r.ctx, "/usr/lib/os-release")
	}
	if err != nil && !errors.Is(err, ErrAbsent) {
		return NotRead[OS]("%s", err)
	}
	fields := parseRelease(release)
	os := OS{ID: fields["ID"], Version: fields["VERSION_ID"], Name: fields["PRETTY_NAME"]}
	os.Kernel = r.line("/proc/sys/kernel/osrelease")
	os.Hostname = r.line("/proc/sys/kernel/hostname")
	os.Systemd, _ = r.exists(systemdRuns)
	os.Container = r.container()
	return Is(os)
}

// systemdRuns exists where systemd is PID 1: sd_booted(3).
const systemdRuns = "/run/systemd/system"

// container names what this machine itself runs in: the marks are those that
// systemd's container interface, Docker and Podman leave.
func (r *reader) container() string {
	if name := r.line("/run/systemd/container"); name != "" {
		return name
	}
	for _, mark := range []struct{ file, name string }{{"/run/.containerenv", "podman"}, {"/.dockerenv", "docker"}} {
		if there, _ := r.exists(mark.file); there {
			return mark.name
		}
	}
	return ""
}

// line returns a file of one line, "" when it cannot be read.
func (r *reader) line(path string) string {
	b, err := r.h.ReadFile(r.ctx, path)
	if err != nil {
		return ""
	}
	return firstLine(b)
}

// parseRelease reads os-release(5).
func parseRelease(b []byte) map[string]string {
	fields := map[string]string{}
	for _, line := range lines(b) {
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		fields[key] = strings.Trim(value, `"'`)
	}
	return fields
}

// sysctls are the settings that CIS Debian Linux 12 (3.3, 1.5), its Docker
// benchmark and the firewall's own controls look at.
var sysctls = []string{
	"fs.protected_fifos",
	"fs.protected_hardlinks",
	"fs.protected_regular",
	"fs.protected_symlinks",
	"fs.suid_dumpable",
	"kernel.core_pattern",
	"kernel.dmesg_restrict",
	"kernel.io_uring_disabled",
	"kernel.kexec_load_disabled",
	"kernel.kptr_restrict",
	"kernel.modules_disabled",
	"kernel.perf_event_paranoid",
	"kernel.randomize_va_space",
	"kernel.sysrq",
	"kernel.unprivileged_bpf_disabled",
	"kernel.unprivileged_userns_clone",
	"kernel.yama.ptrace_scope",
	"net.core.bpf_jit_harden",
	"net.ipv4.conf.all.accept_redirects",
	"net.ipv4.conf.all.accept_source_route",
	"net.ipv4.conf.all.log_martians",
	"net.ipv4.conf.all.route_localnet",
	"net.ipv4.conf.all.rp_filter",
	"net.ipv4.conf.all.secure_redirects",
	"net.ipv4.conf.all.send_redirects",
	"net.ipv4.conf.default.accept_redirects",
	"net.ipv4.conf.default.accept_source_route",
	"net.ipv4.conf.default.log_martians",
	"net.ipv4.conf.default.rp_filter",
	"net.ipv4.conf.default.secure_redirects",
	"net.ipv4.conf.default.send_redirects",
	"net.ipv4.conf.docker0.route_localnet",
	"net.ipv4.icmp_echo_ignore_broadcasts",
	"net.ipv4.icmp_ignore_bogus_error_responses",
	"net.ipv4.ip_forward",
	"net.ipv4.tcp_syncookies",
	"net.ipv6.conf.all.accept_ra",
	"net.ipv6.conf.all.accept_redirects",
	"net.ipv6.conf.all.accept_source_route",
	"net.ipv6.conf.all.disable_ipv6",
	"net.ipv6.conf.all.forwarding",
	"net.ipv6.conf.default.accept_ra",
	"net.ipv6.conf.default.accept_redirects",
	"net.ipv6.conf.default.accept_source_route",
	"net.ipv6.conf.default.disable_ipv6",
	"vm.mmap_min_addr",
	"user.max_user_namespaces",
}

// readSysctl reads what of sysctls this kernel has. A key that only root may
// read is left out, as one that the kernel has not got.
func (r *reader) readSysctl() Fact[map[string]string] {
	values := map[string]string{}
	var failure error
	for _, key := range sysctls {
		b, err := r.h.ReadFile(r.ctx, "/proc/sys/"+strings.ReplaceAll(key, ".", "/"))
		switch {
		case err == nil:
			values[key] = firstLine(b)
		case !errors.Is(err, ErrAbsent):
			failure = err
		}
	}
	if len(values) == 0 && failure != nil {
		return NotRead[map[string]string]("%s", failure)
	}
	return Is(values)
}

// readPackages lists Debian's packages. Other package managers are not asked.
func (r *reader) readPackages() Fact[map[string]string] {
	out, err := r.command("dpkg-query", "-W", "-f", `${db:Status-Abbrev}\t${Package}\t${Version}\n`)
	if err != nil {
		return fromError[map[string]string](err, "this system has no dpkg")
	}
	packages := map[string]string{}
	for _, line := range lines(out) {
		// "ii": wanted and installed. A held package is "hi".
		f := strings.Split(line, "\t")
		if len(f) == 3 && len(f[0]) >= 2 && f[0][1] == 'i' {
			packages[f[1]] = f[2]
		}
	}
	return Is(packages)
}

// installed reports whether a Debian package is installed; ok is false when nobody knows.
func (r *reader) installed(name string) (yes, ok bool) {
	p := r.packages()
	_, yes = p.Value[name]
	return yes, p.Ok()
}
