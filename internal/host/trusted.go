package host

import (
	"errors"
	"io/fs"
)

// trustedFolders are the folders from which root runs what lies in them: its
// PATH (Debian's sudoers and crontab), units, jobs and login scripts. Whoever
// writes one becomes root at the next run.
var trustedFolders = []string{
	"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
	"/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
	"/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly",
	"/etc/profile.d", "/etc/init.d",
}

// ownUnits is where this machine's own units are, the ones that people write.
const ownUnits = "/etc/systemd/system"

// readTrusted describes the trusted folders that are there, and this machine's
// own units. A link is left out: what it leads to has an owner of its own.
func (r *reader) readTrusted() Fact[[]FileInfo] {
	var found []FileInfo
	var failures []error
	add := func(info FileInfo) {
		if info.Mode&fs.ModeSymlink == 0 {
			found = append(found, info)
		}
	}
	for _, folder := range trustedFolders {
		info, err := r.h.Stat(r.ctx, folder)
		switch {
		case err == nil:
			add(info)
		case !errors.Is(err, ErrAbsent):
			failures = append(failures, err)
		}
	}
	units, err := r.h.ReadDir(r.ctx, ownUnits)
	if err != nil && !errors.Is(err, ErrAbsent) {
		failures = append(failures, err)
	}
	for _, unit := range units {
		add(unit)
	}
	return partial(found, failures)
}
