package host

import (
	"cmp"
	"errors"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (r *reader) readUpdates() Fact[Updates] {
	u := Updates{SecurityPending: -1, KernelRunning: r.line("/proc/sys/kernel/osrelease")}
	config, err := r.command("apt-config", "dump")
	if err != nil {
		return fromError[Updates](err, "this system has no apt")
	}
	apt := parseAptConfig(config)
	u.UnattendedReason = r.unattendedReason(apt)
	u.Unattended = u.UnattendedReason == ""
	u.AutoReboot = aptTrue(apt.first("Unattended-Upgrade::Automatic-Reboot"))

	if u.RebootRequired, err = r.exists("/run/reboot-required"); err != nil {
		return NotRead[Updates]("%s", err)
	}
	if b, err := r.h.ReadFile(r.ctx, "/run/reboot-required.pkgs"); err == nil {
		u.RebootPackages = slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(b)))))
	}
	if u.KernelInstalled, err = r.newestKernel(); err != nil {
		return NotRead[Updates]("%s", err)
	}
	u.LastListUpdate = r.lastListUpdate()
	if b, err := r.h.ReadFile(r.ctx, "/var/lib/update-notifier/updates-available"); err == nil {
		u.SecurityPending = pendingSecurity(string(b))
	}
	return Is(u)
}

// aptConfig is what `apt-config dump` prints: lists have one entry a line
// under "Name::".
type aptConfig map[string][]string

func (c aptConfig) first(key string) string {
	if v := c[key]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// parseAptConfig reads lines such as APT::Periodic::Unattended-Upgrade "1";
func parseAptConfig(b []byte) aptConfig {
	c := aptConfig{}
	for _, line := range lines(b) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, ";"), " ")
		if !ok {
			continue
		}
		key = strings.TrimSuffix(key, "::")
		c[key] = append(c[key], strings.Trim(value, `"`))
	}
	return c
}

func aptTrue(s string) bool {
	switch strings.ToLower(s) {
	case "1", "true", "yes", "on", "with", "enable":
		return true
	}
	return false
}

// unattendedReason names the first part that unattended-upgrades misses, in
// the order in which it works: package, periodic job, origin, timer.
func (r *reader) unattendedReason(apt aptConfig) string {
	switch yes, ok := r.installed("unattended-upgrades"); {
	case !ok:
		return "which packages are installed is not known"
	case !yes:
		return "the package unattended-upgrades is not installed"
	}
	for _, job := range []string{"Update-Package-Lists", "Unattended-Upgrade"} {
		key := "APT::Periodic::" + job
		if v := apt.first(key); v == "" || v == "0" {
			return key + " is not set"
		}
	}
	if v := apt.first("APT::Periodic::Enable"); v == "0" {
		return "APT::Periodic::Enable is 0"
	}
	origins := append(slices.Clone(apt["Unattended-Upgrade::Origins-Pattern"]), apt["Unattended-Upgrade::Allowed-Origins"]...)
	if !slices.ContainsFunc(origins, func(o string) bool { return strings.Contains(strings.ToLower(o), "security") }) {
		return "no origin of unattended-upgrades is for security updates"
	}
	timer, err := r.unit("apt-daily-upgrade.timer")
	switch {
	case errors.Is(err, errNoSystemd):
		if cron, _ := r.exists("/etc/cron.daily/apt-compat"); !cron || !r.runs("cron") {
			return "nothing starts it: systemd does not run, nor does cron"
		}
	case errors.Is(err, ErrAbsent), err == nil && timer.Active != "active":
		return "apt-daily-upgrade.timer is not active"
	case err != nil:
		return "whether apt-daily-upgrade.timer is active is not known"
	}
	return ""
}

var (
	pendingUpdates  = regexp.MustCompile(`(?m)^(\d+) updates? can be (applied|installed)`)
	pendingStandard = regexp.MustCompile(`(?m)^(\d+) of these updates (?:are|is a) (?:standard )?security`)
)

// pendingSecurity reads the count that Ubuntu's update-notifier keeps for the
// message of the day; -1 where it gives none. Asking apt itself takes seconds.
func pendingSecurity(notice string) int {
	if m := pendingStandard.FindStringSubmatch(notice); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	if pendingUpdates.MatchString(notice) {
		return 0
	}
	return -1
}

var kernelFile = regexp.MustCompile(`^vmlinu[zx]-(\d.*)$`)

// newestKernel is the newest one in /boot, "" where none is, as in a container.
func (r *reader) newestKernel() (string, error) {
	entries, err := r.h.ReadDir(r.ctx, "/boot")
	if errors.Is(err, ErrAbsent) {
		return "", nil
	}
	var newest string
	for _, e := range entries {
		if m := kernelFile.FindStringSubmatch(path.Base(e.Path)); m != nil && compareVersions(m[1], newest) > 0 {
			newest = m[1]
		}
	}
	return newest, err
}

var versionParts = regexp.MustCompile(`\d+|\D+`)

// compareVersions compares numbers as numbers: 6.1.0-10 is newer than 6.1.0-9.
func compareVersions(a, b string) int {
	as, bs := versionParts.FindAllString(a, -1), versionParts.FindAllString(b, -1)
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.ParseUint(as[i], 10, 64)
		y, errY := strconv.ParseUint(bs[i], 10, 64)
		c := strings.Compare(as[i], bs[i])
		if errX == nil && errY == nil {
			c = cmp.Compare(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}

// lastListUpdate is when apt last fetched its lists: the stamp of its daily
// job, or when it last cleared the folder it downloads them to.
func (r *reader) lastListUpdate() time.Time {
	var last time.Time
	for _, stamp := range []string{"/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists/partial"} {
		if info, err := r.h.Stat(r.ctx, stamp); err == nil && info.ModTime.After(last) {
			last = info.ModTime
		}
	}
	if entries, err := r.h.ReadDir(r.ctx, "/var/lib/apt/lists"); err == nil {
		if !slices.ContainsFunc(entries, func(e FileInfo) bool { return strings.HasSuffix(e.Path, "Release") }) {
			return time.Time{} // no lists at all: an image ships them deleted
		}
	}
	return last
}
