package host

import (
	"errors"
	"path"
	"strings"
)

const userCrontabs = "/var/spool/cron/crontabs"

// readCron lists the jobs of cron and the timers of systemd.
func (r *reader) readCron() Fact[[]CronJob] {
	var jobs []CronJob
	var failures []error
	table := func(info FileInfo, user string) {
		b, err := r.h.ReadFile(r.ctx, info.Path)
		if err != nil {
			if !errors.Is(err, ErrAbsent) {
				failures = append(failures, err)
			}
			return
		}
		jobs = append(jobs, parseCrontab(b, info, user)...)
	}
	list := func(dir string) []FileInfo {
		entries, err := r.h.ReadDir(r.ctx, dir)
		if err != nil && !errors.Is(err, ErrAbsent) {
			failures = append(failures, err)
		}
		return entries
	}
	if info, err := r.h.Stat(r.ctx, "/etc/crontab"); err == nil {
		table(info, "")
	} else if !errors.Is(err, ErrAbsent) {
		failures = append(failures, err)
	}
	for _, e := range list("/etc/cron.d") {
		if isCronName(e) {
			table(e, "")
		}
	}
	for _, e := range list(userCrontabs) {
		if e.Mode.IsRegular() {
			table(e, path.Base(e.Path))
		}
	}
	for _, when := range []string{"hourly", "daily", "weekly", "monthly"} {
		for _, e := range list("/etc/cron." + when) {
			if isCronName(e) {
				jobs = append(jobs, CronJob{Source: "cron." + when, User: "root", Schedule: "@" + when, Command: e.Path, File: e})
			}
		}
	}
	jobs = append(jobs, r.timers()...)
	return partial(jobs, failures)
}

// isCronName leaves out what cron and run-parts leave out: names with a dot,
// and placeholders.
func isCronName(e FileInfo) bool {
	name := path.Base(e.Path)
	return !e.Mode.IsDir() && !strings.ContainsAny(name, ".~")
}

// parseCrontab reads crontab(5). user is whose table it is; "" for those of
// the system, which name the user in each line.
func parseCrontab(b []byte, info FileInfo, user string) []CronJob {
	var jobs []CronJob
	for _, line := range lines(b) {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		times := 5
		if strings.HasPrefix(line, "@") {
			times = 1
		} else if first := line[0]; first != '*' && (first < '0' || first > '9') {
			continue // NAME=value
		}
		when, rest := cutFields(line, times)
		who := user
		if user == "" {
			who, rest = cutFields(rest, 1)
		}
		if rest == "" {
			continue
		}
		jobs = append(jobs, CronJob{Source: info.Path, User: who, Schedule: when, Command: rest, File: info})
	}
	return jobs
}

// cutFields cuts n fields off the front of a line.
func cutFields(line string, n int) (fields, rest string) {
	words := strings.Fields(line)
	if len(words) < n {
		return line, ""
	}
	rest = line
	for _, w := range words[:n] {
		rest = strings.TrimLeft(rest, " \t")[len(w):]
	}
	return strings.Join(words[:n], " "), strings.TrimSpace(rest)
}

// timers are the active timers of systemd, each with what its unit runs.
func (r *reader) timers() []CronJob {
	var jobs []CronJob
	for _, u := range r.units().Value {
		if !strings.HasSuffix(u.Name, ".timer") || u.Active != "active" {
			continue
		}
		job := CronJob{Source: u.Name, User: "root", Schedule: u.Schedule, Command: u.Activates}
		if service, err := r.unit(u.Activates); err == nil {
			if service.Exec != "" {
				job.Command = service.Exec
			}
			if service.User != "" {
				job.User = service.User
			}
		}
		if u.Fragment != "" {
			job.File, _ = r.h.Stat(r.ctx, u.Fragment)
		}
		jobs = append(jobs, job)
	}
	return jobs
}
