package host

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readFail2ban asks the client. `fail2ban-client -d` prints the configuration
// as commands, or says why it does not start; `status sshd` says whether the
// jail lives.
func (r *reader) readFail2ban() Fact[Fail2ban] {
	const absent = "fail2ban is not installed"
	if yes, ok := r.installed("fail2ban"); ok && !yes {
		if _, err := r.h.Run(r.ctx, "fail2ban-client", "--version"); errors.Is(err, ErrAbsent) {
			return None[Fail2ban](absent)
		}
	}
	f := Fail2ban{Installed: true, Running: r.runs("fail2ban-server")}
	dump, err := r.h.Run(r.ctx, "fail2ban-client", "-d")
	if err != nil {
		return fromError[Fail2ban](err, absent)
	}
	parseFail2ban(dump.Stdout, &f)
	if !f.Running {
		f.SSHJail = false
		f.Error = r.fail2banError(dump)
		return Is(f)
	}
	status, err := r.h.Run(r.ctx, "fail2ban-client", "status", "sshd")
	switch {
	case err != nil:
		return NotRead[Fail2ban]("%s", err)
	case status.Exit == 0:
		f.SSHJail = true
	case r.self.UID != 0 && refused(string(status.Stdout)+string(status.Stderr)):
		fact := NotRead[Fail2ban]("asking fail2ban for its sshd jail: needs root")
		fact.Value = f
		return fact
	default:
		f.SSHJail = false
	}
	return Is(f)
}

// runs reports whether a process of this name runs outside of containers.
func (r *reader) runs(name string) bool {
	return slices.ContainsFunc(r.processes().Value, func(p Process) bool {
		named := p.Name == name || slices.ContainsFunc(p.Args[:min(2, len(p.Args))], func(a string) bool {
			return a == name || strings.HasSuffix(a, "/"+name)
		})
		return named && !r.contained(p)
	})
}

// fail2banError says why it does not start: what its own test of the
// configuration says, or what was said while printing it.
func (r *reader) fail2banError(dump Output) string {
	said := append(lines(dump.Stdout), lines(dump.Stderr)...)
	if test, err := r.h.Run(r.ctx, "fail2ban-client", "-t"); err == nil && test.Exit != 0 {
		said = append(append(lines(test.Stdout), lines(test.Stderr)...), said...)
	}
	for _, mark := range []string{"ERROR", "WARNING Have not"} {
		for _, line := range said {
			if at := strings.Index(line, mark); at >= 0 {
				_, text, _ := strings.Cut(line[at:], " ")
				return firstLine([]byte(text))
			}
		}
	}
	if dump.Exit != 0 {
		return firstLine(dump.Stderr)
	}
	return ""
}

// parseFail2ban reads lines such as ['set', 'sshd', 'maxretry', 5].
func parseFail2ban(b []byte, f *Fail2ban) {
	for _, line := range lines(b) {
		words := strings.Split(strings.Trim(line, "[]"), ", ")
		for i := range words {
			words[i] = strings.Trim(words[i], "'\"")
		}
		switch {
		case len(words) >= 3 && words[0] == "add" && words[1] == "sshd":
			f.SSHJail, f.Backend = true, words[2]
		case len(words) != 4 || words[0] != "set" || words[1] != "sshd":
		case words[2] == "maxretry":
			f.MaxRetry, _ = strconv.Atoi(words[3])
		case words[2] == "bantime":
			f.BanTime = fail2banTime(words[3])
		}
	}
}

// fail2banTime reads seconds ("600"), an abbreviation ("1h 30m") or -1, which
// is for ever and read as such: a negative duration.
func fail2banTime(s string) time.Duration {
	units := []struct {
		names string
		unit  time.Duration
	}{
		{" s ss sec second seconds ", time.Second}, {" m mm min minute minutes ", time.Minute}, {" h hh hour hours ", time.Hour},
		{" d dd day days ", 24 * time.Hour}, {" w ww week weeks ", 7 * 24 * time.Hour},
		{" mo mon month months ", 30 * 24 * time.Hour}, {" y yy year years ", 365 * 24 * time.Hour},
	}
	if n, err := strconv.Atoi(s); err == nil {
		return time.Duration(n) * time.Second
	}
	var total time.Duration
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		n, err := strconv.Atoi(s[:digits])
		if err != nil {
			return total
		}
		s = strings.TrimSpace(s[digits:])
		letters := len(s) - len(strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz"))
		name := s[:letters]
		s = s[letters:]
		for _, u := range units {
			if strings.Contains(u.names, " "+name+" ") {
				total += time.Duration(n) * u.unit
			}
		}
		if letters == 0 {
			return total
		}
	}
	return total
}
